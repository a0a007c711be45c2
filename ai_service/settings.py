"""Settings of the AI process, from POK_* variables."""

from typing import Annotated, Literal

import msgspec

from runtime.rpc.tokens import ServiceTokens
from runtime.settings import Key, Secret, ServerSettings


class AiSettings(ServerSettings, frozen=True, kw_only=True):
    """What the AI process needs; a key or an address configures the provider openai.

    Prices are for a million tokens, in any currency; 0 = no price is known. Calls and tokens in a minute: 0 = any.
    """

    service_tokens: ServiceTokens
    service_token: Key
    ai_listen: str = "127.0.0.1:8002"
    inquiry_address: str = "127.0.0.1:8001"
    openai_api_key: Secret = Secret("")
    openai_base_url: str = ""
    openai_model: str = "gpt-4.1-mini"
    prompt_language: Literal["en", "es"] = "en"
    openai_input_price: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    openai_output_price: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    openai_at_once: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 32
    openai_calls_per_minute: Annotated[int, msgspec.Meta(ge=0)] = 0
    openai_tokens_per_minute: Annotated[int, msgspec.Meta(ge=0)] = 0
    ai_fallback: Literal["embedded", "wait"] = "embedded"
    ai_masking: bool = True
