"""Who acts in a session, and what a role allows."""

from dataclasses import dataclass

from alltoken_app.errors import Forbidden
from alltoken_app.tables.account import Role

MAY: dict[str, frozenset[str]] = {
    "use": frozenset({Role.OWNER, Role.ADMIN, Role.DEVELOPER}),
    "keys": frozenset({Role.OWNER, Role.ADMIN, Role.DEVELOPER}),
    "all_keys": frozenset({Role.OWNER, Role.ADMIN}),
    "routing": frozenset({Role.OWNER, Role.ADMIN}),
    "rename": frozenset({Role.OWNER, Role.ADMIN}),
    "pay": frozenset({Role.OWNER, Role.BILLING}),
    "see_money": frozenset({Role.OWNER, Role.ADMIN, Role.BILLING, Role.VIEWER, Role.DEVELOPER}),
    "see_usage": frozenset(Role),
}


@dataclass(frozen=True)
class Actor:
    """A signed-in member: one person acting in one organisation through one session."""

    person_id: str
    org_id: str
    session_id: str
    role: str
    name: str
    email: str
    org_name: str
    verified: bool

    def allowed(self, action: str) -> bool:
        """Whether the role may do `action` (a key of MAY)."""
        return self.role in MAY[action]

    def require(self, action: str) -> None:
        """Refuse unless the role may do `action`.

        Raises:
            Forbidden: It may not.
        """
        if not self.allowed(action):
            raise Forbidden(f"Your role ({self.role}) does not allow this. Ask an owner.")
