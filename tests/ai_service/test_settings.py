"""Which provider the settings mean."""

import pytest

from ai_service.settings import AiSettings
from runtime.settings import SettingsError, load

TOKENS = {"POK_SERVICE_TOKEN": "t", "POK_SERVICE_TOKENS": "worker:t"}


@pytest.mark.parametrize(
    ("environ", "provider"),
    [
        ({}, "embedded"),
        ({"POK_OPENAI_API_KEY": "sk-1"}, "openai"),
        ({"POK_OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, "openai"),
        ({"POK_AI_PROVIDER": "embedded", "POK_OPENAI_API_KEY": "sk-1"}, "embedded"),
        ({"POK_AI_PROVIDER": "openai"}, "openai"),
    ],
)
def test_auto_means_openai_as_soon_as_a_key_or_an_address_is_given(environ: dict[str, str], provider: str) -> None:
    assert load(AiSettings, {**TOKENS, **environ}).provider == provider


@pytest.mark.parametrize("wrong", [{"POK_AI_PROVIDER": "gpt"}, {"POK_CONFIDENCE_THRESHOLD": "1.2"}])
def test_wrong_value_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        load(AiSettings, {**TOKENS, **wrong})


def test_key_never_shows_itself() -> None:
    assert "sk-canary" not in repr(load(AiSettings, {**TOKENS, "POK_OPENAI_API_KEY": "sk-canary"}))
