"""Why no endpoint may serve, in OpenRouter's words: the `availability` of its errors."""

from typing import Any

from alltoken_app.errors import AllTokenError

# Our rules in OpenRouter's vocabulary; what it has no word for keeps ours.
WORDS = {
    "zdr_not_confirmed": "data_policy:zdr",
    "may_train_on_data": "data_policy:training",
    "ignored_providers": "allowed_providers",
    "free_variant": "max_price",
    "max_output": "context_length",
}
PRIVACY = frozenset({"zdr_not_confirmed", "may_train_on_data"})
NOBODY = frozenset({"provider_not_configured", "unpriced_unit"})
FIELDS = {
    "allowed_providers": "only",
    "ignored_providers": "ignore",
    "zdr_not_confirmed": "zdr",
    "may_train_on_data": "data_collection",
    "quantization": "quantizations",
}
NAMELESS = frozenset({"model_not_found", "model_unavailable", "preset_not_found"})


def of(error: AllTokenError) -> dict[str, Any] | None:
    """The `availability` of an error that says so; None for every other error."""
    excluded = error.details.get("excluded_by")
    models = error.details.get("models", [])
    if error.code in NAMELESS:
        return _document("model_not_found", models, [], None, [])
    if not isinstance(excluded, dict):
        return None
    rules = list(dict.fromkeys(excluded.values()))
    words = list(dict.fromkeys(WORDS.get(rule, rule) for rule in rules))
    constraint = None
    if len(rules) == 1 and rules[0] not in NOBODY:
        constraint = {"field": FIELDS.get(rules[0], rules[0]), "detail": str(error)}
    affected = list(dict.fromkeys(endpoint.partition(":")[0] for endpoint in excluded))
    return _document(_code(set(rules)), models, words, constraint, affected)


def _code(rules: set[str]) -> str:
    if rules <= NOBODY:
        return "no_endpoints"
    return "privacy_restricted" if rules - NOBODY <= PRIVACY else "constraint_filtered"


def _document(
    code: str,
    models: object,
    words: list[str],
    constraint: dict[str, str] | None,
    affected: list[str],
) -> dict[str, Any]:
    return {
        "code": code,
        "retryable": False,
        "retry_after": None,
        "requested_models": models,
        "affected_providers": affected,
        "excluded_by": words,
        "fallback_models": [],
        "constraint": constraint,
        "docs_url": "/docs/routing#it-fails-closed",
    }
