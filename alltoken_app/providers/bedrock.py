"""Amazon Bedrock: one address for each region, opened by an API key or by signatures.

Addresses: https://docs.aws.amazon.com/general/latest/gr/bedrock.html
"""

import re
from dataclasses import dataclass

from alltoken_app.providers.base import Call, Dialect, EndpointFacts
from alltoken_app.providers.credentials import Bearer, Credential
from alltoken_app.providers.dialects import anthropic_messages
from alltoken_app.providers.dialects.anthropic_messages import AnthropicMessages
from alltoken_app.providers.dialects.bedrock_converse import Converse
from alltoken_app.providers.dialects.bedrock_invoke import Embeddings, Rerank
from alltoken_app.providers.dialects.bedrock_models import family
from alltoken_app.providers.table import Connection, fixed
from alltoken_app.settings import Settings

ID = "bedrock"
REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d{1,2}")


@dataclass(frozen=True)
class Bedrock(Connection):
    """Everything in Converse, but Messages for callers of Claude who speak it."""

    def speaks(self, call: Call, endpoint: EndpointFacts) -> Dialect:
        if call.dialect == "messages" and family(endpoint).claude is None:
            return self.dialect
        return super().speaks(call, endpoint)


def connection(settings: Settings) -> Connection | None:
    """Bedrock as the settings describe it; None when they do not.

    Raises:
        ValueError: They describe it wrongly; the text begins with the setting's name.
    """
    proof = _proof(settings)
    if proof is None:
        return None
    url = settings.provider_urls.get(ID) or bedrock_address(settings.aws_region)
    others: dict[str, Dialect] = {
        "messages": AnthropicMessages(anthropic_messages.BEDROCK),
        "embeddings": Embeddings(),
        "rerank": Rerank(),
    }
    return Bedrock(ID, Converse(), fixed(url.rstrip("/")), proof, others)


def bedrock_address(region: str) -> str:
    """The base URL of a region.

    Raises:
        ValueError: There can be no such region.
    """
    if not REGION.fullmatch(region):
        raise ValueError(f"AWS_REGION: there is no {region[:64]!r}")
    suffix = ".cn" if region.startswith("cn-") else ""
    return f"https://bedrock-runtime.{region}.amazonaws.com{suffix}"


def _proof(settings: Settings) -> Credential | None:
    bearer = settings.aws_bearer_token_bedrock.get_secret_value()
    if bearer:
        return Bearer(bearer)
    secret = settings.aws_secret_access_key.get_secret_value()
    if not (settings.aws_access_key_id and secret):
        return None
    from alltoken_app.providers.sigv4 import SigV4  # only they pay its 20 MB who sign

    token = settings.aws_session_token.get_secret_value()
    return SigV4(settings.aws_region, settings.aws_access_key_id, secret, token)
