"""Which Idempotency-Key belongs to which request, so that a repetition is never a second one."""

from sqlmodel import Field, SQLModel

from alltoken_app.clock import Millis
from alltoken_app.tables.columns import big


class IdempotentRequest(SQLModel, table=True):
    """One use of a key of the caller's. Kept for 24 hours; nothing of the body but a keyed digest.

    Attributes:
        key_digest: Of the organisation, the path and the caller's key together.
        generation_id: What became of it is in that generation's record.
        worker: The process that serves it.
    """

    __tablename__ = "idempotent_request"

    key_digest: str = Field(primary_key=True)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    body_digest: str
    generation_id: str
    worker: str
    created_at: Millis = big(index=True)
