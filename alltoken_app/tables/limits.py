"""What several processes share of the rate limits; one process alone keeps them in memory."""

from sqlmodel import Field, SQLModel

from alltoken_app.clock import Millis
from alltoken_app.tables.columns import big


class RateBucket(SQLModel, table=True):
    """Requests and tokens that nobody has taken, of an organisation or a key, as of `at`.

    A minute's worth fits in. Processes take blocks out of it; tokens fall below zero when answers
    were longer than expected.
    """

    __tablename__ = "rate_bucket"

    subject: str = Field(primary_key=True)
    requests: float
    tokens: float
    at: Millis = big()


class RateSlots(SQLModel, table=True):
    """How many requests one process may have open at once of those that the limit allows."""

    __tablename__ = "rate_slots"

    subject: str = Field(primary_key=True)
    worker: str = Field(primary_key=True)
    slots: int
    changed_at: Millis = big()
