"""What each generation of Claude takes, by the version in its name.

Sources: Anthropic's migration guides and AWS's model pages, 2026-11. A name without a version (an
imitator of the API, an ARN) is treated as the fourth generation: the oldest rules still spoken.
"""

import re

import msgspec

VERSION = re.compile(r"claude-(?:[a-z]+-)*(?:v)?(\d)(?:[-.](\d{1,2})(?!\d))?")
UNKNOWN = (4, 0)
EFFORTS = ("low", "medium", "high", "max")
ALWAYS_THINKS = ("fable", "mythos")


class Traits(msgspec.Struct, frozen=True):
    """What a model takes.

    Attributes:
        thinks: Whether it can be asked to think at all.
        adaptive: Whether thinking is asked for by effort.
        budget: Whether thinking takes a budget in tokens.
        unasked: Whether it thinks without being asked, so that "no" must be said.
        silenced: Whether that "no" is accepted.
        sampling: Whether temperature, top_p and top_k exist.
        both: Whether temperature and top_p may come together.
        schemas: Whether answers and tools can be held to a schema.
        system_turns: Whether a system message may stand between other messages.
    """

    thinks: bool
    adaptive: bool
    budget: bool
    unasked: bool
    silenced: bool
    sampling: bool
    both: bool
    schemas: bool
    system_turns: bool
    efforts: tuple[str, ...]


def traits(model: str) -> Traits:
    """The traits of a model by its upstream name."""
    version = _version(model)
    adaptive, newest = version >= (4, 6), version >= (4, 7)
    return Traits(
        thinks=version >= (3, 7),
        adaptive=adaptive,
        budget=not newest,
        unasked=version >= (5, 0),
        silenced=not any(name in model for name in ALWAYS_THINKS),
        sampling=not newest,
        both=version < (4, 1),
        schemas=version >= (4, 5) or (version == (4, 1) and "opus" in model),
        system_turns=version >= (4, 8),
        efforts=(*EFFORTS, "xhigh") if newest else EFFORTS if adaptive else (),
    )


def _version(model: str) -> tuple[int, int]:
    found = VERSION.search(model)
    if found is None:
        return (1, 0) if "claude-instant" in model else UNKNOWN
    return int(found[1]), int(found[2] or 0)
