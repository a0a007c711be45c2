"""Settings that matter at run time."""

from typing import Annotated, Any, cast

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Value
from litestar import delete, get, patch
from litestar.params import Parameter
from pok.inquiry.v1 import settings_pb2

from edge_api.body import EdgeRequest
from edge_api.convert import time_of
from edge_api.openapi import BODY_ERRORS, operation
from edge_api.schemas.settings import KEYS, NewValue, Setting, SettingList
from edge_api.schemas.settings import Value as PlainValue

Key = Annotated[str, Parameter(description=KEYS)]


@get(
    "/api/settings",
    summary="List settings",
    tags=["settings"],
    response_description="All settings.",
    **operation("list_settings", 401, 403),
)
async def list_settings(request: EdgeRequest) -> SettingList:
    """What holds now, what the environment pins, and who has changed the rest."""
    response = await request.backend.settings.ListSettings(settings_pb2.ListSettingsRequest())
    return SettingList([_setting(setting) for setting in response.settings])


@patch(
    "/api/settings/{setting:str}",
    summary="Change a setting",
    tags=["settings"],
    response_description="The setting as it is now.",
    **operation("update_setting", 401, 403, 404, 409, *BODY_ERRORS),
)
async def update_setting(request: EdgeRequest, setting: Key, data: NewValue) -> Setting:
    """Acts on every process within 5 s."""
    response = await request.backend.settings.UpdateSetting(
        settings_pb2.UpdateSettingRequest(key=setting, value=ParseDict(cast("Any", data.value), Value()))
    )
    return _setting(response.setting)


@delete(
    "/api/settings/{setting:str}",
    status_code=200,
    summary="Reset a setting",
    tags=["settings"],
    response_description="The setting as it is now.",
    **operation("reset_setting", 400, 401, 403, 404, 409),
)
async def reset_setting(request: EdgeRequest, setting: Key) -> Setting:
    """Takes it back to its default; acts on every process within 5 s."""
    response = await request.backend.settings.ResetSetting(settings_pb2.ResetSettingRequest(key=setting))
    return _setting(response.setting)


def _plain(value: Value) -> PlainValue:
    plain = cast("PlainValue", MessageToDict(value))
    return int(plain) if isinstance(plain, float) and plain.is_integer() else plain


def _setting(setting: settings_pb2.Setting) -> Setting:
    return Setting(
        key=setting.key,
        value=_plain(setting.value),
        default=_plain(setting.default_value),
        pinned=setting.pinned,
        update_time=time_of(setting.update_time) if setting.HasField("update_time") else None,
        updater_id=setting.updater_id or None,
    )
