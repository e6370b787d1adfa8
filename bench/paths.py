"""Where the bench keeps its things."""

from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
BUILD = BENCH / ".build"
PEERS = BENCH / ".peers"
PINS = BENCH / "pins"
RESULTS = BENCH / "results"
