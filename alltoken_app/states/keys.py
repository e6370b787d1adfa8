"""The keys page's state: the list, and one question at a time about one key."""

from dataclasses import dataclass

import reflex as rx
from reflex.event import EventSpec

from alltoken_app import db
from alltoken_app.clock import DAY, now_ms
from alltoken_app.errors import AllTokenError
from alltoken_app.services import keys, management_keys
from alltoken_app.services.key_views import KeyView
from alltoken_app.services.management_keys import ManagementKeyView
from alltoken_app.settings import settings
from alltoken_app.states.session import SessionState
from alltoken_app.states.toasts import toast

NEAR = 80  # per cent of a limit from which its bar warns
SOON = 7 * DAY
PERIODS = {"day": "today", "week": "this week", "month": "this month", "total": "in total"}
TASKS = ("create", "manage", "rotate", "rename", "limit", "revoke", "")


@dataclass(frozen=True)
class KeyRow:
    """A key as the list shows it. `status` picks the badge, `live` what its menu offers."""

    id: str
    name: str
    display: str
    status: str
    live: bool
    models: str
    models_title: str
    used: str
    limited: bool
    percent: int
    tone: str
    last_used_at: int
    expires_at: int


@dataclass(frozen=True)
class ManagerRow:
    """A management key as the list shows it."""

    id: str
    name: str
    display: str
    status: str
    last_used_at: int
    expires_at: int


class KeysState(SessionState):
    """No secret is ever here: making keys goes through /web/keys."""

    rows: list[KeyRow] = []
    shown: list[KeyRow] = []
    managers: list[ManagerRow] = []
    may_manage: bool = False
    search: str = ""
    with_ended: bool = False
    ended: int = 0
    task: str = ""
    chosen: str = ""
    chosen_name: str = ""
    limit_usd: str = ""
    period: str = "month"
    form_error: str = ""
    may_make: bool = False
    loaded: bool = False
    origin: str = ""

    @rx.event
    async def load(self) -> EventSpec | None:
        """Read the list; `?create=1` opens the dialog at once."""
        if not self.signed_in:  # `require_session` comes first and sends them to sign in
            return None
        await self._read()
        if self.router.url.query_parameters.get("create") == "1":
            self.task = "create"
            return rx.redirect("/app/keys", replace=True)
        return None

    async def _read(self) -> None:
        actor = await self.actor()
        self.origin = settings().origin
        self.may_make = actor.allowed("keys")
        listed = await db.read(keys.list_keys, actor) if self.may_make else []
        listed.sort(key=lambda key: (-key.created_at, key.status == "rotating"))
        self.rows = [_row(key) for key in listed]
        self.may_manage = actor.allowed("all_keys")
        managing = await db.read(management_keys.list_keys, actor) if self.may_manage else []
        self.managers = [_manager_row(key) for key in managing if key.status != "revoked"]
        self.loaded = True
        self._filter()

    def _filter(self) -> None:
        words = self.search.strip().lower()
        self.ended = sum(_is_over(row) for row in self.rows)
        self.shown = [
            row
            for row in self.rows
            if words in f"{row.name} {row.display}".lower()
            and (self.with_ended or not _is_over(row))
        ]

    @rx.event
    async def find(self, text: str) -> None:
        """Show the keys whose name or beginning has these words."""
        await self.actor()
        self.search = text[:100]
        self._filter()

    @rx.event
    async def toggle_ended(self) -> None:
        """Show or hide keys that are revoked or expired."""
        await self.actor()
        self.with_ended = not self.with_ended
        self._filter()

    @rx.event
    async def ask(self, task: str, key_id: str = "") -> None:
        """Open the dialog of a task about a key."""
        actor = await self.actor()
        self.form_error = ""
        if task not in TASKS:
            return
        if key_id:
            key = await db.read(keys.get, actor, key_id)
            self.chosen, self.chosen_name = key.id, key.name
            self.limit_usd, self.period = key.limit_usd, key.period
        self.task = task

    @rx.event
    async def close(self) -> None:
        """Close whichever dialog is open."""
        await self.actor()
        self.task = ""

    @rx.event
    async def made(self) -> None:
        """A key or a secret was made: read the list again."""
        await self._read()

    @rx.event
    async def rename(self, form: dict[str, str]) -> EventSpec | None:
        """Give the chosen key another name."""
        actor = await self.actor()
        try:
            key = await db.run(keys.rename, actor, self.chosen, form.get("name", ""))
        except AllTokenError as error:
            self.form_error = str(error)
            return None
        return await self._finish(f"The key is now called {key.name}.")

    @rx.event
    async def set_limit(self, form: dict[str, str]) -> EventSpec | None:
        """Limit the chosen key, or lift its limit by leaving the amount empty."""
        actor = await self.actor()
        amount = form.get("limit_usd", "").strip() or None
        period = form.get("period", "month")
        try:
            key = await db.run(keys.set_limit, actor, self.chosen, amount, period)
        except AllTokenError as error:
            self.form_error = str(error)
            return None
        said = f"may spend {key.limit} {_each(key.period)}" if key.limit else "has no limit now"
        return await self._finish(f"{key.name} {said}.")

    @rx.event
    async def pause(self, key_id: str) -> EventSpec:
        """Stop a key until it is resumed."""
        key = await db.run(keys.pause, await self.actor(), key_id)
        return await self._finish(
            f"{key.name} is paused. Requests with it fail until you resume it."
        )

    @rx.event
    async def resume(self, key_id: str) -> EventSpec:
        """Let a paused key work again."""
        key = await db.run(keys.resume, await self.actor(), key_id)
        return await self._finish(f"{key.name} works again.")

    @rx.event
    async def revoke(self, form: dict[str, str]) -> EventSpec | None:
        """End the chosen key, once its name has been typed."""
        actor = await self.actor()
        if form.get("name", "").strip() != self.chosen_name:
            self.form_error = f"Type {self.chosen_name} to confirm."
            return None
        key = await db.run(keys.revoke, actor, self.chosen)
        return await self._finish(f"{key.name} is revoked. It never works again.")

    @rx.event
    async def revoke_manager(self, key_id: str) -> EventSpec:
        """End a management key; the API keys that it made stay."""
        key = await db.run(management_keys.revoke, await self.actor(), key_id)
        return await self._finish(f"{key.name} is revoked. The keys it made still work.")

    async def _finish(self, said: str) -> EventSpec:
        self.task = ""
        await self._read()
        return toast(said)


def _row(key: KeyView) -> KeyRow:
    limit = f"{key.spent} of {key.limit}" if key.limit else key.spent
    tone = "is-danger" if key.spent_share >= 100 else "is-warning"
    count = len(key.models)
    one = key.models[0] if count == 1 else f"{count} models"
    return KeyRow(
        id=key.id,
        name=key.name,
        display=key.display,
        status=_status(key),
        live=key.status in ("active", "paused", "expired"),
        models=one if count else "All models",
        models_title=", ".join(key.models),
        used=f"{limit} {PERIODS.get(key.period, '')}".strip(),
        limited=bool(key.limit),
        percent=key.spent_share,
        tone=tone if key.spent_share >= NEAR else "",
        last_used_at=key.last_used_at or 0,
        expires_at=key.expires_at or 0,
    )


def _manager_row(key: ManagementKeyView) -> ManagerRow:
    return ManagerRow(
        key.id, key.name, key.display, key.status, key.last_used_at or 0, key.expires_at or 0
    )


def _status(key: KeyView) -> str:
    if key.status != "active":
        return key.status
    if key.limit and key.spent_share >= 100:
        return "limit_reached"
    if key.limit and key.spent_share >= NEAR:
        return "near_limit"
    soon = key.expires_at is not None and key.expires_at < now_ms() + SOON
    return "expires_soon" if soon else "active"


def _is_over(row: KeyRow) -> bool:
    return row.status in ("revoked", "expired")


def _each(period: str) -> str:
    return "in total" if period == "total" else f"a {period}"
