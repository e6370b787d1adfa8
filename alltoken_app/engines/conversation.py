"""What a chat request says, checked, and put into the words of a model without tools or images."""

import re
from typing import Annotated, Any

import msgspec

from alltoken_app.errors import Invalid

MAX_CHOICES = 8
SYSTEM = "You are a helpful assistant."  # without one the template puts words in that confuse it
Temperature = Annotated[float, msgspec.Meta(ge=0, le=2)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Penalty = Annotated[float, msgspec.Meta(ge=-2, le=2)]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class Function(msgspec.Struct):
    """What a tool is called, what it does, what it takes."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-zA-Z0-9_-]{1,64}$")]
    description: str | None = None
    parameters: dict[str, Any] | None = None


class Tool(msgspec.Struct):
    """A function the caller is ready to run."""

    function: Function
    type: str = "function"


class Message(msgspec.Struct):
    """One message; `content` is text, parts or nothing."""

    role: str
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None
    name: str | None = None


class StreamOptions(msgspec.Struct):
    """`include_usage` asks for a last chunk with the usage."""

    include_usage: bool | None = False


class ChatRequest(msgspec.Struct):
    """The fields of a chat request that mean something here; others are ignored."""

    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=MAX_CHOICES)] | None = 1
    tools: list[Tool] | None = None
    tool_choice: str | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    max_tokens: Positive | None = None
    max_completion_tokens: Positive | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    top_k: int | None = None
    min_p: Share | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    repetition_penalty: Annotated[float, msgspec.Meta(gt=0, le=2)] | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None

    @property
    def include_usage(self) -> bool:
        """Whether the stream ends with its usage."""
        return bool(self.stream_options and self.stream_options.include_usage)


SAMPLING = (
    "temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty",
    "logit_bias", "logprobs", "top_logprobs", "stop",
)  # fmt: skip
FIELD = re.compile(r"^(\w+)")
MISSING = re.compile(r"missing required field `(\w+)`")
_decoder = msgspec.json.Decoder(ChatRequest)


def parse(body: bytes) -> ChatRequest:
    """Read a request.

    Raises:
        Invalid: It is not one; `param` names the field.
    """
    try:
        request = _decoder.decode(body)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at `$.")
        field = FIELD.search(where) or MISSING.search(reason)
        raise Invalid(f"{reason}.", param=field[1] if field else None) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid("The body is not JSON.", code="invalid_json") from error
    if request.top_logprobs is not None and not request.logprobs:
        raise Invalid("`top_logprobs` needs `logprobs`.", param="top_logprobs")
    return request


def sampling(request: ChatRequest, max_output: int) -> dict[str, Any]:
    """The fields llama.cpp reads, under its names."""
    fields = {name: getattr(request, name) for name in SAMPLING}
    if request.seed is not None:
        fields["seed"] = request.seed % 2**32
    if request.repetition_penalty is not None:
        fields["repeat_penalty"] = request.repetition_penalty
    limit = request.max_completion_tokens or request.max_tokens or max_output
    given = {name: value for name, value in fields.items() if value is not None}
    return given | {"max_tokens": limit}


def render(messages: list[Message]) -> list[dict[str, str]]:
    """The conversation as plain messages: calls and results of tools become text.

    One without a system message gets SYSTEM, which counts as input like everything the model reads.

    Raises:
        Invalid: A message holds something other than text.
    """
    called = {
        str(call.get("id")): _name(call)
        for message in messages
        for call in message.tool_calls or []
    }
    plain = [_plain(message, called) for message in messages]
    led = any(message["role"] == "system" for message in plain)
    return plain if led else [{"role": "system", "content": SYSTEM}, *plain]


def _plain(message: Message, called: dict[str, str]) -> dict[str, str]:
    said = text(message)
    if message.role in ("tool", "function"):
        name = message.name or called.get(message.tool_call_id or "", "the tool")
        return {"role": "user", "content": f"Result of {name}: {said}"}
    if message.role == "developer":
        return {"role": "system", "content": said}
    if message.role not in ("system", "user", "assistant"):
        raise Invalid("A message's role is not one of OpenAI's.", param="messages")
    used = ", ".join(_name(call) for call in message.tool_calls or [])
    spoken = [said, f"I will use {used}."] if used else [said]  # shown a call, it would repeat it
    return {"role": message.role, "content": "\n".join(filter(None, spoken))}


def text(message: Message) -> str:
    """The text of a message's parts.

    Raises:
        Invalid: A part is not text.
    """
    if not isinstance(message.content, list):
        return message.content or ""
    for part in message.content:
        if part.get("type") not in ("text", "refusal"):
            raise Invalid("This model reads text only.", code="unsupported_input", param="messages")
    return "".join(str(part.get(part["type"], "")) for part in message.content)


def _name(call: dict[str, Any]) -> str:
    return str((call.get("function") or {}).get("name"))


def with_advice(messages: list[dict[str, str]], advice: str) -> list[dict[str, str]]:
    """Add `advice` to the first system message."""
    at = next(at for at, message in enumerate(messages) if message["role"] == "system")
    told = {"role": "system", "content": f"{messages[at]['content']}\n\n{advice}"}
    return [*messages[:at], told, *messages[at + 1 :]]
