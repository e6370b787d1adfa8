"""The bench's scripted upstream says what it must, and the load tool sees when it does not."""

import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bench import load, upstream
from bench.load import Endpoint
from bench.upstream import Script, Upstream


@dataclass(frozen=True)
class Faulty(Script):
    """A script that goes wrong in a named way."""

    fault: str = ""

    @property
    def model(self) -> str:
        return f"scripted-{self.chunks or 1}x{self.gap_us}-{self.fault}"


@pytest.fixture(scope="module")
def server() -> Iterator[Upstream]:
    with upstream.running() as running:
        yield running


def ask(server: Upstream, *bodies: dict) -> list[http.client.HTTPResponse]:
    """The replies to several requests on one connection, read."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    replies = []
    for body in bodies:
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        reply = connection.getresponse()
        reply.text = reply.read().decode()
        replies.append(reply)
    connection.close()
    return replies


def prompt(text: str) -> list[dict]:
    return [{"role": "user", "content": text}]


def test_an_answer_repeats_the_mark_of_its_request_and_states_its_usage(server: Upstream) -> None:
    bodies = [
        {"model": "scripted", "messages": prompt("[r00000017] one")},
        {"model": "scripted", "messages": prompt("[r00000018] two")},
    ]
    before = server.stats()["connections"]
    replies = ask(server, *bodies)
    answers = [json.loads(reply.text) for reply in replies]
    said = [answer["choices"][0]["message"]["content"] for answer in answers]
    assert said[0].startswith("[r00000017] A river")
    assert said[1].startswith("[r00000018] A river")
    assert 900 < len(replies[0].text) < 1200
    assert answers[0]["usage"]["prompt_tokens"] == 57
    assert answers[0]["usage"]["completion_tokens"] == 128
    assert server.stats()["connections"] - before == 2  # one for both requests, one for stats


def test_a_stream_has_its_chunks_in_order_at_their_gap_then_usage_then_done(
    server: Upstream,
) -> None:
    body = {"model": "scripted-20x2000", "stream": True, "messages": prompt("[r00000042] go")}
    started = time.monotonic()
    (reply,) = ask(server, body)
    took = time.monotonic() - started
    events = [line[6:] for line in reply.text.splitlines() if line.startswith("data: ")]
    chunks = [json.loads(event) for event in events[:-1]]
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
    assert text == "[r00000042]" + "".join(f" w{i:03d}" for i in range(1, 20))
    assert chunks[-1]["usage"] == {
        "prompt_tokens": 57,
        "completion_tokens": 20,
        "total_tokens": 77,
    }
    assert events[-1] == "[DONE]"
    assert took > 0.036


@pytest.mark.parametrize("script", [Script(), Script(20, 100), Script(300, 0)])
def test_the_load_tool_accepts_what_the_upstream_scripted(server: Upstream, script: Script) -> None:
    before = server.stats()
    seen = load.run(Endpoint(server.port), script, connections=4, requests=40)
    after = server.stats()
    assert (seen.good, seen.bad, seen.first_error) == (40, 0, "")
    assert seen.connects == 4
    served = "streams" if script.chunks else "answers"
    assert after[served] - before[served] == 40


@pytest.mark.parametrize(
    ("chunks", "fault", "verdict"),
    [
        (0, "wrong", "text"),
        (0, "swap", "text"),
        (0, "nousage", "usage"),
        (0, "status", "status"),
        (0, "cut", "broken"),
        (20, "wrong", "text"),
        (20, "lost", "text"),
        (20, "swap", "text"),
        (20, "nousage", "usage"),
        (20, "nodone", "form"),
        (20, "status", "status"),
        (20, "cut", "broken"),
    ],
)
def test_the_load_tool_catches_a_wrong_reply(
    server: Upstream, chunks: int, fault: str, verdict: str
) -> None:
    script = Faulty(chunks=chunks, gap_us=0, fault=fault)
    seen = load.run(Endpoint(server.port), script, requests=3)
    assert (seen.good, seen.bad) == (0, 3)
    assert seen.first_error.startswith(f"{verdict}:")


def test_a_server_that_is_not_there_is_no_good_reply() -> None:
    seen = load.run(Endpoint(1), Script(), requests=2)
    assert (seen.good, seen.bad) == (0, 2)
