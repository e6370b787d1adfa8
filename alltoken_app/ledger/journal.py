"""The journal: balanced movements between accounts, each applied once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import bindparam, insert, text
from sqlmodel import Session

from alltoken_app.clock import Millis, now_ms
from alltoken_app.ids import new_id
from alltoken_app.ledger.statements import Runner, Statement, Values
from alltoken_app.money import Nano
from alltoken_app.tables.columns import Big
from alltoken_app.tables.everything import METADATA
from alltoken_app.tables.ledger import JournalTx

_TX = METADATA.tables["journal_tx"]
_ENTRY = METADATA.tables["entry"]

_insert_tx = Statement(insert(_TX))
_insert_entry = Statement(insert(_ENTRY))
_claim = Statement(
    text(
        "INSERT INTO journal_tx (id, effect, kind, book, org_id, actor, reason, at)"
        " VALUES (:id, :effect, :kind, :book, :org_id, :actor, :reason, :at)"
        " ON CONFLICT (effect) DO NOTHING RETURNING id"
    )
)
_add = Statement(
    text(
        "INSERT INTO ledger_account (id, book, kind, org_id, posted)"
        " VALUES (:id, :book, :kind, :org_id, :posted) ON CONFLICT (id)"
        " DO UPDATE SET posted = ledger_account.posted + excluded.posted"
    ).bindparams(bindparam("posted", type_=Big))
)


@dataclass(slots=True)
class Movement:
    """A balanced movement to write: account key to nano, debits positive."""

    effect: str
    kind: str
    book: str
    org_id: str | None
    actor: str
    lines: Mapping[str, Nano]
    reason: str = ""
    id: str = field(default_factory=lambda: new_id("jtx"))

    def row(self, at: Millis) -> Values:
        """The values of its `journal_tx` row."""
        return {
            "id": self.id,
            "effect": self.effect,
            "kind": self.kind,
            "book": self.book,
            "org_id": self.org_id,
            "actor": self.actor,
            "reason": self.reason,
            "at": at,
        }


def post(
    session: Session,
    *,
    effect: str,
    kind: str,
    book: str,
    org_id: str | None,
    actor: str,
    lines: Mapping[str, Nano],
    reason: str = "",
) -> JournalTx | None:
    """Write one movement: account key ("wallet:cash:{org}") to nano, debits positive.

    Returns None, and writes nothing, when `effect` was applied before.

    Raises:
        ValueError: The lines do not add up to zero, or name another book.
    """
    movement = Movement(effect, kind, book, org_id, actor, lines, reason)
    _require_sound(movement)
    runner = Runner(session.connection())
    row = movement.row(now_ms())
    if not runner.rows(_claim, row):
        return None
    _write_lines(runner, [movement])
    return JournalTx(**row)


def write(runner: Runner, movements: list[Movement]) -> None:
    """Write movements whose effects are new for certain, set-based.

    Raises:
        ValueError: One of them is not balanced or names another book.
    """
    for movement in movements:
        _require_sound(movement)
    at = now_ms()
    runner.each(_insert_tx, [movement.row(at) for movement in movements])
    _write_lines(runner, movements)


def account_id(book: str, key: str) -> str:
    """The id of an account: account_id("sandbox", "revenue:usage") is "sandbox/revenue:usage"."""
    return f"{book}/{key}"


def _require_sound(movement: Movement) -> None:
    amounts = movement.lines.values()
    if sum(amounts) != 0 or not any(amounts):
        raise ValueError(f"{movement.effect}: the lines must balance: {dict(movement.lines)}")
    if any("/" in key for key in movement.lines):
        raise ValueError(f"{movement.effect}: a movement stays in its book, {movement.book}")


def _write_lines(runner: Runner, movements: Iterable[Movement]) -> None:
    entries: list[Values] = []
    accounts: dict[str, Values] = {}
    sums: defaultdict[str, Nano] = defaultdict(int)
    for movement in movements:
        moved = [(key, amount) for key, amount in sorted(movement.lines.items()) if amount]
        for seq, (key, amount) in enumerate(moved):
            account = account_id(movement.book, key)
            accounts.setdefault(account, _account(movement, account, key))
            sums[account] += amount
            entries.append(
                {"tx_id": movement.id, "seq": seq, "account_id": account, "amount": amount}
            )
    # In the order of their ids, so that two writers never wait for each other in a circle.
    runner.each(_add, [accounts[id_] | {"posted": sums[id_]} for id_ in sorted(accounts)])
    runner.each(_insert_entry, entries)


def _account(movement: Movement, id_: str, key: str) -> Values:
    whose = movement.org_id if movement.org_id and key.endswith(f":{movement.org_id}") else None
    kind = key.removesuffix(f":{whose}") if whose else key
    return {"id": id_, "book": movement.book, "kind": kind, "org_id": whose}
