"""The table that a replay prints."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from conformance.records import Record


@dataclass
class Tally:
    """Passes and misses, by provider and API, and by feature."""

    surfaces: dict[tuple[str, str], Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    features: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    misses: list[tuple[Record, str]] = field(default_factory=list)
    without: Counter[str] = field(default_factory=Counter)

    def passed(self, record: Record) -> None:
        self._count(record, "pass")

    def missed(self, record: Record, reason: str) -> None:
        self._count(record, "miss")
        self.misses.append((record, reason))

    def outside(self, record: Record, reason: str) -> None:
        self.without[reason] += 1
        self._count(record, "outside")

    def _count(self, record: Record, what: str) -> None:
        api = f"{record.api}{' stream' if record.stream else ''}"
        self.surfaces[record.provider, api][what] += 1
        for feature in record.features:
            self.features[feature][what] += 1

    @property
    def replayed(self) -> int:
        return sum(count["pass"] + count["miss"] for count in self.surfaces.values())

    @property
    def share(self) -> float:
        """The share of replayed records that pass."""
        return 1 - len(self.misses) / self.replayed if self.replayed else 0.0


@dataclass
class Crossings:
    """What became of requests on their way to other providers, by client dialect and target."""

    routes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    misses: list[tuple[Record, str, str]] = field(default_factory=list)

    def add(self, record: Record, target: str, outcome: str) -> None:
        self.routes[f"{record.api} to {target}"][outcome] += 1

    def missed(self, record: Record, target: str, reason: str) -> None:
        self.add(record, target, "miss")
        self.misses.append((record, target, reason))

    @property
    def made(self) -> int:
        return sum(sum(count.values()) for count in self.routes.values())

    @property
    def share(self) -> float:
        """The share of crossings whose result the provider's published types accept."""
        return 1 - len(self.misses) / self.made if self.made else 0.0


def print_report(tally: Tally, crossings: Crossings, seconds: float) -> None:
    """Print passes by provider and surface, by feature and by crossing, and each miss."""
    console = Console(width=120, highlight=False, markup=False)
    _table(console, "Provider and surface", {" ".join(k): v for k, v in tally.surfaces.items()})
    _table(console, "Feature", tally.features)
    _crossings(console, crossings)
    for reason, count in sorted(tally.without.items()):
        console.print(f"Not replayed: {count:4} {reason}")
    for record, reason in tally.misses:
        console.print(f"MISS {record.id} {record.provider} {record.api} {record.model}: {reason}")
    passed = tally.replayed - len(tally.misses)
    console.print(
        f"\n{passed} of {tally.replayed} recordings pass ({tally.share:.2%}) in {seconds:.0f} s; "
        f"{sum(tally.without.values())} have no surface here."
    )


def _crossings(console: Console, crossings: Crossings) -> None:
    """Requests: carried as they are, carried with a word on what is lost, or not acceptable."""
    names = ("as it is", "said", "miss")
    table = Table(title="Requests of clients, as each provider's types accept them")
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for route, count in sorted(crossings.routes.items()):
        table.add_row(route, *(str(count[name] or "") for name in names))
    console.print(table)
    for (api, reason), times in sorted(crossings.refused.items()):
        console.print(f"Refused at our door: {times:4} {api}: {reason}")
    for record, target, reason in crossings.misses:
        console.print(f"MISS {record.id} {record.provider} {record.api} to {target}: {reason}")
    good = crossings.made - len(crossings.misses)
    console.print(f"{good} of {crossings.made} requests are acceptable ({crossings.share:.2%}).")


def _table(console: Console, title: str, rows: dict[str, Counter[str]]) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in ("pass", "miss", "outside"):
        table.add_column(name, justify="right")
    for name, count in sorted(rows.items()):
        table.add_row(name, *(str(count[what] or "") for what in ("pass", "miss", "outside")))
    console.print(table)
