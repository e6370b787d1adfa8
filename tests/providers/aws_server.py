"""A server on loopback that takes nothing but rightly signed requests, as AWS does."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from urllib.parse import quote

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

PAUSE = b""
# From path and body to what is written, in parts; a PAUSE lets what was written arrive alone.
Answer = Callable[[str, bytes], list[bytes]]


def right_signature(head: str, body: bytes) -> str:
    """The signature of what arrived, written out from AWS's rules."""
    request, *lines = head.split("\r\n")
    method, path, _ = request.split(" ")
    headers = dict(line.split(": ", 1) for line in lines if line)
    proof = headers["authorization"]
    names = proof.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    scope = proof.partition("Credential=")[2].partition(",")[0].partition("/")[2]
    canonical = [method, quote(path, safe="/~"), ""]
    canonical += [f"{name}:{headers[name]}" for name in names]
    canonical += ["", ";".join(names), sha256(body).hexdigest()]
    digest = sha256("\n".join(canonical).encode()).hexdigest()
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    words = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, digest])
    return hmac.digest(key, words.encode(), "sha256").hex()


def whole(payload: bytes, status: str = "200 OK", **headers: str) -> list[bytes]:
    """An answer with its length."""
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()]
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(payload)}\r\n{''.join(lines)}\r\n"
    return [head.encode() + payload]


def streamed(payload: bytes, size: int) -> list[bytes]:
    """An event stream in chunks of a size."""
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n"
        b"transfer-encoding: chunked\r\n\r\n"
    )
    parts = [payload[at : at + size] for at in range(0, len(payload), size)]
    return [head, *[b"%x\r\n%b\r\n" % (len(part), part) for part in parts], b"0\r\n\r\n"]


@asynccontextmanager
async def aws(answer: Answer) -> AsyncIterator[str]:
    """Its address; a request with another signature than the right one gets a 403."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        body = await reader.readexactly(length)
        right = right_signature(head.removesuffix("\r\n\r\n"), body)
        if f"Signature={right}" in head:
            parts = answer(head.split(" ")[1], body)
        else:
            parts = whole(b"{}", "403 Forbidden", x_amzn_errortype="InvalidSignatureException")
        for part in parts:
            writer.write(part)
            await writer.drain()
            if part == PAUSE:
                await asyncio.sleep(0.1)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
