"""What servers of OpenAI's shape do differently, as data."""

import msgspec


class Quirks(msgspec.Struct, frozen=True):
    """How a server departs from OpenAI's chat completions.

    Attributes:
        output_limit: Its name for the bound on output.
        drops: Fields that it refuses or ignores: calls with them go elsewhere, or are warned.
        renames: Our name → its name.
        reasoning: The field that takes the wish to reason: "reasoning_effort" (a word),
            "reasoning" (OpenRouter's object), or "" where there is none.
        thinks_in: The field in which its reasoning arrives, where that is not `reasoning`.
        schemas: Whether `response_format` may hold a JSON schema.
        narrow: Whether it refuses what OpenAI's messages and tools do not have (cache marks,
            reasoning details).
    """

    output_limit: str = "max_tokens"
    drops: frozenset[str] = frozenset()
    renames: dict[str, str] = {}
    reasoning: str = ""
    thinks_in: str = ""
    schemas: bool = True
    narrow: bool = False


PLAIN = Quirks()
