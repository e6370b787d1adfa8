"""What stands over a request: the organisation's and the key's rules, and presets. Pure.

Whatever leaves endpoints out adds up over all of them; of wishes about the order the nearest to the
request holds.
"""

import msgspec

from alltoken_app.privacy import policy as privacy
from alltoken_app.privacy.policy import Policy
from alltoken_app.routing.preferences import Preferences

NOTHING = Preferences()
SOFT = ("order", "sort", "preferred_min_throughput", "preferred_max_latency")


class Rule(msgspec.Struct, frozen=True):
    """Wishes with the name that an explanation shows."""

    name: str
    wishes: Preferences


class Preset(msgspec.Struct, frozen=True):
    """Models and wishes that go by a name: `@preset/slug`."""

    slug: str
    models: tuple[str, ...]
    wishes: Preferences


class Wishes(msgspec.Struct, frozen=True):
    """Everything that is asked of routing for one request.

    Attributes:
        levels: What leaves endpoints out; the request's own has no name.
        soft: What steers the order, and whether others may serve and parameters are required.
        policy: The strictest of all.
    """

    levels: tuple[Rule, ...]
    soft: Preferences
    policy: Policy


def together(
    policy: Policy, asked: Preferences, preset: Preset | None, rules: tuple[Rule, ...]
) -> Wishes:
    """The request's wishes under its preset, its key's rules and its organisation's."""
    if preset is None and not rules:
        if asked == NOTHING:
            return Wishes((), NOTHING, policy)
        return Wishes((Rule("", asked),), asked, privacy.strictest(policy, asked.policy))
    levels = [Rule("", asked)]
    if preset is not None:
        levels.append(Rule(f"preset {preset.slug}", preset.wishes))
    levels += rules
    policies = [level.wishes.policy for level in levels]
    soft = _soft([level.wishes for level in levels])
    return Wishes(tuple(levels), soft, privacy.strictest(policy, *policies))


def _soft(levels: list[Preferences]) -> Preferences:
    nearest = {
        name: next((v for v in (getattr(one, name) for one in levels) if v is not None), None)
        for name in SOFT
    }
    fallbacks = False if any(one.allow_fallbacks is False for one in levels) else None
    required = any(one.require_parameters for one in levels)
    return Preferences(allow_fallbacks=fallbacks, require_parameters=required, **nearest)
