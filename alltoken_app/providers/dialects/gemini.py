"""Google's Gemini API and the same models on Vertex.

Wire format: https://ai.google.dev/api/generate-content and
https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import msgspec

from alltoken_app.providers.base import (
    Call,
    EndpointFacts,
    HeaderOf,
    Outgoing,
    Reply,
    StreamReader,
    Unfit,
    UpstreamError,
)
from alltoken_app.providers.dialects import (
    gemini_answers,
    gemini_config,
    gemini_contents,
    gemini_embeddings,
    gemini_errors,
    gemini_tools,
)
from alltoken_app.providers.dialects.gemini_media import ContentPart
from alltoken_app.providers.dialects.gemini_models import Traits, traits

Fields = dict[str, msgspec.Raw]

JSON = ("content-type", "application/json")
LONGEST_EVENT = 32 * 2**20  # an image comes in one event
KINDS = frozenset({"text", "image", "audio", "file", "video"})
HONOURS = frozenset({
    "messages", "input", "temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty",
    "n", "stop", "seed", "logprobs", "top_logprobs", "response_format", "tools", "tool_choice",
    "parallel_tool_calls", "reasoning", "reasoning_effort", "include_reasoning",
    "modalities", "audio", "image_config",
    "service_tier", "web_search_options", "cache_control", "encoding_format", "dimensions",
})  # fmt: skip
LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}")
LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
MOST_LABELS = 64

_encode = msgspec.json.Encoder().encode
_word = msgspec.json.Decoder(str)
_words = msgspec.json.Decoder(dict[str, str])


class FileMessage(msgspec.Struct):
    content: str | list[ContentPart] | None = None


_files = msgspec.json.Decoder(list[FileMessage])


class Gemini:
    """Speaks the Gemini API. Prompts are cached by Google unasked, so marks for it are honoured."""

    native = "gemini"
    stream_type = "text/event-stream"
    honours = HONOURS

    def unable(self, call: Call, endpoint: EndpointFacts) -> tuple[str, ...]:
        return tuple(sorted(self._unable(call, traits(endpoint.upstream_model))))

    def request(self, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
        """Raises Unfit when what the caller wrote cannot be said to Gemini."""
        model = endpoint.upstream_model.removeprefix("models/")
        if call.operation == "embeddings":
            return self._embeddings(call, model)
        body = self._body(call, traits(model), max_output)
        if endpoint.tier:
            body["serviceTier"] = endpoint.tier
        return self._outgoing(call, model, body)

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        if call.operation == "embeddings":
            return gemini_embeddings.read(call, payload)
        return gemini_answers.read(payload)

    def reader(self, call: Call) -> StreamReader:
        return gemini_answers.Reader(LONGEST_EVENT)

    def read_error(self, status: int, header: HeaderOf, payload: bytes) -> UpstreamError:
        return gemini_errors.read(status, payload)

    def _unable(self, call: Call, model: Traits) -> set[str]:
        if call.operation == "embeddings":
            return set() if gemini_embeddings.readable(call) else {"input"}
        try:
            names = gemini_config.unable(call.fields, model)
        except ValueError:
            return set()  # said with its reason when it is sent
        names |= {f"messages.{kind}" for kind in call.modalities - KINDS}
        if "file" in call.modalities and _names_files(call.fields["messages"]):
            names.add("messages.file")
        return names

    def _body(self, call: Call, model: Traits, max_output: int) -> dict[str, Any]:
        left_out = self._unable(call, model)
        fields = {name: raw for name, raw in call.fields.items() if name not in left_out}
        with _naming("messages"):
            body = gemini_contents.build(fields["messages"], model)
        with _naming("tools"):
            body |= gemini_tools.build(fields, model)
        with _naming():
            body["generationConfig"] = gemini_config.build(fields, model, max_output)
            tier = gemini_config.tier(fields)
            if tier:
                body["serviceTier"] = tier
            return body | self._extras(fields)

    def _extras(self, fields: Fields) -> dict[str, Any]:
        return {"store": False}  # even where the project's own settings would log

    def _outgoing(self, call: Call, model: str, body: dict[str, Any]) -> Outgoing:
        method = "streamGenerateContent?alt=sse" if call.stream else "generateContent"
        return Outgoing(f"{self._path(model)}:{method}", (JSON,), _encode(body))

    def _path(self, model: str) -> str:
        return f"/models/{quote(model, safe='')}"

    def _embeddings(self, call: Call, model: str) -> Outgoing:
        return gemini_embeddings.request(call, self._path(model), model)


class Vertex(Gemini):
    """Speaks to the same models on Vertex; its base URL ends with project and location."""

    honours = HONOURS | {"user", "safety_identifier", "metadata"}

    def _unable(self, call: Call, model: Traits) -> set[str]:
        names = super()._unable(call, model)
        if call.fields.keys() >= {"tools", "web_search_options"}:
            names.add("web_search_options")
        for name in call.fields.keys() & {"user", "safety_identifier", "metadata"}:
            if not _fits(name, call.fields[name]):
                names.add(name)
        return names

    def _extras(self, fields: Fields) -> dict[str, Any]:
        labels: dict[str, str] = {}
        for name in ("metadata", "safety_identifier", "user"):
            if name in fields:
                labels |= _labels(name, fields[name])
        return {"labels": labels} if labels else {}

    def _path(self, model: str) -> str:
        return f"/publishers/google/models/{quote(model, safe='')}"

    def _embeddings(self, call: Call, model: str) -> Outgoing:
        return gemini_embeddings.vertex_request(call, self._path(model), model)


def _labels(name: str, raw: msgspec.Raw) -> dict[str, str]:
    return _words.decode(raw) if name == "metadata" else {name: _word.decode(raw)}


def _fits(name: str, raw: msgspec.Raw) -> bool:
    """Whether Google takes this as labels."""
    try:
        labels = _labels(name, raw)
    except ValueError:
        return False
    return len(labels) <= MOST_LABELS and all(
        LABEL.fullmatch(key) and LABEL_VALUE.fullmatch(value) for key, value in labels.items()
    )


def _names_files(messages: msgspec.Raw) -> bool:
    """Whether a file is named by an id of some provider's instead of being sent."""
    try:
        found = _files.decode(messages)
    except ValueError:
        return False
    parts = [part for one in found if isinstance(one.content, list) for part in one.content]
    return any(part.file is not None and part.file.file_id for part in parts)


@contextmanager
def _naming(field: str = "") -> Iterator[None]:
    """Whatever cannot be read in this field is the caller's fault. Decoders repeat no content."""
    try:
        yield
    except ValueError as error:
        said, _, path = str(error).partition(" - at `$")
        text = f"{field or 'The request'} cannot be translated for this model: {said[:200]}."
        param = field + path.rstrip("`") if field else None
        raise Unfit(text, param) from None
