"""Identifiers: a prefix that names the kind, then a ULID (sortable by time, 80 random bits)."""

import secrets
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
PAIRS = [high + low for high in ALPHABET for low in ALPHABET]


def new_id(prefix: str) -> str:
    """A new identifier such as "gen_01kxyz…"; prefixes are listed in docs/architecture.md."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    digits = [PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10)]
    return f"{prefix}_{''.join(digits)}"
