"""Every error code that a caller of `/v1` can meet, read from the source."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from alltoken_app import errors
from alltoken_app.api.errors import status_of
from alltoken_app.errors import AllTokenError
from alltoken_app.limits import allowances
from alltoken_app.limits.allowances import Limits, Subject
from alltoken_app.providers import forward
from alltoken_app.providers import refusals as upstream_refusals
from alltoken_app.providers.attempts import Failed
from alltoken_app.providers.base import UpstreamError

APP = Path(errors.__file__).parent
# Where a request to /v1 passes. Files with codes that are in neither list fail the test.
PASSED = (
    "api", "egress", "routing", "ledger", "limits", "providers", "services/callers.py",
    "services/generations.py", "services/lookups.py", "services/quotes.py",
    "services/idempotency.py", "services/management_keys.py", "services/provisioning.py",
    "services/keys.py", "services/key_rules.py", "services/names.py", "services/remote.py",
    "services/daily_use.py", "services/actors.py",
    "engines/supervisor.py",
)  # fmt: skip
# An engine's refusals travel by HTTP: what they become is in providers/dialects.
ELSEWHERE = (
    "web_api", "payments", "errors.py",
    "engines/smollm.py", "engines/minilm.py", "engines/server.py", "engines/conversation.py",
    "engines/completions.py", "engines/tools.py", "engines/schemas.py",
    "engines/whisper.py", "engines/speaking.py",
    "services/accounts.py", "services/acceptances.py", "services/sessions.py",
    "services/samples.py", "services/top_ups.py",
    "services/mail_links.py", "services/security_log.py", "services/password_rules.py",
    "services/models.py", "services/addresses.py", "services/activity.py",
    "services/demo_top_ups.py", "services/activity_query.py",
    "services/activity_detail.py", "services/crediting.py", "services/wallets.py",
    "services/periods.py", "services/routing_rules.py", "services/wish_forms.py",
    "services/providers.py",
)  # fmt: skip
CLASSES = {
    name: found
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, AllTokenError)
}
STATUSES = (302, 400, 401, 403, 404, 408, 409, 413, 418, 422, 429, 500, 503)
UPSTREAM = {"UpstreamError", "_failure"}  # their first argument is the code


@dataclass
class Meaning:
    """What a code is answered with."""

    statuses: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)


def files() -> list[tuple[str, ast.Module]]:
    found = sorted(APP.rglob("*.py"))
    return [(str(path.relative_to(APP)), ast.parse(path.read_text())) for path in found]


def under(file: str, places: tuple[str, ...]) -> bool:
    return any(file == place or file.startswith(f"{place}/") for place in places)


def unplaced() -> list[str]:
    """Files with error codes of which we do not say whether callers meet them."""
    return [
        file
        for file, tree in files()
        if not under(file, PASSED + ELSEWHERE) and any(True for _ in raised(tree))
    ]


@lru_cache
def reachable() -> dict[str, Meaning]:
    """Code → what it is answered with."""
    found: dict[str, Meaning] = defaultdict(Meaning)
    for file, tree in files():
        if under(file, PASSED):
            for name, code, status in raised(tree):
                meaning = found[code]
                if name in CLASSES:
                    _add(meaning, CLASSES[name]("", code=code, status=status))
                else:
                    _add_upstream(meaning, code)
    for error in refusals():
        _add_upstream(found[error.code], error.code)
    for error in too_many():
        _add(found[error.code], error)
    for code in interruptions():
        found[code].statuses.add("stream")
        found[code].types.add(errors.UpstreamFailed.kind.value)
    return dict(found)


def _add(meaning: Meaning, error: AllTokenError) -> None:
    meaning.statuses.add(str(status_of(error)))
    meaning.types.add(error.kind.value)


def _add_upstream(meaning: Meaning, code: str) -> None:
    known = [error for error in refusals() if error.code == code]
    ours = code == "invalid_value"  # the caller's fault, found while the request was made
    for error in known or [UpstreamError(code, "", retry=False, client_fault=ours)]:
        _add(meaning, forward._public(Failed(error)))


def too_many() -> list[AllTokenError]:
    """What the limits refuse."""
    one = Subject("", "key", Limits(1, 1, 1))
    made = allowances.too_many_requests(one, 1), allowances.too_many_tokens(one, 1)
    return [*made, allowances.too_many_at_once(one)]


def refusals() -> list[UpstreamError]:
    """Everything that a provider's refusal can mean."""
    by_status = [upstream_refusals.by_status(status) for status in STATUSES]
    return [*by_status, *map(upstream_refusals.refusal, upstream_refusals.TEXTS)]


def raised(tree: ast.Module) -> Iterator[tuple[str, str, int | None]]:
    """Class, code and status of each error that is made."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        name = node.func.id
        if name in UPSTREAM and node.args:
            yield from ((name, code, None) for code in texts(node.args[0]))
        if name not in CLASSES:
            continue
        given = {word.arg: word.value for word in node.keywords}
        status = given.get("status")
        number = status.value if isinstance(status, ast.Constant) else None
        codes = texts(given["code"]) if "code" in given else [CLASSES[name].code]
        yield from ((name, code, number) for code in codes)


def texts(node: ast.AST) -> list[str]:
    return [
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]


def interruptions() -> list[str]:
    """Codes of streams that broke off at the provider."""
    tree = ast.parse(Path(forward.__file__).read_text())
    [function] = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "_interruption"
    ]
    returns = [node for node in ast.walk(function) if isinstance(node, ast.Return) and node.value]
    return [code for node in returns if node.value for code in texts(node.value)]
