"""Settings of the inquiry service."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta

from runtime.rpc.tokens import ServiceTokens
from runtime.settings import Key, ProcessSettings, Secret, ServerSettings


class InquirySettings(ServerSettings, frozen=True, kw_only=True):
    """Times are in seconds."""

    database_url: Secret
    database_pool: Annotated[int, Meta(ge=2, le=100)] = 10
    redis_url: Secret
    inquiry_listen: str = "127.0.0.1:8001"
    service_tokens: ServiceTokens
    ai_address: str = "127.0.0.1:8002"
    service_token: Key
    tracking_key: Key
    ai_provider: Literal["auto", "embedded", "openai"] | None = None
    """This one and the next four pin what admins could otherwise change at run time; None = they can."""
    confidence_threshold: Annotated[float, Meta(ge=0, le=1)] | None = None
    daily_spend_cap: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    public_read: bool | None = None
    retention_days: Annotated[int, Meta(ge=1, le=36_500)] | None = None
    lease_seconds: Annotated[float, Meta(ge=1, le=600)] = 30.0
    analysis_timeout_seconds: Annotated[float, Meta(ge=1, le=600)] = 60.0

    @property
    def pins(self) -> Mapping[str, Any]:
        """The settings that the environment decides."""
        pinnable = ("ai_provider", "confidence_threshold", "daily_spend_cap", "public_read", "retention_days")
        return {name: value for name in pinnable if (value := getattr(self, name)) is not None}


class DatabaseSettings(ProcessSettings, frozen=True, kw_only=True):
    """What `create-admin` needs."""

    database_url: Secret


class MigrationSettings(DatabaseSettings, frozen=True, kw_only=True):
    """What `migrate` needs; `migration_database_url` names the owner of the tables, empty = the service's own role."""

    migration_database_url: Secret = Secret("")
