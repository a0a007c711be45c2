"""Settings of the AI process, from POK_* variables."""

from typing import Annotated, Literal

import msgspec

from runtime.settings import ProcessSettings, Secret


class AiSettings(ProcessSettings, frozen=True, kw_only=True):
    """What the AI process needs; a key or an address configures the provider openai.

    Prices are for a million tokens, in any currency; 0 = no price is known.
    """

    service_tokens: Secret
    service_token: Secret
    ai_listen: str = "127.0.0.1:8002"
    inquiry_address: str = "127.0.0.1:8001"
    openai_api_key: Secret = Secret("")
    openai_base_url: str = ""
    openai_model: str = "gpt-4.1-mini"
    prompt_language: Literal["en", "es"] = "en"
    openai_input_price: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    openai_output_price: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
