"""POST /v1/chat/completions and /v1/embeddings."""

from alltoken_app.api import answers, parse
from alltoken_app.api.auth import authenticate
from alltoken_app.api.http import Request
from alltoken_app.api.render import ChatFace

FACE = ChatFace()


async def create_chat_completion(request: Request) -> None:
    """A chat completion, whole or as server-sent events."""
    caller = await authenticate(request)
    body = await request.body()
    parsed = parse.chat(body, request.header(b"content-type"), strict=request.strict)
    await answers.serve(request, answers.new_run(request, caller, parsed), FACE)


async def create_embeddings(request: Request) -> None:
    """One vector per input."""
    caller = await authenticate(request)
    body = await request.body()
    parsed = parse.embeddings(body, request.header(b"content-type"), strict=request.strict)
    await answers.serve(request, answers.new_run(request, caller, parsed), FACE)
