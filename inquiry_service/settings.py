"""Settings of the inquiry service."""

from typing import Annotated

from msgspec import Meta

from runtime.settings import Key, ProcessSettings, Secret


class InquirySettings(ProcessSettings, frozen=True, kw_only=True):
    """Times are in seconds."""

    database_url: Secret
    database_pool: Annotated[int, Meta(ge=2, le=100)] = 10
    redis_url: Secret
    inquiry_listen: str = "127.0.0.1:8001"
    service_tokens: Secret
    tracking_key: Key
    confidence_threshold: Annotated[float, Meta(ge=0, le=1)] = 0.5
    """Below it the category is only suggested and the inquiry waits for review."""
    lease_seconds: Annotated[float, Meta(ge=1, le=600)] = 30.0
    analysis_timeout_seconds: Annotated[float, Meta(ge=1, le=600)] = 60.0


class DatabaseSettings(ProcessSettings, frozen=True, kw_only=True):
    """What `create-admin` needs."""

    database_url: Secret


class MigrationSettings(DatabaseSettings, frozen=True, kw_only=True):
    """What `migrate` needs; `migration_database_url` names the owner of the tables, empty = the service's own role."""

    migration_database_url: Secret = Secret("")
