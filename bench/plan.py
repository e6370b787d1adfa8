"""Which loads are played, how long, how often."""

from bench.measure import Load
from bench.upstream import Script

ANSWER = Script()
STREAM = Script(chunks=100, gap_us=1000)
SLOW_STREAM = Script(chunks=25, gap_us=100_000)
FLOOD = Script(chunks=500, gap_us=0)


def loads(long: bool, rounds: int = 0, seconds: float = 0.0) -> list[Load]:
    """The plan. `rounds` and `seconds` replace its own numbers when given."""
    turns = rounds or (9 if long else 5)
    span = seconds or (4.0 if long else 1.5)
    brief = seconds or (2.0 if long else 1.0)
    crowd = 500 if long else 200
    plan = [
        Load("answers", ANSWER, 16, span, rounds=turns),
        Load("latency", ANSWER, 1, brief, rounds=turns),
        Load("streams", STREAM, 8, span, rounds=turns),
        Load("open", SLOW_STREAM, crowd, requests=crowd, ramp_ms=1000),
    ]
    if long:
        plan.insert(3, Load("flood", FLOOD, 8, span, rounds=turns))
    return plan


def scripts(plan: list[Load]) -> tuple[Script, ...]:
    """Every script of the plan, once; the answer in one piece first."""
    return tuple(dict.fromkeys([ANSWER, *(what.script for what in plan)]))
