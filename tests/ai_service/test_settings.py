"""What the AI process reads from its environment."""

import pytest

from ai_service.settings import AiSettings
from runtime.settings import SettingsError, load

TOKENS = {"POK_SERVICE_TOKEN": "a" * 32, "POK_SERVICE_TOKENS": "worker:" + "w" * 32}


@pytest.mark.parametrize("wrong", [{"POK_PROMPT_LANGUAGE": "fr"}, {"POK_OPENAI_INPUT_PRICE": "-1"}])
def test_wrong_value_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        load(AiSettings, {**TOKENS, **wrong})


def test_key_never_shows_itself() -> None:
    assert "sk-canary" not in repr(load(AiSettings, {**TOKENS, "POK_OPENAI_API_KEY": "sk-canary"}))
