"""TensorZero's Rust HTTP gateway, as its Python wheel carries it."""

import re

from bench import peers
from bench.load import Endpoint
from bench.processes import Process, wait_until
from bench.target import Running, Stage, Target

VERSION = "2026.6.0"
SERVER = """
import asyncio
from tensorzero.tensorzero import _start_http_gateway

async def main():
    gateway = _start_http_gateway(
        config_file="tensorzero.toml", clickhouse_url=None, postgres_url=None, valkey_url=None,
        async_setup=True,
    )
    if hasattr(gateway, "__await__"):
        gateway = await gateway
    print("listening", gateway.base_url, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def _binaries():
    return peers.venv(f"tensorzero-{VERSION}", [f"tensorzero=={VERSION}"])


def _install() -> str:
    _binaries()
    return f"{VERSION} (wheel)"


def _config(stage: Stage) -> str:
    parts = ["[gateway]\nobservability.enabled = false\n"]
    for script in stage.scripts:
        parts.append(
            f'[models."{script.model}"]\nrouting = ["scripted"]\n'
            f'[models."{script.model}".providers.scripted]\ntype = "openai"\n'
            f'model_name = "{script.model}"\napi_base = "{stage.upstream.base_url}/"\n'
            'api_key_location = "none"\n'
        )
    return "\n".join(parts)


def _start(stage: Stage) -> Running:
    (stage.folder / "tensorzero.toml").write_text(_config(stage))
    log = stage.folder / "log"
    process = Process(
        [_binaries() / "python", "-c", SERVER], cores=stage.cores, cwd=stage.folder, log=log
    )

    def address() -> re.Match | None:
        return re.search(r"listening http://[^:]+:(\d+)(/\S*)", log.read_text(errors="replace"))

    wait_until(lambda: address() or not process.alive(), 60)
    if not address():
        raise RuntimeError(f"it did not start:\n{process.last_lines()}")
    port, base = address().groups()  # it chooses its port itself, on 127.0.0.1
    path = f"{base.rstrip('/')}/chat/completions"
    return Running(process, Endpoint(int(port), path, model_prefix="tensorzero::model_name::"))


TARGET = Target(
    name="tensorzero",
    title="TensorZero",
    what_it_does="Rust HTTP gateway in the wheel, observability off, no auth",
    install=_install,
    start=_start,
)
