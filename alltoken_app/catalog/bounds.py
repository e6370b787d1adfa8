"""Upper bounds on tokens before anything is sent: a token is at least one byte of the request.

Chat templates add tokens of their own around every message, which no byte of the request pays for.
"""

from alltoken_app.providers.base import Call

PER_CALL = 256
PER_INPUT = 16
BYTES_PER_TOKEN = 4  # only to estimate what was delivered; never a bound


def input_tokens(call: Call) -> int:
    """No honest meter reports more input tokens than this."""
    return call.size + PER_CALL + PER_INPUT * call.inputs


def estimated_input(call: Call) -> int:
    """A fair guess for an answer without usage; marked as estimated wherever it is charged."""
    return -(-call.size // BYTES_PER_TOKEN)


def estimated_output(size: int) -> int:
    """Tokens of `size` bytes of delivered text, guessed; marked as estimated."""
    return -(-size // BYTES_PER_TOKEN)
