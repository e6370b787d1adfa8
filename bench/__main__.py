"""`python -m bench`: compares gateways on one machine, in one run. See bench/README.md."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench import machine, plan, report, session
from bench.measure import Load
from bench.paths import RESULTS
from bench.session import Run
from bench.target import Target
from bench.targets import alltoken, litellm, nginx, portkey, tensorzero

TARGETS = (alltoken.TARGET, nginx.TARGET, litellm.TARGET, portkey.TARGET, tensorzero.TARGET)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = ",".join(target.name for target in TARGETS)
    parser.add_argument("--only", default="", metavar="NAMES", help=f"of {names}")
    parser.add_argument("--long", action="store_true", help="more rounds, longer ones, more loads")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0.0, help="length of a round")
    parser.add_argument("--loads", default="", metavar="NAMES", help="of the plan's loads")
    parser.add_argument("--install", action="store_true", help="install the peers, then end")
    parser.add_argument("--out", type=Path, help="where to write (without suffix)")
    return parser.parse_args()


def _chosen(only: str) -> list[Target]:
    names = {name.strip() for name in only.split(",") if name.strip()}
    unknown = names - {target.name for target in TARGETS}
    if unknown:
        sys.exit(f"--only does not know {', '.join(sorted(unknown))}")
    return [target for target in TARGETS if not names or target.name in names]


def _planned(asked: argparse.Namespace) -> list[Load]:
    names = {name.strip() for name in asked.loads.split(",") if name.strip()}
    every = plan.loads(asked.long, asked.rounds, asked.seconds)
    return [what for what in every if not names or what.name in names]


def _say(text: str) -> None:
    print(text, flush=True)


def _note_load(run: Run) -> None:
    run.loads.append(os.getloadavg())


def _compare(run: Run, targets: Sequence[Target], what_to_play: Sequence[Load]) -> None:
    scripts = plan.scripts(list(what_to_play))
    with session.stages(run, scripts) as (server, stage):
        try:
            _say("Starting, one after another:")
            session.start_all(run, targets, stage, _say)
            if _missing(run, targets):
                return
            session.note_rest(run)
            for what in what_to_play:
                _say(f"Loading: {report.TITLES[what.name]} …")
                _note_load(run)
                session.play(run, what, server, _say)
            session.note_memory(run)
        finally:
            session.end_all(run, _say)
            _note_load(run)


def _write(text: str, facts: str, asked: argparse.Namespace) -> None:
    complete = not (asked.only or asked.loads or asked.rounds or asked.seconds)
    base = asked.out or RESULTS / ("latest" if complete else "partial")
    base.parent.mkdir(parents=True, exist_ok=True)
    base.with_suffix(".md").write_text(text)
    base.with_suffix(".json").write_text(facts)
    _say(f"Written: {base.with_suffix('.md')} and .json")


def _missing(run: Run, targets: Sequence[Target]) -> list[str]:
    """What makes the run worthless: a gateway that must take part did not."""
    needed = [target.name for target in targets if target.required]
    return [name for name in run.failures if name.split(" ")[0] in needed]


def _failed(run: Run, names: Sequence[str]) -> int:
    for name in names:
        _say(f"FAILED: {name}: {run.failures[name]}")
    return 1


def main() -> int:
    """Runs the comparison. 0 when every needed gateway took part and the books are right."""
    asked = _arguments()
    targets, what_to_play = _chosen(asked.only), _planned(asked)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run = Run(machine.plan_cores())
    if run.cores.load:
        os.sched_setaffinity(0, run.cores.load)
    _note_load(run)
    _say("Installing what is missing:")
    session.install(run, targets, _say)
    if asked.install:
        return 1 if _missing(run, targets) else 0
    began = time.monotonic()
    _compare(run, targets, what_to_play)
    missing = _missing(run, targets)
    if not run.samples:
        return _failed(run, missing)
    text = report.markdown(run, what_to_play, targets)
    _say("\n" + text)
    _write(text, report.as_json(run, what_to_play), asked)
    _say(f"It took {time.monotonic() - began:.0f} s without installing.")
    return _failed(run, missing) if missing else 0


if __name__ == "__main__":
    sys.exit(main())
