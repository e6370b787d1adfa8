"""Identifiers: a prefix that names the kind, then a ULID (sortable by time, 80 random bits)."""

import os
import threading
import time
from functools import lru_cache

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
    drawn, pairs = _random_80_bits(), PAIRS
    random = "".join([pairs[(drawn >> shift) & 1023] for shift in _SHIFTS])
    return f"{prefix}_{_time_part(time.time_ns() // 1_000_000)}{random}"


_SHIFTS = tuple(range(70, -1, -10))


@lru_cache(maxsize=4)
def _time_part(millis: int) -> str:
    """The ten digits of the time, 50 bits; ids of one millisecond share them."""
    return "".join([PAIRS[(millis >> shift) & 1023] for shift in range(40, -1, -10)])
