"""alltoken_app/services/keys.py and key_rules.py"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy.engine import make_url
from sqlmodel import SQLModel, select, update

from alltoken_app import crypto, db, revisions
from alltoken_app.clock import DAY, HOUR, now_ms
from alltoken_app.errors import AllTokenError, Conflict, Forbidden, Invalid, NotFound
from alltoken_app.ledger.periods import period_start
from alltoken_app.money import NANO_PER_USD
from alltoken_app.services import keys
from alltoken_app.services.actors import Actor
from alltoken_app.services.key_views import KeyView
from alltoken_app.services.keys import KeyRecord, NewKey
from alltoken_app.tables.account import Organisation
from alltoken_app.tables.catalog import AiModel
from alltoken_app.tables.everything import METADATA
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.key import ApiKey
from alltoken_app.tables.ledger import Budget
from tests.people import sign_in

PEPPER = b"p" * 32
USD = NANO_PER_USD

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
async def owner(database: db.Database) -> Actor:
    return (await sign_in("Mira")).actor


async def create(actor: Actor, **fields: Any) -> tuple[KeyView, str]:
    new = NewKey(**{"name": "ci"} | fields)
    return await db.run(keys.create, actor, new, pepper=PEPPER, book="sandbox")


async def find(secret: str) -> KeyRecord:
    found = await db.read(keys.find_by_digest, crypto.token_digest(PEPPER, secret))
    assert found is not None
    return found


def spend(key_id: str, org_id: str, cost: int, at: int) -> Generation:
    return Generation(
        id=f"gen_{key_id}_{cost}_{at}",
        request_id="req_1",
        org_id=org_id,
        key_id=key_id,
        book="sandbox",
        operation="chat",
        model_requested="m",
        model="m",
        provider="local",
        endpoint_id="e",
        status="ok",
        price_version="v",
        cost=cost,
        created_at=at,
    )


async def write(*rows: SQLModel) -> None:
    await db.run(lambda session: session.add_all(rows))


async def test_a_new_key_works_and_says_what_it_may(owner: Actor) -> None:
    await write(AiModel(slug="a/b", name="B", author="a", kind="chat", context=8, max_output=8))
    ends = now_ms() + DAY
    view, secret = await create(
        owner,
        name=" my  laptop ",
        limit_usd="2.50",
        period="week",
        expires_at=ends,
        models=("a/b",),
    )
    assert secret.startswith("atk_test_")
    assert (view.name, view.status, view.limit, view.limit_usd) == (
        "my laptop",
        "active",
        "$2.50",
        "2.5",
    )
    assert (view.spent, view.spent_share, view.period, view.models) == (
        "$0.00",
        0,
        "week",
        ("a/b",),
    )
    record = await find(secret)
    assert (record.key_id, record.org_id, record.book) == (view.id, owner.org_id, "sandbox")
    assert (record.budget_id, record.limit, record.period) == (view.id, 5 * USD // 2, "week")
    assert (record.models, record.expires_at) == (frozenset({"a/b"}), ends)
    assert (record.paused, record.revoked, record.org_suspended) == (False, False, False)


async def test_live_keys_say_so_and_unlimited_ones_have_no_budget(owner: Actor) -> None:
    view, secret = await db.run(keys.create, owner, NewKey("prod"), pepper=PEPPER, book="live")
    assert secret.startswith("atk_live_")
    record = await find(secret)
    assert (record.budget_id, record.limit, view.limit) == (None, None, "")


async def test_the_secret_is_in_no_column_of_the_database(
    owner: Actor, database_url: str, tmp_path: Path
) -> None:
    view, secret = await create(owner)
    _, rotated = await db.run(keys.rotate, owner, view.id, pepper=PEPPER)
    listed = repr(await db.read(keys.list_keys, owner))
    dump = await _dump(database_url, tmp_path)
    assert view.id in dump
    for made in (secret, rotated):
        assert made not in listed + dump
        assert made[-49:-10] not in listed + dump


async def _dump(url: str, folder: Path) -> str:
    """Everything the database keeps; of SQLite every byte, free pages and write-ahead log too."""
    if make_url(url).get_backend_name() == "sqlite":
        return b"".join(path.read_bytes() for path in folder.glob("alltoken.db*")).decode("latin-1")
    tables = [select(table) for table in METADATA.sorted_tables]
    return await db.read(lambda session: repr([session.execute(rows).all() for rows in tables]))


async def test_without_a_confirmed_address_there_is_no_key(owner: Actor) -> None:
    with pytest.raises(Forbidden) as refused:
        await create(replace(owner, verified=False))
    assert refused.value.code == "email_not_verified"


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"name": ""}, "invalid_name", "name"),
        ({"name": "x" * 49}, "invalid_name", "name"),
        ({"name": "a\nb"}, "invalid_name", "name"),
        ({"name": "\ud800"}, "invalid_name", "name"),
        ({"limit_usd": "0"}, "invalid_amount", "limit_usd"),
        ({"limit_usd": "-5"}, "invalid_amount", "limit_usd"),
        ({"limit_usd": "1e308"}, "invalid_amount", "limit_usd"),
        ({"limit_usd": "NaN"}, "invalid_amount", "limit_usd"),
        ({"limit_usd": ""}, "invalid_amount", "limit_usd"),
        ({"limit_usd": "0.0000000001"}, "invalid_amount", "limit_usd"),
        ({"limit_usd": "5", "period": "year"}, "invalid_value", "period"),
        ({"expires_at": 1}, "invalid_value", "expires_at"),
        ({"expires_at": 2**62}, "invalid_value", "expires_at"),
        ({"models": ("no/such",)}, "invalid_value", "models"),
        ({"models": tuple(f"a/{n}" for n in range(51))}, "invalid_value", "models"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_wrong_field_is_named(
    owner: Actor, fields: dict[str, Any], code: str, param: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await create(owner, **fields)
    assert (refused.value.code, refused.value.param, refused.value.status) == (code, param, 422)
    assert await db.read(keys.list_keys, owner) == []


CHANGES: list[Callable[..., Any]] = [
    lambda key_id, actor: db.read(keys.get, actor, key_id),
    lambda key_id, actor: db.run(keys.rename, actor, key_id, "mine"),
    lambda key_id, actor: db.run(keys.set_limit, actor, key_id, "1"),
    lambda key_id, actor: db.run(keys.pause, actor, key_id),
    lambda key_id, actor: db.run(keys.resume, actor, key_id),
    lambda key_id, actor: db.run(keys.rotate, actor, key_id, pepper=PEPPER),
    lambda key_id, actor: db.run(keys.revoke, actor, key_id),
]


async def test_another_organisations_key_does_not_exist(owner: Actor) -> None:
    view, secret = await create(owner)
    before = await find(secret)
    eve = (await sign_in("Eve")).actor
    developer = (await sign_in("Dev", role="developer", org_id=owner.org_id)).actor
    for stranger in (eve, developer):
        for change in CHANGES:
            with pytest.raises(NotFound) as refused:
                await change(view.id, stranger)
            with pytest.raises(NotFound) as missing:
                await change("key_nobody", stranger)
            assert str(refused.value) == str(missing.value)
        assert await db.read(keys.list_keys, stranger) == []
    assert await find(secret) == before


async def test_a_viewer_has_nothing_to_do_with_keys(owner: Actor) -> None:
    view, _ = await create(owner)
    viewer = (await sign_in("Vic", role="viewer", org_id=owner.org_id)).actor
    for change in (*CHANGES, lambda _id, actor: create(actor)):
        with pytest.raises(Forbidden):
            await change(view.id, viewer)


async def test_a_developer_makes_keys_of_their_own_which_owners_see(owner: Actor) -> None:
    developer = (await sign_in("Dev", role="developer", org_id=owner.org_id)).actor
    view, _ = await create(developer)
    assert await db.read(keys.list_keys, developer) == [view]
    assert await db.read(keys.list_keys, owner) == [view]


async def test_every_change_is_announced_to_the_callers_caches(owner: Actor) -> None:
    announced: list[str] = []
    unsubscribe = revisions.subscribe("keys", lambda: announced.append("keys"))
    view, _ = await create(owner)
    for count, change in enumerate(CHANGES[1:], start=2):
        await change(view.id, owner)
        assert len(announced) == count
    unsubscribe()


async def test_a_paused_key_rests_and_a_revoked_one_is_gone_for_good(owner: Actor) -> None:
    view, secret = await create(owner)
    assert (await db.run(keys.pause, owner, view.id)).status == "paused"
    assert (await find(secret)).paused
    assert (await db.run(keys.resume, owner, view.id)).status == "active"
    assert not (await find(secret)).paused
    assert (await db.run(keys.revoke, owner, view.id)).status == "revoked"
    assert (await db.run(keys.revoke, owner, view.id)).status == "revoked"
    assert (await find(secret)).revoked
    for change in CHANGES[2:6]:
        with pytest.raises(Conflict) as refused:
            await change(view.id, owner)
        assert refused.value.code == "key_revoked"


async def test_a_rotation_keeps_the_key_and_gives_the_old_secret_a_grace(owner: Actor) -> None:
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        view, old = await create(owner, limit_usd="5")
        rotated, new = await db.run(keys.rotate, owner, view.id, pepper=PEPPER, grace=HOUR)
        assert (rotated.id, rotated.name, rotated.status) == (view.id, "ci", "active")
        before, after = await find(old), await find(new)
        assert (before.budget_id, after.budget_id) == (view.id, view.id)
        assert (before.expires_at, after.expires_at) == (now_ms() + HOUR, None)
        listed = {key.id: key.status for key in await db.read(keys.list_keys, owner)}
        assert listed == {view.id: "active", before.key_id: "rotating"}
        with pytest.raises(Conflict, match="old secret"):
            await db.run(keys.set_limit, owner, before.key_id, None)
        clock.shift(3600)
        listed = {key.id: key.status for key in await db.read(keys.list_keys, owner)}
        assert listed[before.key_id] == "expired"


async def test_a_grace_never_outlives_the_key_and_ends_within_7_days(owner: Actor) -> None:
    ends = now_ms() + HOUR
    view, old = await create(owner, expires_at=ends)
    await db.run(keys.rotate, owner, view.id, pepper=PEPPER)
    assert (await find(old)).expires_at == ends
    for grace in (-1, 7 * DAY + 1):
        with pytest.raises(Invalid):
            await db.run(keys.rotate, owner, view.id, pepper=PEPPER, grace=grace)


async def test_an_emergency_rotation_ends_the_old_secret_now(owner: Actor) -> None:
    view, old = await create(owner)
    _, new = await db.run(keys.rotate, owner, view.id, pepper=PEPPER, grace=0)
    assert ((await find(old)).revoked, (await find(new)).revoked) == (True, False)


async def test_pausing_and_revoking_reach_rotated_secrets_too(owner: Actor) -> None:
    view, old = await create(owner)
    _, new = await db.run(keys.rotate, owner, view.id, pepper=PEPPER)
    await db.run(keys.pause, owner, view.id)
    assert (await find(old)).paused
    await db.run(keys.revoke, owner, view.id)
    assert ((await find(old)).revoked, (await find(new)).revoked) == (True, True)


async def test_a_limit_counts_what_the_period_has_seen_whenever_it_is_set(owner: Actor) -> None:
    with time_machine.travel(1_800_000_000, tick=False):
        view, old = await create(owner)
        await db.run(keys.rotate, owner, view.id, pepper=PEPPER)
        today, month = period_start("day", now_ms()), period_start("month", now_ms())
        await write(
            spend(view.id, owner.org_id, 1 * USD, today),
            spend((await find(old)).key_id, owner.org_id, 2 * USD, today + 1),
            spend(view.id, owner.org_id, 4 * USD, month),
            spend(view.id, owner.org_id, 8 * USD, month - 1),
            spend("key_other", owner.org_id, 99 * USD, today),
        )
        assert (await db.read(keys.get, owner, view.id)).spent == "$5.00"  # without a limit: month
        for period, spent in (("day", "$3.00"), ("month", "$7.00"), ("total", "$15.00")):
            shown = await db.run(keys.set_limit, owner, view.id, "20", period)
            assert (shown.spent, shown.period) == (spent, period)
        assert shown.spent_share == 75


async def test_lifting_a_limit_keeps_the_budget_that_open_holds_settle_against(
    owner: Actor,
) -> None:
    view, secret = await create(owner, limit_usd="5")
    await db.run(lambda session: session.exec(update(Budget).values(held=3)) and None)
    assert (await db.run(keys.set_limit, owner, view.id, None)).limit == ""
    record = await find(secret)
    assert (record.budget_id, record.limit) == (None, None)
    budget = await db.read(lambda session: session.get(Budget, view.id))
    assert budget is not None
    assert budget.held == 3


async def test_a_new_period_starts_at_nothing(owner: Actor) -> None:
    with time_machine.travel(1_800_000_000) as clock:
        view, _ = await create(owner, limit_usd="5", period="day")
        await db.run(lambda session: session.exec(update(Budget).values(spent=USD)) and None)
        assert (await db.read(keys.get, owner, view.id)).spent_share == 20
        clock.shift(DAY / 1000)
        assert (await db.read(keys.get, owner, view.id)).spent == "$0.00"


async def test_last_use_only_moves_forward(owner: Actor) -> None:
    first, _ = await create(owner)
    second, _ = await create(owner)
    await db.run(keys.touch_last_used, {})
    await db.run(keys.touch_last_used, {first.id: 100, second.id: 200, "key_gone": 5})
    await db.run(keys.touch_last_used, {first.id: 50, second.id: 300})
    rows = await db.read(lambda session: session.exec(select(ApiKey.id, ApiKey.last_used_at)).all())
    assert dict(rows) == {first.id: 100, second.id: 300}


async def test_a_suspended_organisation_is_seen_with_its_keys(owner: Actor) -> None:
    _, secret = await create(owner)
    await db.run(lambda session: session.exec(update(Organisation).values(suspended_at=1)) and None)
    assert (await find(secret)).org_suspended


async def test_an_organisation_cannot_hoard_keys(
    owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alltoken_app.services.key_rules.MOST_KEYS", 2)
    view, _ = await create(owner)
    await create(owner)
    with pytest.raises(AllTokenError) as refused:
        await create(owner)
    assert refused.value.code == "too_many_keys"
    await db.run(keys.revoke, owner, view.id)
    await create(owner)


async def test_an_unknown_digest_finds_nothing() -> None:
    assert await db.read(keys.find_by_digest, "0" * 64) is None
