"""What each kind of model takes and gives, and which fields of a request it honours, as data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """What the endpoints of a kind have in common, unless their rows say otherwise."""

    takes: tuple[str, ...]
    gives: str
    parameters: tuple[str, ...]


CHAT = (
    "temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty",
    "repetition_penalty", "max_tokens", "max_completion_tokens", "logit_bias", "logprobs",
    "top_logprobs", "seed", "response_format", "structured_outputs", "stop", "tools",
    "tool_choice", "n",
)  # fmt: skip

KINDS = {
    "chat": Kind(("text",), "text", CHAT),
    "embeddings": Kind(("text",), "embeddings", ("encoding_format", "dimensions")),
    "transcription": Kind(
        ("audio",),
        "transcription",
        ("language", "prompt", "response_format", "temperature", "timestamp_granularities"),
    ),
    "speech": Kind(("text",), "speech", ("voice", "response_format", "speed", "instructions")),
    "moderation": Kind(("text", "image"), "text", ()),
    "rerank": Kind(("text",), "rerank", ("query", "documents", "top_n")),
}
