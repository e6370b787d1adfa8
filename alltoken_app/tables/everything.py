"""Imports every table, so that the metadata is whole (migrations, tests)."""

from sqlmodel import SQLModel

from alltoken_app.tables import (
    account,
    catalog,
    generation,
    idempotency,
    key,
    ledger,
    limits,
    payment,
    routing,
)

TABLES = (account, catalog, generation, idempotency, key, ledger, limits, payment, routing)
METADATA = SQLModel.metadata
