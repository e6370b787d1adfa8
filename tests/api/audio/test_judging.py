"""alltoken_app/api/moderations.py and rerank.py, through the official clients"""

from typing import Any

import openrouter
import pytest

from alltoken_app.money import usd
from tests.api.audio.conftest import Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENTS = ["Ports of the north", "A timetable", "Apples"]


@pytest.mark.parametrize(
    ("given", "verdicts"),
    [
        ("one text", 1),
        (["one", "two"], 2),
        (
            [
                {"type": "text", "text": "one"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            ],
            1,
        ),
    ],
)
async def test_moderations_of_texts_and_pictures(shop: Shop, given: Any, verdicts: int) -> None:
    raw = await shop.product.client().moderations.with_raw_response.create(
        input=given, model="openai/omni-moderation"
    )
    made = raw.parse()
    assert len(made.results) == verdicts
    assert made.results[0].categories.violence
    assert made.model == "openai/omni-moderation"
    assert shop.upstream.asked[0].json == {"model": "omni-moderation-latest", "input": given}
    assert raw.headers["x-alltoken-cost"] == "0"


async def test_a_moderation_needs_no_model(shop: Shop) -> None:
    made = await shop.product.client().moderations.create(input="words")
    assert made.model == "openai/omni-moderation"


async def test_openrouters_client_gets_documents_in_their_order(shop: Shop) -> None:
    before = await shop.product.balance()
    async with openrouter.OpenRouter(
        api_key=shop.product.key, server_url=f"{shop.product.url}/api/v1"
    ) as client:
        made = await client.rerank.rerank_async(
            model="acme/rerank", query="when does it leave", documents=DOCUMENTS, top_n=2
        )
    assert [(r.index, r.document.text) for r in made.results] == [(2, "Apples"), (1, "A timetable")]
    assert made.provider == "acme"
    assert made.usage is not None
    assert (made.usage.search_units, made.usage.cost) == (1, 0.002)
    assert before.available - (await shop.product.balance()).available == 2_000_000
    asked = shop.upstream.asked[0].json
    assert asked == {
        "model": "rerank-1", "query": "when does it leave", "documents": DOCUMENTS, "top_n": 2,
    }  # fmt: skip


async def test_documents_may_be_objects_and_need_not_come_back(shop: Shop) -> None:
    body = {"model": "acme/rerank", "query": "q", "documents": [{"text": "a"}, "b"],
            "return_documents": False}  # fmt: skip
    async with shop.product.http() as http:
        answer = await http.post("/v1/rerank", json=body)
    assert shop.upstream.asked[0].json["documents"] == ["a", "b"]
    assert all("document" not in one for one in answer.json()["results"])
    assert answer.headers["x-alltoken-cost"] == usd(2_000_000)


@pytest.mark.parametrize(
    ("path", "wrong", "param"),
    [
        ("rerank", {"documents": []}, "documents"),
        ("rerank", {"documents": ["x"] * 1001}, "documents"),
        ("rerank", {"documents": [5]}, "documents[0]"),
        ("rerank", {"query": ""}, "query"),
        ("rerank", {"top_n": 0}, "top_n"),
        ("moderations", {"input": []}, "input"),
        ("moderations", {"input": ""}, "input"),
        ("moderations", {"input": [{"type": "video"}]}, "input"),
    ],
)
async def test_a_wrong_field_is_named(
    shop: Shop, path: str, wrong: dict[str, Any], param: str
) -> None:
    rerank = {"model": "acme/rerank", "query": "q", "documents": ["a"]}
    body = ({"input": "x"} if path == "moderations" else rerank) | wrong
    async with shop.product.http() as http:
        answer = await http.post(f"/v1/{path}", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["charged"]) == (400, param, "0")
    assert shop.upstream.asked == []
