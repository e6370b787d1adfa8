"""Bars as numbers: where each rectangle of a stacked chart lies, and the same values as a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 700, 200  # of the SVG's view box
LABELS = 7  # at most this many words under the bars
NICE = (10, 20, 25, 40, 50, 100)
OTHER = "series-other"


@dataclass(frozen=True)
class BarView:
    """A rectangle in view-box units; `series` is its colour class, `title` what it says."""

    x: str
    y: str
    width: str
    height: str
    series: str
    title: str


@dataclass(frozen=True)
class SeriesView:
    """A colour and whose it is."""

    css: str
    name: str


@dataclass(frozen=True)
class TableRowView:
    """A row of the table twin; `query` is the query string that shows this bar alone."""

    name: str
    cells: list[str]
    query: str = ""


@dataclass(frozen=True)
class TickView:
    """A word under the bars, possibly of two lines."""

    top: str
    bottom: str = ""


@dataclass(frozen=True)
class ChartView:
    """A stacked bar chart and its table twin; `scale` runs from top to bottom."""

    scale: list[str] = field(default_factory=list)
    ticks: list[TickView] = field(default_factory=list)
    bars: list[BarView] = field(default_factory=list)
    series: list[SeriesView] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    rows: list[TableRowView] = field(default_factory=list)
    total: list[str] = field(default_factory=list)
    summary: str = ""


@dataclass(frozen=True)
class Stack:
    """One bar: its word below, its name in full, and a value for every series."""

    label: str
    name: str
    values: Sequence[int]
    query: str = ""


def stacked(
    stacks: Sequence[Stack],
    series: Sequence[SeriesView],
    show: Callable[[int], str],
    steps: int = 4,
) -> ChartView:
    """Lay out `stacks`; their values are whole numbers, such as nano-USD, written by `show`."""
    highest = max((sum(stack.values) for stack in stacks), default=0)
    top = nice_top(highest, steps)
    totals = [sum(column) for column in zip(*(stack.values for stack in stacks), strict=True)]
    return ChartView(
        scale=[
            show(top * step // steps) if highest or not step else ""
            for step in range(steps, -1, -1)
        ],
        ticks=_ticks([stack.label for stack in stacks]),
        bars=[
            bar
            for index, stack in enumerate(stacks)
            for bar in _bars(stack, index, len(stacks), top, series, show)
        ],
        series=list(series),
        columns=[one.name for one in series],
        rows=[
            TableRowView(s.name, [show(v) for v in (*s.values, sum(s.values))], s.query)
            for s in stacks
        ],
        total=[show(value) for value in (*totals, sum(totals))],
        summary="; ".join(f"{s.name} {show(sum(s.values))}" for s in stacks if any(s.values)),
    )


def nice_top(highest: int, steps: int) -> int:
    """The smallest round number > 0 of `steps` equal whole steps that is at least `highest`."""
    power = 1
    while True:
        for nice in NICE:
            step = nice * power // 10
            if step and step * 10 == nice * power and step * steps >= highest:
                return step * steps
        power *= 10


def _bars(
    stack: Stack,
    index: int,
    count: int,
    top: int,
    series: Sequence[SeriesView],
    show: Callable[[int], str],
) -> list[BarView]:
    slot = WIDTH / count
    width = slot * (0.56 if count <= 10 else 0.72)
    bars, floor = [], float(HEIGHT)
    for value, one in zip(stack.values, series, strict=True):
        if not value:
            continue
        height = value * HEIGHT / top
        floor -= height
        gap = min(0.9, height / 3)  # a hair of ground between neighbours of a stack
        bars.append(
            BarView(
                x=f"{index * slot + (slot - width) / 2:.1f}",
                y=f"{floor + gap:.2f}",
                width=f"{width:.1f}",
                height=f"{height - gap:.2f}",
                series=one.css,
                title=f"{stack.name}, {one.name}: {show(value)}",
            )
        )
    return bars


def _ticks(labels: Sequence[str]) -> list[TickView]:
    every = -(-len(labels) // LABELS)
    shown = [label if index % every == 0 else "" for index, label in enumerate(labels)]
    return [TickView(*label.split("\n", 1)) for label in shown]
