"""Webhook events of the payment processor: is it really from them, and what is it about."""

import hashlib
import hmac
from dataclasses import dataclass

import msgspec

from alltoken_app.errors import Invalid, Unavailable

TOLERANCE = 300  # seconds a signature may be old, or ahead of our clock


@dataclass(frozen=True)
class Event:
    """What we keep of an event: names only, because the object itself is fetched again."""

    event_id: str
    type: str
    object_id: str
    livemode: bool


class _Object(msgspec.Struct):
    id: str = ""  # a few kinds of object (a balance) have none


class _Data(msgspec.Struct):
    object: _Object


class _Event(msgspec.Struct, tag_field="object", tag="event"):
    id: str
    type: str
    livemode: bool
    data: _Data


def verify(body: bytes, header: str, secret: str, now: int) -> None:
    """Check that the processor signed exactly these bytes, recently.

    Args:
        header: "t=<unix seconds>,v1=<hex>", perhaps with several v1 while a secret is rotated.
        now: Unix seconds.

    Raises:
        Unavailable: There is no secret; with an empty one anybody could sign.
        Invalid: Not theirs, too old, or from the future.
    """
    if not secret.strip():
        raise Unavailable("No webhook secret is set.", code="webhook_not_configured")
    signed_at, signatures = _split(header)
    expected = hmac.new(secret.encode(), b"%d." % signed_at + body, hashlib.sha256).hexdigest()
    if not any(hmac.compare_digest(expected, found) for found in signatures):
        raise _unverified("The signature does not match the body.")
    if abs(now - signed_at) > TOLERANCE:
        raise _unverified("The signature is too old or from the future.")


def parse(body: bytes) -> Event:
    """Read a verified event.

    Raises:
        Invalid: It is not an event.
    """
    try:
        event = msgspec.json.decode(body, type=_Event)
    except msgspec.DecodeError:
        raise Invalid("This is not an event.", code="invalid_event") from None
    return Event(event.id, event.type, event.data.object.id, event.livemode)


def _split(header: str) -> tuple[int, list[str]]:
    pairs = [part.partition("=")[::2] for part in header.split(",")]
    times = [value for name, value in pairs if name.strip() == "t"]
    signatures = [value for name, value in pairs if name.strip() == "v1"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit()) or len(times[0]) > 12:
        raise _unverified("The signature header is malformed.")
    return int(times[0]), [found for found in signatures if found.isascii()]


def _unverified(message: str) -> Invalid:
    return Invalid(message, code="invalid_signature")
