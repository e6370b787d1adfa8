"""The wallet page's state: what is in it, what moved, and a top-up from quote to credit."""

import asyncio
from collections.abc import AsyncIterator

import reflex as rx
from reflex.event import EventSpec

from alltoken_app import db
from alltoken_app.errors import AllTokenError, Invalid, Unavailable
from alltoken_app.services import plane, top_ups, wallets
from alltoken_app.services.actors import Actor
from alltoken_app.services.top_ups import Quote, TopUpView
from alltoken_app.services.wallets import EntriesPage, EntryView, ReceiptView, WalletView
from alltoken_app.states.balance import BalanceState
from alltoken_app.states.session import SessionState

QUICK, SLOW = 0.3, 2.0  # seconds between two looks at a payment
QUICK_LOOKS, LOOKS = 20, 40


class WalletState(SessionState):
    """Views only. The card's number never comes near us."""

    wallet: WalletView = WalletView()
    page: EntriesPage = EntriesPage()
    rows: list[EntryView] = []
    first_page: bool = True
    problem: str = ""
    loaded: bool = False
    dollars: str = str(top_ups.PRESET)
    quote: Quote = Quote()
    amount_error: str = ""
    busy: bool = False
    pay_at: str = ""
    returned: TopUpView = TopUpView()
    gave_up: bool = False
    cancelled: bool = False
    receipt: ReceiptView = ReceiptView()

    @rx.event
    async def load(self) -> EventSpec | None:
        """Read the wallet; `?top_up=` follows a payment that was just made."""
        if not self.signed_in:  # `require_session` comes first and sends them to sign in
            return None
        actor = await self.actor()
        query = self.router.url.query_parameters
        self.busy, self.pay_at = False, ""
        self.cancelled = bool(query.get("cancelled"))
        await self._read(actor, query.get("cursor", ""))
        self._quote()
        top_up_id = query.get("top_up", "")
        if not top_up_id:
            self.returned = TopUpView()
            return None
        if self.returned.id != top_up_id:
            self.returned, self.gave_up = TopUpView(id=top_up_id, state="processing"), False
        return WalletState.follow(top_up_id)  # type: ignore[misc]

    async def _read(self, actor: Actor, cursor: str = "") -> None:
        self.problem = ""
        self.wallet = await db.read(wallets.overview, actor)
        try:
            self.page = await db.read(wallets.entries, actor, cursor)
        except Invalid as wrong:
            self.problem, cursor = str(wrong), ""
            self.page = await db.read(wallets.entries, actor)
        self.rows, self.first_page = self.page.entries, cursor == ""
        self.loaded = True

    @rx.event
    async def choose_amount(self, dollars: str) -> None:
        """Show what this many dollars of credit cost."""
        await self.actor()
        self.dollars = dollars[:16]
        self._quote()

    def _quote(self) -> None:
        self.amount_error = ""
        try:
            self.quote = top_ups.quote(self.dollars)
        except Invalid as wrong:
            self.quote, self.amount_error = Quote(), str(wrong)

    @rx.event
    async def pay(self) -> AsyncIterator[None]:
        """Open the payment page for the quote that is shown."""
        actor = await self.actor()
        self._quote()
        if self.amount_error or self.busy:
            return
        self.busy = True
        yield
        try:
            started = await top_ups.start(plane.current().payments, actor, self.dollars)
            self.pay_at = started.url
            yield
        except AllTokenError as failed:
            self.amount_error = str(failed)
        finally:  # Back from the payment page finds the form as it was
            self.busy, self.pay_at = False, ""

    @rx.event(background=True)
    async def follow(self, top_up_id: str) -> AsyncIterator[EventSpec]:
        """Ask about a payment until it is credited or failed, for about a minute."""
        payments = plane.current().payments
        for look in range(LOOKS):
            async with self:
                actor = await self.actor()
            try:
                found = await top_ups.settle_return(payments, actor, top_up_id)
            except Unavailable:
                found = None
            if found is not None and found.state != "processing":
                async with self:
                    self.returned = found
                    await self._read(actor)
                yield BalanceState.load  # type: ignore[misc]
                return
            await asyncio.sleep(QUICK if look < QUICK_LOOKS else SLOW)
        async with self:
            self.gave_up = True

    @rx.event
    async def older(self) -> EventSpec:
        """The next page of movements."""
        await self.actor()
        return rx.redirect(f"/app/wallet?cursor={self.page.older}")

    @rx.event
    async def newest(self) -> EventSpec:
        """Back to the first page of movements."""
        await self.actor()
        return rx.redirect("/app/wallet")

    @rx.event
    async def load_receipt(self) -> None:
        """Read the receipt that the address names: /app/wallet/receipts/top_…"""
        if not self.signed_in:  # `require_session` comes first and sends them to sign in
            return
        actor = await self.actor()
        self.receipt = ReceiptView()
        top_up_id = self.router.url.path.rstrip("/").rpartition("/")[2]
        self.receipt = await db.read(wallets.receipt, actor, top_up_id)
