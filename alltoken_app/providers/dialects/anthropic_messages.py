"""Anthropic's Messages API, at its maker's and where AWS (invoke) and Google (rawPredict) serve it.

Wire format: https://docs.anthropic.com/en/api/messages
"""

import base64
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from alltoken_app.providers.base import (
    Call,
    EndpointFacts,
    HeaderOf,
    Outgoing,
    Reply,
    StreamError,
    UpstreamError,
)
from alltoken_app.providers.dialects import (
    anthropic_errors,
    anthropic_own,
    anthropic_replies,
    anthropic_requests,
)
from alltoken_app.providers.dialects.anthropic_models import traits
from alltoken_app.providers.dialects.anthropic_parameters import Parameters
from alltoken_app.providers.dialects.anthropic_stream import Framing, MessageReader
from alltoken_app.providers.eventstream import EventStreamReader
from alltoken_app.providers.sse import EventReader

JSON = ("content-type", "application/json")
TRUE = msgspec.Raw(b"true")
HONOURS = frozenset({
    "messages", "tools", "tool_choice", "parallel_tool_calls", "temperature", "top_p", "top_k",
    "stop", "response_format", "reasoning", "reasoning_effort", "include_reasoning", "verbosity",
    "user", "safety_identifier", "metadata", "service_tier", "cache_control", "n", "modalities",
})  # fmt: skip
SAMPLING = ("temperature", "top_p", "top_k")
# Kinds of input that no Claude takes, and addresses that some homes refuse.
NEVER = {"audio": "messages.input_audio", "video": "messages.video_url"}
ADDRESSES = {
    "messages.image_url": re.compile(rb'"url"\s*:\s*"https?:'),
    "messages.file": re.compile(rb'"file_data"\s*:\s*"https?:'),
}
DEFAULT = (b"1", b"1.0")  # of temperature and top_p: nothing is lost with them
OLD, NEW = "2023-06-01", "2026-10-21"


class Home(msgspec.Struct, frozen=True):
    """Where the API is served, and what differs there.

    Attributes:
        whole, streamed: Paths below the base URL; `{}` takes the model's name.
        version: Its `anthropic_version` of the body; "" where a header says it.
        betas_in_body: Whether beta names travel in the body instead of a header.
        urls: Whether images and documents may be named by address.
        search: Whether the model can search the web there.
        refuses: Fields of the API that are not served there.
    """

    whole: str
    streamed: str
    version: str = ""
    betas_in_body: bool = False
    urls: bool = True
    search: bool = True
    refuses: frozenset[str] = frozenset()
    stream_type: str = "text/event-stream"


ELSEWHERE = frozenset({"service_tier", "mcp_servers", "cache_control"})
ANTHROPIC = Home("/v1/messages", "/v1/messages")
BEDROCK = Home(
    "/model/{}/invoke",
    "/model/{}/invoke-with-response-stream",
    version="bedrock-2023-05-31",
    betas_in_body=True,
    urls=False,
    search=False,
    refuses=ELSEWHERE,
    stream_type="application/vnd.amazon.eventstream",
)
VERTEX = Home(
    "/publishers/anthropic/models/{}:rawPredict",
    "/publishers/anthropic/models/{}:streamRawPredict",
    version="vertex-2023-10-16",
    urls=False,
    refuses=ELSEWHERE,
)


class Frame(msgspec.Struct):
    """AWS's envelope around an event."""

    bytes: str = ""


class Exclude(msgspec.Struct):
    exclude: bool | None = None


_frame = msgspec.json.Decoder(Frame)
_exclude = msgspec.json.Decoder(Exclude)
_encode = msgspec.json.Encoder().encode


class AnthropicMessages:
    """Speaks Messages; fields of callers who speak it too pass byte for byte."""

    native = "messages"

    def __init__(self, home: Home = ANTHROPIC) -> None:
        self._home = home
        self.stream_type = home.stream_type
        searching = {"web_search_options"} if home.search else set()
        self.honours = frozenset(HONOURS | searching) - home.refuses

    def unable(self, call: Call, endpoint: EndpointFacts) -> tuple[str, ...]:
        if _own(call):
            lost = self._left_out(endpoint) & call.native.keys()
            return tuple(sorted(name for name in lost if bytes(call.native[name]) not in DEFAULT))
        known = traits(endpoint.upstream_model)
        found = Parameters(call.fields, known, call.max_output or endpoint.max_output).lost
        found += [name for kind, name in NEVER.items() if kind in call.modalities]
        if not self._home.urls:
            said = _said(call, "messages")
            found += [name for name, address in ADDRESSES.items() if address.search(said)]
        if call.choices > 1:
            found.append("n")
        if any(word in _said(call, "modalities") for word in (b"audio", b"image")):
            found.append("modalities")
        return tuple(dict.fromkeys(found))

    def request(self, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
        known = traits(endpoint.upstream_model)
        if _own(call):
            left_out = self._left_out(endpoint)
            body = anthropic_own.body(call, known, max_output, left_out, urls=self._home.urls)
        else:
            body = anthropic_requests.body(call, known, max_output, urls=self._home.urls)
            for name in self._home.refuses & body.keys():
                del body[name]
        asked = {name.lower(): value for name, value in call.headers}
        betas = asked.get("anthropic-beta", "")
        headers = [JSON]
        if self._home.version:
            body["anthropic_version"] = self._home.version
        else:
            body["model"] = endpoint.upstream_model
            headers.append(("anthropic-version", _version(call, asked, body)))
            if call.stream:
                body["stream"] = TRUE
        if betas and self._home.betas_in_body:
            body["anthropic_beta"] = betas.split(",")
        elif betas:
            headers.append(("anthropic-beta", betas))
        path = self._home.streamed if call.stream else self._home.whole
        # "@" stands in Google's names; everything else is escaped, as AWS signs it.
        return Outgoing(
            path.format(quote(endpoint.upstream_model, safe="@")), tuple(headers), _encode(body)
        )

    def _left_out(self, endpoint: EndpointFacts) -> set[str]:
        """The dialect's own fields that this model would refuse here."""
        return {
            *self._home.refuses,
            *(() if traits(endpoint.upstream_model).sampling else SAMPLING),
        }

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        return anthropic_replies.read(
            payload, native=call.dialect == self.native, quiet=_quiet(call)
        )

    def reader(self, call: Call) -> MessageReader:
        aws = self._home.stream_type != "text/event-stream"
        framing: Framing = AwsFraming() if aws else EventReader()
        return MessageReader(framing, native=call.dialect == self.native, quiet=_quiet(call))

    def read_error(self, status: int, header: HeaderOf, payload: bytes) -> UpstreamError:
        return anthropic_errors.read(status, header, payload)


class AwsFraming:
    """Takes Anthropic's events out of AWS's event stream."""

    def __init__(self) -> None:
        self._frames = EventStreamReader()

    def feed(self, received: bytes) -> Iterator[bytes]:
        for header, payload in self._frames.feed(received):
            if header.get(":message-type") in ("exception", "error"):
                kind = header.get(":exception-type") or header.get(":error-code") or ""
                raise StreamError(anthropic_errors.of_exception(kind, payload))
            if header.get(":event-type") == "chunk":
                yield base64.b64decode(_frame.decode(payload).bytes)


def _said(call: Call, name: str) -> bytes:
    return bytes(call.fields.get(name, b""))


def _quiet(call: Call) -> bool:
    """Whether the caller wants the reasoning left out of the answer."""
    if b"false" in _said(call, "include_reasoning"):
        return True
    try:
        return bool(_exclude.decode(call.fields.get("reasoning", b"{}")).exclude)
    except ValueError:
        return False


def _own(call: Call) -> bool:
    """Whether there are fields of the caller's own to pass on."""
    return call.dialect == "messages" and bool(call.native)


def _version(call: Call, asked: dict[str, str], body: dict[str, Any]) -> str:
    """The caller's version where it is one; the old one still takes sampling parameters."""
    sampled = any(name in body for name in SAMPLING)
    return NEW if asked.get("anthropic-version") == NEW and not sampled else OLD
