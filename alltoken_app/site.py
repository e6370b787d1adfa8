"""In front of Reflex's pages: security headers, caching, one canonical address, page heads."""

import base64
import hashlib
import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from alltoken_app.api.http import Header, Receive, Scope, Send
from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.settings import Settings, web_folder

# The build writes the address it was made for into one script; the real one is put in its place.
BAKED = re.compile(rb"(http|ws)://localhost:\d+")
INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)
DESCRIPTION = re.compile(r'<meta[^>]*name="description"[^>]*>')
FOREVER = b"public, max-age=31536000, immutable"
# Pages nobody should find by searching: a member's own, and steps of signing in.
UNLISTED = ("/app", "/404", "/__", "/mailbox", "/verify", "/forgot", "/reset", "/signin")
ROBOTS = "User-agent: *\nDisallow: /app\nDisallow: /web/\nSitemap: {origin}/sitemap.xml\n"


class Site:
    """ASGI: Reflex's app behind what it lacks."""

    def __init__(self, app: Any, settings: Settings) -> None:
        self.app = app
        self.catalog: Callable[[], Catalog | None] = lambda: None
        self._settings = settings
        self._build = web_folder() / "build" / "client"
        self._pages = {
            "/" + str(path.relative_to(self._build))[: -len(".html")]
            for path in self._build.rglob("*.html")
            if path.name != "index.html"
        }
        self._env = next(iter((self._build / "assets").glob("reflex-env-*.js")), None)
        self._headers = _security_headers(self._build, settings)
        origins = [urlsplit(origin.lower()) for origin in settings.origins]
        self._hosts = {origin.netloc: origin.scheme for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a page, an asset or the socket."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1").lower()
        if path.startswith("/_upload"):
            await _plain(send, 404, b"Not found")
        elif host not in self._hosts:
            await _plain(send, 400, b"Unknown host. Set PUBLIC_URL or EXTRA_ORIGINS.")
        elif self._canonical(scope, host):
            query = scope["query_string"].decode("latin-1")
            target = f"{self._settings.origin}{path}{'?' + query if query else ''}"
            await _plain(send, 307, b"", (b"location", target.encode("latin-1", "replace")))
        elif path == "/robots.txt":
            body = ROBOTS.format(origin=self._settings.origin).encode()
            await _answer(send, body, b"text/plain; charset=utf-8")
        elif path == "/sitemap.xml":
            await _answer(send, self._sitemap(), b"application/xml")
        elif self._env is not None and path == f"/assets/{self._env.name}":
            await self._send_env(scope, host, send)
        else:
            await self._send_page(scope, receive, send)

    def _canonical(self, scope: Scope, host: str) -> bool:
        """Whether to fetch this page from the settings' origin instead (for its cookie)."""
        loopback = host.startswith("127.0.0.1:") or host == "127.0.0.1"
        mine = urlsplit(self._settings.origin).hostname == "localhost"
        accepts = dict(scope["headers"]).get(b"accept", b"")
        return loopback and mine and scope["method"] == "GET" and b"text/html" in accepts

    async def _send_env(self, scope: Scope, host: str, send: Send) -> None:
        assert self._env is not None
        # What people use, not what the last proxy spoke: https even where TLS ends before us.
        tls = b"s" if "https" in (scope["scheme"], self._hosts.get(host)) else b""
        body = BAKED.sub(lambda m: m[1] + tls + b"://" + host.encode(), self._env.read_bytes())
        await _answer(send, body, b"text/javascript", (b"cache-control", b"no-cache"))

    async def _send_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        titled = self._titled_page(path)
        if titled is not None:
            await _answer(send, titled, b"text/html; charset=utf-8", *self._headers)
            return
        trimmed = path.rstrip("/")
        if trimmed in self._pages:
            rewritten = trimmed + ".html"
            scope = {**scope, "path": rewritten, "raw_path": rewritten.encode()}

        unknown = self._is_unknown(path)

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *self._headers]
                if path.startswith("/assets/") and message["status"] == 200:
                    headers.append((b"cache-control", FOREVER))
                status = 404 if unknown else message["status"]
                message = {**message, "headers": headers, "status": status}
            await send(message)

        await self.app(scope, receive, with_headers)

    def _sitemap(self) -> bytes:
        """What search engines may list, with today's models; the build cannot know either."""
        catalog = self.catalog()
        models = {f"/models/{slug}" for slug in catalog.models} if catalog else set()
        models |= {f"/providers/{id}" for id in catalog.sources} if catalog else set()
        listed = sorted(page for page in self._pages if not page.startswith(UNLISTED))
        urls = (
            html.escape(self._settings.origin + page) for page in ["/", *listed, *sorted(models)]
        )
        entries = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
        schema = "http://www.sitemaps.org/schemas/sitemap/0.9"
        return f'<?xml version="1.0"?><urlset xmlns="{schema}">{entries}</urlset>'.encode()

    def _is_unknown(self, path: str) -> bool:
        """Whether the path is that of a model's or provider's page, and there is no such one."""
        catalog = self.catalog()
        if catalog is None:
            return False
        place, _, name = path.removeprefix("/").partition("/")
        if place == "models":
            return "/" in name and name not in catalog.models
        return place == "providers" and bool(name) and name not in catalog.sources

    def _titled_page(self, path: str) -> bytes | None:
        """A model's or provider's page with its own title and description.

        Its content comes by the socket.
        """
        about = self._about(path)
        shell = self._build / "__spa-fallback.html"
        if about is None or not shell.exists():
            return None
        name, text = about
        title = html.escape(f"{name} · AllToken")
        page = TITLE.sub("", shell.read_text())
        page = DESCRIPTION.sub("", page)
        shown = html.escape(text, quote=True)
        head = f'<title>{title}</title><meta name="description" content="{shown}"/>'
        return page.replace("</head>", f"{head}</head>", 1).encode()

    def _about(self, path: str) -> tuple[str, str] | None:
        """Name and description of what the page is about."""
        catalog = self.catalog()
        if catalog is None:
            return None
        place, _, name = path.removeprefix("/").partition("/")
        if place == "models" and name in catalog.models:
            model = catalog.models[name]
            return model.name, model.description or f"{model.name} on AllToken"
        if place == "providers" and name in catalog.sources:
            provider = catalog.sources[name].name
            return provider, f"Policies, data retention and models of {provider}."
        return None


def _security_headers(build: Path, settings: Settings) -> list[Header]:
    """CSP with the hashes of the inline scripts that the build wrote, and the rest."""
    hashes: set[str] = set()
    for page in build.rglob("*.html"):
        for script in INLINE_SCRIPT.findall(page.read_bytes()):
            digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
            hashes.add(f"'sha256-{digest}'")
    policy = "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {' '.join(sorted(hashes))}",
            "style-src 'self' 'unsafe-inline'",  # values travel in style attributes
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "object-src 'none'",
        )
    )
    headers = [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"same-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
    ]
    if settings.origin.startswith("https://"):
        headers.append((b"strict-transport-security", b"max-age=31536000; includeSubDomains"))
    return headers


async def _plain(send: Send, status: int, body: bytes, *headers: Header) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", b"text/plain; charset=utf-8"), *headers],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def _answer(send: Send, body: bytes, kind: bytes, *headers: Header) -> None:
    length = (b"content-length", str(len(body)).encode())
    start = [(b"content-type", kind), length, *headers]
    await send({"type": "http.response.start", "status": 200, "headers": start})
    await send({"type": "http.response.body", "body": body})
