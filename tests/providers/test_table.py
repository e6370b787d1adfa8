"""alltoken_app/providers/table.py"""

import msgspec
import pytest

from alltoken_app.providers.base import Call, EndpointFacts, Price
from alltoken_app.providers.dialects.openai_chat import OpenAIChat
from alltoken_app.providers.dialects.openai_completions import OpenAICompletions
from alltoken_app.providers.dialects.openai_responses import OpenAIResponses
from alltoken_app.providers.table import Connection, fixed

CONNECTION = Connection(
    "p", OpenAIChat(), fixed("http://x"),
    others={"responses": OpenAIResponses(), "completions": OpenAICompletions()},
)  # fmt: skip
ENDPOINT = EndpointFacts(
    "p:a/b", "a/b", "chat", "p", "b", 8192, 4096, frozenset(), "none", True, None, Price("v"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "wires", "spoken"),
    [
        ("chat", (), "chat"),
        ("responses", (), "responses"),
        ("messages", (), "chat"),
        ("completions", (), "chat"),  # only where an endpoint says that it takes prompts
        ("completions", ("chat", "completions"), "completions"),
        ("chat", ("responses",), "responses"),
        ("messages", ("responses",), "responses"),
        ("completions", ("responses",), "responses"),
        ("responses", ("chat",), "chat"),
        ("chat", ("completions",), "completions"),
    ],
)
def test_a_call_is_spoken_in_the_callers_dialect_where_the_endpoint_has_it(
    dialect: str, wires: tuple[str, ...], spoken: str
) -> None:
    operation = "completions" if dialect == "completions" else "chat"
    endpoint = msgspec.structs.replace(ENDPOINT, wires=frozenset(wires))
    call = Call(operation, "a/b", {}, dialect=dialect)
    assert CONNECTION.speaks(call, endpoint).native == spoken
