"""What the families of models on Bedrock can do through Converse, as data.

Bedrock has one request for all of them but refuses what a family does not know. A caller's wish
that is not listed here makes the route unable, so that the router can prefer another.
"""

import re
from functools import lru_cache

import msgspec

from alltoken_app.providers.base import EndpointFacts
from alltoken_app.providers.dialects.anthropic_models import Traits, traits

ANY = frozenset({"required", "named"})
NONE: frozenset[str] = frozenset()


class Family(msgspec.Struct, frozen=True):
    """What a model takes.

    Attributes:
        claude: What its generation of Claude takes, when it is one.
        thinks: How it is asked to reason: "claude", "nova", "effort" (a word), "openai" (an
            object with the word); "" when it is not asked.
        top_k: The field for it among the model's own; "nova" has it in an object; "" for none.
        schema: How an answer is bound to a JSON schema: "native", "tool" (a forced one) or "".
        choices: Kinds of tool choice besides "auto".
        caches: Where it takes cache points: "content", "tools"; "1h" when it keeps them so long.
        parallel: Whether it can be told to make one tool call at a time.
        status: Whether a tool's result can be called an error.
        signed: Whether its reasoning goes back to it, by signature.
    """

    claude: Traits | None = None
    thinks: str = ""
    top_k: str = ""
    schema: str = ""
    choices: frozenset[str] = NONE
    caches: frozenset[str] = NONE
    parallel: bool = False
    status: bool = False
    signed: bool = False


NOVA = Family(top_k="nova", schema="tool", choices=ANY, caches=frozenset({"content"}), status=True)
NOVA_2 = msgspec.structs.replace(NOVA, thinks="nova", signed=True)
OPEN = Family(schema="native")  # open-weight models that Bedrock binds to a schema itself
# The first whose pattern is found in the model's id decides.
FAMILIES = (
    (r"amazon\.nova-2", NOVA_2),
    (r"amazon\.nova", NOVA),
    (r"openai\.gpt-oss", Family(thinks="effort", schema="native")),
    (r"openai\.", Family(thinks="openai", schema="native")),
    (r"deepseek\.(deepseek-)?r1", Family()),
    (r"deepseek\.", Family(thinks="effort", schema="native")),
    (r"moonshot", Family(thinks="effort", schema="native")),
    (r"mistral\.(mistral-7b|mixtral)", Family(top_k="top_k")),
    (r"mistral\.(pixtral|mistral-(large|small)-24)", Family(schema="tool", choices=ANY)),
    (r"(mistral|mistralai|qwen|minimax|zai|z-ai|nvidia|google)\.", OPEN),
    (r"cohere\.", Family(top_k="k")),
)
TOOL_CLAUDE = re.compile(r"claude-3")  # with the third generation came tools


def family(endpoint: EndpointFacts) -> Family:
    """The family of an endpoint's model. An ARN says nothing, so our own name is asked then."""
    return _named(endpoint.upstream_model, endpoint.model)


@lru_cache(maxsize=1024)
def _named(upstream: str, slug: str) -> Family:
    name = upstream.lower()
    if name.startswith("arn:") and "foundation-model/" not in name:
        name += " " + slug.lower().replace("/", ".")
    if "anthropic." in name or "claude" in name:
        return _claude(name)
    return next((found for pattern, found in FAMILIES if re.search(pattern, name)), Family())


def _claude(name: str) -> Family:
    known = traits(name)
    caches: set[str] = set()
    if known.thinks or "3-5-haiku" in name:
        caches = {"content", "tools"} | ({"1h"} if known.schemas else set())
    tools = bool(TOOL_CLAUDE.search(name)) or known.thinks
    return Family(
        claude=known,
        thinks="claude" if known.thinks else "",
        top_k="top_k" if known.sampling else "",
        schema="native" if known.schemas else "tool" if tools else "",
        choices=ANY if tools else NONE,
        caches=frozenset(caches),
        parallel=known.schemas,
        status=tools,
        signed=known.thinks,
    )
