"""Identifiers: a prefix that names the kind, then a ULID (sortable by time, 80 random bits)."""

import os
import threading
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
PAIRS = [high + low for high in ALPHABET for low in ALPHABET]


_BLOCK = 4_000


class _Entropy(threading.local):
    """Random bytes from the system, a block at a time: one call serves four hundred ids."""

    left = memoryview(b"")


_entropy = _Entropy()


def _forget() -> None:
    _entropy.left = memoryview(b"")


os.register_at_fork(after_in_child=_forget)  # a child must not draw its parent's bytes


def _random_80_bits() -> int:
    left = _entropy.left
    if len(left) < 10:
        left = memoryview(os.urandom(_BLOCK))
    drawn, _entropy.left = left[:10], left[10:]
    return int.from_bytes(drawn)


def new_id(prefix: str) -> str:
    """A new identifier such as "gen_01kxyz…"; prefixes are listed in docs/architecture.md."""
    value = (time.time_ns() // 1_000_000) << 80 | _random_80_bits()
    digits = [PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10)]
    return f"{prefix}_{''.join(digits)}"
