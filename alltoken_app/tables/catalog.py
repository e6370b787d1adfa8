"""What can be routed to: providers, models, endpoints and their price cards. All data."""

from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from alltoken_app.clock import Millis, now_ms
from alltoken_app.tables.columns import big, maybe_big

SETTINGS, PUBLISHED = "settings", "published"  # where an endpoint comes from


class Provider(SQLModel, table=True):
    """A company or server that runs models, and what it says it does with what it is sent.

    Attributes:
        datacenters: Countries, as ISO 3166 codes of two letters.
        zdr, trains, retention_days: As of an endpoint: what holds unless an endpoint says more.
    """

    id: str = Field(primary_key=True)  # "local"
    name: str
    description: str = ""
    headquarters: str | None = None
    privacy_url: str | None = None
    terms_url: str | None = None
    status_url: str | None = None
    datacenters: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    zdr: str = "unknown"
    evidence: str = ""
    trains: bool | None = None
    retention_days: int | None = None
    source_url: str | None = None
    checked_at: Millis | None = maybe_big()


class AiModel(SQLModel, table=True):
    """What is asked for: `author/name`.

    Attributes:
        kind: "chat", "embeddings", "transcription", "speech", "moderation" or "rerank".
        canonical_slug: The slug with its version in it, where that is another.
        context: Tokens of input and output together.
        knowledge_cutoff: A date, as its maker writes it: "2024-06-01".
        expires_at: When its maker takes it away.
    """

    __tablename__ = "ai_model"

    slug: str = Field(primary_key=True)
    name: str
    author: str
    kind: str
    description: str = ""
    context: int
    max_output: int
    input_modalities: list[str] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False)
    )
    output_modalities: list[str] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False)
    )
    canonical_slug: str | None = None
    parameters_count: str | None = None
    licence: str | None = None
    tokenizer: str | None = None
    hugging_face_id: str | None = None
    knowledge_cutoff: str | None = None
    voices: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    released_at: Millis | None = maybe_big()
    expires_at: Millis | None = maybe_big()
    notice: str = ""  # shown wherever the model is offered, e.g. that it is tiny
    created_at: Millis = big(default_factory=now_ms)
    retired_at: Millis | None = maybe_big()


class Endpoint(SQLModel, table=True):
    """One model at one provider: its limits and privacy facts.

    Attributes:
        tag: The provider, and its variant where there are several: "bedrock/us".
        tier: The service tier it is ("priority"); None for the usual one.
        parameters: Request fields it honours.
        wires: The callers' dialects it is offered in, where not all that its provider speaks.
        origin: `SETTINGS` (made again at each start) or `PUBLISHED` (from the catalogue's data).
        zdr: "none", "offered", "confirmed" or "unknown"; unknown counts as none.
        trains, retention_days: None when nobody knows, which counts as the worst.
    """

    id: str = Field(primary_key=True)  # "local:smollm2-135m-instruct"
    model_slug: str = Field(foreign_key="ai_model.slug", index=True)
    provider_id: str = Field(foreign_key="provider.id", index=True)
    tag: str = ""
    upstream_model: str
    context: int
    max_output: int
    tier: str | None = None
    quantization: str | None = None
    region: str | None = None
    parameters: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    wires: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    zdr: str = "unknown"
    zdr_evidence: str = ""
    trains: bool | None = None
    retention_days: int | None = None
    source_url: str | None = None
    checked_at: Millis | None = maybe_big()
    implicit_caching: bool = False
    moderated: bool = False
    origin: str = SETTINGS
    enabled: bool = True


class PriceCard(SQLModel, table=True):
    """An immutable set of rates of an endpoint; the newest effective one is charged.

    Attributes:
        rates: Pico-USD by the names of `providers.base.Price`; "tiers" and "windows" hold rates
            of long prompts and of hours of the day (`catalog/cards.py` reads them).
    """

    __tablename__ = "price_card"

    version: str = Field(primary_key=True)
    endpoint_id: str = Field(foreign_key="endpoint.id", index=True)
    rates: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    effective_from: Millis = big()
    created_at: Millis = big(default_factory=now_ms)
    source: str = ""


class CatalogRelease(SQLModel, table=True):
    """One publication of the catalogue's data; none is applied twice.

    Attributes:
        digest: SHA-256 of what was published.
        source: The data package its prices came from, with its version.
    """

    __tablename__ = "catalog_release"

    digest: str = Field(primary_key=True)
    source: str
    at: Millis = big(default_factory=now_ms)
