"""Replays a folder of recorded provider traffic: `python -m conformance ../shared/corpus`."""

import sys
import time
from pathlib import Path

from conformance import crossings, families, replay
from conformance.records import Record, load
from conformance.replay import Miss
from conformance.report import Crossings, Tally, print_report

ENOUGH = 0.99


def main(arguments: list[str]) -> int:
    """Replay everything; 0 when at least 99 % pass and nothing else is wrong."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.stderr.write("Give one folder of recordings: python -m conformance FOLDER\n")
        return 2
    began = time.monotonic()
    answers, requests = Tally(), Crossings()
    for record in load(Path(arguments[0])):
        _answer(record, answers)
        _request(record, requests)
    print_report(answers, requests, time.monotonic() - began)
    return 0 if min(answers.share, requests.share) >= ENOUGH else 1


def _request(record: Record, tally: Crossings) -> None:
    parsed = crossings.request_of(record)
    if parsed is None:
        return
    if isinstance(parsed, str):
        tally.refused[record.api, parsed] += 1
        return
    for target in crossings.TARGETS:
        try:
            tally.add(record, target.name, crossings.cross(parsed, target, record.model))
        except Miss as miss:
            tally.missed(record, target.name, str(miss))
        except Exception as error:  # noqa: BLE001 - whatever breaks is this crossing's miss
            tally.missed(record, target.name, replay.reason_of(error))


def _answer(record: Record, tally: Tally) -> None:
    case = families.case_of(record)
    if isinstance(case, str):
        tally.outside(record, case)
        return
    try:
        replay.replay(record, case)
    except Exception as error:  # noqa: BLE001 - whatever breaks is this record's miss
        tally.missed(record, replay.reason_of(error))
    else:
        tally.passed(record)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
