"""POST /v1/messages and /v1/messages/count_tokens: Anthropic's dialect, any model behind it."""

import msgspec

from alltoken_app.api import answers
from alltoken_app.api.auth import authenticate
from alltoken_app.api.http import Request
from alltoken_app.api.messages import counting, parse
from alltoken_app.api.messages.render import MessagesFace
from alltoken_app.api.parse import Parsed
from alltoken_app.providers.base import Call
from alltoken_app.routing import targets
from alltoken_app.services.callers import Caller

FACE = MessagesFace()
OF_THE_DIALECT = ("anthropic-version", "anthropic-beta")


async def create_message(request: Request) -> None:
    """A message, whole or as server-sent events."""
    caller = await authenticate(request)
    body = await request.body()
    headers = {name: request.header(name.encode()) for name in OF_THE_DIALECT}
    kind = request.header(b"content-type")
    parsed = parse.messages(body, kind, headers, strict=request.strict)
    fit(request, caller, parsed)
    await answers.serve(request, answers.new_run(request, caller, parsed), FACE)


async def count_tokens(request: Request) -> None:
    """An estimate of a request's input tokens, said to be one. Free."""
    caller = await authenticate(request)
    body = await request.body()
    fields = parse.to_count(body, request.header(b"content-type"))
    targets.find(request.plane.catalog, caller.asker, Call("chat", fields.model, {}))
    (await request.plane.rates.enter(caller.org_id, caller.rated)).leave()
    answer = {"input_tokens": counting.estimate(fields), "alltoken": {"estimated": True}}
    await request.json(200, answer, [(b"x-alltoken-warnings", b"estimated:input_tokens")])


def fit(request: Request, caller: Caller, parsed: Parsed) -> None:
    """Bring max_tokens within the model's: clients of this dialect ask for Claude's maximum."""
    asked = targets.find(request.plane.catalog, caller.asker, parsed.call)
    offered = [one.max_output for target in asked.targets for one in target.model.endpoints]
    most, wanted = max(offered, default=0), parsed.call.max_output or 0
    if 0 < most < wanted and not parsed.strict:
        parsed.call = msgspec.structs.replace(parsed.call, max_output=most)
        parsed.warnings += (f"reduced:max_tokens:{most}",)
