"""Who calls the API: a key or a browser token, looked up once and then remembered.

Every change of a key or session clears the memory at once here, and within a poll elsewhere.
"""

import os
import time
from dataclasses import dataclass, replace
from hashlib import blake2b

from sqlmodel import Session

from alltoken_app import crypto
from alltoken_app.clock import Millis, now_ms
from alltoken_app.db import Database
from alltoken_app.errors import Forbidden, Unauthenticated
from alltoken_app.ledger import accounts
from alltoken_app.limits.allowances import Subject
from alltoken_app.privacy.policy import Policy
from alltoken_app.routing.plans import Asker
from alltoken_app.services import keys, routing_rules, sessions

KNOWN_SECONDS = 60.0
UNKNOWN_SECONDS = 2.0
MAX_REMEMBERED = 50_000

MISSING = "Send your key as a header: Authorization: Bearer atk_… Keys are made on the Keys page."
UNKNOWN = "This key does not work. Check that it was copied whole, or make a new one."


@dataclass(frozen=True)
class Caller:
    """Who acts, and what that allows.

    Attributes:
        key_id: The API key; None for a member's browser token (`person_id` is set then).
        budget_id: The key's spending limit; None when it has none.
        cache_scope: Opaque name of the organisation, for prompt caches of our own.
        rated: The key, where it has rate limits of its own.
        budget_period: Of its spending limit.
        expires_at: The key stops working then.
    """

    org_id: str
    wallet_id: str
    book: str
    asker: Asker
    key_id: str | None = None
    person_id: str | None = None
    budget_id: str | None = None
    budget_period: str | None = None
    rated: Subject | None = None
    label: str = ""
    cache_scope: str = ""
    expires_at: Millis | None = None


class Callers:
    """The process's memory of callers, by the digest of their token."""

    def __init__(
        self, database: Database, pepper: bytes, book: str, sandbox_providers: tuple[str, ...]
    ) -> None:
        self._database = database
        self._pepper = pepper
        self._book = book
        self._sandbox_providers = frozenset(sandbox_providers)
        self._known: dict[bytes, tuple[float, Caller | Exception]] = {}
        self._salt = os.urandom(32)  # tokens are remembered by a hash that ends with the process
        self.used: dict[str, Millis] = {}

    def forget(self) -> None:
        """Look everybody up anew. Safe from any thread."""
        self._known = {}

    async def find(self, token: str) -> Caller:
        """The caller of a token.

        Raises:
            Unauthenticated: Missing, malformed, unknown, expired or revoked.
            Forbidden: Paused, or its organisation is suspended.
        """
        if not token:
            raise Unauthenticated(MISSING, code="missing_api_key")
        name = blake2b(token.encode(), key=self._salt, digest_size=16).digest()
        kept = self._known.get(name)
        if kept is None or kept[0] < time.monotonic():
            kept = await self._look_up(name, token)
        found = kept[1]
        if isinstance(found, Exception):
            raise found
        if found.expires_at is not None and found.expires_at <= now_ms():
            raise Unauthenticated("This key has expired. Make a new one.", code="api_key_expired")
        if found.key_id is not None:
            self.used[found.key_id] = now_ms()
        return found

    async def _look_up(self, name: bytes, token: str) -> tuple[float, Caller | Exception]:
        if not crypto.well_formed(token):
            raise Unauthenticated(UNKNOWN)
        if token.startswith("atm_"):
            text = "A management key manages keys; call models with an API key (atk_…)."
            raise Forbidden(text, code="management_key")
        memory = self._known
        find = self._browser if token.startswith("ats_") else self._key
        digest = crypto.token_digest(self._pepper, token)
        found: Caller | Exception
        try:
            found = await self._database.read(find, digest)
            if not found.wallet_id:
                wallet = await self._database.run(accounts.open_wallet, found.org_id, found.book)
                found = replace(found, wallet_id=wallet.id)
            until = time.monotonic() + KNOWN_SECONDS
        except (Unauthenticated, Forbidden) as refusal:
            found, until = refusal, time.monotonic() + UNKNOWN_SECONDS
        if len(memory) >= MAX_REMEMBERED:
            memory.clear()
        memory[name] = (until, found)  # a memory replaced meanwhile keeps nothing stale
        return until, found

    def _key(self, session: Session, digest: str) -> Caller:
        record = keys.find_by_digest(session, digest)
        if record is None:
            raise Unauthenticated(UNKNOWN)
        if record.revoked:
            raise Unauthenticated("This key was revoked. Make a new one.", code="api_key_revoked")
        if record.org_suspended:
            raise Forbidden("This organisation is suspended.", code="organisation_suspended")
        if record.paused:
            raise Forbidden("This key is paused. Resume it on the Keys page.", code="key_paused")
        return Caller(
            org_id=record.org_id,
            wallet_id=_wallet_id(session, record.org_id, record.book),
            book=record.book,
            asker=self._asker(session, record.org_id, record.book, record.models, record.key_id),
            key_id=record.key_id,
            cache_scope=self._scope(record.org_id),
            budget_id=record.budget_id,
            budget_period=record.period,
            rated=record.rated,
            label=record.display,
            expires_at=record.expires_at,
        )

    def _browser(self, session: Session, digest: str) -> Caller:
        found = sessions.find_browser_token(session, digest)
        if found is None:
            raise Unauthenticated("Your session has ended. Sign in again.", code="session_ended")
        if found.org_suspended:
            raise Forbidden("This organisation is suspended.", code="organisation_suspended")
        return Caller(
            org_id=found.org_id,
            wallet_id=_wallet_id(session, found.org_id, self._book),
            book=self._book,
            asker=self._asker(session, found.org_id, self._book, frozenset(), None),
            person_id=found.person_id,
            cache_scope=self._scope(found.org_id),
            label="Chat",
            expires_at=found.expires_at,
        )

    def _scope(self, org_id: str) -> str:
        return crypto.token_digest(self._pepper, f"cache:{org_id}")[:24]

    def _asker(
        self,
        session: Session,
        org_id: str,
        book: str,
        models: frozenset[str],
        key_id: str | None,
    ) -> Asker:
        over = routing_rules.standing_over(session, org_id, key_id)
        return Asker(
            org_id=org_id,
            models=models,
            policy=Policy(),
            providers=self._sandbox_providers if book == "sandbox" else None,
            rules=over.rules,
            presets=over.presets,
        )


def _wallet_id(session: Session, org_id: str, book: str) -> str:
    """The wallet's id; "" while there is none, for making one takes the writer."""
    wallet = accounts.find_wallet(session, org_id, book)
    return wallet.id if wallet else ""
