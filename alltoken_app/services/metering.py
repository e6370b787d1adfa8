"""Watches an answer go by and knows at any moment what it costs."""

import msgspec

from alltoken_app.catalog import bounds, pricing
from alltoken_app.catalog.pricing import Extras
from alltoken_app.money import Nano
from alltoken_app.providers.base import Call, EndpointFacts, Piece, Reply, Usage

NOTHING = Usage()


class Meter:
    """Counts one answer. Nothing delivered costs nothing.

    The provider's final usage is authoritative; an answer that ends without it (or breaks off) is
    counted from what was delivered: by the upstream's running count where it keeps one, else by
    size, marked as estimated. No count goes beyond the bounds the hold was made of.
    """

    def __init__(
        self, call: Call, input_bound: int, output_bound: int, extras: Extras = pricing.NONE
    ) -> None:
        self._call = call
        self._input_bound = input_bound
        self._output_bound = output_bound
        self._extras = extras
        self._final: Usage | None = None
        self._running: Usage | None = None
        self._size = 0
        self._usage: Usage | None = None  # of what has been delivered; forgotten at each delivery
        self._priced: tuple[Usage, EndpointFacts, Nano] | None = None
        self.pieces = 0
        self.content = False
        self.finish: str | None = None
        self.upstream_id: str | None = None
        self.tier: str | None = None

    def deliver(self, arrived: list[Piece] | Reply) -> None:
        """Count what has been handed to the client."""
        self._usage = None
        for one in arrived if isinstance(arrived, list) else (arrived,):
            self._final = one.usage or self._final
            self.finish = one.finish or self.finish
            self.upstream_id = one.upstream_id or self.upstream_id
            self.tier = one.tier or self.tier
            self.content = self.content or one.content
            self._size += one.size
            if isinstance(one, Piece):
                self.pieces += one.content
                self._running = one.running or self._running

    @property
    def estimated(self) -> bool:
        """Whether the provider never said what was used, so that we counted."""
        return self._final is None and self._running is None

    @property
    def ended(self) -> bool:
        """Whether a choice has its finish reason, and the provider has said what was used."""
        return self.finish is not None and self._final is not None

    @property
    def usage(self) -> Usage:
        """What was used; it costs nothing while nothing has been delivered."""
        if self._usage is None:
            self._usage = self._count() if self.content or self._final else NOTHING
        return self._usage

    def _count(self) -> Usage:
        counted = self._final or self._so_far() or self._estimate()
        return bounds.clamp(counted, self._input_bound, self._output_bound, self._extras)

    def _so_far(self) -> Usage | None:
        """The running count; some count the output at the end only."""
        if self._running is None or self._running.output:
            return self._running
        output = bounds.estimated_output(self._size)
        return msgspec.structs.replace(self._running, output=output)

    def _estimate(self) -> Usage:
        embeddings = self._call.operation == "embeddings"
        output = 0 if embeddings else bounds.estimated_output(self._size)
        return msgspec.structs.replace(
            bounds.estimated_units(self._call),
            input=bounds.estimated_input(self._call),
            output=output,
        )

    def output_so_far(self) -> int:
        """Output tokens delivered, guessed high: decides when the hold must grow."""
        running = self._running.output if self._running else 0
        final = self._final.output if self._final else 0
        return max(running, final, self.pieces, self._size // 3)

    def cost(self, endpoint: EndpointFacts) -> Nano:
        """What has been delivered costs at `endpoint`, in nano-USD."""
        if not self.content:
            return 0
        usage = self.usage
        if self._priced is None or self._priced[0] is not usage or self._priced[1] is not endpoint:
            self._priced = usage, endpoint, pricing.cost(endpoint.price, usage)
        return self._priced[2]
