"""Other makers' reasoning inside Anthropic's blocks: opaque there, whole again on the way back.

Anthropic's dialect has one opaque string per block. What another provider must get back on the next
turn (a thought signature, encrypted reasoning) travels in it, marked as ours.
"""

import base64
from typing import Any

import msgspec

MARK = "alltoken.1."

Detail = dict[str, Any]

_detail = msgspec.json.Decoder(dict[str, Any])
_encode = msgspec.json.Encoder().encode


def pack(detail: Detail) -> str:
    """A reasoning detail as an opaque string."""
    return MARK + base64.urlsafe_b64encode(_encode(detail)).decode()


def unpack(said: str) -> Detail | None:
    """The detail that `pack` made this of; None when it is somebody else's string."""
    if not said.startswith(MARK):
        return None
    try:
        return _detail.decode(base64.urlsafe_b64decode(said[len(MARK) :]))
    except ValueError:
        return None
