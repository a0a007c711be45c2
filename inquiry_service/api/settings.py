"""SettingsService: what admins change while everything runs."""

from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Value
from pok.inquiry.v1 import settings_pb2, settings_pb2_grpc

from inquiry_service.api import convert
from inquiry_service.domain.settings import Setting, Settings
from runtime.rpc.context import principal
from runtime.rpc.errors import InvalidArgument


class SettingsServicer(settings_pb2_grpc.SettingsServiceServicer):
    """Converts, calls one operation, converts back."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def ListSettings(
        self, request: settings_pb2.ListSettingsRequest, context: Any
    ) -> settings_pb2.ListSettingsResponse:
        """All of them."""
        return settings_pb2.ListSettingsResponse(settings=map(_setting, await self._settings.list(principal())))

    async def UpdateSetting(
        self, request: settings_pb2.UpdateSettingRequest, context: Any
    ) -> settings_pb2.UpdateSettingResponse:
        """A changed one."""
        changed = await self._settings.update(request.key, _plain(request.value), principal())
        return settings_pb2.UpdateSettingResponse(setting=_setting(changed))

    async def ResetSetting(
        self, request: settings_pb2.ResetSettingRequest, context: Any
    ) -> settings_pb2.ResetSettingResponse:
        """One as it was."""
        changed = await self._settings.reset(request.key, principal())
        return settings_pb2.ResetSettingResponse(setting=_setting(changed))


def _plain(value: Value) -> Any:
    try:
        plain = MessageToDict(value)
    except ValueError:  # NaN and infinity
        raise InvalidArgument.field("value", "Must be a finite number.") from None
    # protobuf knows no whole numbers here; settings do
    return int(plain) if isinstance(plain, float) and plain.is_integer() else plain


def _setting(setting: Setting) -> settings_pb2.Setting:
    message = settings_pb2.Setting(
        key=setting.key,
        value=ParseDict(setting.value, Value()),
        default_value=ParseDict(setting.default, Value()),
        pinned=setting.pinned,
    )
    if setting.record:
        convert.set_time(message.update_time, setting.record.update_time)
        message.updater_id = str(setting.record.updater_id or "")
    return message
