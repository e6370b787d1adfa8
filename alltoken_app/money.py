"""Money as integers: the ledger counts nano-USD, prices count pico-USD per unit.

1 USD = 10**9 nano = 10**12 pico. Nothing in the product holds money in a float.
"""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import TypeAlias

Nano: TypeAlias = int
Pico: TypeAlias = int

NANO_PER_USD = 10**9
NANO_PER_CENT = 10**7
PICO_PER_NANO = 1_000
PICO_PER_USD = 10**12
MOST_USD = 9_000_000_000  # what 64 bits of nano hold


def round_pico(pico: Pico) -> Nano:
    """Round pico to nano, half to even: the one rounding a request gets."""
    whole, rest = divmod(pico, PICO_PER_NANO)
    if rest * 2 > PICO_PER_NANO or (rest * 2 == PICO_PER_NANO and whole % 2):
        return whole + 1
    return whole


def usd(nano: Nano) -> str:
    """Exact decimal string in USD without trailing zeros: 123_456 -> "0.000123456"."""
    sign = "-" if nano < 0 else ""
    dollars, rest = divmod(abs(nano), NANO_PER_USD)
    fraction = f"{rest:09d}".rstrip("0")
    return f"{sign}{dollars}.{fraction}" if fraction else f"{sign}{dollars}"


def usd_of_pico(pico: Pico) -> str:
    """Exact decimal string in USD of a rate: 150_000 -> "0.00000015"."""
    sign = "-" if pico < 0 else ""
    dollars, rest = divmod(abs(pico), PICO_PER_USD)
    fraction = f"{rest:012d}".rstrip("0")
    return f"{sign}{dollars}.{fraction}" if fraction else f"{sign}{dollars}"


def show_usd(nano: Nano) -> str:
    """For people: two decimals, below one cent up to six significant digits ("$0.000123")."""
    sign = "-" if nano < 0 else ""
    size = abs(nano)
    if size == 0 or size >= NANO_PER_CENT:
        cents = (size * 100 + NANO_PER_USD // 2) // NANO_PER_USD
        return f"{sign}${cents // 100:,}.{cents % 100:02d}"
    if size >= 10**6:  # seven digits: round half up to six
        size = (size + 5) // 10 * 10
    return f"{sign}${usd(size)}"


def show_left(nano: Nano) -> str:
    """What somebody has, for people: as `show_usd`, but never more than there is."""
    if nano < NANO_PER_CENT:
        return show_usd(nano)
    return show_usd(nano - nano % NANO_PER_CENT)


def parse_usd(text: str) -> Nano:
    """Read a decimal string of USD exactly.

    Raises:
        ValueError: Not a finite decimal number, or finer than one nano.
    """
    try:
        value = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        raise ValueError("Write an amount in USD, for example 20 or 0.50.") from None
    if not value.is_finite() or abs(value) > MOST_USD:
        raise ValueError("Write an amount in USD that is a sum of money.")
    nano = value * NANO_PER_USD
    if nano != nano.to_integral_value():
        raise ValueError("Write an amount in USD with at most nine decimals.")
    return int(nano)


def rate_of(dollars: str, units: int) -> Pico:
    """Pico-USD per unit of a price quoted in USD for so many units, to the nearest pico."""
    return int((Decimal(dollars) * PICO_PER_USD / units).to_integral_value(ROUND_HALF_EVEN))


def rate_per_million(dollars: str) -> Pico:
    """Pico-USD per token of a price quoted in USD per million tokens, exactly.

    Raises:
        ValueError: The price is finer than one pico per token.
    """
    pico = Decimal(dollars) * PICO_PER_USD / 1_000_000
    if pico != pico.to_integral_value():
        raise ValueError(f"{dollars} USD per million is not a whole number of pico-USD per token")
    return int(pico)
