"""What the catalogue answers, as types: models, endpoints and providers."""

from typing import Literal

import msgspec

from alltoken_app.api.openapi.answers import UNSET, Absent, Json


class Architecture(msgspec.Struct):
    modality: str
    input_modalities: list[str]
    output_modalities: list[str]
    tokenizer: str | None
    instruct_type: str | None


class Pricing(msgspec.Struct):
    """USD per unit, as decimal strings; what is not sold is left out, "-1" is not known."""

    prompt: str
    completion: str
    request: str
    discount: float
    price_version: str
    input_cache_read: str | Absent = UNSET
    input_cache_write: str | Absent = UNSET
    input_cache_write_1h: str | Absent = UNSET
    audio: str | Absent = UNSET
    web_search: str | Absent = UNSET
    character: str | Absent = UNSET
    millisecond: str | Absent = UNSET
    search_unit: str | Absent = UNSET
    overrides: list[Json] | Absent = UNSET


class TopProvider(msgspec.Struct):
    context_length: int | None
    max_completion_tokens: int | None
    is_moderated: bool


class Percentiles(msgspec.Struct):
    p50: float
    p75: float
    p90: float
    p99: float


class Endpoint(msgspec.Struct):
    """One provider's offer of a model."""

    id: str
    name: str
    model_id: str
    model_name: str
    provider_name: str
    provider: str
    tag: str
    context_length: int
    max_completion_tokens: int | None
    quantization: str | None
    pricing: Pricing
    supported_parameters: list[str]
    supports_implicit_caching: bool
    region: str | None
    service_tier: str | None
    zdr: str
    may_train_on_data: bool | None
    available: bool
    status: int
    uptime_last_30m: float | None
    latency_last_30m: Percentiles | None
    throughput_last_30m: Percentiles | None


class Model(msgspec.Struct):
    """A model, in OpenAI's and OpenRouter's shape at once."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    canonical_slug: str
    name: str
    description: str
    kind: str
    available: bool
    context_length: int
    architecture: Architecture
    pricing: Pricing
    top_provider: TopProvider
    supported_parameters: list[str]
    supported_voices: list[str] | None
    knowledge_cutoff: str | None
    expiration_date: str | None
    hugging_face_id: str | None
    links: dict[str, str]
    endpoints: list[Endpoint] | Absent = UNSET
    engine: Json | Absent = UNSET


class Next(msgspec.Struct):
    next: str | None


class Models(msgspec.Struct):
    """A page of models."""

    object: Literal["list"]
    data: list[Model]
    total_count: int
    links: Next


class WrappedModel(msgspec.Struct):
    """One model, as OpenRouter wraps it."""

    data: Model


class Count(msgspec.Struct):
    count: int


class ModelCount(msgspec.Struct):
    """How many models there are."""

    data: Count


class ModelEndpoints(msgspec.Struct):
    id: str
    name: str
    created: int
    description: str
    architecture: Architecture
    endpoints: list[Endpoint]


class WrappedEndpoints(msgspec.Struct):
    """A model's endpoints, as OpenRouter wraps them."""

    data: ModelEndpoints


class Endpoints(msgspec.Struct):
    """Endpoints of many models."""

    data: list[Endpoint]


class DataPolicy(msgspec.Struct):
    """What a provider says that it does with what it is sent. Null is not known."""

    training: bool | None
    retains_prompts: bool | None
    retention_days: int | None
    zdr_status: str
    evidence: str | None
    evidence_url: str | None
    checked_at: str | None


class Provider(msgspec.Struct):
    name: str
    slug: str
    privacy_policy_url: str | None
    terms_of_service_url: str | None
    status_page_url: str | None
    headquarters: str | None
    datacenters: list[str] | None
    configured: bool
    data_policy: DataPolicy


class Providers(msgspec.Struct):
    """Every provider of the catalogue."""

    data: list[Provider]
