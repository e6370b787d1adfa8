"""POST /v1/messages and /v1/messages/count_tokens: Anthropic's dialect, any model behind it."""

import msgspec

from alltoken_app.api import answers
from alltoken_app.api.auth import authenticate
from alltoken_app.api.http import Request
from alltoken_app.api.messages import counting, parse
from alltoken_app.api.messages.render import MessagesFace
from alltoken_app.api.parse import Parsed
from alltoken_app.errors import NotFound

FACE = MessagesFace()
OF_THE_DIALECT = ("anthropic-version", "anthropic-beta")


async def create_message(request: Request) -> None:
    """A message, whole or as server-sent events."""
    caller = await authenticate(request)
    body = await request.body()
    headers = {name: request.header(name.encode()) for name in OF_THE_DIALECT}
    kind = request.header(b"content-type")
    parsed = parse.messages(body, kind, headers, strict=request.strict)
    _fit(request, parsed)
    await answers.serve(request, answers.new_run(request, caller, parsed), FACE)


async def count_tokens(request: Request) -> None:
    """An estimate of a request's input tokens, said to be one. Free."""
    caller = await authenticate(request)
    body = await request.body()
    fields = parse.to_count(body, request.header(b"content-type"))
    if fields.model not in request.plane.catalog.models:
        text = f"There is no model {fields.model[:64]!r}. GET /v1/models lists them."
        raise NotFound(text, code="model_not_found", param="model")
    request.plane.rates.enter(caller.org_id)
    request.plane.rates.leave(caller.org_id)
    answer = {"input_tokens": counting.estimate(fields), "alltoken": {"estimated": True}}
    await request.json(200, answer, [(b"x-alltoken-warnings", b"estimated:input_tokens")])


def _fit(request: Request, parsed: Parsed) -> None:
    """Bring max_tokens within the model's: clients of this dialect ask for Claude's maximum."""
    model = request.plane.catalog.models.get(parsed.call.model)
    most = max((endpoint.max_output for endpoint in model.endpoints), default=0) if model else 0
    if most and parsed.call.max_output and parsed.call.max_output > most and not parsed.strict:
        parsed.call = msgspec.structs.replace(parsed.call, max_output=most)
        parsed.warnings += (f"reduced:max_tokens:{most}",)
