"""After the load: is what AllToken charged exactly what the load tool received?

Run as a program inside AllToken's settings it prints the facts of the books as JSON.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping

from sqlalchemy import text
from sqlmodel import Session

from alltoken_app import db
from alltoken_app.ledger import invariants
from alltoken_app.settings import settings
from bench.paths import ROOT
from bench.upstream import PROMPT_TOKENS, Script

INPUT_USD_PER_MILLION = "0.10"
OUTPUT_USD_PER_MILLION = "0.20"
_NANO_PER_INPUT_TOKEN = 100
_NANO_PER_OUTPUT_TOKEN = 200

QUERIES = {
    "generations": "SELECT COUNT(*) FROM generation",
    "generations_cost": "SELECT COALESCE(SUM(cost), 0) FROM generation",
    "not_ok": "SELECT COUNT(*) FROM generation WHERE status <> 'ok'",
    "estimated": "SELECT COUNT(*) FROM generation WHERE estimated",
    "captured": "SELECT COALESCE(SUM(captured), 0) FROM hold",
    "open_holds": "SELECT COUNT(*) FROM hold WHERE state IN ('held', 'in_flight')",
    "revenue": "SELECT COALESCE(-SUM(posted), 0) FROM ledger_account"
    " WHERE id LIKE '%/revenue:usage'",
    "spent": "SELECT COALESCE(SUM(granted - remaining), 0) FROM lot",
}


def price(script: Script) -> int:
    """What one reply of `script` costs, in nano-USD."""
    output = script.completion_tokens * _NANO_PER_OUTPUT_TOKEN
    return PROMPT_TOKENS * _NANO_PER_INPUT_TOKEN + output


def verify(env: Mapping[str, str], sent: Mapping[Script, int]) -> list[str]:
    """The lines to print when the books agree with the load. Raises RuntimeError when not."""
    command = [sys.executable, "-m", "bench.books"]
    done = subprocess.run(command, cwd=ROOT, env=dict(env), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"they could not be read: {done.stderr[-500:]}")
    facts = json.loads(done.stdout)
    count = sum(sent.values())
    due = sum(price(script) * good for script, good in sent.items())
    expected = {
        **dict.fromkeys(("generations_cost", "captured", "revenue", "spent"), due),
        "generations": count,
        **dict.fromkeys(("open_holds", "not_ok", "estimated"), 0),
    }
    wrong = [
        f"{name} {facts[name]:,}, not {want:,}"
        for name, want in expected.items()
        if facts[name] != want
    ]
    if facts["broken"] or wrong:
        raise RuntimeError("; ".join([*wrong, *facts["broken"][:5]]))
    return [
        f"AllToken's books: {count:,} requests charged {due / 1e9:.9f} USD: exactly the sum of "
        "their prices, the same in usage rows, holds, lots and revenue; no hold is open; every "
        "invariant of the ledger holds."
    ]


def _facts(session: Session) -> dict[str, object]:
    found = {name: session.execute(text(query)).scalar_one() for name, query in QUERIES.items()}
    return {name: int(value) for name, value in found.items()} | {
        "broken": invariants.check(session)
    }


async def _read() -> dict[str, object]:
    database = db.Database(settings().database)
    try:
        return await database.read(_facts)
    finally:
        await database.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_read())))
