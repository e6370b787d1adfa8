"""alltoken_app/services/demo_top_ups.py"""

from pathlib import Path

import pytest

from alltoken_app import crypto, db
from alltoken_app.crypto import Secrets
from alltoken_app.errors import Conflict, Invalid
from alltoken_app.services.actors import Actor
from alltoken_app.services.demo_top_ups import demo_top_up
from alltoken_app.services.top_ups import TopUpView
from alltoken_app.settings import Settings
from tests.payments.site import Site, free_port
from tests.services.shop import TWENTY, available, books_balance, settled


async def add(settings: Settings, secrets: Secrets, actor: Actor, dollars: str) -> TopUpView:
    who = {"org_id": actor.org_id, "person_id": actor.person_id}
    return await demo_top_up(settings, secrets, **who, dollars=dollars)


async def test_with_the_server_running_it_goes_through_the_server(shop: Site, actor: Actor) -> None:
    done = await add(shop.settings, shop.secrets, actor, "20")
    assert (done.state, done.credit, done.receipt_number) == ("credited", "$20.00", "TEST-000001")
    await settled(shop)
    assert await available(actor) == TWENTY
    await books_balance()


async def test_without_a_server_it_brings_its_own(
    database: db.Database, actor: Actor, tmp_path: Path
) -> None:
    settings = Settings(_env_file=None, var=tmp_path / "var", port=free_port())
    secrets = crypto.load_secrets(settings.var)
    done = await add(settings, secrets, actor, "20")
    again = await add(settings, secrets, actor, "5")
    assert (done.state, again.receipt_number) == ("credited", "TEST-000002")
    assert await available(actor) == TWENTY * 5 // 4


async def test_a_public_address_is_not_needed_to_reach_it(
    database: db.Database, actor: Actor, tmp_path: Path
) -> None:
    address = "https://alltoken.example"
    settings = Settings(_env_file=None, var=tmp_path, port=free_port(), public_url=address)
    secrets = crypto.load_secrets(tmp_path)
    assert (await add(settings, secrets, actor, "20")).state == "credited"


async def test_it_is_not_for_stripe_and_not_for_any_amount(
    database: db.Database, actor: Actor, tmp_path: Path
) -> None:
    secrets = crypto.load_secrets(tmp_path)
    keyed = Settings(_env_file=None, var=tmp_path, stripe_secret_key="sk_test_1")
    with pytest.raises(Conflict):
        await add(keyed, secrets, actor, "20")
    with pytest.raises(Invalid):
        await add(Settings(_env_file=None, var=tmp_path), secrets, actor, "1")
