"""What LangChain's suites share: the capabilities we claim, and files instead of the web."""

import base64
import io
import struct
import wave
import zlib
from typing import Any

import httpx
import pytest
from langchain_tests.integration_tests import ChatModelIntegrationTests, chat_models

from tests.suites.conftest import Gateway

SESSION = pytest.mark.asyncio(loop_scope="session")
QUIET = [
    SESSION,
    # The suites warn of themselves: of schemas of Pydantic's first version, and while serialising.
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def png() -> bytes:
    """One red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\xff\0\0")
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def wav() -> bytes:
    """A tenth of a second of silence."""
    sound = io.BytesIO()
    with wave.open(sound, "wb") as written:
        written.setparams((1, 2, 8000, 800, "NONE", ""))
        written.writeframes(b"\0" * 1600)
    return sound.getvalue()


PDF = b"%PDF-1.1\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


class Standard(ChatModelIntegrationTests):
    """The suite, with everything switched on that the scripted model can be asked for."""

    has_tool_choice = True
    supports_image_inputs = True
    supports_image_tool_message = True
    supports_json_mode = True
    supports_pdf_inputs = True
    supports_audio_inputs = True
    supports_pdf_tool_message = True
    supports_model_override = True
    model_override_value = "fault/ok"

    @pytest.fixture(autouse=True)
    def at(self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
        """Point the suite at the product; what it would download comes from here."""
        self.gateway = gateway

        def get(url: str, **options: Any) -> httpx.Response:
            content = PDF if url.endswith(".pdf") else png()
            return httpx.Response(200, content=content, request=httpx.Request("GET", url))

        monkeypatch.setattr(httpx, "get", get)
        monkeypatch.setattr(
            chat_models, "_get_base64_from_url", lambda url: base64.b64encode(wav()).decode()
        )

    @pytest.fixture
    def model(self, request: pytest.FixtureRequest, at: None) -> Any:
        """The client under test."""
        extra = getattr(request, "param", None) or {}
        return self.chat_model_class(**{**self.chat_model_params, **extra})
