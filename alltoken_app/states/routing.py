"""The routing page's state: rules and presets, and one question at a time about one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from alltoken_app import db
from alltoken_app.errors import AllTokenError
from alltoken_app.services import keys, routing_rules, wish_forms
from alltoken_app.services.routing_rules import PresetView, RuleView
from alltoken_app.states.session import SessionState
from alltoken_app.states.toasts import toast

ALL_REQUESTS = ("", "All requests")
BLANK = {**wish_forms.fields({}), "name": "", "key_id": "", "models": ""}


@dataclass(frozen=True)
class RuleRow:
    """A rule as the list shows it."""

    id: str
    name: str
    scope: str
    asks: str
    enabled: bool
    changed_at: int


@dataclass(frozen=True)
class PresetRow:
    """A preset as the list shows it; `call` is what requests write as their model."""

    id: str
    call: str
    models: str
    asks: str
    changed_at: int


class RoutingState(SessionState):
    """What the organisation asks of routing."""

    rules: list[RuleRow] = []
    presets: list[PresetRow] = []
    key_options: list[tuple[str, str]] = [ALL_REQUESTS]
    task: str = ""
    chosen: str = ""
    chosen_name: str = ""
    draft: dict[str, str] = BLANK
    form_error: str = ""
    may_see: bool = False
    may_edit: bool = False
    loaded: bool = False

    @rx.event
    async def load(self) -> None:
        """Read both lists."""
        if self.signed_in:  # `require_session` comes first and sends them to sign in
            await self._read()

    async def _read(self) -> None:
        actor = await self.actor()
        self.may_see, self.may_edit = actor.allowed("keys"), actor.allowed("routing")
        self.loaded = True
        if not self.may_see:
            return
        self.rules = [_rule(one) for one in await db.read(routing_rules.list_rules, actor)]
        self.presets = [_preset(one) for one in await db.read(routing_rules.list_presets, actor)]
        live = [key for key in await db.read(keys.list_keys, actor) if key.status != "revoked"]
        self.key_options = [ALL_REQUESTS, *((key.id, key.name) for key in live)]

    @rx.event
    async def new_rule(self) -> None:
        """Open the dialog for a new rule."""
        await self._open("rule", "", "", BLANK)

    @rx.event
    async def new_preset(self) -> None:
        """Open the dialog for a new preset."""
        await self._open("preset", "", "", BLANK)

    @rx.event
    async def edit_rule(self, rule_id: str) -> None:
        """Open the dialog with what a rule asks."""
        found = await db.read(routing_rules.get_rule, await self.actor(), rule_id)
        told = {"name": found.name, "key_id": found.key_id}
        await self._open("rule", found.id, found.name, BLANK | found.fields | told)

    @rx.event
    async def edit_preset(self, preset_id: str) -> None:
        """Open the dialog with what a preset keeps."""
        found = await db.read(routing_rules.get_preset, await self.actor(), preset_id)
        told = {"name": found.slug, "models": ", ".join(found.models)}
        await self._open("preset", found.id, found.slug, BLANK | found.fields | told)

    @rx.event
    async def ask_delete_rule(self, rule_id: str) -> None:
        """Ask before a rule is deleted."""
        found = await db.read(routing_rules.get_rule, await self.actor(), rule_id)
        await self._open("delete_rule", found.id, found.name, BLANK)

    @rx.event
    async def ask_delete_preset(self, preset_id: str) -> None:
        """Ask before a preset is deleted."""
        found = await db.read(routing_rules.get_preset, await self.actor(), preset_id)
        await self._open("delete_preset", found.id, found.slug, BLANK)

    async def _open(self, task: str, chosen: str, name: str, draft: dict[str, str]) -> None:
        await self.actor()
        self.task, self.chosen, self.chosen_name = task, chosen, name
        self.draft, self.form_error = dict(draft), ""

    @rx.event
    async def close(self) -> None:
        """Close whichever dialog is open."""
        await self.actor()
        self.task = ""

    @rx.event
    async def save_rule(self, form: dict[str, str]) -> EventSpec | None:
        """Make the rule, or change it."""
        actor, key_id = await self.actor(), form.get("key_id", "")
        save = routing_rules.save_rule
        return await self._save(
            lambda session: save(session, actor, self.chosen, key_id, form).name,
            "{} holds from the next request on.", form,
        )  # fmt: skip

    @rx.event
    async def save_preset(self, form: dict[str, str]) -> EventSpec | None:
        """Make the preset, or change it."""
        actor = await self.actor()
        save = routing_rules.save_preset
        return await self._save(
            lambda session: save(session, actor, self.chosen, form).slug,
            "Requests may now name @preset/{}.", form,
        )  # fmt: skip

    async def _save(
        self, save: Callable[[Any], str], said: str, form: dict[str, str]
    ) -> EventSpec | None:
        try:
            name = await db.run(save)
        except AllTokenError as error:
            self.form_error = str(error)
            self.draft = BLANK | {name: str(value) for name, value in form.items()}
            return None
        return await self._finish(said.format(name))

    @rx.event
    async def switch_rule(self, rule_id: str) -> EventSpec:
        """Let a rule hold, or stop it."""
        actor = await self.actor()
        held = (await db.read(routing_rules.get_rule, actor, rule_id)).enabled
        rule = await db.run(routing_rules.switch_rule, actor, rule_id, not held)
        return await self._finish(f"{rule.name} {'holds' if rule.enabled else 'is off'} now.")

    @rx.event
    async def delete(self) -> EventSpec | None:
        """Delete the chosen rule or preset."""
        actor = await self.actor()
        if self.task == "delete_rule":
            name = await db.run(routing_rules.delete_rule, actor, self.chosen)
        elif self.task == "delete_preset":
            name = await db.run(routing_rules.delete_preset, actor, self.chosen)
        else:
            return None
        return await self._finish(f"{name} is deleted.")

    async def _finish(self, said: str) -> EventSpec:
        self.task = ""
        await self._read()
        return toast(said)


def _rule(rule: RuleView) -> RuleRow:
    scope = rule.key_name or "All requests"
    return RuleRow(rule.id, rule.name, scope, rule.summary, rule.enabled, rule.changed_at)


def _preset(preset: PresetView) -> PresetRow:
    models = ", ".join(preset.models) or "the request's own"
    call = f"@preset/{preset.slug}"
    return PresetRow(preset.id, call, models, preset.summary, preset.changed_at)
