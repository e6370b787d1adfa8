"""POST /v1/responses; and what would be there if answers were kept."""

from alltoken_app.api import answers
from alltoken_app.api.auth import authenticate
from alltoken_app.api.http import Request
from alltoken_app.api.responses import parse
from alltoken_app.api.responses.face import ResponsesFace
from alltoken_app.errors import NotFound

FACE = ResponsesFace()
UNSERVED = frozenset({"/responses/compact", "/responses/input_tokens"})


async def create_response(request: Request) -> None:
    """A response, whole or as server-sent events. Nothing of it is kept."""
    caller = await authenticate(request)
    body = await request.body()
    parsed = parse.responses(body, request.header(b"content-type"), strict=request.strict)
    await answers.serve(request, answers.new_run(request, caller, parsed), FACE)


async def show_nothing(request: Request) -> None:
    """Every address of a kept response: there is none."""
    await authenticate(request)
    if request.path in UNSERVED:
        raise NotFound(f"There is nothing at {request.mount}{request.path}.")
    text = (
        "AllToken keeps no responses: there is nothing to fetch, cancel or delete. Send the items "
        "of a conversation with each request. Nothing was charged."
    )
    raise NotFound(text)
