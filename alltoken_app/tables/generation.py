"""One served request: what it was, what it used, what it cost. Never what it said."""

from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel

from alltoken_app.clock import Millis
from alltoken_app.money import Nano
from alltoken_app.tables.columns import big, maybe_big


class Generation(SQLModel, table=True):
    """The usage record; its id is its hold's id.

    Attributes:
        key_id: The API key, or None when a member used the web app (`person_id` is set then).
        status: "ok", "error" (failed after content began), "cancelled" (the client left),
            "interrupted" (our process died) or "failed" (before content; never charged).
        input_tokens: All of them, cached ones included.
        estimated: The provider reported no usage; we counted what was delivered.
        lines: [[meter, quantity, rate in pico, product in pico], …]; their sum rounds to `cost`
            (of an interrupted answer there are none; a cost above its hold is cut to the hold).
        served: {upstream_model, quantization, region, service_tier, zdr} of the endpoint then.
        attempts: [{provider, endpoint, status, ms, code}, …] in the order they were made.
        size_bucket: Power of two at or above the request's size in bytes.
        user_hash: Keyed hash of the caller's own `user` field.
    """

    __table_args__ = (
        Index("ix_generation_org_time", "org_id", "created_at"),
        Index("ix_generation_key_time", "key_id", "created_at"),
    )

    id: str = Field(primary_key=True)
    request_id: str
    org_id: str
    key_id: str | None = None
    person_id: str | None = None
    book: str
    operation: str
    streamed: bool = False
    model_requested: str
    model: str
    provider: str
    endpoint_id: str
    status: str
    error_code: str | None = None
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    input_tokens: int = big(0)
    cached_tokens: int = big(0)
    output_tokens: int = big(0)
    reasoning_tokens: int = big(0)
    estimated: bool = False
    price_version: str
    lines: list[Any] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    cost: Nano = big(0)
    held: Nano = big(0)
    journal_tx: str | None = None
    served: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    attempts: list[Any] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    warnings: list[Any] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    upstream_id: str | None = None
    size_bucket: int = 0
    user_hash: str | None = None
    first_token_ms: int | None = None
    duration_ms: int = 0
    gateway_us: int = 0
    created_at: Millis = big()
    finished_at: Millis | None = maybe_big()
