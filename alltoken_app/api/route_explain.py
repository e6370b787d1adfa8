"""POST /v1/route/explain: what a request would do, with nothing sent and nothing charged."""

from collections.abc import Callable
from typing import Any

import msgspec

from alltoken_app.api import answers, completions, parse
from alltoken_app.api.auth import authenticate
from alltoken_app.api.http import Request, encode
from alltoken_app.api.messages import parse as messages
from alltoken_app.api.messages import routes
from alltoken_app.api.parse import Parsed
from alltoken_app.api.responses import parse as responses
from alltoken_app.catalog import bounds, pricing
from alltoken_app.clock import iso, now_ms
from alltoken_app.errors import AllTokenError, Invalid
from alltoken_app.money import Nano, usd
from alltoken_app.providers.base import Call, EndpointFacts, Unfit, Usage
from alltoken_app.routing import affinity, eligibility
from alltoken_app.routing.ordering import Candidate
from alltoken_app.routing.plans import Network, Plan
from alltoken_app.services import quotes
from alltoken_app.services.generations import Run

Json = dict[str, Any]
Reads = Callable[[Request, bytes], Parsed]

KIND = "application/json"
USUAL_OUTPUT = 512  # tokens, where an endpoint has not answered yet


def _messages(request: Request, body: bytes) -> Parsed:
    said = {name: request.header(name.encode()) for name in routes.OF_THE_DIALECT}
    return messages.messages(body, KIND, said, strict=request.strict)


READS: dict[str, Reads] = {
    "chat": lambda request, body: parse.chat(body, KIND, strict=request.strict),
    "embeddings": lambda request, body: parse.embeddings(body, KIND, strict=request.strict),
    "completions": lambda request, body: completions.completion(body, KIND, strict=request.strict),
    "messages": _messages,
    "responses": lambda request, body: responses.responses(body, KIND, strict=request.strict),
}
PATHS = {"chat/completions": "chat"}

_body = msgspec.json.Decoder(dict[str, msgspec.Raw])


async def explain_route(request: Request) -> None:
    """Candidates in order with what decided it, what was left out and why, and what it costs."""
    await request.json(200, await explanation(request, await asked(request)))


async def asked(request: Request) -> Run:
    """The run that a body of any surface would be. It counts against the rate, and is free."""
    caller = await authenticate(request)
    body = await request.body()
    kind, body = _kind(request, body)
    parsed = READS[kind](request, body)
    if kind == "messages":
        routes.fit(request, caller, parsed)
    run = answers.new_run(request, caller, parsed)
    (await request.plane.rates.enter(caller.org_id, caller.rated)).leave()
    return run


def _kind(request: Request, body: bytes) -> tuple[str, bytes]:
    """Which surface the body is for: `?for=…`, or the body's own field `endpoint`."""
    parse.document(body, request.header(b"content-type"))
    wanted = request.query.get("for", "")
    fields = _body.decode(body)
    said = fields.pop("endpoint", None)
    if said is not None:
        body = encode(fields)
        wanted = wanted or bytes(said).decode().strip('"')
    wanted = wanted.removeprefix("/v1/").removeprefix("/api/v1/") or "chat"
    wanted = PATHS.get(wanted, wanted)
    if wanted not in READS:
        text = f"{wanted[:64]!r} cannot be explained; {', '.join(READS)} can."
        raise Invalid(f"{text} Nothing was charged.", param="endpoint")
    return wanted, body


async def explanation(request: Request, run: Run) -> Json:
    """The document. Raises what the request itself would meet before any rule of routing."""
    plane = request.plane
    about: Json = {
        "object": "route.explanation",
        "requested": run.call.model,
        "sent": False,
        "charged": "0",
        "valid_until": iso((now_ms() // affinity.WINDOW + 1) * affinity.WINDOW),
    }
    try:
        plan = await quotes.planned(plane, run.caller, run.call, run.wishes, strict=run.strict)
    except AllTokenError as error:
        excluded = error.details.get("excluded_by")
        if not isinstance(excluded, dict):
            raise
        why = {"code": error.code, "message": str(error), "param": error.param}
        whose = error.details.get("excluded_for", {})
        left_out = _excluded(request, excluded, whose if isinstance(whose, dict) else {})
        return {**about, "candidates": [], "excluded": left_out, "error": why}
    warnings = [*run.warnings, *plan.warnings_at(plan.endpoints[0])]
    return {
        **about,
        "strategy": plan.strategy,
        "candidates": _candidates(plan, run.call, plane.network),
        "excluded": _excluded(request, plan.excluded, plan.whose),
        "warnings": warnings,
        "tokens": {
            "input_expected": bounds.estimated_input(run.call),
            "input_maximum": plan.input_bound,
            "output_maximum": plan.output_bound,
        },
        "cost": {
            "expected": usd(_expected(plan, plan.endpoints[0], run.call, plane.network)),
            "maximum": usd(plan.ceiling(plan.output_bound)),
        },
    }


def _excluded(request: Request, excluded: dict[str, str], whose: dict[str, str]) -> list[Json]:
    catalog = request.plane.catalog
    facts = {e.id: e for m in catalog.models.values() for e in m.endpoints if e.id in excluded}
    return [
        {
            "endpoint": endpoint,
            "provider": facts[endpoint].provider,
            "model": facts[endpoint].model,
            "rule": rule,
            "reason": eligibility.RULES[rule],
            "of": whose.get(endpoint, "request"),
        }
        for endpoint, rule in excluded.items()
    ]


def _candidates(plan: Plan, call: Call, network: Network) -> list[Json]:
    total = sum(one.weight for one in plan.candidates)
    return [
        {
            "rank": rank,
            "model": one.endpoint.model,
            "provider": one.endpoint.provider,
            "endpoint": one.endpoint.id,
            "tag": eligibility.tag(one.endpoint),
            "upstream_model": one.endpoint.upstream_model,
            "quantization": one.endpoint.quantization,
            "region": one.endpoint.region,
            "service_tier": one.endpoint.tier,
            "zdr": one.endpoint.zdr,
            "score": _score(one, total),
            "health": _health(one.endpoint, network),
            "request": _request(one, call, plan, network),
            "cost": {
                "expected": usd(_expected(plan, one.endpoint, call, network)),
                "maximum": usd(_most(plan, one.endpoint)),
            },
        }
        for rank, one in enumerate(plan.candidates, 1)
    ]


def _score(one: Candidate, total: float) -> Json:
    """What decides its place, the weightiest first; smaller is earlier."""
    return {
        "resting": one.resting,
        "model": one.place,
        "order": one.rank,
        "unsupported": list(one.unsupported),
        "preferences_missed": one.slow,
        "sort": one.measure if one.measure not in (float("inf"),) else None,
        "warm": one.warm,
        "draw": one.draw,
        "share": round(one.weight / total, 6),
    }


def _health(endpoint: EndpointFacts, network: Network) -> Json:
    seen = network.health.view(endpoint)
    return {
        "standing": seen.standing.value,
        "uptime_last_30m": seen.uptime_30m,
        "latency_seconds": {f"p{p}": round(value, 4) for p, value in seen.latency.items()},
        "throughput": {f"p{p}": round(value, 2) for p, value in seen.throughput.items()},
    }


def _request(one: Candidate, call: Call, plan: Plan, network: Network) -> Json:
    """What would be sent, by name: never a value of the caller's."""
    endpoint = one.endpoint
    dialect = network.connections[endpoint.provider].speaks(call, endpoint)
    given = call.native if dialect.native == call.dialect and call.native else call.fields
    most = min(max(plan.output_bound // call.choices, 1), endpoint.max_output or 1)
    about: Json = {"dialect": dialect.native, "dropped": list(one.unsupported)}
    try:
        outgoing = dialect.request(call, endpoint, most)
        sent = _body.decode(outgoing.body)
    except Unfit as unfit:
        return {**about, "unfit": str(unfit)}
    except msgspec.DecodeError:  # a form with a file in it
        return {**about, "path": outgoing.path}
    same = sorted(name for name in sent.keys() & given.keys() if sent[name] == given[name])
    return {
        **about,
        "path": outgoing.path,
        "unchanged": same,
        "rewritten": sorted(sent.keys() - set(same)),
    }


def _expected(plan: Plan, endpoint: EndpointFacts, call: Call, network: Network) -> Nano:
    """A guess: this input, an answer as long as that endpoint's usually are, and a warm cache."""
    output = 0
    if plan.output_bound:
        usual = network.health.usual_output(endpoint)
        output = min(plan.output_bound, usual if usual is not None else USUAL_OUTPUT)
    given = min(bounds.estimated_input(call), plan.input_bound)
    warm = plan.warm.warm if plan.warm and plan.warm.endpoint_id == endpoint.id else 0
    usage: Usage = msgspec.structs.replace(
        call.known, input=given, output=output, cached=min(warm, given)
    )
    return pricing.cost(endpoint.price, usage)


def _most(plan: Plan, endpoint: EndpointFacts) -> Nano:
    most = min(plan.output_bound, endpoint.max_output * plan.choices)
    return pricing.ceiling(endpoint.price, plan.input_bound, most, plan.extras)
