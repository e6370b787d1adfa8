"""Troubles the sandbox can be told to make, so that tests can prove that money survives them."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import msgspec

from alltoken_app.clock import Millis


@dataclass
class Faults:
    """How often each trouble still happens; all zero means none.

    Attributes:
        duplicate: Send each of the next n events three times, at once.
        drop: Forget the next n events.
        forge: Sign the next n deliveries with a wrong secret.
        delay_ms: Wait this long before an event is first sent.
        fail: Answer the next n API calls with 500 before anything happens.
        time_out_after_commit: Do the next n API calls, then stay silent for `silence_ms` and
            answer 504.
    """

    duplicate: int = 0
    drop: int = 0
    forge: int = 0
    delay_ms: Millis = 0
    fail: int = 0
    time_out_after_commit: int = 0
    silence_ms: Millis = 0

    def take(self, name: str) -> bool:
        """Whether this trouble happens now; counts it."""
        left: int = getattr(self, name)
        setattr(self, name, max(0, left - 1))
        return left > 0

    def set(self, changes: dict[str, Any]) -> None:
        """Set some of them.

        Raises:
            msgspec.ValidationError: A name or a value is not one of ours.
        """
        known = {field.name for field in dataclasses.fields(self)}
        if not changes.keys() <= known:
            raise msgspec.ValidationError(f"known faults: {', '.join(sorted(known))}")
        for name, value in msgspec.convert(changes, dict[str, int]).items():
            setattr(self, name, value)
