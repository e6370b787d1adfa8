"""What the rest of the surface answers, as types: account, keys, routing, errors."""

from typing import Any, Literal

import msgspec

from alltoken_app.api.openapi.answers import UNSET, Absent, Json, Usd


class Credits(msgspec.Struct):
    """USD, as numbers."""

    total_credits: float
    total_usage: float
    available: float
    held: float


class WrappedCredits(msgspec.Struct):
    """What the organisation received, used and has left."""

    data: Credits


class KeyInfo(msgspec.Struct):
    """The calling key. Money in USD, as numbers."""

    label: str
    name: str
    limit: float | None
    limit_remaining: float | None
    limit_reset: str | None
    usage: float
    usage_daily: float
    usage_weekly: float
    usage_monthly: float
    expires_at: str | None
    is_management_key: bool
    organization_id: str
    creator_user_id: str | None
    budgets: list[Json]
    models: list[str]
    book: str
    rate_limit: Json


class DayOfUse(msgspec.Struct):
    """One model at one endpoint on one UTC day. Money in USD, as numbers."""

    date: str
    model: str
    model_permaslug: str
    endpoint_id: str
    provider_name: str
    usage: float
    byok_usage_inference: float
    requests: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    workspace_id: str | Absent = UNSET


class Activity(msgspec.Struct):
    """What was used per day, the newest first."""

    data: list[DayOfUse]


class WrappedKeyInfo(msgspec.Struct):
    """The calling key."""

    data: KeyInfo


class ManagedKey(msgspec.Struct):
    """An API key, as its manager sees it. Money in USD, as numbers."""

    hash: str
    name: str
    label: str
    disabled: bool
    limit: float | None
    limit_remaining: float | None
    limit_reset: Literal["daily", "weekly", "monthly"] | None
    include_byok_in_limit: bool
    usage: float
    usage_daily: float
    usage_weekly: float
    usage_monthly: float
    created_at: str
    updated_at: str | None
    expires_at: str | None
    last_used_at: str | None
    creator_user_id: str | None
    workspace_id: str | None
    models: list[str]
    book: str
    rate_limit: Json | Absent = UNSET


class WrappedKey(msgspec.Struct):
    """One key."""

    data: ManagedKey


class WrappedKeys(msgspec.Struct):
    """A page of keys."""

    data: list[ManagedKey]


class NewKey(msgspec.Struct):
    """A new key. `key` is its secret, and is never shown again."""

    data: ManagedKey
    key: str


class Deleted(msgspec.Struct):
    """It is gone."""

    deleted: Literal[True]


class PaidLine(msgspec.Struct):
    """So many of a unit, at so much each."""

    meter: str
    quantity: int
    rate: Usd
    amount: Usd


class Receipt(msgspec.Struct):
    """What a generation was charged for, and how it came about."""

    status: str
    error_code: str | None
    requested: str
    endpoint: str | None
    served: Json
    estimated: bool
    price_version: str | None
    cost: Usd
    held: Usd
    lines: list[PaidLine]
    attempts: list[Json]
    warnings: list[str]
    key_id: str | None


class Generation(msgspec.Struct):
    """The record of one request. Nothing of its content is in it."""

    id: str
    request_id: str
    upstream_id: str | None
    api_type: str
    model: str | None
    provider_name: str | None
    created_at: str
    streamed: bool
    cancelled: bool
    finish_reason: str | None
    native_finish_reason: str | None
    latency: int | None
    generation_time: int | None
    tokens_prompt: int
    tokens_completion: int
    native_tokens_reasoning: int
    native_tokens_cached: int
    usage: float
    total_cost: float
    alltoken: Receipt


class WrappedGeneration(msgspec.Struct):
    """The record of one request."""

    data: Generation


class LeftOut(msgspec.Struct):
    """An endpoint that may not serve, and the rule."""

    endpoint: str
    provider: str
    model: str
    rule: str
    reason: str
    of: str


class Costs(msgspec.Struct):
    expected: Usd
    maximum: Usd


class CandidateEndpoint(msgspec.Struct):
    """An endpoint in the order in which it would be tried."""

    rank: int
    model: str
    provider: str
    endpoint: str
    tag: str
    upstream_model: str
    quantization: str | None
    region: str | None
    service_tier: str | None
    zdr: str
    score: Json
    health: Json
    request: Json
    cost: Costs


class Explanation(msgspec.Struct):
    """What a request would do. Nothing was sent, nothing was charged."""

    object: Literal["route.explanation"]
    requested: str
    sent: Literal[False]
    charged: Usd
    valid_until: str
    candidates: list[CandidateEndpoint]
    excluded: list[LeftOut]
    strategy: str | Absent = UNSET
    warnings: list[str] | Absent = UNSET
    tokens: dict[str, int] | Absent = UNSET
    cost: Costs | Absent = UNSET
    error: Json | Absent = UNSET


class Promised(msgspec.Struct):
    """An endpoint’s prices in a quote: USD per unit, as decimal strings."""

    endpoint: str
    provider: str
    model: str
    price_version: str
    pricing: dict[str, str]
    long_prompts: list[int]


class QuoteCost(msgspec.Struct):
    maximum: Usd


class Quote(msgspec.Struct):
    """Prices that hold until `expires_at` for requests that name `id`."""

    object: Literal["quote"]
    id: str
    expires_at: str
    model: str
    endpoints: list[Promised]
    cost: QuoteCost
    charged: Usd


class OpenAIErrorBody(msgspec.Struct):
    message: str
    request_id: str
    charged: Usd
    type: str
    param: str | None
    code: str
    excluded_by: dict[str, str] | Absent = UNSET
    need: Usd | Absent = UNSET
    have: Usd | Absent = UNSET
    resets_at: str | Absent | None = UNSET


class OpenAIError(msgspec.Struct):
    """An error under `/v1`."""

    error: OpenAIErrorBody


class OpenRouterErrorBody(msgspec.Struct):
    message: str
    request_id: str
    charged: Usd
    code: int
    metadata: dict[str, Any]
    availability: Json | Absent = UNSET


class OpenRouterError(msgspec.Struct):
    """An error under `/api/v1`; our code is `metadata.error_type`."""

    error: OpenRouterErrorBody


class AnthropicErrorBody(msgspec.Struct):
    type: str
    code: str
    param: str | None
    message: str
    request_id: str
    charged: Usd


class AnthropicError(msgspec.Struct):
    """An error of `/messages`, under both addresses."""

    type: Literal["error"]
    error: AnthropicErrorBody
    request_id: str
