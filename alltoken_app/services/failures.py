"""Unexpected errors: logged by where they happened, never by what they said.

A message or a local variable could hold a prompt, an address or a secret.
"""

import traceback

import structlog

from alltoken_app.ids import new_id

log = structlog.get_logger()


def report(error: BaseException, *, where: str) -> str:
    """Log an error nobody planned for; returns the id to show to the person."""
    error_id = new_id("err")
    frames = traceback.extract_tb(error.__traceback__)
    log.error(
        "unexpected",
        error_id=error_id,
        where=where,
        type=f"{type(error).__module__}.{type(error).__qualname__}",
        frames=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]],
    )
    return error_id
