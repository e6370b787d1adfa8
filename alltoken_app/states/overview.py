"""The overview's state: a period at a glance, keys against their limits, the balance."""

from dataclasses import dataclass
from typing import cast, get_args

import reflex as rx
from reflex.event import EventSpec

from alltoken_app import db
from alltoken_app.components.code_block import Sample
from alltoken_app.services import keys, samples, usage, wallets
from alltoken_app.services.actors import Actor
from alltoken_app.services.key_views import KeyView
from alltoken_app.services.samples import LANGUAGES
from alltoken_app.services.usage import By, ShareView, UsageView
from alltoken_app.services.wallets import WalletView
from alltoken_app.settings import settings
from alltoken_app.states.home import coloured
from alltoken_app.states.period import PeriodState

NEAR = 80  # per cent of a limit from which its bar warns
PERIOD_WORDS = {"day": "today", "week": "this week", "month": "this month", "total": "in total"}


@dataclass(frozen=True)
class KeyShareView:
    """What a key spent in the period, and how much of its own limit is used."""

    id: str
    name: str
    requests: str
    spend: str
    limited: bool
    used: str
    percent: int
    tone: str


class OverviewState(PeriodState):
    """Views only; every number comes from the same rows."""

    by: str = "model"
    usage: UsageView = UsageView()
    keys: list[KeyShareView] = []
    tight: list[KeyShareView] = []
    wallet: WalletView = WalletView()
    may_make_keys: bool = False
    has_keys: bool = False
    used: bool = False
    calls: list[Sample] = [Sample(label, "", "") for label, _ in LANGUAGES]
    loaded: bool = False

    @rx.event
    async def load(self) -> None:
        """Read the query string and show what it asks for."""
        if not self.signed_in:  # `require_session` comes first and sends them to sign in
            return
        actor = await self.actor()
        period = self.read_period()
        by = self.asked("by")
        self.by = by if by in get_args(By) else "model"
        self.usage = await db.read(
            usage.usage, actor, period, cast(By, self.by), book=settings().book
        )
        await self._load_keys(actor)
        self.wallet = await db.read(wallets.overview, actor)
        self.used = bool(self.usage.count) or await db.read(usage.ever, actor, settings().book)
        self.calls = coloured(samples.FIRST)
        self.loaded = True

    async def _load_keys(self, actor: Actor) -> None:
        self.may_make_keys = actor.allowed("keys")
        listed = await db.read(keys.list_keys, actor) if self.may_make_keys else []
        known = {key.id: key for key in listed}
        self.has_keys = bool(known)
        self.keys = [_share(share, known.get(share.id)) for share in self.usage.keys]
        limited = [_limit(key) for key in listed if key.limit and key.status == "active"]
        self.tight = [key for key in limited if key.percent >= NEAR]

    @rx.event
    async def choose_by(self, by: str) -> EventSpec:
        """Colour the chart by model, key or provider."""
        await self.actor()
        return self.go(by="" if by == "model" else by)


def _share(share: ShareView, key: KeyView | None) -> KeyShareView:
    used = _limit(key) if key is not None and key.limit else None
    return KeyShareView(
        id=share.id,
        name=share.name,
        requests=share.requests,
        spend=share.spend,
        limited=used is not None,
        used=used.used if used else ("No limit" if share.id else ""),
        percent=used.percent if used else 0,
        tone=used.tone if used else "",
    )


def _limit(key: KeyView) -> KeyShareView:
    tone = "is-danger" if key.spent_share >= 100 else "is-warning"
    return KeyShareView(
        id=key.id,
        name=key.name,
        requests="",
        spend=key.spent,
        limited=True,
        used=f"{key.spent} of {key.limit} {PERIOD_WORDS.get(key.period, '')}".strip(),
        percent=key.spent_share,
        tone=tone if key.spent_share >= NEAR else "",
    )
