"""A caller's own Messages fields, byte for byte, but for what this model would refuse.

Clients guess what a model takes by its name, and take one they do not know for the newest.
"""

import re
from typing import Any

import msgspec

from alltoken_app.providers.base import Call
from alltoken_app.providers.dialects import anthropic_requests
from alltoken_app.providers.dialects.anthropic_models import Traits

OURS = frozenset({"model", "stream"})
ADDRESS = re.compile(rb'"type"\s*:\s*"url"')
CLEARS = b'"clear_thinking_'
SYSTEM = re.compile(rb'"role"\s*:\s*"system"')


class Thinking(msgspec.Struct):
    type: str = ""


class Config(msgspec.Struct):
    effort: str | None = None


_thinking = msgspec.json.Decoder(Thinking)
_config = msgspec.json.Decoder(Config)


def body(
    call: Call, known: Traits, max_output: int, left_out: set[str], *, urls: bool
) -> dict[str, Any]:
    """The request's body without model, version and stream.

    Args:
        left_out: Fields that are refused here; they were reported.
        urls: Whether images and documents may be named by address.

    Raises:
        Unfit: Something in it cannot be said.
    """
    found: dict[str, Any] = {
        name: value
        for name, value in call.native.items()
        if name not in OURS and name not in left_out
    }
    found["max_tokens"] = max_output
    thinks_so = _fits(call, known)
    messages = bytes(call.native.get("messages", b""))
    folds = not known.system_turns and SYSTEM.search(messages) is not None
    fetched = not urls and ADDRESS.search(messages) is not None
    if thinks_so and not folds and not fetched:
        return found
    made = anthropic_requests.body(call, known, max_output, urls=urls)
    if not thinks_so:
        # An effort alone is no wish to think.
        thinks = ("thinking",) if "thinking" in call.native else ()
        _replace(found, made, (*thinks, "output_config"))
    if folds or fetched:
        _replace(found, made, ("messages", "system"))
    if "thinking" not in found and CLEARS in bytes(call.native.get("context_management", b"")):
        found.pop("context_management", None)  # there would be nothing to clear
    return found


def _replace(found: dict[str, Any], made: dict[str, Any], names: tuple[str, ...]) -> None:
    """Say these fields in the words of this model."""
    for name in names:
        found.pop(name, None)
        if name in made:
            found[name] = made[name]


def _fits(call: Call, known: Traits) -> bool:
    """Whether the model knows the way to think that is asked for."""
    config = _config.decode(call.native.get("output_config", b"{}"))
    if config.effort is not None and config.effort not in known.efforts:
        return False
    wanted = _thinking.decode(call.native.get("thinking", b"{}")).type
    if wanted == "disabled":
        return not known.unasked or known.silenced
    return (wanted != "adaptive" or known.adaptive) and (wanted != "enabled" or known.budget)
