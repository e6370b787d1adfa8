"""What each generation of Google's models can be told, read off the model's name.

Thinking levels: https://ai.google.dev/gemini-api/docs/generate-content/thinking
"""

import re
from functools import lru_cache

import msgspec

NAME = re.compile(r"gemini-(\d+)(?:\.(\d+))?(?:-(.*))?")
NEWEST = (99, 0)  # what an alias without a number (gemini-flash-latest) points to
NOT_THINKING = ("image", "tts", "live", "audio", "embedding", "computer-use", "robotics")

LOW_HIGH = ("LOW", "HIGH")
LOW_TO_HIGH = ("LOW", "MEDIUM", "HIGH")
MINIMAL_TO_HIGH = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
ORDER = {name: rank for rank, name in enumerate((*MINIMAL_TO_HIGH, "XHIGH", "MAX"))}


class Traits(msgspec.Struct, frozen=True):
    """What one model understands.

    Attributes:
        levels: Thinking levels it takes, lowest first; () where it takes none.
        budget: Least and most thinking tokens it can be given; None where it takes no budget.
        stops_thinking: Whether its thinking can be switched off.
        signs: Whether it wants the signatures of its tool calls back.
        mixes: Whether tools, search and a schema for the answer go together.
        alternatives: Whether it gives more than one answer.
        penalties: Whether it knows the presence and frequency penalties.
    """

    generation: tuple[int, int]
    levels: tuple[str, ...] = ()
    budget: tuple[int, int] | None = None
    stops_thinking: bool = False
    signs: bool = False
    mixes: bool = False
    alternatives: bool = True
    penalties: bool = True

    @property
    def thinks(self) -> bool:
        return bool(self.levels or self.budget)

    def level(self, effort: str) -> str:
        """The level for an effort: that one, else the next above it, else the highest."""
        wanted = ORDER.get(effort.upper(), 0)
        above = (level for level in self.levels if ORDER[level] >= wanted)
        return next(above, self.levels[-1])


@lru_cache(maxsize=1024)
def traits(upstream_model: str) -> Traits:
    """What the model of this name understands; models without a number know the least."""
    name = upstream_model.rpartition("/")[2]
    found = NAME.match(name)
    generation = (int(found[1]), int(found[2] or 0)) if found else (0, 0)
    if not found and name.startswith("gemini-") and name.endswith("-latest"):
        generation = NEWEST
    levels, budget, stops = _thinking(generation, name)
    return Traits(
        generation,
        levels=levels,
        budget=budget,
        stops_thinking=stops,
        signs=generation >= (3, 0),
        mixes=generation >= (3, 0),
        alternatives=generation < (3, 0),
        penalties=generation < (2, 5),
    )


def _thinking(
    generation: tuple[int, int], name: str
) -> tuple[tuple[str, ...], tuple[int, int] | None, bool]:
    """Levels, budget and whether thinking can be switched off."""
    if generation < (2, 5) or any(kind in name for kind in NOT_THINKING):
        return (), None, False
    if generation < (3, 0):
        if "pro" in name:
            return (), (128, 32_768), False
        return (), (512 if "lite" in name else 1, 24_576), True
    if "pro" in name:
        return (LOW_HIGH if generation == (3, 0) else LOW_TO_HIGH), (1, 32_768), False
    if "flash" in name and generation < (3, 7):
        return MINIMAL_TO_HIGH, (1, 32_768), True
    return LOW_TO_HIGH, (1, 32_768), False
