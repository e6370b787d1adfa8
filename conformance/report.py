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


def print_report(tally: Tally, seconds: float) -> None:
    """Print passes by provider and surface, by feature, and each miss with its reason."""
    console = Console(width=120, highlight=False, markup=False)
    _table(console, "Provider and surface", {" ".join(k): v for k, v in tally.surfaces.items()})
    _table(console, "Feature", tally.features)
    for reason, count in sorted(tally.without.items()):
        console.print(f"Not replayed: {count:4} {reason}")
    for record, reason in tally.misses:
        console.print(f"MISS {record.id} {record.provider} {record.api} {record.model}: {reason}")
    passed = tally.replayed - len(tally.misses)
    console.print(
        f"\n{passed} of {tally.replayed} recordings pass ({tally.share:.2%}) in {seconds:.0f} s; "
        f"{sum(tally.without.values())} have no surface here."
    )


def _table(console: Console, title: str, rows: dict[str, Counter[str]]) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in ("pass", "miss", "outside"):
        table.add_column(name, justify="right")
    for name, count in sorted(rows.items()):
        table.add_row(name, *(str(count[what] or "") for what in ("pass", "miss", "outside")))
    console.print(table)
