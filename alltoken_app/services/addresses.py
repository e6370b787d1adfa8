"""E-mail addresses: what is accepted, and the one form by which a person is known."""

from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from alltoken_app.errors import Invalid

DOTLESS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}  # dots are ignored there


@dataclass(frozen=True)
class Address:
    """An accepted address.

    Attributes:
        shown: As typed, with an ASCII domain; mails go there.
        canonical: Lower case, without a `+tag`: one mailbox makes one account.
    """

    shown: str
    canonical: str


def parse(text: str) -> Address:
    """Read an address; asks no name server.

    Raises:
        Invalid: `invalid_email`.
    """
    try:
        found = validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise Invalid(
            "This is not an email address we can use. Write it like name@example.com.",
            code="invalid_email",
            param="email",
            status=422,
        ) from None
    local, domain = found.local_part.lower(), (found.ascii_domain or found.domain).lower()
    mailbox = local.split("+", 1)[0] or local
    if domain in DOTLESS:
        mailbox, domain = mailbox.replace(".", ""), DOTLESS[domain]
    return Address(found.ascii_email or found.normalized, f"{mailbox}@{domain}")


def canonical(text: str) -> str:
    """The canonical form; of something that is no address, the text in lower case."""
    try:
        return parse(text).canonical
    except Invalid:
        return text.strip().lower()
