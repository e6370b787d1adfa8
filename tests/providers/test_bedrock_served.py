"""Bedrock over the line: settings, signature, pool, Converse, errors and what comes of them."""

import json
from typing import Any

import msgspec
import pytest

from alltoken_app.errors import AllTokenError
from alltoken_app.providers import bedrock, forward
from alltoken_app.providers.attempts import Attempt
from alltoken_app.providers.base import Call, EndpointFacts, Piece, Price, Reply, Usage
from alltoken_app.providers.forward import Clocks, Interrupted
from alltoken_app.providers.upstream import Upstream
from alltoken_app.settings import Settings
from tests.providers.aws_server import KEY, PAUSE, SECRET, Answer, aws, streamed, whole
from tests.providers.bedrock_frames import event, exception

CLOCKS = Clocks(first_token=10, inter_token=10, whole=10, total=20)
COUNTED = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}
HELLO = (
    event("messageStart", role="assistant")
    + event("contentBlockDelta", contentBlockIndex=0, delta={"text": "hé"})
    + event("contentBlockDelta", contentBlockIndex=0, delta={"text": "llo"})
)
END = event("messageStop", stopReason="end_turn") + event("metadata", usage=COUNTED)
ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"text": "hello"}]}},
    "stopReason": "end_turn",
    "usage": COUNTED,
}
ENDPOINT = EndpointFacts(
    "bedrock:a/b", "a/b", "chat", "bedrock", "us.amazon.nova-lite-v1:0", 8192, 4096, frozenset(),
    "none", False, None, Price("v1"),
)  # fmt: skip


async def ask(
    answer: Answer, *, stream: bool, secret: str = SECRET
) -> tuple[list[list[Piece] | Reply], list[Attempt]]:
    upstream, attempts = Upstream(5, frozenset()), list[Attempt]()
    messages = msgspec.Raw(b'[{"role":"user","content":"hi"}]')
    call = Call("chat", "a/b", {"messages": messages}, stream=stream)
    async with aws(answer) as url:
        settings: Any = {"aws_access_key_id": KEY, "aws_secret_access_key": secret}
        found = bedrock.connection(
            Settings(_env_file=None, provider_urls={"bedrock": url}, **settings)
        )
        assert found is not None
        served = forward.first_healthy(
            call, [ENDPOINT], {"bedrock": found}, 100, upstream, CLOCKS, attempts
        )
        try:
            return [arrived async for _, arrived in served], attempts
        finally:
            await upstream.close()


async def test_a_signed_call_is_answered_whole() -> None:
    asked: dict[str, Any] = {}

    def answer(path: str, body: bytes) -> list[bytes]:
        asked.update(json.loads(body), path=path)
        return whole(json.dumps(ANSWER).encode(), content_type="application/json")

    (reply,), _ = await ask(answer, stream=False)
    assert isinstance(reply, Reply)
    assert (reply.finish, reply.usage) == ("stop", Usage(3, 2))
    assert asked["path"] == "/model/us.amazon.nova-lite-v1%3A0/converse"
    assert asked["inferenceConfig"] == {"maxTokens": 100}


@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_a_stream_arrives_however_it_is_cut(size: int) -> None:
    arrived, _ = await ask(lambda path, body: streamed(HELLO + END, size), stream=True)
    pieces = [piece for part in arrived if isinstance(part, list) for piece in part]
    said = "".join(
        choice["delta"].get("content", "")
        for piece in pieces
        for choice in json.loads(piece.choices)
    )
    assert (said, pieces[-1].finish, pieces[-1].usage) == ("héllo", "stop", Usage(3, 2))


async def test_an_exception_before_the_first_word_is_tried_again() -> None:
    answers = [exception("throttlingException", "wait"), HELLO + END]
    arrived, attempts = await ask(lambda path, body: streamed(answers.pop(0), 100), stream=True)
    assert arrived
    assert [attempt.code for attempt in attempts] == ["upstream_rate_limited", None]


async def test_an_exception_after_the_first_word_ends_the_answer() -> None:
    *begun, _ = streamed(HELLO, 100)
    _, *broken = streamed(exception("modelStreamErrorException", "sorry"), 100)
    with pytest.raises(Interrupted) as ended:
        await ask(lambda path, body: [*begun, PAUSE, *broken], stream=True)
    assert ended.value.code == "upstream_error"


@pytest.mark.parametrize("part", [HELLO, HELLO + END[:60], HELLO[:-3] + b"???"])
async def test_what_is_cut_or_spoilt_is_no_whole_answer(part: bytes) -> None:
    with pytest.raises((Interrupted, AllTokenError)):
        await ask(lambda path, body: streamed(part, 100), stream=True)


async def test_a_wrong_key_is_our_fault_and_says_nothing_of_it() -> None:
    with pytest.raises(AllTokenError) as failed:
        await ask(lambda path, body: whole(b"{}"), stream=False, secret="another")
    assert failed.value.code == "upstream_auth_error"
    assert KEY not in str(failed.value)


async def test_a_fault_of_the_callers_comes_back_in_bedrocks_words() -> None:
    said = json.dumps({"message": "temperature is wrong"}).encode()
    with pytest.raises(AllTokenError) as failed:
        await ask(
            lambda path, body: whole(said, "400 Bad", x_amzn_errortype="ValidationException:x"),
            stream=False,
        )
    assert failed.value.code == "upstream_rejected"
    assert failed.value.details["provider_message"] == "temperature is wrong"
