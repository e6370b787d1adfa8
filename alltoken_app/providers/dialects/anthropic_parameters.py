"""The common form's parameters in Anthropic's words, and what cannot be said in them."""

from typing import Any, TypeVar

import msgspec

from alltoken_app.providers.dialects import anthropic_schemas
from alltoken_app.providers.dialects.anthropic_models import Traits

T = TypeVar("T")
Fields = dict[str, msgspec.Raw]

LEAST_BUDGET = 1_024
# The share of the output that an effort may think, where thinking takes a budget.
SHARES = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.95, "max": 0.95}
TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
LONGEST_USER = 256
ONE_OBJECT = "Answer with one JSON object and nothing else: no text around it, no code fence."
FORCED = ("any", "tool")

_format = msgspec.json.Encoder().encode


class Wish(msgspec.Struct):
    """The wish to reason."""

    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None
    exclude: bool | None = None


class Named(msgspec.Struct):
    name: str = ""


class Choice(msgspec.Struct):
    type: str = ""
    function: Named = msgspec.field(default_factory=Named)


class Schema(msgspec.Struct):
    schema: dict[str, Any] = {}


class Format(msgspec.Struct):
    type: str = "text"
    json_schema: Schema | None = None


class Parameters:
    """Everything of a request but its messages and tools.

    Attributes:
        body: Fields of the request.
        lost: Names of what it cannot carry.
        instruction: What the system prompt must add; "" for nothing.
    """

    def __init__(self, fields: Fields, traits: Traits, max_output: int) -> None:
        self.body: dict[str, Any] = {"max_tokens": max_output}
        self.lost: list[str] = []
        self.instruction = ""
        self._fields = fields
        self._traits = traits
        self._max_output = max_output
        self._stop()
        self._tool_choice()
        self._answer_format()
        self._effort()
        self._thinking()
        self._sampling()
        self._person()

    def think_no_more(self) -> None:
        """Leave the thinking out: the history lacks what it would have to go on from."""
        if self.body.get("thinking", {}).get("type") == "enabled":
            del self.body["thinking"]

    def _get(self, name: str, kind: type[T]) -> T | None:
        raw = self._fields.get(name)
        if raw is None:
            return None
        try:
            return msgspec.json.decode(raw, type=kind)
        except ValueError:
            self.lost.append(name)
            return None

    def _stop(self) -> None:
        raw = self._fields.get("stop")
        if raw is None:
            return
        found = self._get("stop", str | list[str])  # type: ignore[arg-type]
        stops = [found] if isinstance(found, str) else found or []
        kept = [stop for stop in stops if stop.strip()]
        if len(kept) < len(stops):
            self.lost.append("stop")  # white space alone is refused
        if kept:
            self.body["stop_sequences"] = kept

    def _tool_choice(self) -> None:
        said = self._choice() if "tool_choice" in self._fields else None
        if b"false" in bytes(self._fields.get("parallel_tool_calls", b"")) and self._has_tools:
            said = said or {"type": "auto"}
            if said["type"] != "none":
                said["disable_parallel_tool_use"] = True
        if said and self._has_tools:
            self.body["tool_choice"] = said

    @property
    def _has_tools(self) -> bool:
        return bytes(self._fields.get("tools", b"[]")) not in (b"[]", b"null")

    def _choice(self) -> dict[str, Any] | None:
        found = self._get("tool_choice", str | Choice)  # type: ignore[arg-type]
        if isinstance(found, Choice) and found.type == "function" and found.function.name:
            return {"type": "tool", "name": found.function.name}
        said = {"auto": "auto", "none": "none", "required": "any"}.get(str(found))
        if said is None:
            self.lost.append("tool_choice")
            return None
        return {"type": said}

    def _answer_format(self) -> None:
        found = self._get("response_format", Format)
        if found is None or found.type == "text":
            return
        schema = found.json_schema.schema if found.json_schema else {}
        if schema and self._traits.schemas:
            kept = anthropic_schemas.normalised(schema)
            self.body["output_config"] = {"format": {"type": "json_schema", "schema": kept}}
            return
        self.lost.append("response_format")
        self.instruction = ONE_OBJECT
        if schema:
            self.instruction += " It follows this JSON schema: " + _format(schema).decode()

    def _effort(self) -> None:
        verbosity = self._get("verbosity", str)
        if verbosity is None:
            return
        if verbosity in self._traits.efforts:
            self.body.setdefault("output_config", {})["effort"] = verbosity
        else:
            self.lost.append("verbosity")

    def _thinking(self) -> None:
        wish = self._wish()
        if wish is None:
            return
        field = "reasoning" if "reasoning" in self._fields else "reasoning_effort"
        if wish.enabled is False or wish.effort == "none":
            self._silence(field)
        elif not self._traits.thinks or self.body.get("tool_choice", {}).get("type") in FORCED:
            self.lost.append(field)  # a forced tool and thinking exclude each other
        elif self._traits.adaptive and not (wish.max_tokens and self._traits.budget):
            self._adapt(wish)
        else:
            self._budget(wish, field)

    def _wish(self) -> Wish | None:
        """None when there is no wish about reasoning."""
        wish = self._get("reasoning", Wish) or Wish()
        wish.effort = wish.effort or self._get("reasoning_effort", str)
        said = (wish.effort, wish.max_tokens, wish.enabled)
        return None if said == (None, None, None) else wish

    def _silence(self, field: str) -> None:
        if self._traits.unasked and self._traits.silenced:
            self.body["thinking"] = {"type": "disabled"}
        elif self._traits.unasked:
            self.lost.append(field)

    def _adapt(self, wish: Wish) -> None:
        display = "omitted" if wish.exclude else "summarized"
        self.body["thinking"] = {"type": "adaptive", "display": display}
        effort = wish.effort or self._by_share(wish.max_tokens)
        if effort is None:
            return
        known = {"minimal": "low", "xhigh": "max"}.get(effort, "high")
        said = effort if effort in self._traits.efforts else known
        self.body.setdefault("output_config", {}).setdefault("effort", said)

    def _by_share(self, budget: int | None) -> str | None:
        if budget is None:
            return None
        share = budget / self._max_output
        return next((word for word in ("low", "medium", "high") if share <= SHARES[word]), "high")

    def _budget(self, wish: Wish, field: str) -> None:
        wanted = wish.max_tokens or int(SHARES.get(wish.effort or "", 0.5) * self._max_output)
        budget = min(max(wanted, LEAST_BUDGET), self._max_output - 1)
        if budget < LEAST_BUDGET:
            self.lost.append(field)
            return
        self.body["thinking"] = {"type": "enabled", "budget_tokens": budget}

    def _sampling(self) -> None:
        for name, kind in (("temperature", float), ("top_p", float), ("top_k", int)):
            value = self._get(name, kind)
            if value is None:
                continue
            kept = self._kept(name, value)
            # Whoever asks for what is the default anyway loses nothing.
            if kept != value and (value != 1 or name == "top_k"):
                self.lost.append(name)
            if kept is not None:
                self.body[name] = kept

    def _kept(self, name: str, value: float) -> float | None:
        """The value as this model takes it; None when it takes none."""
        if not self._traits.sampling or self._thinks:
            return value if self._traits.sampling and name == "temperature" and value == 1 else None
        if name == "temperature":
            return min(value, 1.0)
        if name == "top_p" and "temperature" in self.body and not self._traits.both:
            return None
        return value

    @property
    def _thinks(self) -> bool:
        return self.body.get("thinking", {}).get("type") in ("enabled", "adaptive")

    def _person(self) -> None:
        user = self._get("safety_identifier", str) or self._get("user", str)
        metadata = self._get("metadata", dict[str, Any]) or {}
        user = user or metadata.get("user_id")
        if isinstance(user, str) and 0 < len(user) <= LONGEST_USER:
            self.body["metadata"] = {"user_id": user}
        if metadata.keys() - {"user_id"}:
            self.lost.append("metadata")
        tier = self._get("service_tier", str)
        if tier in TIERS:
            self.body["service_tier"] = TIERS[tier]
        elif tier is not None:
            self.lost.append("service_tier")
        if "cache_control" in self._fields:
            self.body["cache_control"] = self._fields["cache_control"]
