"""Which fields, beta names and tools of Anthropic's dialect exist here, as data."""

# Sent byte for byte to an upstream that speaks the dialect, and translated for the others.
FORWARDED = frozenset({
    "model", "messages", "system", "max_tokens", "metadata", "stop_sequences", "stream",
    "temperature", "top_p", "top_k", "tools", "tool_choice", "thinking", "output_config",
    "output_format", "service_tier", "cache_control", "context_management", "mcp_servers",
})  # fmt: skip

# Read and acted upon by us; they never leave the house.
OURS = frozenset({"provider", "models", "route", "preset", "session_id", "alltoken"})

# Known, and not sold: they change the price, or share a store among all our callers.
UNSOLD = frozenset({"container", "inference_geo", "speed", "fallbacks", "diagnostics"})

# What only an upstream of the dialect understands.
NATIVE_ONLY = ("context_management", "mcp_servers")

# Names of beta features that change neither price nor who can read what. A prefix is enough.
BETAS = (
    "claude-code-", "interleaved-thinking-", "fine-grained-tool-streaming-", "token-efficient-",
    "prompt-caching-", "extended-cache-ttl-", "context-management-", "advanced-tool-use-",
    "tool-search-", "tool-examples-", "structured-outputs-", "effort-", "pdfs-", "output-128k-",
    "computer-use-", "web-fetch-", "web-search-", "mcp-client-", "adaptive-thinking-",
    "redact-thinking-", "prompt-caching-scope-", "mid-conversation-", "search-results-",
    "model-context-window-", "task-budgets-",
)  # fmt: skip

SEARCH_TOOL = "web_search_"
SEARCHES = 10  # of one call whose caller sets no limit
# Tools that Anthropic defines: the client runs them, or they cost nothing but tokens.
NATIVE_TOOLS = (
    "bash_", "text_editor_", "computer_", "memory_", "browser_", "web_fetch_", "tool_search_tool_",
    "mcp_toolset",
)  # fmt: skip
