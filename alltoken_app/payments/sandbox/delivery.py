"""Sends the sandbox processor's events, signed, until somebody accepts them."""

import asyncio
import hashlib
import hmac
import json
from contextlib import suppress

import httpx
import structlog

from alltoken_app.clock import DAY, HOUR, SECOND, Millis, now_ms
from alltoken_app.payments.sandbox import checkout
from alltoken_app.payments.sandbox.faults import Faults
from alltoken_app.payments.sandbox.store import Due, Object, Store

PATIENCE = 3 * DAY  # after that an event is given up
LONGEST_WAIT = HOUR
SWEEP_SECONDS = 30.0
ANSWER_SECONDS = 10.0

log = structlog.get_logger()


class Delivery:
    """A task that delivers what is due. `start` it, `wake` it when there is news, `close` it.

    Args:
        url: The webhook endpoint.
        back_off: Milliseconds before the second attempt; doubled each time after.
    """

    def __init__(
        self, url: str, secret: str, store: Store, faults: Faults, back_off: Millis
    ) -> None:
        self._url = url
        self._secret = secret
        self._store = store
        self._faults = faults
        self._back_off = back_off
        self._fresh = True  # nothing tried yet in this process
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; what an earlier process could not deliver is tried at once."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """There are new events."""
        self._news.set()

    async def close(self) -> None:
        """Stop; undelivered events stay in the file."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as http:
            while True:
                self._news.clear()
                try:
                    wait = await self._deliver_due(http)
                except Exception as error:  # noqa: BLE001 - a full disk must not end it
                    log.warning("sandbox_delivery_failed", type=type(error).__name__)
                    wait = SWEEP_SECONDS
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):  # wait_for may swallow a cancellation
                        await self._news.wait()

    async def _deliver_due(self, http: httpx.AsyncClient) -> float:
        """One round; returns how many seconds until the next."""
        if self._fresh:
            await self._store.run(lambda books: books.wake_all())
            self._fresh = False
        await self._store.run(checkout.expire_old)
        due = await self._store.run(
            lambda books: books.claim_due(int(2 * ANSWER_SECONDS) * SECOND, self._faults.delay_ms)
        )
        await asyncio.gather(*(self._deliver(http, event) for event in due))
        next_at = await self._store.run(lambda books: books.next_due())
        wait = SWEEP_SECONDS if next_at is None else (next_at - now_ms()) / SECOND
        return min(max(wait, 0.01), SWEEP_SECONDS)

    async def _deliver(self, http: httpx.AsyncClient, due: Due) -> None:
        if self._faults.take("drop"):
            await self._store.run(lambda books: books.postpone(due.event_id, None))
            return
        copies = 3 if self._faults.take("duplicate") else 1
        accepted = await asyncio.gather(*(self._send(http, due.body) for _ in range(copies)))
        if all(accepted):
            await self._store.run(lambda books: books.delivered(due.event_id))
            return
        wait = min(self._back_off * 2 ** min(due.attempts - 1, 20), LONGEST_WAIT)
        again = now_ms() + wait if now_ms() - due.created_at < PATIENCE else None
        await self._store.run(lambda books: books.postpone(due.event_id, again))

    async def _send(self, http: httpx.AsyncClient, event: Object) -> bool:
        body = json.dumps(event).encode()
        secret = "whsec_wrong" if self._faults.take("forge") else self._secret
        headers = {"stripe-signature": signature(body, secret, now_ms() // SECOND)}
        try:
            answer = await http.post(self._url, content=body, headers=headers)
        except httpx.HTTPError:
            return False
        return answer.is_success


def signature(body: bytes, secret: str, at: int) -> str:
    """The header that proves who sent `body`, signed at `at` (Unix seconds)."""
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
