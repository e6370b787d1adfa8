"""What can be routed to: providers, models, endpoints and their price cards. All data."""

from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from alltoken_app.clock import Millis, now_ms
from alltoken_app.tables.columns import big, maybe_big


class Provider(SQLModel, table=True):
    """A company or server that runs models."""

    id: str = Field(primary_key=True)  # "local"
    name: str
    description: str = ""
    headquarters: str | None = None
    privacy_url: str | None = None
    terms_url: str | None = None
    status_url: str | None = None
    checked_at: Millis | None = maybe_big()


class AiModel(SQLModel, table=True):
    """What is asked for: `author/name`.

    Attributes:
        kind: "chat" or "embeddings".
        context: Tokens of input and output together.
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
    parameters_count: str | None = None
    licence: str | None = None
    notice: str = ""  # shown wherever the model is offered, e.g. that it is tiny
    created_at: Millis = big(default_factory=now_ms)
    retired_at: Millis | None = maybe_big()


class Endpoint(SQLModel, table=True):
    """One model at one provider: its limits and privacy facts.

    Attributes:
        parameters: Request fields it honours.
        zdr: "none", "offered", "confirmed" or "unknown"; unknown counts as none.
        trains, retention_days: None when nobody knows, which counts as the worst.
    """

    id: str = Field(primary_key=True)  # "local:smollm2-135m-instruct"
    model_slug: str = Field(foreign_key="ai_model.slug", index=True)
    provider_id: str = Field(foreign_key="provider.id", index=True)
    upstream_model: str
    context: int
    max_output: int
    quantization: str | None = None
    region: str | None = None
    parameters: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    zdr: str = "unknown"
    zdr_evidence: str = ""
    trains: bool | None = None
    retention_days: int | None = None
    source_url: str | None = None
    checked_at: Millis | None = maybe_big()
    enabled: bool = True


class PriceCard(SQLModel, table=True):
    """An immutable set of rates of an endpoint; the newest effective one is charged.

    Attributes:
        rates: {"input": pico per token, "cached_input": …, "output": …, "request": …}.
    """

    __tablename__ = "price_card"

    version: str = Field(primary_key=True)
    endpoint_id: str = Field(foreign_key="endpoint.id", index=True)
    rates: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    effective_from: Millis = big()
    source: str = ""
