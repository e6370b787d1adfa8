"""alltoken_app/payments/events.py"""

import json

import pytest
from stripe import WebhookSignature

from alltoken_app.errors import Invalid, Unavailable
from alltoken_app.payments import events

SECRET = "whsec_a"
NOW = 1_800_000_000
BODY = json.dumps(
    {
        "id": "evt_1",
        "object": "event",
        "type": "payment_intent.succeeded",
        "livemode": False,
        "data": {"object": {"id": "pi_1", "amount": 2100}},
    }
).encode()


def signed(body: bytes = BODY, secret: str = SECRET, at: int = NOW) -> str:
    """The header the processor's own library makes."""
    return WebhookSignature.generate_signature_header(body.decode(), secret, at)


@pytest.mark.parametrize("skew", [-300, 0, 300])
def test_what_the_processor_signed_is_accepted_for_five_minutes(skew: int) -> None:
    events.verify(BODY, signed(at=NOW + skew), SECRET, NOW)


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (signed(at=NOW - 301), BODY),
        (signed(at=NOW + 301), BODY),
        (signed(secret="whsec_b"), BODY),
        (signed(), BODY.replace(b"2100", b"9900")),
        (signed().replace(f"t={NOW}", f"t={NOW + 1}"), BODY),
        (signed().replace("v1=", "v0="), BODY),
        (f"t={NOW}", BODY),
        (f"t={NOW},v1=", BODY),
        (f"t={NOW},v1=é", BODY),
        (f"t={NOW},{signed()}", BODY),
        ("t=x,v1=00", BODY),
        ("t=99999999999999999999,v1=00", BODY),
        ("nonsense", BODY),
        ("", BODY),
    ],
)
def test_anything_else_is_refused(header: str, body: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        events.verify(body, header, SECRET, NOW)
    assert caught.value.code == "invalid_signature"


def test_either_secret_fits_while_it_is_being_rotated() -> None:
    old, new = signed(secret="whsec_old"), signed(secret="whsec_new")
    events.verify(BODY, f"{old},{new.split(',')[1]}", "whsec_new", NOW)
    events.verify(BODY, f"{old},{new.split(',')[1]}", "whsec_old", NOW)


@pytest.mark.parametrize("secret", ["", "  "])
def test_without_a_secret_nothing_is_believed(secret: str) -> None:
    with pytest.raises(Unavailable) as caught:
        events.verify(BODY, signed(secret=secret), secret, NOW)
    assert caught.value.code == "webhook_not_configured"


def test_only_the_names_of_an_event_are_read() -> None:
    expected = events.Event("evt_1", "payment_intent.succeeded", "pi_1", livemode=False)
    assert events.parse(BODY) == expected


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"object":"event"}', BODY.replace(b'"event"', b'"v2.core.event"')],
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        events.parse(body)
    assert caught.value.code == "invalid_event"
