"""LangChain's standard tests of a chat model: its Anthropic client, with another model behind it"""

from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel

from tests.suites.conftest import MODEL
from tests.suites.standard import QUIET, Standard

pytestmark = QUIET


class TestMessages(Standard):
    """Messages, answered by a model that speaks chat completions."""

    supports_anthropic_inputs = True
    supports_audio_inputs = False  # Anthropic's dialect has no word for sound

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatAnthropic

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            "model": MODEL,
            "base_url": self.gateway.url,
            "api_key": self.gateway.key,
            "max_retries": 0,
            "max_tokens": 512,
        }
