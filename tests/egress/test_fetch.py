"""alltoken_app/egress/fetch.py"""

import asyncio
import base64
import datetime
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from alltoken_app.clock import now_ms
from alltoken_app.egress import inline as inline_module
from alltoken_app.egress.fetch import Guard
from alltoken_app.egress.inline import inline
from alltoken_app.errors import Invalid
from alltoken_app.providers.base import Call
from tests.egress.server import Web, page, redirect, web

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with web() as running:
        running.pages["/a.png"] = page(PNG)
        yield running


def guard(*sites: Web, **options: object) -> Guard:
    return Guard(frozenset(site.name for site in sites), **options)  # type: ignore[arg-type]


async def refusal(guard: Guard, url: str, largest: int = 1000) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        await guard.fetch(url, largest)
    return caught.value.code, str(caught.value)


async def test_what_may_be_fetched_is_fetched_without_telling_who_asks(site: Web) -> None:
    site.pages["/a.png?x=1"] = page(PNG)
    found = await guard(site).fetch(site.url("/a.png?x=1"), 1000)
    assert (found.content, found.type) == (PNG, "image/png")
    [head] = site.asked
    names = {line.partition(":")[0] for line in head.splitlines()[1:] if line}
    assert names == {"host", "user-agent", "accept", "accept-encoding", "connection"}


async def test_nothing_is_sent_to_a_place_inside(site: Web) -> None:
    assert (await refusal(Guard(), site.url("/a.png")))[0] == "url_not_allowed"
    assert (await refusal(Guard(), f"https://127.0.0.1:{site.port}/a"))[0] == "url_not_allowed"
    assert site.asked == []


async def test_a_name_is_judged_by_what_it_resolves_to() -> None:
    for inside in ("127.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1"):

        async def resolve(host: str, port: int, found: str = inside) -> Sequence[str]:
            return ("93.184.216.34", found)

        code, _ = await refusal(Guard(resolve=resolve), "https://rebind.example.org/")
        assert code == "url_not_allowed"


async def test_a_name_is_looked_up_once_and_that_address_is_used(site: Web) -> None:
    answers = iter([("127.0.0.1",), ("127.0.0.2",)])

    async def resolve(host: str, port: int) -> Sequence[str]:
        return next(answers)

    allowed = frozenset({f"pinned.test:{site.port}"})
    found = await Guard(allowed, resolve=resolve).fetch(
        f"http://pinned.test:{site.port}/a.png", 1000
    )
    assert found.content == PNG
    assert f"host: pinned.test:{site.port}\r\n" in site.asked[0]
    assert next(answers) == ("127.0.0.2",)


async def test_names_that_are_never_answered_keep_two_lookups_busy_and_no_more() -> None:
    looking = 0
    answered = asyncio.Event()

    async def resolve(host: str, port: int) -> Sequence[str]:
        nonlocal looking
        looking += 1
        await answered.wait()
        raise OSError

    slow = Guard(resolve=resolve, seconds=0.1)
    urls = [f"https://n{number}.example.org/" for number in range(5)]
    refusals = await asyncio.gather(*(refusal(slow, url) for url in urls))
    assert {code for code, _ in refusals} == {"url_fetch_failed"}
    assert looking == 2
    answered.set()
    await asyncio.sleep(0)
    assert (await refusal(slow, urls[0]))[0] == "url_fetch_failed"
    assert looking == 3


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/",
        "http://localhost:1/",
        "file:///etc/passwd",
        "https://10.1/",
    ],
)
async def test_every_hop_of_a_redirect_is_judged_anew(site: Web, target: str) -> None:
    site.pages["/hop"] = redirect(target)
    assert (await refusal(guard(site), site.url("/hop")))[0] == "url_not_allowed"


async def test_a_redirect_is_followed_three_times_and_no_further(site: Web) -> None:
    for number in range(5):
        site.pages[f"/{number}"] = redirect(f"/{number - 1}" if number else "/a.png")
    assert (await guard(site).fetch(site.url("/2"), 1000)).content == PNG
    code, text = await refusal(guard(site), site.url("/3"))
    assert (code, "3 times" in text) == ("url_fetch_failed", True)


async def test_a_body_has_a_bound_told_or_not(site: Web) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            await writer.drain()

    site.pages["/told"] = page(b"x" * 10, content_length="99999999999")
    site.pages["/endless"] = endless
    for path in ("/told", "/endless"):
        code, text = await refusal(guard(site), site.url(path), 5000)
        assert (code, "larger" in text) == ("url_fetch_failed", True)
    site.pages["/exact"] = page(b"x" * 5000)
    assert len((await guard(site).fetch(site.url("/exact"), 5000)).content) == 5000


async def test_a_slow_server_a_compressed_body_and_an_error_are_refused(site: Web) -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    site.pages["/slow"] = slow
    site.pages["/gzip"] = page(b"x", content_encoding="gzip")
    site.pages["/short"] = page(b"x", content_length="5")
    quick = guard(site, seconds=0.2)
    for path in ("/slow", "/gzip", "/short", "/missing"):
        assert (await refusal(quick, site.url(path)))[0] == "url_fetch_failed"


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server that is `name`, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.fromtimestamp(now_ms() / 1000, datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "both.pem").write_bytes(secret + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "both.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


async def test_the_pinned_address_must_prove_the_name_of_the_url(tmp_path: Path) -> None:
    server, client = certificate(tmp_path, "pictures.test")

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ("127.0.0.1",)

    async with web(server) as site:
        site.pages["/a.png"] = page(PNG)
        allowed = frozenset({f"pictures.test:{site.port}", f"other.test:{site.port}"})
        found = Guard(allowed, resolve=resolve, tls=client)
        url = f"https://pictures.test:{site.port}/a.png"
        assert (await found.fetch(url, 1000)).content == PNG
        assert (await refusal(found, url.replace("pictures", "other")))[0] == "url_fetch_failed"
        assert len(site.asked) == 1


def call(*parts: dict[str, object]) -> Call:
    message = {"role": "user", "content": list(parts)}
    raw = msgspec.json.encode([{"role": "system", "content": "Be brief."}, message])
    fields = {"messages": msgspec.Raw(raw)}
    kinds = frozenset({"text", "image", "file"})
    return Call(operation="chat", model="a/b", fields=fields, size=len(raw), modalities=kinds)


def image(url: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": url, "detail": "low"}}


async def test_remote_parts_become_data_urls_and_the_rest_stays(site: Web) -> None:
    site.pages["/b.pdf"] = page(b"%PDF-1.7 words", "application/octet-stream")
    before = call(
        {"type": "text", "text": site.url("/not-fetched")},
        image(site.url("/a.png")),
        image(site.url("/a.png")),
        image("data:image/png;base64,AAAA"),
        {"type": "file", "file": {"filename": "b.pdf", "file_data": site.url("/b.pdf")}},
    )
    after = await inline(before, guard(site))
    system, user = msgspec.json.decode(after.fields["messages"])
    png = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert system == {"role": "system", "content": "Be brief."}
    assert [part["type"] for part in user["content"]] == ["text", *["image_url"] * 3, "file"]
    assert user["content"][1]["image_url"] == {"url": png, "detail": "low"}
    assert user["content"][3]["image_url"]["url"] == "data:image/png;base64,AAAA"
    assert user["content"][4]["file"]["file_data"].startswith("data:application/pdf;base64,")
    assert len(site.asked) == 2
    assert after.size == len(bytes(after.fields["messages"]))


async def test_a_call_without_urls_is_the_same_call() -> None:
    before = call({"type": "text", "text": "see https://example.com"}, image("data:image/png,x"))
    assert await inline(before, Guard()) is before


async def test_what_is_no_picture_is_refused_by_the_place_of_its_part(site: Web) -> None:
    site.pages["/page"] = page(b"<html>", "image/png")
    with pytest.raises(Invalid) as caught:
        await inline(call({"type": "text", "text": "?"}, image(site.url("/page"))), guard(site))
    assert caught.value.code == "url_fetch_failed"
    assert caught.value.param == "messages[1].content[1].image_url.url"
    with pytest.raises(Invalid) as caught:
        await inline(call(*(image(site.url(f"/{n}")) for n in range(17))), guard(site))
    assert caught.value.param == "messages"


async def test_pictures_have_a_bound_together(site: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline_module, "MAX_TOGETHER", len(PNG) * 2)
    for number in range(3):
        site.pages[f"/{number}.png"] = page(PNG)
    parts = [image(site.url(f"/{number}.png")) for number in range(3)]
    assert await inline(call(*parts[:2]), guard(site))
    with pytest.raises(Invalid, match="too large"):
        await inline(call(*parts), guard(site))
