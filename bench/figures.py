"""From samples to figures: medians, spreads, ratios."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.measure import Sample


@dataclass(frozen=True)
class Figure:
    """The median of the rounds, with the least and the most."""

    value: float
    least: float
    most: float

    def text(self, digits: int = 0) -> str:
        """`12 (11–14)`."""
        value, least, most = (f"{x:,.{digits}f}" for x in (self.value, self.least, self.most))
        return value if least == most else f"{value} ({least}–{most})"


def figure(samples: Sequence[Sample], read: Callable[[Sample], float]) -> Figure:
    """The figure of what `read` finds in each round."""
    values = [read(sample) for sample in samples]
    return Figure(median(values), min(values), max(values))


def cpu_us(sample: Sample) -> float:
    """CPU µs per reply."""
    return sample.cpu_us


def cpu_us_chunk(sample: Sample) -> float:
    """CPU µs per streamed chunk."""
    return sample.cpu_us_chunk


def per_core(sample: Sample) -> float:
    """Replies per CPU second of the gateway."""
    return 1e6 / sample.cpu_us if sample.cpu_us else 0.0


def per_second(sample: Sample) -> float:
    """Replies per second."""
    return sample.seen.per_second


def p50_ms(sample: Sample) -> float:
    """Median time of a whole reply, ms."""
    return sample.seen.p50_us / 1e3


def p99_ms(sample: Sample) -> float:
    """99th percentile of a whole reply, ms."""
    return sample.seen.p99_us / 1e3


def first_p50_ms(sample: Sample) -> float:
    """Median time to the first text of a stream, ms."""
    return sample.seen.first_p50_us / 1e3


def first_p99_ms(sample: Sample) -> float:
    """99th percentile of the time to the first text, ms."""
    return sample.seen.first_p99_us / 1e3


def added(
    samples: Sequence[Sample], direct: Sequence[Sample], read: Callable[[Sample], float]
) -> Figure:
    """What the target adds to asking the upstream directly, round by round."""
    pairs = zip(samples, direct, strict=False)
    values = [read(sample) - read(base) for sample, base in pairs]
    return Figure(median(values), min(values), max(values))


def times(one: Figure, other: Figure) -> float:
    """How many times `other` fits into `one`; 0 when it cannot be told."""
    return one.value / other.value if other.value > 0 else 0.0
