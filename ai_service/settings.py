"""Settings of the AI process, from POK_* variables."""

from typing import Annotated, Literal

import msgspec

from runtime.settings import ProcessSettings, Secret


class AiSettings(ProcessSettings, frozen=True, kw_only=True):
    """What the AI process needs; the provider `auto` is openai where a key or an address is given, else embedded."""

    service_tokens: Secret
    service_token: Secret
    ai_listen: str = "127.0.0.1:8002"
    inquiry_address: str = "127.0.0.1:8001"
    ai_provider: Literal["auto", "embedded", "openai"] = "auto"
    openai_api_key: Secret = Secret("")
    openai_base_url: str = ""
    openai_model: str = "gpt-4.1-mini"
    prompt_language: Literal["en", "es"] = "en"
    confidence_threshold: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.5

    @property
    def provider(self) -> Literal["embedded", "openai"]:
        """The provider that `auto` stands for."""
        if self.ai_provider == "auto":
            return "openai" if self.openai_api_key or self.openai_base_url else "embedded"
        return self.ai_provider
