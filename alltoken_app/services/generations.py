"""The line: one request from its limits to its settlement."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
import structlog

from alltoken_app import failpoints
from alltoken_app.catalog import bounds, pricing
from alltoken_app.clock import now_ms
from alltoken_app.egress import inline
from alltoken_app.errors import AllTokenError, InsufficientCredits
from alltoken_app.ids import new_id
from alltoken_app.ledger.holds import Checkpoint, Extend, Place, Placed, Settle
from alltoken_app.limits.rates import Entry
from alltoken_app.money import PICO_PER_NANO, Nano
from alltoken_app.providers import forward
from alltoken_app.providers.attempts import Attempt, Interrupted
from alltoken_app.providers.base import Call, EndpointFacts, Piece, Reply
from alltoken_app.routing.plans import Plan
from alltoken_app.routing.preferences import Preferences
from alltoken_app.services import metering, quotes, remote
from alltoken_app.services.callers import Caller
from alltoken_app.services.metering import Meter
from alltoken_app.services.plane import Plane
from alltoken_app.settings import Settings

WINDOW = 4_000  # output tokens a stream holds at a time
FEWEST = 1_000  # without max_tokens: fewer affordable tokens than this is a refusal
GROW_AT = 0.8
CHECKPOINT_SECONDS = 0.9  # and the commit: at most a second
COST_LIMIT = "cost_limit"
RUNAWAY = 1.1  # a stream that goes this far beyond its bound is ended

log = structlog.get_logger()


@dataclass
class Run:
    """One request being served: what it is, and how far it has come.

    Attributes:
        error_dialect: Whose error envelope the caller reads, should the answer break.
        show_metadata: Whether the caller wants OpenRouter's words about the routing, too.
        marks: Seconds each of our own phases took, by name.
        status: As in the generation's record; "cancelled" until the answer has ended.
    """

    request_id: str
    caller: Caller
    call: Call
    wishes: Preferences
    strict: bool = False
    user_hash: str | None = None
    warnings: tuple[str, ...] = ()
    parsed_warnings: tuple[str, ...] = ()
    error_dialect: str = "openai"
    show_metadata: bool = False
    id: str = field(default_factory=lambda: new_id("gen"))
    began: float = field(default_factory=time.perf_counter)
    created_at: int = field(default_factory=now_ms)
    marks: dict[str, float] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    entry: Entry | None = None
    plan: Plan | None = None
    placed: Placed | None = None
    endpoint: EndpointFacts | None = None
    meter: Meter | None = None
    first_at: float | None = None
    window: int = 0
    windowed: bool = False
    checked_at: float = 0.0
    status: str = "cancelled"
    error_code: str | None = None
    native_finish: str | None = None

    def mark(self, phase: str, since: float) -> float:
        """Note how long a phase took; returns now."""
        now = time.perf_counter()
        self.marks[phase] = now - since
        return now

    @property
    def cost(self) -> Nano:
        """What is charged for what has been delivered: never more than is held."""
        if self.meter is None or self.endpoint is None or self.placed is None:
            return 0
        return min(self.meter.cost(self.endpoint), self.placed.granted)

    @property
    def tokens(self) -> int:
        """What was used, as the limit of tokens counts it."""
        usage = self.meter.usage if self.meter else metering.NOTHING
        return usage.input + usage.output

    @property
    def truth(self) -> dict[str, Any]:
        """What is to be known of the endpoint that served, beside its names."""
        assert self.endpoint is not None
        tier = self.meter.tier if self.meter else None
        return {
            "upstream_model": self.endpoint.upstream_model,
            "quantization": self.endpoint.quantization,
            "region": self.endpoint.region,
            "service_tier": tier or self.endpoint.tier,
            "zdr": self.endpoint.zdr,
        }

    @property
    def tries(self) -> list[dict[str, Any]]:
        """Every attempt in the order they were made."""
        return [
            {"provider": a.provider, "endpoint": a.endpoint, "status": a.status, "code": a.code,
             "ms": a.ms}
            for a in self.attempts
        ]  # fmt: skip

    @property
    def available(self) -> Nano:
        """The wallet's free money once this is settled, as of the hold."""
        return self.placed.available + self.placed.granted - self.cost if self.placed else 0


async def generate(run: Run, plane: Plane) -> AsyncGenerator[list[Piece] | Reply, None]:
    """Serve one generation: limit, plan, hold, forward, meter, settle; each step once.

    Whoever stops iterating (the client left) is charged for what was handed over by then.

    Raises:
        RateLimited, NotFound, Forbidden, Invalid, InsufficientCredits: Nothing was sent or charged.
        UpstreamFailed: Every planned endpoint failed before its first content; nothing is charged.
        Interrupted: The answer broke off; what was delivered is charged.
    """
    started = time.perf_counter()
    expected = bounds.expected_tokens(run.call)
    run.entry = await plane.rates.enter(run.caller.org_id, run.caller.rated, expected)
    started = run.mark("limit", started)
    try:
        plan = await quotes.planned(plane, run.caller, run.call, run.wishes, strict=run.strict)
        run.plan, run.parsed_warnings = plan, run.warnings
        run.warnings += plan.warnings_at(plan.endpoints[0])
        started = run.mark("plan", started)
        run.meter = Meter(run.call, plan.input_bound, plan.output_bound, plan.extras)
        await _hold(run, plan, plane)
        run.mark("hold", started)
        failpoints.reach("held")
        if inline.is_remote(run.call):
            await _bring(run, plan, plane)
        async with aclosing(_forward(run, run.meter, plan, plane)) as answer:
            async for arrived in answer:
                yield arrived
        run.status = "ok"
        _remember(run, plan, plane)
    except (AllTokenError, Interrupted) as error:
        run.status = "error" if run.meter and run.meter.content else "failed"
        run.error_code = error.code
        if isinstance(error, AllTokenError) and run.attempts:
            error.details.setdefault("attempts", run.tries)
        raise
    except Exception:
        run.status, run.error_code = "error", "internal_error"
        raise
    finally:
        run.entry.leave(run.tokens)
        _settle(run, plane)


async def _bring(run: Run, plan: Plan, plane: Plane) -> None:
    started = time.perf_counter()
    run.call, lost = await remote.bring(run.call, plan, plane)
    run.parsed_warnings += lost
    run.warnings += lost
    run.mark("fetch", started)


async def _hold(run: Run, plan: Plan, plane: Plane) -> None:
    """Set aside what the answer may cost: all of it, or a stream's first window."""
    # What a model thinks unseen is counted at its end: such a stream holds all it may cost.
    run.windowed = run.call.stream and not any([e.reasons for e in plan.endpoints])
    run.window = min(plan.output_bound, WINDOW) if run.windowed else plan.output_bound
    amount = plan.ceiling(run.window)
    fewest = run.window if run.call.max_output is not None else min(run.window, FEWEST)
    run.endpoint = plan.endpoints[0]
    run.placed = await plane.books.place(
        Place(
            hold_id=run.id,
            wallet_id=run.caller.wallet_id,
            budget_id=run.caller.budget_id,
            amount=amount,
            at_least=plan.ceiling(fewest),
            facts=partial(_facts, run),
            worker=plane.worker,
            expires_at=run.created_at + _longest_ms(plane.settings),
        )
    )
    if run.placed.granted < amount:
        run.window = _affordable(plan, run.placed.granted)


def _longest_ms(settings: Settings) -> int:
    """A hold outlives the longest answer; the reaper settles those of dead processes earlier."""
    return int((settings.total_timeout + settings.hold_ttl) * 1000)


def _affordable(plan: Plan, granted: Nano) -> int:
    """Output tokens that `granted` pays for beside the whole input."""
    left = (granted - plan.ceiling(0)) * PICO_PER_NANO
    return max(left // max(plan.dearest_output, 1), 1)


async def _forward(
    run: Run, meter: Meter, plan: Plan, plane: Plane
) -> AsyncGenerator[list[Piece] | Reply, None]:
    """The answer as it arrives; each part counts as delivered once the next one is asked for."""
    bound = plan.output_bound if run.windowed else run.window
    started = time.perf_counter()
    answer = forward.first_healthy(
        run.call,
        plan.endpoints,
        plane.connections,
        max(bound // run.call.choices, 1),
        plane.upstream,
        plane.clocks,
        run.attempts,
        plane.network.health,
    )
    async with aclosing(answer):
        async for endpoint, arrived in answer:
            if run.first_at is None:
                run.first_at = run.checked_at = run.mark("upstream", started)
                failpoints.reach("first_piece")
            if run.endpoint is not endpoint:
                run.endpoint = endpoint
                run.warnings = run.parsed_warnings + plan.warnings_at(endpoint)
            if endpoint.id in plan.capped:
                _say_why_it_ends(run, arrived)
            if isinstance(arrived, Reply):
                meter.deliver(arrived)  # it has arrived whole, so it is owed
                yield arrived
                return
            yield arrived
            meter.deliver(arrived)
            failpoints.reach("delivered")
            if not await _keep_ahead(run, plan, plane):
                yield [_last_piece(run)]
                return


async def _keep_ahead(run: Run, plan: Plan, plane: Plane) -> bool:
    """Grow a stream's hold before it runs out, and note progress; False when money ends."""
    assert run.meter is not None
    now = time.perf_counter()
    if now - run.checked_at >= CHECKPOINT_SECONDS:
        run.checked_at = now
        plane.books.checkpoint(Checkpoint(run.id, run.cost))
        failpoints.reach("checkpointed")
    assert run.endpoint is not None
    ended = run.meter.ended and run.call.choices == 1
    beyond = not ended and run.endpoint.id in plan.capped
    if beyond and _beyond_the_cap(run, run.meter, run.endpoint):
        run.native_finish = COST_LIMIT
        return False
    if not ended and run.meter.pieces > plan.output_bound * RUNAWAY:
        run.native_finish = "provider_ignored_limit"
        return False
    if (
        not run.windowed
        or run.window >= plan.output_bound
        or run.meter.output_so_far() < run.window * GROW_AT
    ):
        return True
    reached = run.meter.output_so_far() - run.window
    more = min(max(WINDOW, reached + WINDOW), plan.output_bound - run.window)
    try:
        run.placed = await plane.books.extend(
            Extend(run.id, plan.ceiling(run.window + more) - plan.ceiling(run.window))
        )
    except InsufficientCredits:
        if ended or run.meter.output_so_far() < run.window:
            return True  # what is held still pays for the next tokens, or there are none
        run.native_finish = "insufficient_credits"
        return False
    run.window += more
    return True


def _beyond_the_cap(run: Run, meter: Meter, endpoint: EndpointFacts) -> bool:
    """Whether an upstream that was told how much the cap pays for goes on nevertheless."""
    assert run.call.max_cost is not None
    over = meter.pieces > endpoint.max_output * run.call.choices
    return over or meter.cost(endpoint) > run.call.max_cost


def _say_why_it_ends(run: Run, arrived: list[Piece] | Reply) -> None:
    """An answer that the upstream ended where we told it to: for its cost, not its length."""
    for one in arrived if isinstance(arrived, list) else (arrived,):
        if one.finish != "length":
            continue
        run.native_finish = one.native_finish = COST_LIMIT
        if isinstance(one, Piece):
            one.choices = _cost_limited(one.choices)
        elif "choices" in one.body:
            one.body["choices"] = msgspec.Raw(_cost_limited(bytes(one.body["choices"])))


def _cost_limited(choices: bytes) -> bytes:
    found = msgspec.json.decode(choices)
    for choice in found:
        if choice.get("finish_reason") == "length":
            choice["native_finish_reason"] = COST_LIMIT
    return msgspec.json.encode(found)


def _last_piece(run: Run) -> Piece:
    """Ends a stream that we cut: in good order, and saying why."""
    reason = (run.native_finish or "length").encode()
    choices = b'[{"index":0,"delta":{},"finish_reason":"length","native_finish_reason":"%b"}]'
    return Piece(choices % reason, finish="length")


def _remember(run: Run, plan: Plan, plane: Plane) -> None:
    """How fast it was, and where the conversation's prompt is cached now."""
    assert run.meter is not None
    assert run.endpoint is not None
    if not run.attempts or not run.meter.content:
        return
    seconds = run.attempts[-1].writing if run.call.stream else run.attempts[-1].ms / 1000
    plane.network.health.finished(run.endpoint, run.meter.usage.output, seconds)
    if plan.conversation:
        plane.network.affinity.note(plan.conversation, run.endpoint, run.meter.usage)


def _settle(run: Run, plane: Plane) -> None:
    """Queue the charge. Without a hold nothing was begun and there is nothing to record."""
    if run.placed is None:
        return
    failpoints.reach("settling")
    failpoints.after("settled", plane.books.settle(Settle(run.id, run.cost, _record(run))))
    if run.meter and run.endpoint and run.meter.cost(run.endpoint) > run.cost:
        log.warning("capture_bounded", generation=run.id, endpoint=run.endpoint.id)


def _facts(run: Run) -> dict[str, Any]:
    """What a reaper would write of this generation should this process die now."""
    assert run.endpoint is not None
    return {
        "id": run.id,
        "request_id": run.request_id,
        "org_id": run.caller.org_id,
        "key_id": run.caller.key_id,
        "person_id": run.caller.person_id,
        "book": run.caller.book,
        "operation": run.call.operation,
        "streamed": run.call.stream,
        "model_requested": run.call.model,
        "model": run.endpoint.model,
        "provider": run.endpoint.provider,
        "endpoint_id": run.endpoint.id,
        "price_version": run.endpoint.price.version,
        "served": run.truth,
        "warnings": list(run.warnings),
        "size_bucket": 1 << max(run.call.size - 1, 1).bit_length(),
        "user_hash": run.user_hash,
        "created_at": run.created_at,
    }


def _record(run: Run) -> dict[str, Any]:
    assert run.endpoint is not None
    assert run.meter is not None
    now = time.perf_counter()
    usage = run.meter.usage
    ours = sum(spent for phase, spent in run.marks.items() if phase != "upstream")
    return _facts(run) | {
        "status": run.status,
        "error_code": run.error_code,
        "finish_reason": "length" if run.native_finish else run.meter.finish,
        "native_finish_reason": run.native_finish or run.meter.finish,
        "input_tokens": usage.input,
        "cached_tokens": usage.cached,
        "output_tokens": usage.output,
        "reasoning_tokens": usage.reasoning,
        "estimated": run.meter.estimated and run.meter.content,
        "lines": pricing.lines(run.endpoint.price, usage) if run.meter.content else [],
        "attempts": run.tries,
        "upstream_id": run.meter.upstream_id,
        "first_token_ms": round((run.first_at - run.began) * 1000) if run.first_at else None,
        "duration_ms": round((now - run.began) * 1000),
        "gateway_us": round(ours * 1_000_000),
        "finished_at": now_ms(),
    }  # fmt: skip
