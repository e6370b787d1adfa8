"""alltoken_app/api/parse.py: what any body may say of routing beside `provider`"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from alltoken_app.api import completions, parse
from alltoken_app.api.messages import parse as messages
from alltoken_app.api.parse import Parsed
from alltoken_app.api.responses import parse as responses
from alltoken_app.errors import AllTokenError

JSON = "application/json"
HI = [{"role": "user", "content": "hi"}]
SAID: dict[str, Any] = {
    "model": "a/b", "models": ["c/d:free", "~e/f-latest"], "route": "fallback", "preset": "safe",
    "session_id": "talk-1", "alltoken": {"strict_model": True, "quote": "quo_1"},
}  # fmt: skip
Parse = Callable[[bytes], Parsed]
SURFACES: dict[str, tuple[dict[str, Any], Parse]] = {
    "chat": ({"messages": HI}, lambda body: parse.chat(body, JSON, strict=True)),
    "embeddings": ({"input": "hi"}, lambda body: parse.embeddings(body, JSON, strict=True)),
    "completions": ({"prompt": "hi"}, lambda body: completions.completion(body, JSON, strict=True)),
    "messages": (
        {"messages": HI, "max_tokens": 8},
        lambda body: messages.messages(body, JSON, {}, strict=True),
    ),
    "responses": ({"input": "hi"}, lambda body: responses.responses(body, JSON, strict=True)),
}


@pytest.mark.parametrize("surface", SURFACES)
def test_every_surface_is_steered_alike(surface: str) -> None:
    own, read = SURFACES[surface]
    call = read(json.dumps(SAID | own).encode()).call
    assert call.model == "a/b@preset/safe"
    assert call.models == ("c/d:free", "~e/f-latest")
    assert (call.session, call.strict_model, call.quote) == ("talk-1", True, "quo_1")
    assert not {"models", "route", "preset", "session_id", "alltoken"} & call.fields.keys()
    assert not {"models", "route", "preset", "session_id", "alltoken"} & call.native.keys()


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize(
    ("field", "value"),
    [("models", "c/d"), ("models", ["a b"]), ("route", "luck"), ("session_id", "x" * 300),
     ("preset", ""), ("alltoken", {"strict_model": "yes"})],
)  # fmt: skip
def test_what_steers_is_checked_by_type(surface: str, field: str, value: Any) -> None:
    own, read = SURFACES[surface]
    with pytest.raises(AllTokenError) as caught:
        read(json.dumps(SAID | own | {field: value}).encode())
    assert caught.value.param


def test_a_cache_key_names_the_conversation_when_nothing_else_does() -> None:
    body = {"model": "a/b", "messages": HI, "prompt_cache_key": "k"}
    assert parse.chat(json.dumps(body).encode(), JSON, strict=True).call.session == "k"
    body["session_id"] = "s"
    assert parse.chat(json.dumps(body).encode(), JSON, strict=True).call.session == "s"
