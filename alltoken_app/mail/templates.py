"""What AllToken writes to people: plain text. Nothing a stranger typed ever appears in a mail.

A name could carry an advertisement to somebody else's mailbox, so mails greet nobody by name.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Letter:
    """A mail without its recipient; `kind` is for counting and for the development mailbox."""

    kind: str
    subject: str
    text: str


SIGNATURE = "\n\nAllToken\n{origin}\n"


def _letter(kind: str, subject: str, text: str, origin: str) -> Letter:
    return Letter(kind, subject, text + SIGNATURE.format(origin=origin))


def confirm_address(link: str, origin: str) -> Letter:
    """After a sign-up: the link that confirms the address."""
    return _letter(
        "confirm_address",
        "Confirm your email address",
        "Somebody, hopefully you, signed up for AllToken with this address.\n\n"
        f"Confirm it within 24 hours:\n{link}\n\n"
        "If it was not you, ignore this mail: without the link the account stays closed.",
        origin,
    )


def already_registered(origin: str) -> Letter:
    """After a sign-up with an address that has an account: only its owner learns that."""
    return _letter(
        "already_registered",
        "You already have an account",
        "Somebody, hopefully you, tried to sign up for AllToken with this address. It already has "
        f"an account.\n\nSign in: {origin}/signin\nForgot the password? {origin}/reset\n\n"
        "If it was not you, there is nothing to do: nothing has changed.",
        origin,
    )


def reset_password(link: str, origin: str) -> Letter:
    """The link that sets a new password."""
    return _letter(
        "reset_password",
        "Set a new password",
        "Somebody, hopefully you, asked for a new password.\n\n"
        f"Set it within 30 minutes:\n{link}\n\n"
        "This signs every browser out. If it was not you, ignore this mail: nothing has changed.",
        origin,
    )


def password_changed(origin: str) -> Letter:
    """A notice, so that nobody's password changes without them knowing."""
    return _letter(
        "password_changed",
        "Your password was changed",
        "The password of your AllToken account was changed just now and every other browser was "
        f"signed out.\n\nIf it was not you, set a new one at once: {origin}/reset",
        origin,
    )
