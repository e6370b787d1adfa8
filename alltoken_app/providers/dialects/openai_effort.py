"""The wish to reason, as servers of OpenAI's shape want to hear it."""

import msgspec

EFFORTS = (("low", 8_000), ("medium", 16_000))


class Reasoning(msgspec.Struct):
    """The common form's wish to reason."""

    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None


_reasoning = msgspec.json.Decoder(Reasoning)
_encode = msgspec.json.Encoder().encode


def place(body: dict[str, msgspec.Raw], field: str) -> None:
    """Say the wish to reason as this server wants to hear it."""
    if field == "reasoning" and "reasoning" in body:
        return
    wish = body.pop("reasoning", None)
    effort = body.pop("reasoning_effort", None)
    if not field:
        return
    if wish is not None and effort is None:
        said = _effort(_reasoning.decode(wish))
        effort = msgspec.Raw(_encode(said)) if said else None
    if effort is not None:
        whole = msgspec.Raw(b'{"effort":' + effort + b"}")
        body[field] = whole if field == "reasoning" else effort


def _effort(wish: Reasoning) -> str | None:
    """The wish as a word, for servers that know no budget in tokens."""
    if wish.effort:
        return wish.effort
    if wish.enabled is False:
        return "none"
    if wish.max_tokens is None:
        return "medium" if wish.enabled else None
    return next((word for word, most in EFFORTS if wish.max_tokens <= most), "high")
