"""alltoken_app/command/catalog.py"""

import asyncio
from pathlib import Path

import msgspec
import pytest
from sqlmodel import Session, select

from alltoken_app import db
from alltoken_app.catalog import curated
from alltoken_app.command import catalog, database
from alltoken_app.command.says import Stopped
from alltoken_app.settings import Settings
from alltoken_app.tables.catalog import Endpoint, PriceCard

NANO = "bedrock/us:amazon/nova-micro"


@pytest.fixture
def given(tmp_path: Path) -> Settings:
    """A migrated database with the catalogue that came with the program."""
    made = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path / 'a.db'}")  # type: ignore[call-arg]
    database.prepare(made)
    return made


def dearer(session: Session) -> None:
    """As if its price had been another one until now."""
    card = session.exec(select(PriceCard).where(PriceCard.endpoint_id == NANO)).one()
    rates = {**card.rates, "output": card.rates["output"] * 2}
    session.add(
        PriceCard(
            version="dear", endpoint_id=NANO, rates=rates, effective_from=card.effective_from + 1
        )
    )


def in_database(given: Settings, work: object) -> object:
    return asyncio.run(database.in_transaction(given.database, work))  # type: ignore[arg-type]


def test_a_new_database_differs_in_nothing(
    given: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert catalog.diff(given) == 0
    said = capsys.readouterr().out
    assert "? endpoint meta:meta-llama/llama-3.3-70b-instruct is not routed: no price" in said


def test_a_price_that_jumps_is_published_only_when_it_is_allowed_to(
    given: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    in_database(given, dearer)
    assert catalog.diff(given) == 1
    assert f"~ price {NANO}  !\n    output: $0.00000028 → $0.00000014" in capsys.readouterr().out
    with pytest.raises(Stopped, match=NANO):
        catalog.publish_now(given, apply=True, large=False)
    catalog.publish_now(given, apply=False, large=True)
    assert catalog.diff(given) == 1
    catalog.publish_now(given, apply=True, large=True)
    assert catalog.diff(given) == 0


def test_a_restart_keeps_what_an_operator_published(given: Settings) -> None:
    in_database(given, dearer)
    catalog.publish_now(given, apply=True, large=True)
    database.prepare(given)
    assert catalog.diff(given) == 0


def test_the_endpoints_of_settings_are_no_part_of_it(tmp_path: Path, given: Settings) -> None:
    def origins(session: Session) -> set[str]:
        return {row.origin for row in session.exec(select(Endpoint)) if row.enabled}

    assert in_database(given, origins) == {"published", "settings"}
    catalog.publish_now(given, apply=True, large=True)
    assert in_database(given, origins) == {"published", "settings"}


def test_written_prices_are_read_again_as_they_were(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "models").mkdir(parents=True)
    for file in curated.DATA.rglob("*.toml"):
        (folder / file.relative_to(curated.DATA)).write_bytes(file.read_bytes())
    written = catalog.write_prices(folder)
    assert msgspec.to_builtins(curated.read_prices(folder)) == msgspec.to_builtins(written)


def test_serving_needs_no_price_package() -> None:
    """Nothing that a server imports reads it."""
    readers = [
        path.relative_to(db.__file__.rpartition("/")[0]).as_posix()
        for path in Path(db.__file__).parent.rglob("*.py")
        if "genai_prices" in path.read_text()
    ]
    assert readers == ["command/price_data.py"]
