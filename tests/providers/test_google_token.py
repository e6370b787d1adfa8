"""alltoken_app/providers/google_token.py, against a token server on loopback"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from alltoken_app.providers.base import Outgoing
from alltoken_app.providers.credentials import CredentialFailed
from alltoken_app.providers.google_token import SCOPE, GoogleToken, account_of

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
).decode()
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
NOTHING = Outgoing("/x", (), b"{}")


class TokenServer:
    """Grants "token-1", "token-2" … of a lifetime, after a moment, unless told to refuse."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.lifetime = 3600
        self.answer: tuple[int, str] | None = None
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        form = parse_qs((await reader.readexactly(size)).decode())
        self.asked.append({name: values[0] for name, values in form.items()})
        granted = {"access_token": f"token-{len(self.asked)}", "expires_in": self.lifetime}
        status, body = self.answer or (200, json.dumps(granted))
        await asyncio.sleep(0.02)
        writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def token_server() -> AsyncIterator[TokenServer]:
    server = TokenServer()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/token"
    try:
        yield server
    finally:
        listening.close()


def account(token_uri: str = "https://oauth2.example/token") -> dict[str, Any]:
    return {
        "type": "service_account",
        "client_email": "robot@project.example",
        "private_key": PRIVATE,
        "private_key_id": "k1",
        "token_uri": token_uri,
    }


async def bearer(credential: GoogleToken) -> str:
    [(name, value)] = await credential("https://x.example/x", NOTHING)
    assert name == "authorization"
    return value.removeprefix("Bearer ")


async def test_a_hundred_calls_need_one_token() -> None:
    async with token_server() as server:
        credential = GoogleToken(account(server.url))
        got = await asyncio.gather(*(bearer(credential) for _ in range(100)))
        assert set(got) == {"token-1"}
        assert await bearer(credential) == "token-1"
        assert len(server.asked) == 1


async def test_the_assertion_is_signed_by_the_account_for_an_hour() -> None:
    async with token_server() as server:
        await bearer(GoogleToken(account(server.url)))
    [form] = server.asked
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(form["assertion"], certs=PUBLIC, audience=server.url)
    assert (claims["iss"], claims["scope"]) == ("robot@project.example", SCOPE)
    assert claims["exp"] - claims["iat"] == 3600


async def test_a_token_near_its_end_still_serves_while_the_next_is_fetched() -> None:
    async with token_server() as server:
        credential = GoogleToken(account(server.url))
        server.lifetime = 200
        assert await bearer(credential) == "token-1"
        assert [await bearer(credential) for _ in range(5)] == ["token-1"] * 5
        async with asyncio.timeout(5):
            while await bearer(credential) == "token-1":
                await asyncio.sleep(0.01)


async def test_a_spent_token_is_not_used() -> None:
    async with token_server() as server:
        credential = GoogleToken(account(server.url))
        server.lifetime = 1
        assert await bearer(credential) == "token-1"
        assert await bearer(credential) == "token-2"


async def test_a_renewal_that_fails_hurts_nobody_while_the_old_token_serves() -> None:
    async with token_server() as server:
        credential = GoogleToken(account(server.url))
        server.lifetime = 200
        await bearer(credential)
        server.answer = (500, "secret words")
        assert await bearer(credential) == "token-1"
        await asyncio.sleep(0.1)
        assert await bearer(credential) == "token-1"


@pytest.mark.parametrize("answer", [(401, '{"error":"secret"}'), (200, "[]"), (302, "")])
async def test_no_token_is_a_failure_without_the_servers_words(answer: tuple[int, str]) -> None:
    async with token_server() as server:
        server.answer = answer
        with pytest.raises(CredentialFailed) as caught:
            await bearer(GoogleToken(account(server.url)))
        assert "secret" not in str(caught.value)
        server.answer = None
        assert await bearer(GoogleToken(account(server.url))) == "token-2"


async def test_a_server_that_is_gone_is_a_failure() -> None:
    async with token_server() as server:
        gone = server.url
    with pytest.raises(CredentialFailed):
        await bearer(GoogleToken(account(gone)))


async def test_whoever_stops_waiting_does_not_stop_the_others() -> None:
    async with token_server() as server:
        credential = GoogleToken(account(server.url))
        first = asyncio.create_task(bearer(credential))
        second = asyncio.create_task(bearer(credential))
        await asyncio.sleep(0.005)
        first.cancel()
        assert await second == "token-1"


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "authorized_user"},
        {"private_key": "no key"},
        {"token_uri": "http://oauth2.example/token"},
    ],
)
def test_a_key_file_that_cannot_work_is_refused_at_once(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        GoogleToken(account() | wrong)


def test_a_setting_holds_the_key_or_its_path(tmp_path: Path) -> None:
    kept = tmp_path / "key.json"
    kept.write_text('{"type": "service_account"}')
    for setting in (str(kept), kept.read_text()):
        assert account_of(setting) == {"type": "service_account"}
    for wrong in (str(tmp_path / "none.json"), "{nonsense", "{}[]"):
        with pytest.raises(ValueError, match="key file"):
            account_of(wrong)


def test_nothing_shows_the_key() -> None:
    assert "PRIVATE" not in repr(GoogleToken(account()))
