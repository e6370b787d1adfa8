"""The providers we know, as data. One more is one more row, unless it speaks a wire of its own.

Addresses and quirks as published by each provider, checked on 2026-11-22.
"""

import msgspec

from alltoken_app.providers.quirks import PLAIN, Quirks


class Row(msgspec.Struct, frozen=True):
    """One provider.

    Attributes:
        id: Ours, in endpoints and `provider` wishes.
        url: Its address; "" where only the operator knows it (PROVIDER_URLS).
        dialects: What it speaks: the first for everything that the others are not named for.
        key: The setting that holds its key; "" when it needs none.
        header: The header that takes the key; "" means a bearer token.
        searches_in: The dialect that its own web search is part of, where not the usual one.
    """

    id: str
    name: str
    url: str
    key: str = ""
    dialects: tuple[str, ...] = ("openai",)
    header: str = ""
    searches_in: str = ""
    quirks: Quirks = PLAIN


REASONER = Quirks(reasoning="reasoning_effort", thinks_in="reasoning_content")

ROWS = (
    Row(
        "openai", "OpenAI", "https://api.openai.com/v1", "alltoken_openai_key",
        ("openai", "responses", "completions", "audio"),
        searches_in="responses",
        quirks=Quirks(
            output_limit="max_completion_tokens", reasoning="reasoning_effort", narrow=True
        ),
    ),
    Row(
        "anthropic", "Anthropic", "https://api.anthropic.com", "alltoken_anthropic_key",
        ("anthropic",), header="x-api-key",
    ),
    Row(
        "google", "Google AI", "https://generativelanguage.googleapis.com/v1beta",
        "alltoken_google_key", ("gemini",), header="x-goog-api-key",
    ),
    Row(
        "azure", "Azure OpenAI", "", "alltoken_azure_key",
        ("openai", "responses", "completions", "audio"), header="api-key",
        quirks=Quirks(
            output_limit="max_completion_tokens", reasoning="reasoning_effort", narrow=True
        ),
    ),
    Row(
        "mistral", "Mistral", "https://api.mistral.ai/v1", "alltoken_mistral_key",
        ("mistral",),
        quirks=Quirks(
            drops=frozenset({"logit_bias", "user", "top_k", "verbosity"}),
            renames={"seed": "random_seed"}, reasoning="reasoning_effort", narrow=True,
        ),
    ),
    Row(
        "deepseek", "DeepSeek", "https://api.deepseek.com", "alltoken_deepseek_key",
        ("openai", "responses"),
        quirks=Quirks(
            drops=frozenset({"seed", "n", "logit_bias", "user"}),
            reasoning="reasoning_effort", thinks_in="reasoning_content", schemas=False,
        ),
    ),
    Row(
        "meta", "Meta Llama API", "https://api.llama.com/compat/v1", "alltoken_meta_key",
        quirks=Quirks(output_limit="max_completion_tokens"),
    ),
    Row("cohere", "Cohere", "https://api.cohere.com/v2", "alltoken_cohere_key", ("cohere",)),
    Row(
        "groq", "Groq", "https://api.groq.com/openai/v1", "alltoken_groq_key", ("openai", "audio"),
        quirks=Quirks(
            drops=frozenset({"logprobs", "top_logprobs", "logit_bias", "n"}),
            reasoning="reasoning_effort", output_limit="max_completion_tokens",
            narrow=True,
        ),
    ),
    Row(
        "together", "Together", "https://api.together.ai/v1", "alltoken_together_key",
        ("openai", "completions", "audio"), quirks=REASONER,
    ),
    Row(
        "fireworks", "Fireworks", "https://api.fireworks.ai/inference/v1",
        "alltoken_fireworks_key", ("openai", "responses", "completions"), quirks=REASONER,
    ),
    Row(
        "xai", "xAI", "https://api.x.ai/v1", "alltoken_xai_key", ("openai", "responses"),
        quirks=Quirks(
            drops=frozenset({"logit_bias"}), reasoning="reasoning_effort",
            thinks_in="reasoning_content", output_limit="max_completion_tokens",
        ),
    ),
    Row(
        "openrouter", "OpenRouter", "https://openrouter.ai/api/v1", "alltoken_openrouter_key",
        ("openai", "responses", "completions"), quirks=Quirks(reasoning="reasoning"),
    ),
    Row(
        "cerebras", "Cerebras", "https://api.cerebras.ai/v1", "alltoken_cerebras_key",
        quirks=Quirks(output_limit="max_completion_tokens", reasoning="reasoning_effort"),
    ),
    Row(
        "perplexity", "Perplexity", "https://api.perplexity.ai", "alltoken_perplexity_key",
        quirks=Quirks(drops=frozenset({"tools", "tool_choice", "seed", "logit_bias", "n", "stop"})),
    ),
    Row(  # a second door to Bedrock, one address for each region
        "bedrock-mantle", "Amazon Bedrock (OpenAI)", "", "aws_bearer_token_bedrock",
        ("openai", "responses"), quirks=REASONER,
    ),
    Row("ollama", "Ollama", "", quirks=Quirks(reasoning="reasoning_effort")),
    Row("vllm", "vLLM", "", "alltoken_vllm_key", ("openai", "completions"), quirks=REASONER),
    Row("llama-cpp", "llama.cpp", "", "alltoken_llama_cpp_key", ("openai", "completions"),
        quirks=Quirks(thinks_in="reasoning_content")),
)  # fmt: skip
