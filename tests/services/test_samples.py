"""alltoken_app/services/samples.py"""

import ast
import json
from decimal import Decimal

import pytest

from alltoken_app import db
from alltoken_app.catalog.kinds import KINDS
from alltoken_app.errors import NotFound
from alltoken_app.services import samples
from tests.services import catalogue

ORIGIN = "https://gateway.example"


@pytest.mark.parametrize("kind", KINDS)
def test_every_sample_calls_this_address_and_this_model(kind: str) -> None:
    texts = samples.calls(ORIGIN, "acme/talk", kind)
    assert len(texts) == len(samples.LANGUAGES)
    assert all(f"{ORIGIN}/v1" in text and '"acme/talk"' in text for text in texts)
    curl, python, _ = texts
    if "-d '" in curl:
        assert json.loads(curl.split("-d '")[1].removesuffix("'"))["model"] == "acme/talk"
    ast.parse(python)


@pytest.mark.usefixtures("database")
async def test_the_worked_example_is_priced_as_a_request_is() -> None:
    await db.run(catalogue.fill)
    example = await db.read(samples.example, "acme/talk")
    parts = [Decimal(line.amount.removeprefix("$")) for line in example.lines]
    assert sum(parts) == Decimal(example.total.removeprefix("$"))
    assert example.lines[0].what == "Input 1,200 tok × $0.15/1M"
    with pytest.raises(NotFound):
        await db.read(samples.example, "acme/none")
