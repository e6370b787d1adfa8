"""Our own words in a body (`alltoken`) and in headers (`X-AllToken-*`), and what they ask for."""

from decimal import Decimal

import msgspec

from alltoken_app.api.http import Request
from alltoken_app.api.parse import Extension, Parsed
from alltoken_app.errors import Invalid
from alltoken_app.money import Nano, parse_usd
from alltoken_app.providers.base import Call
from alltoken_app.services.callers import Caller

NOTHING_SAID = Extension()


def extended(request: Request, parsed: Parsed, caller: Caller) -> Call:
    """The call with what both say of it; of two caps the lower one holds.

    Raises:
        Invalid: As `max_cost`.
    """
    call, said = parsed.call, parsed.extension or NOTHING_SAID
    most = max_cost(said.max_cost), max_cost(request.header(b"x-alltoken-max-cost"))
    return msgspec.structs.replace(
        call,
        cache_scope=caller.cache_scope,
        session=call.session or request.header(b"x-session-id")[:256],
        strict_model=call.strict_model
        or bool(said.strict_model)
        or request.says(b"x-alltoken-strict-model"),
        quote=call.quote or said.quote or request.header(b"x-alltoken-quote")[:64],
        max_cost=min((one for one in most if one is not None), default=None),
    )


def max_cost(said: str | Decimal | None) -> Nano | None:
    """What a request may cost at most, in nano-USD; None when nothing is said of it.

    Raises:
        Invalid: Not a sum of money above zero in USD.
    """
    if said is None or said == "":
        return None
    try:
        most = parse_usd(format(said, "f") if isinstance(said, Decimal) else said)
    except ValueError as error:
        raise Invalid(f"max_cost: {error} Nothing was charged.", param="max_cost") from None
    if most <= 0:
        text = "max_cost: an amount in USD above zero. Nothing was charged."
        raise Invalid(text, param="max_cost")
    return most
