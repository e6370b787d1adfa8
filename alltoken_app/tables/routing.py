"""What organisations ask of routing for all their requests, other names of models, quotes."""

from typing import Any

from sqlalchemy import JSON, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from alltoken_app.clock import Millis, now_ms
from alltoken_app.ids import new_id
from alltoken_app.tables.columns import big


class ModelAlias(SQLModel, table=True):
    """Another name of a model, such as `~author/family-latest`."""

    __tablename__ = "model_alias"

    alias: str = Field(primary_key=True)
    model_slug: str = Field(foreign_key="ai_model.slug", index=True)


class RoutingRule(SQLModel, table=True):
    """Wishes that hold for every request of an organisation, or of one of its keys.

    Attributes:
        wishes: A `provider` object; requests can tighten it and never loosen it.
    """

    __tablename__ = "routing_rule"

    id: str = Field(default_factory=lambda: new_id("rule"), primary_key=True)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    key_id: str | None = Field(default=None, foreign_key="api_key.id")
    name: str
    wishes: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    enabled: bool = True
    created_at: Millis = big(default_factory=now_ms)
    changed_at: Millis = big(default_factory=now_ms)


class Preset(SQLModel, table=True):
    """Models and wishes under a name of the organisation's own: `@preset/slug`.

    Attributes:
        models: Slugs in the order they may serve; empty leaves the model to the request.
    """

    __table_args__ = (UniqueConstraint("org_id", "slug"),)

    id: str = Field(default_factory=lambda: new_id("pre"), primary_key=True)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    slug: str
    models: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    wishes: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    created_at: Millis = big(default_factory=now_ms)
    changed_at: Millis = big(default_factory=now_ms)


class Quote(SQLModel, table=True):
    """Prices that an organisation was promised until `expires_at`.

    Attributes:
        prices: By endpoint id, the fields of `providers.base.Price`.
    """

    id: str = Field(default_factory=lambda: new_id("quo"), primary_key=True)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    prices: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    created_at: Millis = big(default_factory=now_ms)
    expires_at: Millis = big()
