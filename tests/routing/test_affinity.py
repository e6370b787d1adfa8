"""alltoken_app/routing/affinity.py: a conversation stays where its prompt is cached"""

import json
from typing import Any

import msgspec
import time_machine

from alltoken_app.providers.base import Call, Usage
from alltoken_app.routing import affinity
from alltoken_app.routing.affinity import LONG, SHORT, Affinity
from alltoken_app.routing.plans import Plan
from tests.routing.facts import CHEAP, DEAR, PRIVATE, Clock, connected, endpoint, order, plan

READ = Usage(input=5_000, cached=4_000)
HOUR = Usage(input=5_000, cache_write_1h=4_000)


def said(*texts: str, session: str = "", **marks: Any) -> Call:
    """A conversation of so many turns; the caller marks its newest message for the cache."""
    roles = ("system", "user", "assistant")
    turns: list[dict[str, Any]] = [
        {"role": roles[0 if n == 0 else 2 - n % 2], "content": [{"type": "text", "text": text}]}
        for n, text in enumerate(texts)
    ]
    turns[-1]["content"][0] |= marks
    raw = {"messages": msgspec.Raw(json.dumps(turns).encode())}
    return Call("chat", "a/b", raw, size=100, session=session)


def test_every_turn_of_a_conversation_has_one_name_and_no_other_shares_it() -> None:
    mark = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    first = affinity.conversation("org_1", said("be kind", "hello", **mark))
    later = affinity.conversation("org_1", said("be kind", "hello", "hi", "and now?", **mark))
    assert first == later
    for other in (said("be kind", "good day"), said("be brief", "hello")):
        assert affinity.conversation("org_1", other) != first
    assert affinity.conversation("org_2", said("be kind", "hello", **mark)) != first


def test_a_session_of_the_callers_own_name_wins_over_what_was_said() -> None:
    names = {affinity.conversation("org_1", said("x", text, session="s")) for text in "abc"}
    assert len(names) == 1


def test_what_is_remembered_is_a_keyed_hash_and_no_word() -> None:
    kept, network = Affinity(), connected("cheap", "dear")
    made = plan(CHEAP, DEAR, call=said("be kind", "CANARY"), network=network)
    kept.note(made.conversation, DEAR, READ)
    assert "CANARY" not in repr(vars(kept))
    assert len(made.conversation) == 16


def warm_at_dear(clock: Clock, usage: Usage, **wishes: Any) -> Plan:
    network = connected("cheap", "dear", "private", affinity=Affinity(clock))
    call = said("be kind", "hello")
    first = plan(CHEAP, DEAR, PRIVATE, call=call, network=network)
    network.affinity.note(first.conversation, DEAR, usage)
    clock.at += wishes.pop("after", 0)
    return plan(CHEAP, DEAR, PRIVATE, call=call, network=network, **wishes)


def test_a_warm_conversation_stays_though_another_is_cheaper() -> None:
    assert order(warm_at_dear(Clock(), READ))[0] == "dear"


def test_it_stays_for_five_minutes_or_for_the_hour_that_its_cache_lasts() -> None:
    assert order(warm_at_dear(Clock(), READ, after=SHORT - 1))[0] == "dear"
    assert warm_at_dear(Clock(), READ, after=SHORT + 1).warm is None
    assert order(warm_at_dear(Clock(), HOUR, after=LONG - 1))[0] == "dear"
    assert warm_at_dear(Clock(), HOUR, after=LONG + 1).warm is None


def test_reading_an_hours_cache_keeps_it_for_another_hour() -> None:
    clock = Clock()
    kept = Affinity(clock)
    kept.note(b"c", DEAR, HOUR)
    clock.at += LONG - 1
    kept.note(b"c", DEAR, READ)
    clock.at += LONG - 1
    assert kept.find(b"c") is not None


def test_affinity_works_inside_only_and_among_equals_of_order() -> None:
    assert order(warm_at_dear(Clock(), READ, only=("cheap", "dear")))[0] == "dear"
    assert order(warm_at_dear(Clock(), READ, order=("private",))) == ["private", "dear", "cheap"]
    east, west = (
        endpoint(f"vertex/{region}", output, region=region)
        for region, output in (("us-east5", 10), ("us-west1", 5_000))
    )
    network = connected("vertex")
    call = said("be kind", "hello")
    made = plan(east, west, call=call, network=network, order=("vertex",))
    network.affinity.note(made.conversation, west, READ)
    again = plan(east, west, call=call, network=network, order=("vertex",))
    assert order(again)[0] == "vertex/us-west1"


def test_an_exact_sort_and_a_missing_parameter_weigh_more_than_a_warm_prompt() -> None:
    assert order(warm_at_dear(Clock(), READ, sort="price"))[0] == "cheap"


def test_the_oldest_are_forgotten_first(monkeypatch: Any) -> None:
    monkeypatch.setattr(affinity, "MAX_REMEMBERED", 2)
    kept = Affinity(Clock())
    for name in (b"1", b"2", b"3"):
        kept.note(name, DEAR, READ)
    assert [kept.find(name) is not None for name in (b"1", b"2", b"3")] == [False, True, True]


def test_a_conversation_draws_alike_for_five_minutes() -> None:
    twin = endpoint("dear", 10)
    with time_machine.travel(1_800_000_000, tick=False):
        firsts = {order(plan(CHEAP, twin, call=said("x", "y")))[0] for _ in range(20)}
        assert len(firsts) == 1
    seen = set()
    for window in range(40):
        with time_machine.travel(1_800_000_000 + window * 300, tick=False):
            seen.add(order(plan(CHEAP, twin, call=said("x", "y")))[0])
    assert seen == {"cheap", "dear"}


def test_twenty_turns_never_flip_while_all_is_well() -> None:
    """The trace of an agent: every turn repeats all before it and moves its cache mark."""
    network = connected("cheap", "dear", "private")
    texts, served = ["be kind", "hello"], []
    for turn in range(20):
        with time_machine.travel(1_800_000_000 + turn * 60, tick=False):
            made = plan(CHEAP, endpoint("dear", 11), endpoint("private", 12), network=network,
                        call=said(*texts, cache_control={"type": "ephemeral"}))  # fmt: skip
        served.append(order(made)[0])
        network.affinity.note(made.conversation, made.endpoints[0], READ)
        texts += [f"answer {turn}", f"question {turn}"]
    assert len(set(served)) == 1
