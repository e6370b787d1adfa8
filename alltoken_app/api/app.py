"""The `/v1` surface: a table of routes over raw ASGI, also served under `/api/v1`."""

from collections.abc import Awaitable, Callable

from alltoken_app.api import (
    account,
    activity,
    chat,
    completions,
    errors,
    keys,
    models,
    moderations,
    quotes,
    rerank,
    route_explain,
)
from alltoken_app.api.audio import speech, transcriptions
from alltoken_app.api.http import Disconnected, Receive, Request, Scope, Send
from alltoken_app.api.messages import routes as messages
from alltoken_app.api.openapi import routes as openapi
from alltoken_app.api.responses import routes as responses
from alltoken_app.errors import AllTokenError, Invalid, NotFound
from alltoken_app.services.plane import Plane

Handler = Callable[[Request], Awaitable[None]]

MOUNTS = ("/api/v1", "/v1")
ROUTES: dict[str, dict[str, Handler]] = {
    "/chat/completions": {"POST": chat.create_chat_completion},
    "/completions": {"POST": completions.create_completion},
    "/embeddings": {"POST": chat.create_embeddings},
    "/route/explain": {"POST": route_explain.explain_route},
    "/quote": {"POST": quotes.create_quote},
    "/responses": {"POST": responses.create_response},
    "/messages": {"POST": messages.create_message},
    "/messages/count_tokens": {"POST": messages.count_tokens},
    "/audio/transcriptions": {"POST": transcriptions.create_transcription},
    "/audio/translations": {"POST": transcriptions.create_translation},
    "/audio/speech": {"POST": speech.create_speech},
    "/moderations": {"POST": moderations.create_moderation},
    "/rerank": {"POST": rerank.create_rerank},
    "/models": {"GET": models.list_models},
    "/models/count": {"GET": models.count_models},
    "/models/user": {"GET": models.list_own_models},
    "/embeddings/models": {"GET": models.list_embedding_models},
    "/endpoints/zdr": {"GET": models.list_zdr_endpoints},
    "/providers": {"GET": models.list_providers},
    "/credits": {"GET": account.show_credits},
    "/key": {"GET": account.show_key},
    "/keys": {"GET": keys.list_keys, "POST": keys.create_key},
    "/generation": {"GET": account.show_generation},
    "/activity": {"GET": activity.show_activity},
    "/openapi.json": {"GET": openapi.show_document},
}
DOCUMENT = "/openapi.json"  # at the root, too
MODEL: dict[str, Handler] = {"GET": models.show_model}
# Addresses of answers that others keep and we do not.
KEPT: dict[str, Handler] = dict.fromkeys(("GET", "POST", "DELETE"), responses.show_nothing)

# What lies below an address that ends in a name.
BELOW: dict[str, dict[str, Handler]] = {
    "/model/": {"GET": models.show_model_data},
    "/models/": MODEL,
    "/responses/": KEPT,
    "/keys/": {"GET": keys.show_key, "PATCH": keys.change_key, "DELETE": keys.delete_key},
}

PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, POST, PATCH, DELETE, OPTIONS"),
    (b"access-control-allow-headers", b"*, authorization, content-type"),
    (b"access-control-max-age", b"86400"),
)


class Api:
    """The ASGI application of `/v1` and `/api/v1`."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; every failure becomes one well-formed error."""
        mount = next((m for m in MOUNTS if scope["path"].startswith(m + "/")), "")
        request = Request(scope, receive, send, mount, self._plane)
        try:
            await _handler(request)(request)
        except Disconnected:
            pass
        except AllTokenError as error:
            await _answer(request, error)
        except Exception as error:  # noqa: BLE001 - the outermost door; it is logged by type
            await _answer(request, errors.unexpected(error, request.id))


async def _answer(request: Request, error: AllTokenError) -> None:
    if not request.started:
        await errors.answer(request, error)


def _handler(request: Request) -> Handler:
    methods = ROUTES.get(request.path) if request.mount or request.path == DOCUMENT else None
    if methods is None and request.mount:
        methods = next((BELOW[p] for p in BELOW if request.path.startswith(p)), None)
    if methods is None:
        raise NotFound(f"There is nothing at {request.mount}{request.path[:128]}.")
    if request.method == "OPTIONS":
        return _preflight
    handler = methods.get("GET" if request.method == "HEAD" else request.method)
    if handler is None:
        text = f"Use {' or '.join(methods)} here."
        raise Invalid(text, code="method_not_allowed", status=405)
    return handler


async def _preflight(request: Request) -> None:
    await request.start(204, PREFLIGHT)
    await request.write(b"", more=False)
