"""GET /openapi.json: the document of this surface, below every mount and at the root."""

from alltoken_app.api.http import Header, Request
from alltoken_app.api.openapi import document

KEEP: Header = (b"cache-control", b"public, max-age=300")


async def show_document(request: Request) -> None:
    """The document, made at the first request for it."""
    await request.json(200, document.body(), [KEEP])
