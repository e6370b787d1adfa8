"""What must always be true of the books, as queries. Each finds the rows that break one rule."""

from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Session

from alltoken_app.clock import MINUTE, now_ms

OVERDUE = 10 * MINUTE  # how long a hold may stay open after its end before it is an error


class Rule(NamedTuple):
    """A query of what is wrong, and the sentence for each row of it."""

    sentence: str
    query: str


RULES = (
    Rule(
        "Movement {0} does not balance: its entries add up to {1} nano.",
        "SELECT tx_id, SUM(amount) FROM entry GROUP BY tx_id HAVING SUM(amount) <> 0",
    ),
    Rule(
        "Movement {0} ({1}) has no entries.",
        "SELECT id, effect FROM journal_tx t"
        " WHERE NOT EXISTS (SELECT 1 FROM entry e WHERE e.tx_id = t.id)",
    ),
    Rule(
        "Account {0} says {1} nano and its entries add up to {2}.",
        "SELECT a.id, a.posted, COALESCE(SUM(e.amount), 0) FROM ledger_account a"
        " LEFT JOIN entry e ON e.account_id = a.id GROUP BY a.id, a.posted"
        " HAVING a.posted <> COALESCE(SUM(e.amount), 0)",
    ),
    Rule(
        "Wallet {0} has {2} nano of {1} credit in its lots and {3} in its account.",
        "SELECT w.id, k.kind, COALESCE(l.remaining, 0), -COALESCE(a.posted, 0) FROM wallet w"
        " CROSS JOIN (SELECT 'cash' AS kind UNION SELECT 'promo') k"
        " LEFT JOIN (SELECT wallet_id, CASE kind WHEN 'cash' THEN 'cash' ELSE 'promo' END AS kind,"
        "   SUM(remaining) AS remaining FROM lot GROUP BY 1, 2) l"
        "   ON l.wallet_id = w.id AND l.kind = k.kind"
        " LEFT JOIN ledger_account a"
        "   ON a.id = w.book || '/wallet:' || k.kind || ':' || w.org_id"
        " WHERE COALESCE(l.remaining, 0) <> -COALESCE(a.posted, 0)",
    ),
    Rule(
        "Wallet {0} holds {1} and leases {2} nano; its lots {3}, its open holds {4}, leases {5}.",
        "SELECT w.id, w.held, w.leased, COALESCE(l.held, 0), COALESCE(h.held, 0),"
        "   COALESCE(e.leased, 0) FROM wallet w"
        " LEFT JOIN (SELECT wallet_id, SUM(held) AS held FROM lot GROUP BY 1) l"
        "   ON l.wallet_id = w.id"
        " LEFT JOIN (SELECT wallet_id, SUM(amount) AS held FROM hold"
        "   WHERE state IN ('held', 'in_flight') GROUP BY 1) h ON h.wallet_id = w.id"
        " LEFT JOIN (SELECT wallet_id, SUM(amount) AS leased FROM lease GROUP BY 1) e"
        "   ON e.wallet_id = w.id"
        " WHERE w.held + w.leased <> COALESCE(l.held, 0) OR w.held <> COALESCE(h.held, 0)"
        "   OR w.leased <> COALESCE(e.leased, 0)",
    ),
    Rule(
        "Lot {0} is out of bounds: granted {1}, remaining {2}, held {3} nano.",
        "SELECT id, granted, remaining, held FROM lot"
        " WHERE held < 0 OR held > remaining OR remaining > granted",
    ),
    Rule(
        "The limit of key {0} holds {1} nano and its open holds {2}.",
        "SELECT b.id, b.held, COALESCE(h.held, 0) FROM budget b"
        " LEFT JOIN (SELECT budget_id, SUM(amount) AS held FROM hold"
        "   WHERE state IN ('held', 'in_flight') GROUP BY 1) h ON h.budget_id = b.id"
        " WHERE b.held > COALESCE(h.held, 0)",
    ),
    Rule(
        "The limit of key {0} leases {1} nano and its leases have {2}.",
        "SELECT b.id, b.leased, COALESCE(e.leased, 0) FROM budget b"
        " LEFT JOIN (SELECT budget_id, SUM(amount) AS leased FROM lease GROUP BY 1) e"
        "   ON e.budget_id = b.id"
        " WHERE b.leased > COALESCE(e.leased, 0)",
    ),
    Rule(
        "Hold {0} ended as {1} with {2} of {3} nano captured.",
        "SELECT id, state, captured, amount FROM hold WHERE"
        " (state IN ('held', 'in_flight') AND (captured IS NOT NULL OR settled_at IS NOT NULL))"
        " OR (state = 'captured' AND (captured IS NULL OR captured <= 0 OR captured > amount))"
        " OR (state = 'released' AND (captured IS NULL OR captured <> 0))",
    ),
    Rule(
        "Hold {0} should have been settled by {1} and is still {2}.",
        "SELECT id, expires_at, state FROM hold"
        " WHERE state IN ('held', 'in_flight') AND expires_at <= :overdue",
    ),
    Rule(
        "Movement {0} charged {1} nano and its generations cost {2}.",
        "SELECT t.id, -COALESCE(r.amount, 0), COALESCE(g.cost, 0) FROM journal_tx t"
        " LEFT JOIN entry r ON r.tx_id = t.id AND r.account_id = t.book || '/revenue:usage'"
        " LEFT JOIN (SELECT journal_tx, SUM(cost) AS cost FROM generation GROUP BY 1) g"
        "   ON g.journal_tx = t.id"
        " WHERE (t.kind = 'usage' OR g.cost IS NOT NULL)"
        " AND -COALESCE(r.amount, 0) <> COALESCE(g.cost, 0)",
    ),
    Rule(
        "Generation {0} cost {1} nano and its hold captured {2}.",
        "SELECT g.id, g.cost, h.captured FROM generation g JOIN hold h ON h.id = g.id"
        " WHERE h.captured IS NULL OR g.cost <> h.captured OR g.held <> h.amount",
    ),
    Rule(
        "Generation {0} cost {1} nano and names no movement.",
        "SELECT g.id, g.cost FROM generation g"
        " LEFT JOIN journal_tx t ON t.id = g.journal_tx WHERE g.cost <> 0 AND t.id IS NULL",
    ),
    Rule(
        "Movement {0} of the {1} book touches account {2}.",
        "SELECT t.id, t.book, e.account_id FROM entry e JOIN journal_tx t ON t.id = e.tx_id"
        " JOIN ledger_account a ON a.id = e.account_id"
        " WHERE a.book <> t.book OR a.id NOT LIKE t.book || '/%'",
    ),
    Rule(
        "Generation {0} of the {1} book is paid from the {2} book.",
        "SELECT g.id, g.book, w.book FROM generation g JOIN hold h ON h.id = g.id"
        " JOIN wallet w ON w.id = h.wallet_id WHERE g.book <> w.book OR g.org_id <> w.org_id",
    ),
)


def check(session: Session) -> list[str]:
    """One sentence for each thing that does not add up; empty when the books balance.

    Reads whole tables: for a job and for tests, not for a request. Amounts are nano-USD.
    """
    wrong = []
    for rule in RULES:
        values = {"overdue": now_ms() - OVERDUE} if ":overdue" in rule.query else {}
        found = session.execute(text(rule.query), values)
        wrong += [rule.sentence.format(*row) for row in found]
    return wrong
