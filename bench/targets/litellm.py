"""LiteLLM's proxy: master key, no database, no callbacks, one uvicorn worker (its default)."""

import json

from bench import peers
from bench.load import Endpoint
from bench.paths import PINS
from bench.processes import Process
from bench.target import Running, Stage, Target

VERSION = "1.106.2"
KEY = "sk-bench"


def _binaries():
    packages = [f"litellm[proxy]=={VERSION}"]
    return peers.venv(f"litellm-{VERSION}", packages, PINS / "litellm.txt")


def _install() -> str:
    _binaries()
    return VERSION


def _config(stage: Stage) -> str:
    """JSON is YAML."""
    models = [
        {
            "model_name": script.model,
            "litellm_params": {
                "model": f"openai/{script.model}",
                "api_base": stage.upstream.base_url,
                "api_key": "upstream-key",
            },
        }
        for script in stage.scripts
    ]
    quiet = {"callbacks": [], "num_retries": 0, "request_timeout": 120, "set_verbose": False}
    general = {"master_key": KEY}
    return json.dumps(
        {"model_list": models, "litellm_settings": quiet, "general_settings": general}
    )


def _start(stage: Stage) -> Running:
    config = stage.folder / "config.yaml"
    config.write_text(_config(stage))
    command = [_binaries() / "litellm", "--config", config, "--host", "127.0.0.1"]
    process = Process(
        [*command, "--port", str(stage.port), "--num_workers", "1"],
        cores=stage.cores,
        cwd=stage.folder,
        env={
            "HOME": str(stage.folder),
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_TELEMETRY": "False",
        },
        log=stage.folder / "log",
    )
    headers = (f"Authorization: Bearer {KEY}",)
    return Running(process, Endpoint(stage.port, headers=headers))


TARGET = Target(
    name="litellm",
    title="LiteLLM proxy",
    what_it_does="master key, no database, no callbacks, no retries, one uvicorn worker",
    install=_install,
    start=_start,
    required=True,
    start_patience=240,
)
