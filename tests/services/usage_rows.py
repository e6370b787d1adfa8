"""Organisations, keys and requests for tests that look at usage."""

from datetime import UTC, datetime

from sqlmodel import Session

from alltoken_app.services.actors import Actor
from alltoken_app.tables.account import Organisation
from alltoken_app.tables.catalog import Provider
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.key import ApiKey

NANO = 1_000


def at(text: str) -> int:
    """Milliseconds of a UTC time such as "2026-11-22 12:00"."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def actor(org_id: str = "org_a", role: str = "owner") -> Actor:
    return Actor("usr_a", org_id, "ses_a", role, "Mira", "mira@example.org", "Northwind", True)


def organisations(session: Session) -> None:
    session.add_all(Organisation(id=f"org_{letter}", name=letter) for letter in "ab")
    session.add(Provider(id="local", name="Local engine"))
    session.flush()
    for letter in "ab":
        session.add(
            ApiKey(
                id=f"key_{letter}",
                org_id=f"org_{letter}",
                created_by="usr_a",
                name=f"ci-{letter}",
                digest=letter,
                display=f"atk_test_…{letter}",
                book="sandbox",
            )
        )


def request(number: int, when: str, **more: object) -> Generation:
    """A request of organisation A that cost `number` micro-dollars, unless said otherwise."""
    values: dict[str, object] = {
        "id": f"gen_{number:03d}",
        "request_id": f"req_{number:03d}",
        "org_id": "org_a",
        "key_id": "key_a",
        "book": "sandbox",
        "operation": "chat",
        "model_requested": "author/small",
        "model": "author/small",
        "provider": "local",
        "endpoint_id": "local:small",
        "status": "ok",
        "finish_reason": "stop",
        "input_tokens": 10,
        "output_tokens": 5,
        "price_version": "2026-11-01",
        "cost": number * NANO,
        "held": 10 * number * NANO,
        "duration_ms": number,
        "first_token_ms": number // 2,
        "created_at": at(when),
    }
    return Generation(**(values | more))
