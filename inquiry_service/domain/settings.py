"""Settings that matter at run time: the environment pins them, or admins change them, or the defaults hold."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NoReturn

import msgspec
import structlog
from msgspec import Meta

from inquiry_service.domain import audit
from inquiry_service.domain.accounts import account_id_of
from inquiry_service.domain.roles import require_admin
from inquiry_service.storage import knowledge, settings
from inquiry_service.storage.database import Connection, Database
from inquiry_service.storage.settings import SettingRecord
from runtime.rpc.context import Principal
from runtime.rpc.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable

REFRESH_SECONDS = 1.0
"""How often each process looks; with the stream to the AI service a change acts everywhere within 5 s."""

AiProvider = Literal["auto", "embedded", "openai"]

log = structlog.get_logger(__name__)


class Values(msgspec.Struct, frozen=True, kw_only=True):
    """What holds now."""

    ai_provider: AiProvider = "auto"
    """Which of the configured providers analyses; `auto` = openai where one is configured."""
    confidence_threshold: Annotated[float, Meta(ge=0, le=1)] = 0.7
    """Below it a category is only suggested, and the inquiry waits for review."""
    daily_spend_cap: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    """In the currency of the provider's prices, for a day in UTC; None = no cap."""
    public_read: bool = True
    """Whether anybody may read the public view."""
    retention_days: Annotated[int, Meta(ge=1, le=36_500)] | None = None
    """After this time without a change, what is resolved, closed or spam is erased; None = never."""


DEFAULTS = Values()
KINDS: Mapping[str, Any] = {field.name: field.type for field in msgspec.structs.fields(Values)}


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting as admins see it; `record` is None where nobody has changed it."""

    key: str
    value: Any
    default: Any
    pinned: bool
    record: SettingRecord | None


class Settings:
    """Knows what holds now, and changes it; `pins` are the values that the environment gives."""

    def __init__(self, database: Database, pins: Mapping[str, Any]) -> None:
        self._database = database
        self._pins = pins
        self._values: Values | None = None

    @property
    def values(self) -> Values:
        """What held a second ago. Raises Unavailable before the database has been asked: what it forbids stays shut."""
        if self._values is None:
            raise Unavailable("The settings are not read yet.", reason="SETTINGS_UNREAD", retry_delay=REFRESH_SECONDS)
        return self._values

    async def read(self) -> Values:
        """What holds at this moment."""
        self._values = self._effective(await settings.all_(self._database))
        return self._values

    async def follow(self) -> NoReturn:
        """Keep up with what other processes change; what was known last holds while the database is away."""
        troubled = False
        while True:
            try:
                await self.read()
                troubled = False
            except Unavailable as error:
                if not troubled:
                    log.warning("settings_unread", reason=error.reason)
                troubled = True
            await asyncio.sleep(REFRESH_SECONDS)

    async def list(self, principal: Principal) -> list[Setting]:
        """All of them by key. Raises PermissionDenied."""
        require_admin(principal)
        stored = await settings.all_(self._database)
        return [self._setting(key, stored) for key in sorted(KINDS)]

    async def update(self, key: str, value: Any, principal: Principal) -> Setting:
        """Change one. Raises PermissionDenied, NotFound, InvalidArgument, FailedPrecondition (SETTING_PINNED)."""
        self._check_changeable(key, principal)
        try:
            wanted = msgspec.convert(value, KINDS[key])
        except msgspec.ValidationError as error:
            raise InvalidArgument.field("value", f"{error}.") from None
        async with self._database.transaction() as connection:
            await self._note(connection, key, wanted)
            await settings.set_(connection, key, wanted, account_id_of(principal))
        return await self._changed(key)

    async def reset(self, key: str, principal: Principal) -> Setting:
        """Take one back to its default. Raises PermissionDenied, NotFound, FailedPrecondition (SETTING_PINNED)."""
        self._check_changeable(key, principal)
        async with self._database.transaction() as connection:
            await self._note(connection, key, getattr(DEFAULTS, key))
            await settings.reset(connection, key)
        return await self._changed(key)

    def _check_changeable(self, key: str, principal: Principal) -> None:
        require_admin(principal)
        if key not in KINDS:
            raise NotFound("There is no such setting.")
        if key in self._pins:
            raise FailedPrecondition(
                f"The environment variable POK_{key.upper()} decides this setting.", reason="SETTING_PINNED"
            )

    async def _note(self, connection: Connection, key: str, after: Any) -> None:
        # Raised first, so that admins who change settings at the same time wait for each other: before is then true.
        await knowledge.raise_version(connection)
        before = getattr(self._effective(await settings.all_(connection)), key)
        await audit.record(connection, "setting.update", target=key, detail={"before": before, "after": after})

    async def _changed(self, key: str) -> Setting:
        stored = await settings.all_(self._database)
        self._values = self._effective(stored)
        return self._setting(key, stored)

    def _effective(self, stored: Mapping[str, SettingRecord]) -> Values:
        values = {key: record.value for key, record in stored.items() if key in KINDS and _fits(key, record.value)}
        return msgspec.convert({**values, **self._pins}, Values)

    def _setting(self, key: str, stored: Mapping[str, SettingRecord]) -> Setting:
        return Setting(
            key=key,
            value=getattr(self._effective(stored), key),
            default=getattr(DEFAULTS, key),
            pinned=key in self._pins,
            record=stored.get(key),
        )


def _fits(key: str, value: Any) -> bool:
    # A value that another version kept must not stop this one.
    try:
        msgspec.convert(value, KINDS[key])
    except msgspec.ValidationError:
        log.error("setting_does_not_fit", key=key)
        return False
    return True
