"""alltoken_app/services/metering.py: what an answer that breaks off costs"""

from alltoken_app.providers.base import Call, Piece, Usage
from alltoken_app.services.metering import Meter


def test_what_was_delivered_is_counted_where_the_upstream_counts_it_at_the_end_only() -> None:
    meter = Meter(Call("chat", "a/b", {}, stream=True), 1_000, 1_000)
    meter.deliver([Piece(content=True, size=400, running=Usage(50, 0))])
    assert (meter.usage.input, meter.usage.output) == (50, 100)
    meter.deliver([Piece(content=True, size=400, running=Usage(50, 150))])
    assert meter.usage.output == 150
