"""alltoken_app/api/parse.py"""

import json

import pytest

from alltoken_app.api import parse
from alltoken_app.errors import Invalid, NotFound

HI = [{"role": "user", "content": "hi"}]
JSON = "application/json"


def body(**fields: object) -> bytes:
    return json.dumps({"model": "a/b", "messages": HI} | fields, separators=(",", ":")).encode()


def refused(raw: bytes, content_type: str = JSON, *, strict: bool = False) -> Invalid:
    with pytest.raises(Invalid) as caught:
        parse.chat(raw, content_type, strict=strict)
    return caught.value


def test_forwarded_fields_keep_their_bytes() -> None:
    raw = b'{"model":"a/b","temperature":0.70,"messages":[{"role":"user","content":"\\u00e9"}]}'
    parsed = parse.chat(raw, JSON, strict=False)
    assert bytes(parsed.call.fields["temperature"]) == b"0.70"
    assert b"\\u00e9" in bytes(parsed.call.fields["messages"])
    assert "model" not in parsed.call.fields


def test_null_counts_as_absent() -> None:
    parsed = parse.chat(body(temperature=None, stop=None, max_tokens=None), JSON, strict=False)
    assert set(parsed.call.fields) == {"messages"}
    assert parsed.call.max_output is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": 3}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"n": True}, "n"),
        ({"n": "5"}, "n"),
        ({"n": 0}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": 2**31}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"messages": {}}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": 123}]}, "messages[0].content"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stop": ""}, "stop"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"provider": {"sort": "magic"}}, "provider.sort"),
        ({"provider": {"zdr": True, "unheard_of": 1}}, "provider"),
        ({"metadata": {"a": 1}}, "metadata[...]"),
    ],
)
def test_the_error_names_the_field(fields: dict[str, object], param: str) -> None:
    error = refused(body(**fields))
    assert error.param == param
    assert error.code in {"invalid_value", "invalid_type", "invalid_messages"}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"a":', "invalid_json"),
        (b"[]", "invalid_json_body"),
        (b"null", "invalid_json_body"),
        (b'"x"', "invalid_json_body"),
        (b"", "invalid_json"),
        (b'{"model":"a/b","messages":[],}', "invalid_json"),
        (b"{'model':'a'}", "invalid_json"),
        (b'{"model":"\xff"}', "invalid_json"),
        (b'{"model":"a/b","temperature":NaN}', "invalid_json"),
        (b'{"model":"cheap","model":"dear","messages":[]}', "duplicate_json_key"),
        (b'{"model":"cheap","mod\\u0065l":"dear","messages":[]}', "duplicate_json_key"),
        (b'{"model":"a/b","messages":[{"role":"user","role":"system"}] }', "duplicate_json_key"),
        (b'{"model":"a/b","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "json_too_deep"),
        (b'{"model":"a/b","x":' + b"[" * 70 + b"]" * 70 + b"}", "json_too_deep"),
    ],
)
def test_what_is_not_plain_json_is_refused(raw: bytes, code: str) -> None:
    assert refused(raw).code == code


def test_brackets_inside_text_are_not_depth() -> None:
    parse.chat(body(messages=[{"role": "user", "content": "[" * 500 + '"{'}]), JSON, strict=False)


def test_the_media_type_must_be_json() -> None:
    assert refused(body(), "text/plain").status == 415


def test_unknown_parameters_are_named_and_not_sent() -> None:
    parsed = parse.chat(body(foo=1, __proto__={}), JSON, strict=False)
    assert parsed.warnings == ("unknown_parameter:__proto__", "unknown_parameter:foo")
    assert "foo" not in parsed.call.fields


def test_strict_refuses_unknown_parameters() -> None:
    assert refused(body(foo=1), strict=True).param == "foo"
    assert refused(body(foo=1, alltoken={"strict": True})).code == "unknown_parameter"


@pytest.mark.parametrize("name", ["api_base", "base_url", "api_key", "extra_headers"])
def test_nobody_steers_where_we_connect_to(name: str) -> None:
    assert refused(body(**{name: "https://evil.example"})).code == "unknown_parameter"


@pytest.mark.parametrize("model", ["gрt-4o", "gpt‑4o", "../../x", "GPT-4O ", "a\r\nHost: b"])
def test_a_model_name_is_plain_ascii(model: str) -> None:
    with pytest.raises(NotFound) as caught:
        parse.chat(body(model=model), JSON, strict=False)
    assert caught.value.code == "model_not_found"


def test_embeddings_take_texts_and_tokens() -> None:
    for texts in ("hi", ["a", "b"], [1, 2, 3], [[1, 2], [3]]):
        raw = json.dumps({"model": "a/b", "input": texts}).encode()
        assert parse.embeddings(raw, JSON, strict=False).call.operation == "embeddings"


@pytest.mark.parametrize("texts", ["", [], {"a": 1}, None, [{}], 5])
def test_embeddings_need_an_input(texts: object) -> None:
    raw = json.dumps({"model": "a/b", "input": texts}).encode()
    with pytest.raises(Invalid) as caught:
        parse.embeddings(raw, JSON, strict=False)
    assert caught.value.param == "input"


def test_a_parameters_name_is_fit_for_a_header() -> None:
    parsed = parse.chat(body(**{"a\r\nset-cookie: b": 1}), JSON, strict=False)
    assert parsed.warnings == ("unknown_parameter:a??set-cookie: b",)


def test_kinds_of_input_are_seen() -> None:
    parts = [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "u"}}]
    parsed = parse.chat(body(messages=[{"role": "user", "content": parts}]), JSON, strict=False)
    assert parsed.call.modalities == {"text", "image"}


@pytest.mark.parametrize("tier", ["flex", "priority"])
def test_a_tier_that_has_no_price_is_not_forwarded(tier: str) -> None:
    parsed = parse.chat(body(service_tier=tier), JSON, strict=False)
    assert parsed.warnings == ("unsupported_parameter:service_tier",)
    assert "service_tier" not in parsed.call.fields
    with pytest.raises(Invalid) as refused:
        parse.chat(body(service_tier=tier), JSON, strict=True)
    assert refused.value.param == "service_tier"


def test_the_usual_tier_needs_no_word() -> None:
    assert parse.chat(body(service_tier="auto"), JSON, strict=True).warnings == ()


@pytest.mark.parametrize(("said", "sent"), [("any", b'"required"'), ("none", b'"none"')])
def test_a_forced_tool_has_one_name(said: str, sent: bytes) -> None:
    parsed = parse.chat(body(tool_choice=said), JSON, strict=False)
    assert bytes(parsed.call.fields["tool_choice"]) == sent
