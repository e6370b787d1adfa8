"""From usage to money: integer pico per line, one rounding per request."""

from alltoken_app.money import Nano, Pico, round_pico
from alltoken_app.providers.base import Price, Usage

Line = tuple[str, int, Pico, Pico]  # meter, quantity, rate, product


def lines(price: Price, usage: Usage) -> list[Line]:
    """What is charged, as [meter, quantity, rate, quantity × rate] in pico-USD.

    Cached input is part of the input and has its own rate; reasoning is part of the output.
    """
    metered = (
        ("request", 1, price.request),
        ("input", usage.input - usage.cached, price.input),
        ("cached_input", usage.cached, price.cached_input),
        ("output", usage.output, price.output),
    )
    return [(meter, n, rate, n * rate) for meter, n, rate in metered if n and (rate or n > 1)]


def cost(price: Price, usage: Usage) -> Nano:
    """What `usage` costs, rounded once, half to even."""
    return round_pico(
        price.request
        + (usage.input - usage.cached) * price.input
        + usage.cached * price.cached_input
        + usage.output * price.output
    )


def ceiling(price: Price, input_tokens: int, output_tokens: int) -> Nano:
    """The most that so many tokens can cost (cached input is never dearer than input)."""
    dearest_input = max(price.input, price.cached_input)
    pico = price.request + input_tokens * dearest_input + output_tokens * price.output
    return -(-pico // 1_000)
