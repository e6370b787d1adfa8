"""The statements of a batch of hold commands. Locks are taken in their order here, each by id."""

from sqlalchemy import (
    Text,
    bindparam,
    cast,
    delete,
    insert,
    literal_column,
    null,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.sql import ColumnElement

from alltoken_app.ledger.statements import Statement, among
from alltoken_app.tables.columns import Big
from alltoken_app.tables.everything import METADATA

_HOLD = METADATA.tables["hold"]
_WALLET = METADATA.tables["wallet"]
_LOT = METADATA.tables["lot"]
_BUDGET = METADATA.tables["budget"]
_ACCOUNT = METADATA.tables["ledger_account"]
_LEASE = METADATA.tables["lease"]
_GENERATION = METADATA.tables["generation"]


def _texts(name: str) -> ColumnElement[str]:
    return bindparam(name)


def _change(name: str) -> ColumnElement[int]:
    return bindparam(name, type_=Big)


_h, _w, _l, _b, _a, _e = _HOLD.c, _WALLET.c, _LOT.c, _BUDGET.c, _ACCOUNT.c, _LEASE.c
_still_open = text("state IN ('held', 'in_flight')")

HOLDS = Statement(
    select(
        _h.id, _h.wallet_id, _h.budget_id, _h.amount, cast(_h.alloc, Text), _h.state, _h.captured
    )
    .where(among(_h.id, _texts("holds")))
    .order_by(_h.id)
    .with_for_update()
)
WALLETS = Statement(
    select(_w.id, _w.org_id, _w.book, _w.leased)
    .where(among(_w.id, _texts("wallets")))
    .order_by(_w.id)
    .with_for_update()
)
LEASES = Statement(  # their wallets are locked
    select(_e.id, _e.wallet_id, _e.budget_id, cast(_e.alloc, Text), _e.recalled).where(
        among(_e.id, _texts("leases"))
    )
)
CREDIT = Statement(  # what each wallet can spend, and what it owes
    union_all(
        select(
            _l.wallet_id, _l.id, _l.kind, _l.remaining - _l.held, _l.expires_at, _l.created_at
        ).where(among(_l.wallet_id, _texts("wallets")), _l.remaining > literal_column("0")),
        select(_a.id, null(), null(), -_a.posted, null(), literal_column("0")).where(
            among(_a.id, _texts("debts"))
        ),
    )
)
BUDGETS = Statement(
    select(_b.id, _b.limit_nano, _b.period, _b.period_start, _b.spent, _b.held, _b.leased)
    .where(among(_b.id, _texts("budgets")))
    .order_by(_b.id)
    .with_for_update()
)

CHANGE_WALLET = Statement(
    update(_WALLET)
    .where(_w.id == bindparam("key"))
    .values(held=_w.held + _change("held_by"), leased=_w.leased + _change("leased_by"))
)
CHANGE_LOT = Statement(
    update(_LOT)
    .where(_l.id == bindparam("key"))
    .values(held=_l.held + _change("held_by"), remaining=_l.remaining + _change("remaining_by"))
)
SET_BUDGET = Statement(
    update(_BUDGET)
    .where(_b.id == bindparam("key"))
    .values(
        {
            name: bindparam(f"new_{name}", type_=Big)
            for name in ("period_start", "spent", "held", "leased")
        }
    )
)
INSERT_HOLD = Statement(insert(_HOLD))
GROW_HOLD = Statement(
    update(_HOLD)
    .where(_h.id == bindparam("key"), _still_open)
    .values(amount=bindparam("new_amount"), alloc=bindparam("new_alloc"))
)
NOTE_HOLD = Statement(
    update(_HOLD)
    .where(_h.id == bindparam("key"), _still_open)
    .values(state=literal_column("'in_flight'"), progress=bindparam("new_progress"))
)
CLOSE_HOLD = Statement(
    update(_HOLD)
    .where(_h.id == bindparam("key"), _still_open)
    .values(
        state=bindparam("new_state"),
        captured=bindparam("new_captured"),
        settled_at=bindparam("new_settled_at"),
    )
)
INSERT_GENERATION = Statement(insert(_GENERATION))
INSERT_LEASE = Statement(insert(_LEASE))
SET_LEASE = Statement(
    update(_LEASE)
    .where(_e.id == bindparam("key"))
    .values(amount=bindparam("new_amount", type_=Big), alloc=bindparam("new_alloc"))
)
END_LEASE = Statement(delete(_LEASE).where(_e.id == bindparam("key")))
RECALL = Statement(
    update(_LEASE).where(_e.wallet_id == bindparam("key")).values(recalled=literal_column("true"))
)
GENERATION_COLUMNS = tuple(_GENERATION.c)
