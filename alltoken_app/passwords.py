"""Passwords: argon2id through passlib's interface, in a small thread pool of their own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from passlib.context import CryptContext

# OWASP's argon2id floor (19 MiB, 2 passes): 110-290 ms on two busy cores.
_context = CryptContext(
    schemes=["argon2"], argon2__memory_cost=19_456, argon2__time_cost=2, argon2__parallelism=1
)
_pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
_nobody = _context.hash("nobody has this password")


def _matches(password: str, kept: str) -> bool:
    return bool(_context.verify(password, kept))


async def hash_password(password: str) -> str:
    """The encoded argon2id hash, to be stored."""
    return await asyncio.get_running_loop().run_in_executor(_pool, _context.hash, password)


async def verify(password: str, kept: str | None) -> bool:
    """Whether the password fits; takes as long when there is no such person (`kept` is None)."""
    loop = asyncio.get_running_loop()
    matches = await loop.run_in_executor(_pool, _matches, password, kept or _nobody)
    return matches and kept is not None
