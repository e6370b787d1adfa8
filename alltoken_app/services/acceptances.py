"""The documents people accept, as data, and the record that they did."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session, col, select

from alltoken_app.errors import Invalid
from alltoken_app.tables.account import Acceptance


@dataclass(frozen=True)
class Document:
    """A text with versions; the version is the day it took effect.

    Attributes:
        id: Stable name, as in `acceptance.document`.
    """

    id: str
    title: str
    version: str


DOCUMENTS = (
    Document("terms", "Terms of Service", "2026-11-22"),
    Document("privacy", "Privacy Policy", "2026-11-22"),
)


def require(accepted: Mapping[str, str]) -> None:
    """Refuse unless the current version of every document was accepted.

    Args:
        accepted: Document id to the version that was shown with the check box.

    Raises:
        Invalid: `acceptance_required`.
    """
    for document in DOCUMENTS:
        if accepted.get(document.id) != document.version:
            raise Invalid(
                f"Accept the {document.title} (version of {document.version}) to go on.",
                code="acceptance_required",
                param=document.id,
                status=422,
            )


def record(session: Session, person_id: str, org_id: str) -> None:
    """Note that the person accepted the current version of every document, now."""
    for document in DOCUMENTS:
        session.add(
            Acceptance(
                person_id=person_id,
                org_id=org_id,
                document=document.id,
                version=document.version,
            )
        )


def missing(session: Session, person_id: str) -> list[Document]:
    """The documents whose current version the person has not accepted."""
    mine = select(Acceptance).where(col(Acceptance.person_id) == person_id)
    accepted = {(row.document, row.version) for row in session.exec(mine)}
    return [document for document in DOCUMENTS if (document.id, document.version) not in accepted]
