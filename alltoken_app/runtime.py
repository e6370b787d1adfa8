"""What every process opens at its start and closes at its end, in the right order."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from alltoken_app import crypto, db, revisions
from alltoken_app.catalog import snapshot
from alltoken_app.egress.fetch import Guard
from alltoken_app.engines.fault import FaultUpstream
from alltoken_app.engines.supervisor import LocalEngine
from alltoken_app.ids import new_id
from alltoken_app.jobs import upkeep
from alltoken_app.ledger.books import Books
from alltoken_app.ledger.promises import FRESH
from alltoken_app.limits.pool import Pool
from alltoken_app.limits.rates import Limits, Rates
from alltoken_app.providers import connections
from alltoken_app.providers.base import EndpointFacts
from alltoken_app.providers.credentials import Bearer
from alltoken_app.providers.dialects import openai_audio
from alltoken_app.providers.dialects.openai_chat import OpenAIChat
from alltoken_app.providers.forward import Clocks
from alltoken_app.providers.table import Connection, fixed
from alltoken_app.providers.upstream import Upstream
from alltoken_app.services import plane as planes
from alltoken_app.services.callers import Callers
from alltoken_app.services.plane import Plane
from alltoken_app.settings import Settings

log = structlog.get_logger()


@asynccontextmanager
async def running(settings: Settings, *, upkeep_here: bool = True) -> AsyncIterator[Plane]:
    """The process's Plane, ready to serve; closes after open answers and settlements are done.

    Args:
        upkeep_here: Whether this process runs the regular jobs (exactly one should).
    """
    plane, fault, seen = await _open(settings)
    unsubscribe = [
        revisions.subscribe("keys", plane.callers.forget),
        revisions.subscribe("routing", plane.callers.forget),
        revisions.subscribe("keys", plane.books.limits_changed),
        revisions.subscribe("catalog", _reload(plane, asyncio.get_running_loop())),
    ]
    jobs = [asyncio.create_task(revisions.watch(seen))]
    jobs += [asyncio.create_task(job) for job in upkeep.jobs(plane, everything=upkeep_here)]
    planes.use(plane)
    _rest_the_collector()
    try:
        yield plane
    finally:
        planes.use(None)
        for stop in unsubscribe:
            stop()
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        await _close(plane, fault)


def _rest_the_collector() -> None:
    """What was loaded at the start stays: looking through it again costs a quarter of a request."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _open(settings: Settings) -> tuple[Plane, FaultUpstream | None, dict[str, int]]:
    settings.var.mkdir(mode=0o700, parents=True, exist_ok=True)
    secrets = crypto.load_secrets(settings.var)
    database = db.open_database(settings.database)
    seen = await database.read(revisions.versions)  # before anything is cached
    worker = new_id("wrk")
    engines = LocalEngine(settings, secrets)
    fault = FaultUpstream(scale=settings.fault_delay_scale) if settings.fault_provider else None
    connected = _connections(settings, secrets, engines)
    if fault is not None:
        connected["fault"] = Connection("fault", OpenAIChat(), fixed(await fault.start()))
    plane = Plane(
        settings=settings,
        secrets=secrets,
        worker=worker,
        database=database,
        books=Books(database, leasing=True, fresh=min(FRESH, settings.worker_grace / 4)),
        callers=Callers(database, secrets.pepper, settings.book, settings.sandbox_providers),
        rates=_rates(settings, database, worker),
        catalog=await database.read(snapshot.load),
        connections=connected,
        upstream=Upstream(settings.connect_timeout, frozenset(settings.insecure_upstreams)),
        clocks=Clocks(
            settings.first_token_timeout,
            settings.inter_token_timeout,
            settings.whole_timeout,
            settings.total_timeout,
            settings.reasoning_timeout,
        ),
        engines=engines,
        egress=Guard(frozenset(settings.egress_hosts), settings.egress_timeout),
    )
    return plane, fault, seen


def _rates(settings: Settings, database: db.Database, worker: str) -> Rates:
    """What an organisation may use; shared where there are several processes."""
    standard = Limits(
        settings.requests_per_minute, settings.tokens_per_minute, settings.concurrent_requests
    )
    grace_ms = int(settings.worker_grace * 1000)
    pool = Pool(database, worker, grace_ms) if settings.shared_limits else None
    return Rates(standard, pool)


def _connections(
    settings: Settings, secrets: crypto.Secrets, engines: LocalEngine
) -> dict[str, Connection]:
    found = connections.connections(settings)
    for extra in settings.extra_providers:
        url, key = extra.base_url.rstrip("/"), extra.key.get_secret_value()
        found[extra.name] = Connection(
            extra.name, OpenAIChat(), fixed(url), Bearer(key), openai_audio.OPERATIONS
        )
    if settings.local_models:
        spoken = OpenAIChat(scope_header="x-cache-scope")

        async def engine(endpoint: EndpointFacts) -> str:
            return await engines.ensure()

        proof = Bearer(secrets.engine_token)
        found["local"] = Connection("local", spoken, engine, proof, openai_audio.LOCAL)
    return found


def _reload(plane: Plane, loop: asyncio.AbstractEventLoop) -> revisions.Listener:
    async def load() -> None:
        plane.catalog = await plane.database.read(snapshot.load)

    def changed() -> None:
        loop.call_soon_threadsafe(lambda: plane.spawn(load()))

    return changed


async def _close(plane: Plane, fault: FaultUpstream | None) -> None:
    """Settlements first, then what they need."""
    await plane.books.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(10):
            await asyncio.gather(*plane.background, return_exceptions=True)
    await plane.rates.close()
    await plane.upstream.close()
    await plane.close_payments()
    await plane.engines.close()
    if fault is not None:
        await fault.close()
    await db.close_database()
    log.info("closed", worker=plane.worker)
