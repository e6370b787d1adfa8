"""Which request fields exist, as data: forwarded, read by us, or unknown.

What is in neither set is not forwarded and is named in `warnings`; with `strict` it is refused.
"""

# Sent upstream byte for byte. The endpoint's own list says which of them it honours.
CHAT_FORWARDED = frozenset({
    "messages", "temperature", "top_p", "top_k", "min_p", "top_a", "frequency_penalty",
    "presence_penalty", "repetition_penalty", "n", "stop", "seed", "logit_bias", "logprobs",
    "top_logprobs", "response_format", "tools", "tool_choice", "parallel_tool_calls", "user",
    "safety_identifier", "reasoning_effort", "verbosity", "prediction", "metadata", "reasoning",
    "include_reasoning", "cache_control", "web_search_options", "modalities", "audio",
    "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options",
    "functions", "function_call",
})  # fmt: skip
EMBEDDINGS_FORWARDED = frozenset({"input", "encoding_format", "dimensions", "user"})

# Read and acted upon by us; they never leave the house unread.
CHAT_OURS = frozenset({
    "model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "provider",
    "alltoken", "models", "route", "preset", "session_id", "service_tier",
})  # fmt: skip
EMBEDDINGS_OURS = frozenset({
    "model", "provider", "alltoken", "models", "route", "preset", "session_id",
})  # fmt: skip
# What steers, in any body.
STEERING = frozenset({
    "alltoken", "models", "route", "preset", "session_id", "prompt_cache_key",
})  # fmt: skip

# Someone who sends these means to steer where we connect to; that is never the client's to say.
FORBIDDEN = frozenset(
    {"api_base", "base_url", "api_key", "custom_host", "extra_headers", "headers", "organization"}
)
