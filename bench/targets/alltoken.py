"""AllToken as a product: its own process, a migrated database, a real key, money in the wallet."""

import json
import os
import subprocess
import sys
import time

from bench import books, peers
from bench.load import Endpoint
from bench.paths import ROOT
from bench.processes import Process, environment
from bench.target import Running, Stage, Target

PROVIDER = "bench"
CREDIT_USD = "100"


def _settings(stage: Stage) -> dict[str, str]:
    models = [
        {
            "slug": f"{PROVIDER}/{script.model}",
            "upstream": script.model,
            "input_price": books.INPUT_USD_PER_MILLION,
            "output_price": books.OUTPUT_USD_PER_MILLION,
        }
        for script in stage.scripts
    ]
    provider = {
        "name": PROVIDER,
        "base_url": stage.upstream.base_url,
        "key": "upstream-key",
        "models": models,
    }
    return {
        "PYTHONPATH": str(ROOT),
        "VAR": str(stage.folder / "var"),
        "HOST": "127.0.0.1",
        "PORT": str(stage.port),
        "LOCAL_MODELS": "false",
        "EXTRA_PROVIDERS": json.dumps([provider]),
        "SANDBOX_PROVIDERS": PROVIDER,
        "REQUESTS_PER_MINUTE": "100000000",
        "TOKENS_PER_MINUTE": "1000000000",
        "CONCURRENT_REQUESTS": "10000",
        **({"DATABASE_URL": url} if (url := os.environ.get("BENCH_DATABASE_URL")) else {}),
    }


def _command(stage: Stage, *words: str) -> str:
    """Runs one of AllToken's own commands to its end; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "alltoken_app", *words],
        cwd=stage.folder,
        env=environment(_settings(stage)),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(
            f"alltoken_app {words[0]} failed:\n{(done.stdout + done.stderr)[-1500:]}"
        )
    return done.stdout


def _install() -> str:
    revision = peers.run(["git", "-C", ROOT, "describe", "--always", "--dirty"]).strip()
    return f"commit {revision}"


def _start(stage: Stage) -> Running:
    _command(stage, "migrate")
    account = json.loads(_command(stage, "demo-account", "--credit", CREDIT_USD).splitlines()[-1])
    started = time.monotonic()
    process = Process(
        [sys.executable, "-m", "alltoken_app", "serve", "--api-only"],
        cores=stage.cores,
        cwd=stage.folder,
        env=_settings(stage),
        log=stage.folder / "log",
    )
    headers = (f"Authorization: Bearer {account['key']}",)
    prefix = f"{PROVIDER}/"
    return Running(
        process,
        Endpoint(stage.port, headers=headers, model_prefix=prefix),
        finish=lambda sent: books.verify(environment(_settings(stage)), sent),
        started=started,
    )


TARGET = Target(
    name="alltoken",
    title="AllToken",
    what_it_does="API key, limits, routing, wallet hold and settlement, usage rows in a database",
    install=_install,
    start=_start,
    required=True,
)
