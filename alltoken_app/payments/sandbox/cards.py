"""The test cards. Any other number is turned away unread: nobody should type a real one here."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Card:
    """A test card and what happens to a payment with it.

    Attributes:
        code: The processor's `decline_code`, for a card that is declined.
        told: What the payer reads when it is declined.
    """

    number: str
    title: str
    outcome: Literal["pays", "declines", "challenges"]
    code: str = ""
    told: str = ""

    @property
    def last4(self) -> str:
        """The last four digits, all that is kept."""
        return self.number[-4:]

    @property
    def grouped(self) -> str:
        """As it is printed on a card."""
        return " ".join(self.number[start : start + 4] for start in range(0, 16, 4))


CARDS = (
    Card("4242424242424242", "Pays at once", "pays"),
    Card(
        "4000000000000002",
        "Is declined",
        "declines",
        "generic_decline",
        "The card was declined. Nothing was charged; try another card.",
    ),
    Card(
        "4000000000009995",
        "Has insufficient funds",
        "declines",
        "insufficient_funds",
        "The card has insufficient funds. Nothing was charged; try another card.",
    ),
    Card("4000002500003155", "Asks for 3-D Secure", "challenges"),
)


def find(typed: str) -> Card | None:
    """The test card with this number, spaces and dashes aside."""
    digits = typed.replace(" ", "").replace("-", "")
    return next((card for card in CARDS if card.number == digits), None)
