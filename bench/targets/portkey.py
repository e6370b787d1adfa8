"""Portkey's open gateway on node, as npm delivers it."""

import shutil

from bench import peers
from bench.load import Endpoint
from bench.paths import PINS
from bench.processes import Process
from bench.target import Running, Stage, Target

VERSION = "1.15.2"


def _folder():
    folder, ready = peers.fresh(f"portkey-{VERSION}")
    if not ready:
        shutil.copy(PINS / "portkey.json", folder / "package.json")
        command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
        peers.run([*command, "--prefix", folder], cwd=folder)
        peers.complete(folder)
    return folder


def _install() -> str:
    _folder()
    return f"{VERSION} (node {peers.run(['node', '--version']).strip().lstrip('v')})"


def _start(stage: Stage) -> Running:
    server = _folder() / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    command = [shutil.which("node"), "-r", PINS / "loopback.cjs", server]
    process = Process(
        [*command, f"--port={stage.port}", "--headless"],
        cores=stage.cores,
        cwd=stage.folder,
        env={"NODE_ENV": "production"},
        log=stage.folder / "log",
    )
    headers = (
        "Authorization: Bearer upstream-key",
        "x-portkey-provider: openai",
        f"x-portkey-custom-host: {stage.upstream.base_url}",
    )
    return Running(process, Endpoint(stage.port, headers=headers))


TARGET = Target(
    name="portkey",
    title="Portkey gateway",
    what_it_does="headless, one node process; no key check, no metering",
    install=_install,
    start=_start,
)
