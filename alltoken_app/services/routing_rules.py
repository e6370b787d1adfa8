"""Routing rules and presets: what an organisation asks of routing for all its requests."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, func, or_, select

from alltoken_app import revisions
from alltoken_app.clock import Millis, now_ms
from alltoken_app.errors import Conflict, Invalid, NotFound
from alltoken_app.routing.preferences import Preferences
from alltoken_app.routing.rules import Preset as PresetFacts
from alltoken_app.routing.rules import Rule
from alltoken_app.services import names, security_log, wish_forms
from alltoken_app.services.actors import Actor
from alltoken_app.tables.catalog import AiModel
from alltoken_app.tables.key import ApiKey
from alltoken_app.tables.routing import ModelAlias, Preset, RoutingRule

LONGEST_NAME = 48
MOST = 50  # rules, and presets, of one organisation
MODELS = 8  # of a preset
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")


@dataclass(frozen=True)
class RuleView:
    """A rule for showing. `key_id` and `key_name` are "" when it holds for every request."""

    id: str
    name: str
    key_id: str
    key_name: str
    enabled: bool
    summary: str
    fields: dict[str, str]
    changed_at: Millis


@dataclass(frozen=True)
class PresetView:
    """A preset for showing; requests name it `@preset/slug`."""

    id: str
    slug: str
    models: tuple[str, ...]
    summary: str
    fields: dict[str, str]
    changed_at: Millis


@dataclass(frozen=True)
class Over:
    """What stands over the requests of a caller: its key's rules, then its organisation's."""

    rules: tuple[Rule, ...]
    presets: tuple[PresetFacts, ...]


def list_rules(session: Session, actor: Actor) -> list[RuleView]:
    """The organisation's rules, the oldest first."""
    actor.require("keys")
    query = select(RoutingRule).where(RoutingRule.org_id == actor.org_id)
    return [_rule(session, row) for row in session.exec(query.order_by(col(RoutingRule.id)))]


def get_rule(session: Session, actor: Actor, rule_id: str) -> RuleView:
    """One rule of the organisation. Raises NotFound."""
    actor.require("keys")
    return _rule(session, _own_rule(session, actor, rule_id))


def save_rule(
    session: Session, actor: Actor, rule_id: str, key_id: str, form: Mapping[str, str]
) -> RuleView:
    """Make a rule, or change the one with this id.

    Args:
        key_id: The key it holds for; "" for every request of the organisation.
        form: `name`, and the wishes as `wish_forms.read` takes them.

    Raises:
        Forbidden: The role may not.
        NotFound: No such rule or key of this organisation.
        Invalid: A field is wrong; `param` names it.
        Conflict: `too_many_rules`.
    """
    actor.require("routing")
    if key_id and _own_key(session, actor, key_id) is None:
        raise NotFound("There is no such key.", param="key_id")
    row = _own_rule(session, actor, rule_id) if rule_id else _new_rule(session, actor)
    row.name = names.clean(form.get("name", ""), param="name", longest=LONGEST_NAME)
    row.wishes = _asked(form)
    row.key_id = key_id or None
    _changed(session, actor, row, "routing_rule_saved")
    return _rule(session, row)


def switch_rule(session: Session, actor: Actor, rule_id: str, enabled: bool) -> RuleView:
    """Let a rule hold, or not."""
    actor.require("routing")
    row = _own_rule(session, actor, rule_id)
    row.enabled = enabled
    _changed(session, actor, row, "routing_rule_saved")
    return _rule(session, row)


def delete_rule(session: Session, actor: Actor, rule_id: str) -> str:
    """Delete a rule; its name. Requests are no longer held to it, within a second everywhere."""
    actor.require("routing")
    row = _own_rule(session, actor, rule_id)
    session.delete(row)
    _logged(session, actor, row.id, "routing_rule_deleted")
    return row.name


def list_presets(session: Session, actor: Actor) -> list[PresetView]:
    """The organisation's presets by name."""
    actor.require("keys")
    query = select(Preset).where(Preset.org_id == actor.org_id).order_by(col(Preset.slug))
    return [_preset(row) for row in session.exec(query)]


def get_preset(session: Session, actor: Actor, preset_id: str) -> PresetView:
    """One preset of the organisation. Raises NotFound."""
    actor.require("keys")
    return _preset(_own_preset(session, actor, preset_id))


def save_preset(
    session: Session, actor: Actor, preset_id: str, form: Mapping[str, str]
) -> PresetView:
    """Make a preset, or change the one with this id.

    Args:
        form: `name` (the slug), `models` with commas, and the wishes.

    Raises:
        Forbidden, NotFound, Invalid: As `save_rule`; models must exist.
        Conflict: `too_many_presets`, or the name is taken (`preset_taken`).
    """
    actor.require("routing")
    row = _own_preset(session, actor, preset_id) if preset_id else _new_preset(session, actor)
    row.slug = _slug(session, actor, row.id, form.get("name", ""))
    row.models = _models(session, form.get("models", ""))
    row.wishes = wish_forms.read(form)
    if not row.models and not row.wishes:
        raise Invalid("A preset names models or asks for something.", param="models", status=422)
    _changed(session, actor, row, "preset_saved")
    return _preset(row)


def delete_preset(session: Session, actor: Actor, preset_id: str) -> str:
    """Delete a preset; its slug. Requests that name it are answered with 404."""
    actor.require("routing")
    row = _own_preset(session, actor, preset_id)
    session.delete(row)
    _logged(session, actor, row.id, "preset_deleted")
    return row.slug


def standing_over(session: Session, org_id: str, key_id: str | None) -> Over:
    """Enabled rules and presets that concern a caller of the API."""
    rules = session.exec(
        select(RoutingRule)
        .where(
            RoutingRule.org_id == org_id,
            col(RoutingRule.enabled),
            or_(col(RoutingRule.key_id).is_(None), col(RoutingRule.key_id) == key_id),
        )
        .order_by(col(RoutingRule.key_id).is_(None), col(RoutingRule.id))
    )
    presets = session.exec(select(Preset).where(Preset.org_id == org_id))
    return Over(
        tuple(Rule(f"rule {row.name}", wish_forms.checked(row.wishes)) for row in rules),
        tuple(
            PresetFacts(row.slug, tuple(row.models), wish_forms.checked(row.wishes))
            for row in presets
        ),
    )


def _asked(form: Mapping[str, str]) -> dict[str, Any]:
    wishes = wish_forms.read(form)
    if wish_forms.checked(wishes) == Preferences():
        raise Invalid("A rule asks for something.", param="only", status=422)
    return wishes


def _new_rule(session: Session, actor: Actor) -> RoutingRule:
    count = select(func.count()).select_from(RoutingRule).where(RoutingRule.org_id == actor.org_id)
    if session.exec(count).one() >= MOST:
        raise Conflict(f"An organisation has at most {MOST} rules.", code="too_many_rules")
    return RoutingRule(org_id=actor.org_id, name="", wishes={})


def _new_preset(session: Session, actor: Actor) -> Preset:
    count = select(func.count()).select_from(Preset).where(Preset.org_id == actor.org_id)
    if session.exec(count).one() >= MOST:
        raise Conflict(f"An organisation has at most {MOST} presets.", code="too_many_presets")
    return Preset(org_id=actor.org_id, slug="", wishes={})


def _own_rule(session: Session, actor: Actor, rule_id: str) -> RoutingRule:
    row = session.get(RoutingRule, rule_id)
    if row is None or row.org_id != actor.org_id:
        raise NotFound("There is no such rule.")
    return row


def _own_preset(session: Session, actor: Actor, preset_id: str) -> Preset:
    row = session.get(Preset, preset_id)
    if row is None or row.org_id != actor.org_id:
        raise NotFound("There is no such preset.")
    return row


def _own_key(session: Session, actor: Actor, key_id: str) -> ApiKey | None:
    row = session.get(ApiKey, key_id)
    return row if row is not None and row.org_id == actor.org_id else None


def _slug(session: Session, actor: Actor, own_id: str, text: str) -> str:
    slug = text.strip().lower()
    if not SLUG.fullmatch(slug):
        rule = "A preset's name has 1 to 48 small letters, digits and hyphens."
        raise Invalid(rule, code="invalid_name", param="name", status=422)
    taken = select(Preset).where(Preset.org_id == actor.org_id, Preset.slug == slug)
    found = session.exec(taken).first()
    if found is not None and found.id != own_id:
        raise Conflict(f"There is a preset {slug} already.", code="preset_taken", param="name")
    return slug


def _models(session: Session, text: str) -> list[str]:
    wanted = wish_forms.names(text)
    if len(wanted) > MODELS:
        raise Invalid(f"A preset has at most {MODELS} models.", param="models", status=422)
    known = set(session.exec(select(AiModel.slug).where(col(AiModel.slug).in_(wanted))))
    known |= set(session.exec(select(ModelAlias.alias).where(col(ModelAlias.alias).in_(wanted))))
    for slug in wanted:
        if slug not in known and slug.rpartition(":")[0] not in known:
            raise Invalid(f"There is no model {slug[:64]}.", param="models", status=422)
    return wanted


def _changed(session: Session, actor: Actor, row: RoutingRule | Preset, kind: str) -> None:
    row.changed_at = now_ms()
    session.add(row)
    session.flush()
    _logged(session, actor, row.id, kind)


def _logged(session: Session, actor: Actor, subject_id: str, kind: str) -> None:
    security_log.record(
        session, kind, person_id=actor.person_id, org_id=actor.org_id, subject_id=subject_id
    )
    revisions.bump(session, "routing")


def _rule(session: Session, row: RoutingRule) -> RuleView:
    key = session.get(ApiKey, row.key_id) if row.key_id else None
    return RuleView(
        row.id, row.name, row.key_id or "", key.name if key else "", row.enabled,
        wish_forms.summary(row.wishes), wish_forms.fields(row.wishes), row.changed_at,
    )  # fmt: skip


def _preset(row: Preset) -> PresetView:
    return PresetView(
        row.id, row.slug, tuple(row.models), wish_forms.summary(row.wishes),
        wish_forms.fields(row.wishes), row.changed_at,
    )  # fmt: skip
