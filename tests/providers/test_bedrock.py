"""alltoken_app/providers/bedrock.py"""

from typing import Any

import pytest

from alltoken_app.providers import bedrock
from alltoken_app.providers.base import Call, EndpointFacts, Outgoing, Price
from alltoken_app.settings import Settings

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "us.amazon.nova-lite-v1:0"


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **given)


def endpoint(model: str) -> EndpointFacts:
    return EndpointFacts(
        "bedrock:a/b", "a/b", "chat", "bedrock", model, 8192, 4096, frozenset(), "none", False,
        None, Price("v1"),
    )  # fmt: skip


async def test_regions_have_addresses() -> None:
    found = bedrock.connection(settings(aws_bearer_token_bedrock="k", aws_region="eu-west-1"))
    assert found is not None
    url = await found.base_url(endpoint(CLAUDE))
    assert url == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert bedrock.bedrock_address("cn-north-1").endswith(".amazonaws.com.cn")


@pytest.mark.parametrize("region", ["", "us-east-1.evil.example/", "US-EAST-1", "us east"])
def test_a_region_is_never_another_host(region: str) -> None:
    with pytest.raises(ValueError, match="AWS_REGION"):
        bedrock.connection(settings(aws_bearer_token_bedrock="k", aws_region=region))


def test_without_a_key_there_is_no_connection() -> None:
    assert bedrock.connection(settings()) is None
    assert bedrock.connection(settings(aws_access_key_id="AKIDEXAMPLE")) is None


async def test_an_api_key_goes_before_signatures() -> None:
    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "s"}
    url, outgoing = "https://bedrock-runtime.us-east-1.amazonaws.com/x", Outgoing("/x", (), b"{}")
    signed = bedrock.connection(settings(**keys, aws_session_token="t"))
    assert signed is not None
    proof = dict(await signed.authorize(url, outgoing))
    assert proof["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/us-east-1/bedrock/aws4_request" in proof["authorization"]
    assert proof["x-amz-security-token"] == "t"
    plain = bedrock.connection(settings(**keys, aws_bearer_token_bedrock="k"))
    assert plain is not None
    assert await plain.authorize(url, outgoing) == (("authorization", "Bearer k"),)


@pytest.mark.parametrize(
    ("operation", "dialect", "model", "native"),
    [
        ("chat", "chat", CLAUDE, "converse"),
        ("chat", "messages", CLAUDE, "messages"),
        ("chat", "messages", NOVA, "converse"),
        ("chat", "responses", CLAUDE, "converse"),
        ("embeddings", "embeddings", "amazon.titan-embed-text-v2:0", "invoke"),
        ("rerank", "chat", "cohere.rerank-v3-5:0", "invoke"),
    ],
)
def test_messages_go_to_claude_as_they_are_and_all_else_as_converse(
    operation: str, dialect: str, model: str, native: str
) -> None:
    found = bedrock.connection(settings(aws_bearer_token_bedrock="k"))
    assert found is not None
    call = Call(operation, "a/b", {}, dialect=dialect)
    assert found.speaks(call, endpoint(model)).native == native
