"""Erasing people, and the progress of long work."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from edge_api.schemas.fields import Email, Uuid

JobKind = Literal["erasure", "retention"]


class NewErasure(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to erase; one of the two, or both."""

    customer_email: Email | UnsetType = UNSET
    account_id: (
        Annotated[Uuid, Meta(description="A customer's account: it is removed, with all inquiries sent from it.")]
        | UnsetType
    ) = UNSET


class Job(Struct, frozen=True, kw_only=True):
    """Long work."""

    id: Annotated[Uuid, Meta(description="Ask for it at /api/jobs/{id}/.")]
    kind: Annotated[JobKind, Meta(description="Why it erases.")]
    state: Annotated[
        Literal["running", "done", "failed"], Meta(description="`running` while it waits or works; `failed`: gave up.")
    ]
    done: Annotated[int, Meta(description="Inquiries erased so far.", examples=[150])]
    total: Annotated[int, Meta(description="Inquiries to erase, as far as is known.", examples=[212])]
    create_time: Annotated[datetime, Meta(description="When it began, UTC.", examples=["2026-11-22T09:30:00Z"])]
    update_time: Annotated[datetime, Meta(description="When it last moved, UTC.", examples=["2026-11-22T09:30:02Z"])]
