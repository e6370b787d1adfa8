"""A small catalogue for tests: what pages show of models, endpoints and prices."""

from typing import Any

from sqlmodel import Session

from alltoken_app.clock import HOUR, now_ms
from alltoken_app.money import rate_per_million
from alltoken_app.tables.catalog import AiModel, Endpoint, PriceCard, Provider


def fill(session: Session) -> None:
    """Two providers; a chat model at both, an embedding model at one, a retired model."""
    for name in ("near", "far"):
        session.add(Provider(id=name, name=name.title(), privacy_url=f"https://{name}.example/p"))
    add_model(session, "acme/talk", context=8192, description="Talks about anything.")
    add_model(session, "acme/vectors", kind="embeddings", context=512)
    add_model(session, "acme/old", context=2048, retired_at=now_ms())
    session.flush()
    facts = {"zdr": "confirmed", "zdr_evidence": "It runs here.", "trains": False}
    add_endpoint(session, "near", "acme/talk", "3", "15", retention_days=0, **facts)
    add_endpoint(session, "far", "acme/talk", "0.15", "0.60", zdr="offered", retention_days=30)
    add_endpoint(session, "far", "acme/vectors", "0.000001", "0", zdr="none")
    add_endpoint(session, "far", "acme/old", "1", "1")


def fill_many(session: Session, count: int) -> None:
    """As many chat models at one provider more."""
    session.add(Provider(id="many", name="Many"))
    for number in range(count):
        add_model(session, f"many/m{number:03d}", context=100)
    session.flush()
    for number in range(count):
        add_endpoint(session, "many", f"many/m{number:03d}", "1", "2")


def add_model(session: Session, slug: str, kind: str = "chat", **more: Any) -> None:
    author, _, short = slug.partition("/")
    made = {"name": short.title(), "max_output": 1024, "input_modalities": ["text"], **more}
    session.add(AiModel(slug=slug, author=author, kind=kind, output_modalities=["text"], **made))


def add_endpoint(
    session: Session, provider: str, slug: str, price: str, output: str, **facts: Any
) -> None:
    key = f"{provider}:{slug}"
    session.add(
        Endpoint(
            id=key,
            model_slug=slug,
            provider_id=provider,
            upstream_model=slug,
            context=4096,
            max_output=1024,
            parameters=["temperature", "stop"] if provider == "near" else ["temperature"],
            **facts,
        )
    )
    session.flush()
    add_price(session, key, price, output, now_ms() - HOUR)


def add_price(session: Session, endpoint: str, price: str, output: str, since: int) -> None:
    rates = {"input": rate_per_million(price), "output": rate_per_million(output)}
    version = f"{endpoint}@{since}"
    session.add(PriceCard(version=version, endpoint_id=endpoint, rates=rates, effective_from=since))
