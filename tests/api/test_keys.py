"""alltoken_app/api/keys.py: programs manage keys with a management key, and only that"""

from typing import Any

import httpx
import pytest
from openrouter import OpenRouter
from sqlmodel import Session, select

from alltoken_app import db
from alltoken_app.clock import now_ms
from alltoken_app.crypto import sha256_hex
from alltoken_app.services import management_keys
from alltoken_app.tables.account import Member
from alltoken_app.tables.key import ManagementKey
from tests.api.conftest import Product

HELLO = {"model": "fault/ok", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
async def manager(product: Product) -> httpx.AsyncClient:
    """A program with a management key of the product's owner."""
    pepper = product.plane.secrets.pepper
    _, secret = await db.run(management_keys.create, product.actor, "robot", pepper=pepper)
    assert secret.startswith("atm_")
    return product.http(secret)


async def make(manager: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    made = await manager.post("/api/v1/keys", json={"name": "made", **fields})
    assert made.status_code == 201, made.text
    return dict(made.json())


async def call(product: Product, key: str) -> httpx.Response:
    async with product.http(key) as client:
        return await client.post("/v1/chat/completions", json=HELLO)


async def test_a_made_key_works_and_is_listed(product: Product, manager: httpx.AsyncClient) -> None:
    made = await make(manager, limit=5.1, limit_reset="monthly")
    assert (await call(product, made["key"])).status_code == 200
    await product.quiet()
    listed = (await manager.get("/v1/keys")).json()["data"]
    key = next(one for one in listed if one["hash"] == made["data"]["hash"])
    assert (key["limit"], key["limit_reset"], key["disabled"]) == (5.1, "monthly", False)
    assert 0 < key["usage"] == key["usage_daily"] < 0.01
    assert key["limit_remaining"] == pytest.approx(5.1 - key["usage"], abs=1e-9)
    assert made["key"] not in str(listed)


async def test_a_keys_hash_is_the_hash_of_its_id(
    product: Product, manager: httpx.AsyncClient
) -> None:
    listed = (await manager.get("/v1/keys")).json()["data"]
    found = await product.plane.callers.find(product.key)
    assert found.key_id is not None
    assert sha256_hex(found.key_id) in [key["hash"] for key in listed]


async def test_a_disabled_key_is_refused_at_once(
    product: Product, manager: httpx.AsyncClient
) -> None:
    made = await make(manager)
    address = f"/v1/keys/{made['data']['hash']}"
    assert (await call(product, made["key"])).status_code == 200
    changed = await manager.patch(address, json={"disabled": True, "name": "quiet"})
    assert (changed.json()["data"]["disabled"], changed.json()["data"]["name"]) == (True, "quiet")
    assert (await call(product, made["key"])).status_code == 403
    hidden = (await manager.get("/v1/keys?include_disabled=false")).json()["data"]
    assert made["data"]["hash"] not in [key["hash"] for key in hidden]
    await manager.patch(address, json={"disabled": False})
    assert (await call(product, made["key"])).status_code == 200


async def test_a_limit_is_set_and_lifted(manager: httpx.AsyncClient) -> None:
    made = await make(manager)
    address = f"/v1/keys/{made['data']['hash']}"
    limited = await manager.patch(address, json={"limit": 2, "limit_reset": "daily"})
    assert (limited.json()["data"]["limit"], limited.json()["data"]["limit_reset"]) == (2, "daily")
    renamed = await manager.patch(address, json={"name": "other"})
    assert renamed.json()["data"]["limit"] == 2
    lifted = await manager.patch(address, json={"limit": None})
    assert lifted.json()["data"]["limit"] is None


async def test_a_deleted_key_is_gone(product: Product, manager: httpx.AsyncClient) -> None:
    made = await make(manager)
    address = f"/v1/keys/{made['data']['hash']}"
    assert (await manager.delete(address)).json() == {"deleted": True}
    assert (await call(product, made["key"])).status_code == 401
    assert (await manager.get(address)).status_code == 404


async def test_each_kind_of_key_does_its_own_work_only(
    product: Product, manager: httpx.AsyncClient
) -> None:
    refused = await manager.post("/v1/chat/completions", json=HELLO)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "management_key")
    async with product.http() as client:
        refused = await client.get("/v1/keys")
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (403, "management_key_required")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "name"),
        ({"name": "x", "limit": -1}, "limit_usd"),
        ({"name": "x", "limit_reset": "yearly"}, "limit_reset"),
        ({"name": "x", "expires_at": "soon"}, "expires_at"),
        ({"name": "x", "models": ["no/such"]}, "models"),
        ({"name": "x", "budget": 1}, "budget"),
    ],
)
async def test_a_wrong_field_is_named(
    manager: httpx.AsyncClient, body: dict[str, Any], param: str
) -> None:
    refused = await manager.post("/v1/keys", json=body)
    assert refused.status_code in (400, 422)
    assert refused.json()["error"]["param"] == param


async def test_a_management_key_ends_with_its_revocation_its_time_and_its_maker(
    product: Product, manager: httpx.AsyncClient
) -> None:
    def set_to(session: Session, **values: Any) -> None:
        row = session.exec(select(ManagementKey)).one()
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)

    def leave(session: Session) -> None:
        session.delete(session.exec(select(Member)).one())

    assert (await manager.get("/v1/keys")).status_code == 200
    await db.run(set_to, revoked_at=now_ms())
    assert (await manager.get("/v1/keys")).status_code == 401
    await db.run(set_to, revoked_at=None, expires_at=now_ms() - 1)
    assert (await manager.get("/v1/keys")).status_code == 401
    await db.run(set_to, expires_at=None)
    await db.run(leave)
    assert (await manager.get("/v1/keys")).status_code == 401


async def test_another_organisations_keys_do_not_exist(manager: httpx.AsyncClient) -> None:
    address = f"/v1/keys/{sha256_hex('key_of_others')}"
    assert (await manager.get(address)).status_code == 404
    assert (await manager.patch(address, json={"disabled": True})).status_code == 404
    assert (await manager.delete(address)).status_code == 404


async def test_openrouters_client_reads_and_makes_keys(
    product: Product, manager: httpx.AsyncClient
) -> None:
    secret = manager.headers["authorization"].removeprefix("Bearer ")
    async with OpenRouter(api_key=secret, server_url=f"{product.url}/api/v1") as client:
        made = await client.api_keys.create_async(name="by client", limit=3)
        listed = await client.api_keys.list_async()
    assert made.key.startswith("atk_")
    assert made.data.hash in [key.hash for key in listed.data]
