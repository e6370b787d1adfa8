"""alltoken_app/providers/sse.py"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alltoken_app.providers.sse import EventReader, EventTooLarge

TEXT = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1)


@given(
    events=st.lists(TEXT, max_size=6),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    size=st.integers(1, 7),
)
def test_any_split_and_any_line_ending_give_the_same_events(
    events: list[str], ending: str, size: int
) -> None:
    wire = "".join(f": note{ending}data: {event}{ending}{ending}" for event in events).encode()
    reader = EventReader()
    found = [e for at in range(0, len(wire), size) for e in reader.feed(wire[at : at + size])]
    found += reader.feed(b"\n") if ending == "\r" else []
    assert [event.decode() for event in found] == events


def test_lines_of_one_event_are_joined() -> None:
    assert EventReader().feed(b"event: x\ndata: a\ndata: b\n\n") == [b"a\nb"]


def test_comments_alone_are_no_event() -> None:
    assert EventReader().feed(b": keep-alive\n\n: again\n\n") == []


def test_an_endless_event_is_refused() -> None:
    reader = EventReader(1000)
    reader.feed(b"x" * 600)
    with pytest.raises(EventTooLarge):
        reader.feed(b"x" * 600)
