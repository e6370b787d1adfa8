"""Which request fields exist, as data: forwarded, read by us, or unknown.

What is in neither set is not forwarded and is named in `warnings`; with `strict` it is refused.
"""

# Sent upstream byte for byte. The endpoint's own list says which of them it honours. Nothing that
# a price card does not price is among them (service_tier, modalities, audio).
CHAT_FORWARDED = frozenset({
    "messages", "temperature", "top_p", "top_k", "min_p", "top_a", "frequency_penalty",
    "presence_penalty", "repetition_penalty", "n", "stop", "seed", "logit_bias", "logprobs",
    "top_logprobs", "response_format", "tools", "tool_choice", "parallel_tool_calls", "user",
    "safety_identifier", "reasoning_effort", "verbosity", "prediction", "metadata",
})  # fmt: skip
EMBEDDINGS_FORWARDED = frozenset({"input", "encoding_format", "dimensions", "user"})

# Read and acted upon by us; they never leave the house unread.
CHAT_OURS = frozenset({
    "model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "provider",
    "alltoken",
})  # fmt: skip
EMBEDDINGS_OURS = frozenset({"model", "provider", "alltoken"})

# Someone who sends these means to steer where we connect to; that is never the client's to say.
FORBIDDEN = frozenset(
    {"api_base", "base_url", "api_key", "custom_host", "extra_headers", "headers", "organization"}
)
