"""LangChain's tests for chat models, on ChatOpenAI with a Turnwise server behind it."""

import os
from types import SimpleNamespace

import httpx
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests


@pytest.fixture(autouse=True)
def files_from_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite fetches an image and a PDF from the web. What is in them means nothing to a server that passes them on."""
    monkeypatch.setattr(httpx, "get", lambda *_, **__: SimpleNamespace(content=b"a file"))


class TestTurnwise(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict:
        return {
            "model": os.environ["TURNWISE_MODEL"],
            "base_url": os.environ["TURNWISE_URL"],
            "api_key": "none",
            "use_responses_api": False,
            "max_retries": 0,
            "stream_usage": True,
        }

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return os.environ["TURNWISE_OTHER_MODEL"]
