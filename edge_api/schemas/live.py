"""The live feed."""

from typing import Annotated, Literal

from msgspec import Struct

from edge_api.schemas.fields import CategoryKey, Status, TriageState, Uuid, text


class LiveEvent(Struct, frozen=True, kw_only=True):
    """One thing that happened to an inquiry; its state is the present one, null once it has been erased."""

    inquiry_id: Uuid
    kind: str
    version: int
    changed: list[str]
    triage_state: TriageState | None
    status: Status | None
    category: CategoryKey | None


class Ready(Struct, frozen=True):
    """From where on the stream tells everything."""

    position: str


class Resync(Struct, frozen=True):
    """Why some events cannot be had."""

    reason: Literal["epoch", "retention"]


class StreamQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to go on."""

    after: Annotated[
        str,
        text(
            *(0, 64, "Position of the last event that the client has, for those that cannot set headers."),
            "1f0c9a7e-1-48213-1042",
        ),
    ] = ""
