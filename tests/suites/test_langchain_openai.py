"""LangChain's standard tests of a chat model: its OpenAI client on our address"""

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI

from tests.suites.conftest import MODEL
from tests.suites.standard import QUIET, Standard

pytestmark = QUIET


class TestChat(Standard):
    """Chat completions."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            "model": MODEL,
            "base_url": f"{self.gateway.url}/v1",
            "api_key": self.gateway.key,
            "max_retries": 0,
            "stream_usage": True,
        }


class TestResponses(TestChat):
    """The same through the Responses API."""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**super().chat_model_params, "use_responses_api": True, "store": False}
