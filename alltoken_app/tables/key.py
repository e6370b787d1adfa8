"""API keys, and the counter that tells other processes that one changed."""

from sqlmodel import Field, SQLModel

from alltoken_app.clock import Millis, now_ms
from alltoken_app.ids import new_id
from alltoken_app.tables.columns import big, maybe_big


class ApiKey(SQLModel, table=True):
    """A key. The secret is shown once; what is kept is its HMAC and a display form.

    Attributes:
        models: Comma-separated slugs it may call; empty means all.
        requests_per_minute, tokens_per_minute, concurrent: Limits of its own, within the
            organisation's; None for none.
        replaced_by: The key a rotation made in its place; `expires_at` is then the end of grace.
    """

    __tablename__ = "api_key"

    id: str = Field(default_factory=lambda: new_id("key"), primary_key=True)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    created_by: str
    name: str
    digest: str = Field(unique=True)
    display: str
    book: str
    models: str = ""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None
    created_at: Millis = big(default_factory=now_ms)
    expires_at: Millis | None = maybe_big()
    paused_at: Millis | None = maybe_big()
    revoked_at: Millis | None = maybe_big()
    replaced_by: str | None = None
    last_used_at: Millis | None = maybe_big()


class Revision(SQLModel, table=True):
    """A version per topic ("keys", "catalog"); it rises in the transaction that changed it."""

    topic: str = Field(primary_key=True)
    version: int = big(0)


class ManagementKey(SQLModel, table=True):
    """A key that manages API keys and never calls a model. It acts for the member who made it."""

    __tablename__ = "management_key"

    id: str = Field(default_factory=lambda: new_id("mgk"), primary_key=True)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    created_by: str = Field(foreign_key="person.id")
    name: str
    digest: str = Field(unique=True)
    display: str
    created_at: Millis = big(default_factory=now_ms)
    expires_at: Millis | None = maybe_big()
    revoked_at: Millis | None = maybe_big()
    last_used_at: Millis | None = maybe_big()
