"""alltoken_app/api/chat.py and alltoken_app/services/generations.py, through the official client"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import openai
import pytest
from sqlmodel import select

from alltoken_app import db
from alltoken_app.engines.models import FAULT_MAX_OUTPUT
from alltoken_app.money import usd
from alltoken_app.providers.base import Usage
from alltoken_app.providers.dialects import openai_usage
from alltoken_app.services import generations, keys, lookups
from alltoken_app.settings import Settings
from alltoken_app.tables.everything import METADATA
from alltoken_app.tables.generation import Generation
from tests.api.conftest import Product, serving

HI: list[Any] = [{"role": "user", "content": "hi"}]


async def record(product: Product, generation_id: str) -> lookups.GenerationRecord:
    await product.quiet()
    return await db.read(lookups.generation, product.actor.org_id, generation_id)


async def stream(product: Product, model: str, **more: Any) -> tuple[list[dict[str, Any]], bool]:
    """Every event of a stream as JSON, and whether it ended with the end mark."""
    body = {"model": model, "messages": HI, "stream": True, "max_tokens": 16, **more}
    async with product.http() as http:
        answer = await http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    done = lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[: -1 if done else None]], done


async def test_an_answer_costs_what_it_says_to_the_nano(product: Product) -> None:
    before = await product.balance()
    raw = await product.client().chat.completions.with_raw_response.create(
        model="fault/ok", messages=HI, max_tokens=10
    )
    answer = raw.parse()
    assert answer.usage is not None
    assert answer.choices[0].finish_reason in ("stop", "length")
    expected = answer.usage.prompt_tokens * 1_000 + answer.usage.completion_tokens * 2_000
    cost = usd(expected)  # $1 and $2 per million tokens
    assert raw.headers["x-alltoken-cost"] == cost
    assert f'"cost":{cost}' in raw.text
    after = await product.balance()
    assert before.available - after.available == expected
    assert raw.headers["x-alltoken-balance"] == usd(after.available)
    assert (await record(product, raw.headers["x-generation-id"])).cost == expected
    assert answer.id == raw.headers["x-generation-id"]


async def test_a_stream_ends_with_usage_cost_and_the_end_mark(product: Product) -> None:
    before = await product.balance()
    events, done = await stream(product, "fault/ok", max_tokens=12)
    last = events[-1]
    assert done
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 12
    after = await product.balance()
    assert usd(before.available - after.available) == last["alltoken"]["cost"]
    assert usd(after.available) == last["alltoken"]["balance"]
    text = "".join(e["choices"][0]["delta"].get("content") or "" for e in events if e["choices"])
    assert len(text) > 10


async def test_the_official_stream_helper_reads_it(product: Product) -> None:
    client = product.client()
    made = await client.chat.completions.create(
        model="fault/ok", messages=HI, max_tokens=5, stream=True,
        stream_options={"include_usage": True},
    )  # fmt: skip
    chunks = [chunk async for chunk in made]
    assert chunks[-1].usage is not None
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert chunks[0].id.startswith("gen_")


async def test_the_same_surface_under_both_mounts(product: Product) -> None:
    async with product.http() as http:
        for mount in ("/v1", "/api/v1"):
            body = {"model": "fault/ok", "messages": HI, "max_tokens": 3}
            answer = await http.post(f"{mount}/chat/completions", json=body)
            assert answer.status_code == 200
            assert answer.headers["x-request-id"].startswith("req_")
            assert re.search(r"hold;dur=\d", answer.headers["server-timing"])
            assert int(answer.headers["x-ratelimit-remaining-requests"]) > 0


LATE = ("fault/truncated-json",)


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("fault/rate-limited", 429, "upstream_rate_limited"),
        ("fault/server-error", 502, "upstream_error"),
        ("fault/auth-error", 502, "upstream_auth_error"),
        ("fault/wrong-content-type", 502, "upstream_bad_response"),
        ("fault/truncated-json", 502, "upstream_bad_response"),
        ("fault/redirect", 502, "upstream_error"),
        ("fault/slow-first-token", 504, "upstream_timeout"),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_failure_before_the_answer_is_a_status_and_free(
    product: Product, model: str, status: int, code: str, streamed: bool
) -> None:
    if streamed and model in LATE:
        return  # a late failure of a stream is told inside it; see below
    before = await product.balance()
    with pytest.raises(openai.APIStatusError) as caught:
        await product.client().chat.completions.create(model=model, messages=HI, stream=streamed)
    error = caught.value
    assert error.status_code == status
    body: Any = error.body
    assert (body["code"], body["charged"]) == (code, "0")
    assert body["request_id"] == error.response.headers["x-request-id"]
    assert await product.balance() == before


async def test_flaky_is_tried_again_once(product: Product) -> None:
    client = product.client()
    with pytest.raises(openai.APIStatusError):
        await client.chat.completions.create(model="fault/flaky", messages=HI)
    answer = await client.chat.completions.create(model="fault/flaky", messages=HI)
    assert answer.choices[0].message.content


@pytest.mark.parametrize("model", ["fault/cut-stream", "fault/stall", "fault/malformed-sse"])
async def test_a_broken_stream_says_so_and_charges_what_was_delivered(
    product: Product, model: str
) -> None:
    before = await product.balance()
    body = {"model": model, "messages": HI, "stream": True}
    async with product.http() as http:
        answer = await http.post("/v1/chat/completions", json=body)
    if answer.status_code != 200:
        assert answer.json()["error"]["charged"] == "0"
        assert await product.balance() == before
        return
    assert "[DONE]" not in answer.text
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data:")]
    last = events[-1]
    assert last["choices"][0]["finish_reason"] == "error"
    after = await product.balance()
    charged = usd(before.available - after.available)
    assert last["error"]["charged"] == charged
    kept = await record(product, events[0]["id"])
    assert (kept.status, usd(kept.cost)) == ("error", charged)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "model", ["fault/split-bytes", "fault/other-model", "fault/duplicate-usage"]
)
async def test_odd_but_right_answers_are_charged_once(
    product: Product, model: str, streamed: bool
) -> None:
    before = await product.balance()
    body = {"model": model, "messages": HI, "max_tokens": 5, "stream": streamed}
    async with product.http() as http:
        answer = await http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200
    after = await product.balance()
    assert before.available - after.available == 5 * 1000 + 5 * 2000  # one word, four of framing
    assert (await product.plane.database.read(_generations))[0].model == model


async def test_an_endless_stream_is_ended(product: Product) -> None:
    events, done = await stream(product, "fault/endless", max_tokens=20)
    assert done
    last = [e["choices"][0] for e in events if e["choices"]][-1]
    assert last["native_finish_reason"] == "provider_ignored_limit"
    assert events[-1]["usage"]["completion_tokens"] <= 20


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "model",
    [
        "fault/huge-reply",
        "fault/gzip-bomb",
        "fault/blackhole",
        "fault/silent-end",
        "fault/cut-before-content",
    ],
)
async def test_hostile_answers_end_in_one_error(
    product: Product, model: str, streamed: bool
) -> None:
    before = await product.balance()
    body = {"model": model, "messages": HI, "stream": streamed}
    async with product.http() as http:
        answer = await http.post("/v1/chat/completions", json=body)
    if answer.status_code == 200 and not streamed:
        assert model == "fault/huge-reply"  # below the largest reply that is accepted
    elif answer.status_code == 200:
        assert "[DONE]" not in answer.text
        assert '"finish_reason":"error"' in answer.text
    else:
        assert answer.status_code in (502, 504)
        assert await product.balance() == before


@pytest.mark.parametrize("model", ["fault/slow-first-token", "fault/stall"])
async def test_a_quiet_line_is_kept_alive(chosen: Settings, model: str) -> None:
    body = {"model": model, "messages": HI, "stream": True, "max_tokens": 4}
    async with serving(chosen.model_copy(update={"keep_alive": 0.1})) as product:
        async with product.http() as http:
            answer = await http.post("/v1/chat/completions", json=body)
        assert answer.status_code == 200
        assert answer.text.count(": keep-alive") >= 2


async def test_missing_usage_is_estimated_and_says_so(product: Product) -> None:
    events, _ = await stream(product, "fault/missing-usage")
    assert events[-1]["alltoken"]["estimated"] is True
    assert Decimal(events[-1]["alltoken"]["cost"]) > 0


async def test_negative_usage_is_never_booked(product: Product) -> None:
    before = await product.balance()
    async with product.http() as http:
        body = {"model": "fault/negative-usage", "messages": HI}
        answer = await http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200
    assert answer.json()["usage"]["prompt_tokens"] >= 0
    assert (await product.balance()).available <= before.available


async def test_a_client_that_leaves_pays_for_what_it_got_and_no_more(product: Product) -> None:
    before = await product.balance()
    body = {"model": "fault/ok", "messages": HI, "stream": True, "max_tokens": 2000}
    async with (
        product.http() as http,
        http.stream("POST", "/v1/chat/completions", json=body) as answer,
    ):
        generation_id = answer.headers["x-generation-id"]
        lines: AsyncIterator[str] = answer.aiter_lines()
        for _ in range(6):
            await anext(lines)
    kept = await record(product, generation_id)
    after = await product.balance()
    assert kept.status in ("cancelled", "ok")
    assert before.available - after.available == kept.cost
    assert kept.output_tokens <= 2000


async def test_a_whole_call_whose_client_leaves_early_is_free(product: Product) -> None:
    before = await product.balance()
    body = {"model": "fault/slow-first-token", "messages": HI}
    async with product.http() as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post("/v1/chat/completions", json=body, timeout=0.3)
    assert await product.balance() == before


async def test_an_empty_wallet_is_402_and_nothing_is_sent(chosen: Settings) -> None:
    async with serving(chosen, credit=0) as product:
        with pytest.raises(openai.APIStatusError) as caught:
            await product.client().chat.completions.create(model="fault/ok", messages=HI)
        body: Any = caught.value.body
        assert caught.value.status_code == 402
        assert (body["code"], body["charged"]) == ("insufficient_credits", "0")


async def test_a_stream_that_outlives_its_money_ends_cleanly(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "WINDOW", 40)
    async with serving(chosen, credit=1_000_000) as product:
        events, done = await stream(product, "fault/ok", max_tokens=4000)
        assert done
        finish = [e["choices"][0] for e in events if e["choices"]][-1]
        assert finish["finish_reason"] == "length"
        assert finish["native_finish_reason"] == "insufficient_credits"
        balance = await product.balance()
        assert 0 <= balance.available < 600_000


async def test_an_answer_that_has_ended_does_not_end_again_for_lack_of_money(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "WINDOW", 40)
    thought = Usage(5, 3_000)  # most of it was never shown
    monkeypatch.setattr(
        openai_usage, "read", lambda raw: None if bytes(raw) == b"null" else thought
    )
    async with serving(chosen, credit=1_000_000) as product:
        events, done = await stream(product, "fault/ok", max_tokens=FAULT_MAX_OUTPUT)
        assert done
        said = [e["choices"][0]["finish_reason"] for e in events if e["choices"]]
        assert [reason for reason in said if reason] == ["stop"]


async def test_many_at_once_never_overspend(chosen: Settings) -> None:
    async with serving(chosen, credit=3_000_000) as product:  # enough for a few holds at a time
        client = product.client(timeout=60)

        async def ask() -> int:
            try:
                await client.chat.completions.create(model="fault/ok", messages=HI, max_tokens=300)
            except openai.APIStatusError as error:
                return error.status_code
            return 200

        statuses = await asyncio.gather(*(ask() for _ in range(40)))
        balance = await product.balance()
        assert set(statuses) <= {200, 402}
        assert statuses.count(200) >= 1
        assert balance.available >= 0


async def test_a_revoked_key_bites_at_the_next_request(product: Product) -> None:
    secret = await product.new_key(name="short-lived")
    client = product.client(secret)
    await client.chat.completions.create(model="fault/ok", messages=HI)
    listed = await db.read(keys.list_keys, product.actor)
    key = next(view for view in listed if view.name == "short-lived")
    await db.run(keys.revoke, product.actor, key.id)
    with pytest.raises(openai.AuthenticationError) as caught:
        await client.chat.completions.create(model="fault/ok", messages=HI)
    assert caught.value.code == "api_key_revoked"


async def test_a_key_limit_is_402_with_the_time_it_resets(product: Product) -> None:
    secret = await product.new_key(name="limited", limit_usd="0.000001", period="day")
    with pytest.raises(openai.APIStatusError) as caught:
        await product.client(secret).chat.completions.create(model="fault/ok", messages=HI)
    body: Any = caught.value.body
    assert (caught.value.status_code, body["code"]) == (402, "key_limit_exceeded")


async def test_a_key_calls_only_its_models(product: Product) -> None:
    secret = await product.new_key(name="narrow", models=("fault/ok",))
    client = product.client(secret)
    await client.chat.completions.create(model="fault/ok", messages=HI)
    with pytest.raises(openai.PermissionDeniedError) as caught:
        await client.chat.completions.create(model="fault/flaky", messages=HI)
    assert caught.value.code == "model_not_allowed"


async def test_zdr_fails_closed(product: Product) -> None:
    body = {"model": "fault/ok", "messages": HI, "provider": {"zdr": True}}
    async with product.http() as http:
        answer = await http.post("/v1/chat/completions", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, "no_eligible_endpoint")
    assert error["excluded_by"] == {"fault:fault/ok": "zdr_not_confirmed"}
    assert error["charged"] == "0"


async def test_the_prompt_is_in_no_table(product: Product) -> None:
    canary = "canary-51c0ffee"
    await product.client().chat.completions.create(
        model="fault/ok", messages=[{"role": "user", "content": canary}], user="someone@canary"
    )
    await product.quiet()
    dump = await db.read(_dump)
    assert canary not in dump
    assert "someone@canary" not in dump


def _generations(session: Any) -> Any:
    return session.exec(select(Generation)).all()


def _dump(session: Any) -> str:
    rows = [session.execute(table.select()).all() for table in METADATA.sorted_tables]
    return repr(rows)
