"""Access tokens of a Google service account: signed for, kept, renewed before they end."""

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
import msgspec
from google.auth import crypt, jwt

from alltoken_app.clock import MINUTE, SECOND, now_ms
from alltoken_app.providers.base import Outgoing
from alltoken_app.providers.credentials import CredentialFailed, Headers
from alltoken_app.providers.upstream import LOOPBACK

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_URI = "https://oauth2.googleapis.com/token"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME_SECONDS = 3600
RENEW = 5 * MINUTE  # before the end, while the old one still serves
SPENT = 10 * SECOND  # so close to its end a token may die on its way
PATIENCE = 10.0
LONGEST = 64 * 1024


class _Signer(Protocol):
    def sign(self, message: str | bytes) -> bytes: ...


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: int = LIFETIME_SECONDS


_granted = msgspec.json.Decoder(_Granted)


class GoogleToken:
    """Adds `Authorization: Bearer` with a token of the service account.

    One request for a token is under way at a time; the calls that need it wait for that one, and
    only when there is no token that still serves.

    Args:
        account: The service account's key file, as JSON.

    Raises:
        ValueError: It is not one, or its token server is not reached over https.
    """

    def __init__(self, account: dict[str, Any]) -> None:
        if account.get("type") != "service_account":
            raise ValueError("not the key file of a service account")
        try:
            signer = crypt.RSASigner.from_service_account_info(account)  # type: ignore[no-untyped-call]
            self._signer: _Signer = signer
            self._email = str(account["client_email"])
        except KeyError as missing:
            raise ValueError(f"the key file has no {missing}") from None
        self._token_uri = str(account.get("token_uri") or TOKEN_URI)
        parts = urlsplit(self._token_uri)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ValueError("the token server's address must be https")
        self._headers: Headers = ()
        self._ends_at = 0
        self._renewal: asyncio.Task[None] | None = None

    async def __call__(self, url: str, outgoing: Outgoing) -> Headers:
        """Raises CredentialFailed when Google gives no token and none is left."""
        left = self._ends_at - now_ms()
        if left < RENEW:
            renewal = self._renew()
            if left < SPENT:
                await asyncio.shield(renewal)
        return self._headers

    def _renew(self) -> "asyncio.Task[None]":
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._fetch())
            # A renewal that nobody waits for may fail: the next call tries again.
            self._renewal.add_done_callback(lambda done: done.cancelled() or done.exception())
        return self._renewal

    async def _fetch(self) -> None:
        form = {"grant_type": GRANT, "assertion": await asyncio.to_thread(self._assertion)}
        try:
            trust = await asyncio.to_thread(ssl.create_default_context)
            async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False, verify=trust) as http:
                answer = await http.post(self._token_uri, data=form)
        except httpx.HTTPError:
            raise CredentialFailed("the token server cannot be reached") from None
        if answer.status_code != httpx.codes.OK or len(answer.content) > LONGEST:
            raise CredentialFailed(f"the token server answered {answer.status_code}")
        try:
            granted = _granted.decode(answer.content)
        except ValueError:
            raise CredentialFailed("the token server's answer cannot be read") from None
        self._headers = (("authorization", f"Bearer {granted.access_token}"),)
        self._ends_at = now_ms() + granted.expires_in * SECOND

    def _assertion(self) -> str:
        """What we sign to get a token: who we are, what for, until when."""
        now = now_ms() // 1000
        claims = {
            "iss": self._email,
            "scope": SCOPE,
            "aud": self._token_uri,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
        }
        signed: bytes = jwt.encode(self._signer, claims)  # type: ignore[no-untyped-call]
        return signed.decode()


def account_of(setting: str) -> dict[str, Any]:
    """A service account from a setting: its JSON, or the path of its file.

    Raises:
        ValueError: Neither can be read.
    """
    try:
        text = setting if setting.lstrip().startswith("{") else Path(setting).read_text()
        found = json.loads(text)
    except OSError as error:
        raise ValueError(f"the key file cannot be read ({error.strerror})") from None
    except ValueError:
        raise ValueError("the key file is not JSON") from None
    if not isinstance(found, dict):
        raise ValueError("the key file is not JSON")
    return found
