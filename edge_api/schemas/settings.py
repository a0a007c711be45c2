"""Settings that matter at run time."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from edge_api.schemas.fields import Uuid

Value = bool | float | str | None

KEYS = """Key of a setting.

| key | value | what it decides |
|---|---|---|
| `ai_provider` | `auto`, `embedded`, `openai` | which of the configured providers analyses |
| `confidence_threshold` | 0 to 1 | below it a category is only suggested, and the inquiry waits for review |
| `daily_spend_cap` | 0 to 1,000,000 | what the AI may cost in a day (UTC), in the currency of its prices; null = any |
| `public_read` | true, false | whether anybody may read the public view of inquiries |
| `retention_days` | 1 to 36,500 | days after the last change until resolved, closed and spam are erased; null = never |
"""


class Setting(Struct, frozen=True, kw_only=True):
    """A setting."""

    key: Annotated[str, Meta(description="Its key.", examples=["confidence_threshold"])]
    value: Annotated[Value, Meta(description="What holds now.", examples=[0.7])]
    default: Annotated[Value, Meta(description="What holds if nobody has changed it.", examples=[0.5])]
    pinned: Annotated[bool, Meta(description="True: an environment variable decides, and it cannot be changed here.")]
    update_time: Annotated[
        datetime | None, Meta(description="When it was changed, UTC; null if never.", examples=["2026-11-22T09:30:00Z"])
    ]
    updater_id: Annotated[Uuid | None, Meta(description="Account that changed it.")]


class SettingList(Struct, frozen=True):
    """All settings."""

    items: Annotated[list[Setting], Meta(description="By key.")]


class NewValue(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to hold from now on."""

    value: Annotated[Value, Meta(description="As the setting takes it.", examples=[0.7])]
