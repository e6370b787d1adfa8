"""alltoken_app/web_api/http.py: what it reads from a request"""

from types import SimpleNamespace

import pytest
from starlette.requests import Request

from alltoken_app.settings import Settings
from alltoken_app.web_api import http


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("", "/app"),
        ("/app/keys?create=1#top", "/app/keys?create=1#top"),
        ("/models/a/b%3Afree", "/models/a/b%3Afree"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\/evil.example", "/"),
        ("https:evil.example", "/"),
        ("https://evil.example", "/"),
        ("%2f%2fevil.example", "/"),
        ("/%2fevil.example", "/"),
        ("/%5cevil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/app\r\nset-cookie: a=b", "/"),
        ("javascript:alert(1)", "/"),
        (" /app", "/"),
    ],
)
def test_next_leads_nowhere_but_here(target: str, path: str) -> None:
    assert http.safe_path(target, "/app") == path


@pytest.mark.parametrize(
    ("hops", "forwarded", "ip"),
    [
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (2, "203.0.113.9", "10.0.0.1"),
        (1, "nonsense\nx", ""),
    ],
)
def test_the_address_is_what_the_trusted_proxies_saw(hops: int, forwarded: str, ip: str) -> None:
    plane = SimpleNamespace(settings=Settings(_env_file=None, proxy_hops=hops))
    scope = {
        "type": "http",
        "app": SimpleNamespace(state=SimpleNamespace(plane=plane)),
        "client": ("10.0.0.1", 5000),
        "headers": [
            (b"x-forwarded-for", forwarded.encode()),
            (b"user-agent", b"Firefox\x1b[2J" + b"x" * 300),
        ],
    }
    client = http.client(Request(scope))
    assert client.ip == ip
    assert len(client.user_agent) <= http.LONGEST_AGENT
    assert client.user_agent.isprintable()
