"""What may stand in a query string, by address."""

from typing import Any, NamedTuple

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
LIST: Json = {"type": "string", "description": "Names, with commas between them"}
WHOLE: Json = {"type": "integer", "minimum": 0}
YES: Json = {"type": "boolean"}
PRICE: Json = {"type": ["number", "string"]}
ORDERS = (
    "newest", "pricing-low-to-high", "pricing-high-to-low", "context-high-to-low",
    "throughput-high-to-low", "latency-low-to-high",
)  # fmt: skip


class Query(NamedTuple):
    """One parameter."""

    name: str
    about: str
    schema: Json
    required: bool = False


AT = (
    Query("offset", "How many to leave out at the beginning", {**WHOLE, "default": 0}),
    Query("limit", "How many at most", {"type": "integer", "minimum": 1, "maximum": 1000,
                                        "default": 1000}),
)  # fmt: skip
MODELS = (
    Query("q", "Words of the name or the description", TEXT),
    Query("kind", "What the model does: chat, embeddings, speech …", TEXT),
    Query("sort", "The order; by name without it", {"enum": list(ORDERS)}),
    Query("input_modalities", "All of these go in: text, image, file, audio, video", LIST),
    Query("output_modalities", "One of these comes out; `all` for anything", LIST),
    Query("supported_parameters", "An endpoint honours all of these", LIST),
    Query("providers", "One of these serves it", LIST),
    Query("model_authors", "One of these made it", LIST),
    Query("arch", "Its tokenizer", TEXT),
    Query("context", "At least so many tokens of context", WHOLE),
    Query("min_price", "Input costs at least so much, in USD per million tokens", PRICE),
    Query("max_price", "Input costs at most so much", PRICE),
    Query("min_output_price", "Output costs at least so much", PRICE),
    Query("max_output_price", "Output costs at most so much", PRICE),
    Query("min_age_days", "Released at least so many days ago", WHOLE),
    Query("max_age_days", "Released at most so many days ago", WHOLE),
    Query("region", "An endpoint is in this region", TEXT),
    Query("zdr", "An endpoint’s zero data retention is confirmed", YES),
    Query("available", "This installation can reach an endpoint", YES),
    *AT,
)
KEYS = (
    AT[0],
    Query("include_disabled", "Whether paused keys are listed", {**YES, "default": True}),
)
GENERATION = (Query("id", "The generation: `gen_…`", TEXT, required=True),)
ACTIVITY = (
    Query("date", "One of the last 30 days, such as 2027-01-31; all of them without it", TEXT),
    Query("api_key_hash", "The use of one key, by its hash (management keys only)", TEXT),
    Query("user_id", "The use of one member (management keys only)", TEXT),
    Query("group_by", "Says in each row whose it is", {"enum": ["workspace"]}),
)
SURFACE = (
    Query(
        "for",
        "Which surface the body is for",
        {"enum": ["chat", "embeddings", "completions", "messages", "responses"], "default": "chat"},
    ),
)
