"""alltoken_app/services/idempotency.py, over HTTP: one key, one request, one charge"""

import asyncio
from typing import Any

import httpx
import pytest
from sqlmodel import Session, col, select, update

from alltoken_app import db
from alltoken_app.clock import DAY, now_ms
from alltoken_app.services import idempotency
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.idempotency import IdempotentRequest
from tests.api.conftest import Product

HELLO = {"model": "fault/ok", "messages": [{"role": "user", "content": "hello"}]}


async def ask(product: Product, key: str, body: dict[str, Any] | None = None) -> httpx.Response:
    async with product.http() as client:
        return await client.post(
            "/v1/chat/completions", json=body or HELLO, headers={"idempotency-key": key}
        )


def _generations(session: Session) -> int:
    return len(session.exec(select(Generation.id)).all())


async def test_fifty_at_once_are_served_and_charged_once(product: Product) -> None:
    answers = await asyncio.gather(*(ask(product, "same") for _ in range(50)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [409] * 49
    refused = [answer for answer in answers if answer.status_code == 409]
    assert {answer.json()["error"]["code"] for answer in refused} <= {
        "idempotency_in_flight", "idempotent_replay",
    }  # fmt: skip
    await product.quiet()
    assert await db.read(_generations) == 1


async def test_a_finished_request_is_told_and_not_repeated(product: Product) -> None:
    first = await ask(product, "k")
    await product.quiet()
    again = await ask(product, "k")
    assert again.status_code == 409
    assert again.headers["x-should-retry"] == "false"
    error = again.json()["error"]
    assert (error["code"], error["charged"]) == ("idempotent_replay", "0")
    assert error["generation_id"] == first.json()["id"]
    assert error["cost"] == first.json()["alltoken"]["cost"]
    assert error["usage"]["total_tokens"] == first.json()["usage"]["total_tokens"]


async def test_another_body_is_refused(product: Product) -> None:
    await ask(product, "k")
    other = await ask(product, "k", {**HELLO, "temperature": 1})
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reuse")


async def test_another_path_is_another_request(product: Product) -> None:
    await ask(product, "k")
    async with product.http() as client:
        other = await client.post(
            "/v1/embeddings",
            json={"model": "nobody/nothing", "input": "x"},
            headers={"idempotency-key": "k"},
        )
    assert other.json()["error"]["code"] == "model_not_found"


async def test_what_was_refused_gives_the_key_free(product: Product) -> None:
    wrong = {**HELLO, "max_tokens": 10**8}
    assert (await ask(product, "k", wrong)).status_code == 400
    assert (await ask(product, "k")).status_code == 200


async def test_what_failed_uncharged_gives_the_key_free(product: Product) -> None:
    broken = {**HELLO, "model": "fault/server-error"}
    assert (await ask(product, "k", broken)).status_code == 502
    await product.quiet()
    assert (await ask(product, "k", broken)).status_code == 502


async def test_what_a_client_left_before_it_cost_anything_gives_the_key_free(
    product: Product,
) -> None:
    slow = {**HELLO, "model": "fault/slow-first-token"}
    async with product.http() as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(
                "/v1/chat/completions", json=slow, headers={"idempotency-key": "k"}, timeout=0.3
            )
    await product.quiet()
    assert (await ask(product, "k", slow)).status_code == 504  # it was tried, not refused


async def test_a_key_is_forgotten_after_a_day(product: Product) -> None:
    await ask(product, "k")
    await product.quiet()

    def age(session: Session) -> None:
        old = {"created_at": now_ms() - DAY}
        session.exec(update(IdempotentRequest).values(old))

    await db.run(age)
    assert (await ask(product, "k", {**HELLO, "temperature": 1})).status_code == 200
    await db.run(age)
    assert await db.run(idempotency.sweep) == 1


async def test_a_request_lost_with_its_process_gives_the_key_free(product: Product) -> None:
    await ask(product, "k")
    await product.quiet()

    def lose(session: Session) -> None:
        lost = {"generation_id": "gen_lost", "worker": "wrk_dead", "created_at": now_ms() - 60_000}
        session.exec(update(IdempotentRequest).values(lost))
        assert session.exec(select(col(IdempotentRequest.worker))).one() == "wrk_dead"

    await db.run(lose)
    assert (await ask(product, "k")).status_code == 200


async def test_a_key_must_be_short_and_printable(product: Product) -> None:
    answer = await ask(product, "x" * 256)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "Idempotency-Key")


async def test_another_organisations_key_is_its_own(product: Product) -> None:
    pepper = b"p" * 32
    ours = idempotency.digests(pepper, "org_a", "/chat/completions", "k", b"h")
    theirs = idempotency.digests(pepper, "org_b", "/chat/completions", "k", b"h")
    assert ours[0] != theirs[0]
    assert ours[1] != theirs[1]
