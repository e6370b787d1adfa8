"""alltoken_app/providers/sigv4.py"""

import pytest
import time_machine
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from alltoken_app.providers.base import Outgoing
from alltoken_app.providers.dialects.bedrock_converse import escaped
from alltoken_app.providers.sigv4 import LARGE, SigV4
from alltoken_app.providers.upstream import Upstream
from tests.providers.aws_server import KEY, SECRET, aws, whole

JSON = ("content-type", "application/json")
MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
PATH = f"/model/{escaped(MODEL)}/converse"


@time_machine.travel("2015-08-30T12:36:00Z", tick=False)
async def test_the_example_that_aws_publishes() -> None:
    """`post-vanilla` of the signature's published test suite."""
    signer = SigV4("us-east-1", KEY, SECRET, service="service")
    signed = dict(await signer("https://example.amazonaws.com/", Outgoing("/", (), b"")))
    assert signed["x-amz-date"] == "20150830T123600Z"
    assert signed["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    )


async def test_the_kept_key_of_a_day_signs_as_botocore_does_on_every_day() -> None:
    signer = SigV4("eu-west-1", KEY, SECRET, "session//token")
    outgoing = Outgoing(PATH, (JSON,), b'{"messages":[]}')
    url = "https://bedrock-runtime.eu-west-1.amazonaws.com" + PATH
    for day in ("2026-11-22T23:59:59Z", "2026-11-23T00:00:00Z", "2026-11-22T23:59:59Z"):
        with time_machine.travel(day, tick=False):
            theirs = AWSRequest("POST", url, headers=dict([JSON]), data=outgoing.body)
            plain = SigV4Auth(Credentials(KEY, SECRET, "session//token"), "bedrock", "eu-west-1")
            plain.add_auth(theirs)
            assert dict(await signer(url, outgoing)) == {
                name.lower(): value for name, value in theirs.headers.items() if name != JSON[0]
            }


@pytest.mark.parametrize("token", ["", "a session/token=="])
@pytest.mark.parametrize("body", [b"{}", b'{"text":"\xc3\xa9"}' + b" " * LARGE])
async def test_what_our_pool_sends_is_what_was_signed(body: bytes, token: str) -> None:
    upstream = Upstream(5, frozenset())
    outgoing, forged = Outgoing(PATH, (JSON,), body), Outgoing(PATH, (JSON,), body + b" ")
    async with aws(lambda path, sent: whole(b"{}")) as address:
        proof = await SigV4("us-east-1", KEY, SECRET, token)(address + PATH, outgoing)
        async with upstream.open(address, outgoing, proof) as incoming:
            assert incoming.status == 200
        async with upstream.open(address, forged, proof) as incoming:
            assert incoming.status == 403
    await upstream.close()


def test_nothing_secret_is_shown() -> None:
    assert repr(SigV4("us-east-1", KEY, SECRET, "token")) == "SigV4()"
