"""`catalog diff` and `catalog publish`: prices from the data package, rows from our lists."""

import asyncio
from pathlib import Path

import msgspec
from sqlmodel import Session

from alltoken_app.catalog import curated, publish, release
from alltoken_app.catalog.curated import Prices
from alltoken_app.catalog.publish import Change
from alltoken_app.catalog.release import Release
from alltoken_app.command import database, price_data
from alltoken_app.command.says import Stopped, line
from alltoken_app.settings import Settings

SIGNS = {"added": "+", "changed": "~", "removed": "-"}


def diff(settings: Settings) -> int:
    """Show what publishing would change; how many changes there are."""
    wanted = proposed()
    changes = asyncio.run(database.in_transaction(settings.database, publish.diff, wanted))
    _show(changes, wanted)
    return len(changes)


def publish_now(settings: Settings, *, apply: bool, large: bool) -> None:
    """Show the changes and, with `apply`, make them, all in one transaction.

    Raises:
        Stopped: A price jumps or an endpoint vanishes, and `large` does not allow it.
    """
    wanted = proposed()
    changes = asyncio.run(
        database.in_transaction(settings.database, _publish, wanted, apply=apply, large=large)
    )
    _show(changes, wanted)
    line("Catalogue", "published" if apply else "not changed; --apply publishes this")


def write_prices(data: Path = curated.DATA) -> Prices:
    """Write the package's prices beside the lists: what a new installation starts with."""
    prices = price_data.read(curated.read(data))
    steps = (
        f"  {msgspec.json.encode(name).decode()}: {msgspec.json.encode(found).decode()}"
        for name, found in prices.prices.items()
    )
    head = f'{{"source": "{prices.source}", "day": "{prices.day}", "prices": {{\n'
    (data / "prices.json").write_text(head + ",\n".join(steps) + "\n}}\n", encoding="utf-8")
    return prices


def proposed() -> Release:
    """Our lists at the package's prices of today."""
    lists = curated.read()
    prices = price_data.read(lists)
    return release.build(lists, prices, release.digest_of(curated.digest(), prices))


def _publish(session: Session, wanted: Release, *, apply: bool, large: bool) -> list[Change]:
    changes = publish.diff(session, wanted)
    alarming = [change for change in changes if change.alarming]
    if apply and alarming and not large:
        named = ", ".join(change.id for change in alarming[:5])
        raise Stopped(
            f"{len(alarming)} changes want your eyes before they are made ({named}).\n"
            "Look at them with `catalog diff`; then publish with --apply --large."
        )
    if apply:
        publish.publish(session, wanted)
    return changes


def _show(changes: list[Change], wanted: Release) -> None:
    for change in changes:
        mark = "  !" if change.alarming else ""
        print(f"{SIGNS[change.what]} {change.table} {change.id}{mark}")
        for detail in change.details:
            print(f"    {detail}")
    for endpoint, why in sorted(wanted.unpriced.items()):
        print(f"? endpoint {endpoint} is not routed: {why}")
    line("Source", wanted.source)
    line("Changes", str(len(changes)))
