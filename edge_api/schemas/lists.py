"""Lists of inquiries: what they can be filtered and ordered by."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from edge_api.schemas.fields import (
    UUID_PATTERN,
    CategoryKey,
    Priority,
    Sentiment,
    Status,
    Tag,
    Time,
    TriageState,
    text,
)

Ordering = Literal["create_time", "-create_time", "update_time", "-update_time", "priority", "-priority"]
Assignee = Annotated[
    str,
    Meta(
        pattern=f"{UUID_PATTERN}|^(me|none)$",
        examples=["me"],
        extra={"must": "must be `me`, `none` or a UUID"},
    ),
]


class InquiryFilter(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which inquiries; all conditions must hold."""

    category: Annotated[list[CategoryKey], Meta(max_length=100, description="Any of these categories.")] = []
    sentiment: Annotated[list[Sentiment], Meta(max_length=10, description="Any of these; needs staff.")] = []
    status: Annotated[list[Status], Meta(max_length=10, description="Any of these.")] = []
    priority: Annotated[list[Priority], Meta(max_length=10, description="Any of these.")] = []
    triage_state: Annotated[list[TriageState], Meta(max_length=10, description="Any of these.")] = []
    language: Annotated[
        list[Annotated[str, text(0, 35, "A language.", "es")]],
        Meta(max_length=20, description="Any of these, BCP 47."),
    ] = []
    assignee: Annotated[
        list[Assignee],
        Meta(max_length=20, description="Any of these: accounts of agents, `me`, `none` for nobody; needs staff."),
    ] = []
    tag: Annotated[list[Tag], Meta(max_length=20, description="All of these; needs staff.")] = []
    created_from: Annotated[Time, Meta(description="Received at this time or later.")] | UnsetType = UNSET
    created_before: Annotated[Time, Meta(description="Received before this time.")] | UnsetType = UNSET
    confidence_from: (
        Annotated[float, Meta(ge=0, le=1, description="Confidence of the category at least this; needs staff.")]
        | UnsetType
    ) = UNSET
    confidence_below: (
        Annotated[float, Meta(ge=0, le=1, description="Confidence of the category below this; needs staff.")]
        | UnsetType
    ) = UNSET
    q: Annotated[
        str, text(0, 200, "Text to find: reference and category; for staff also name, e-mail, subject.", "POK-1042")
    ] = ""


class InquiryQuery(InquiryFilter, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which page of which inquiries, and in which order."""

    ordering: Annotated[
        Ordering,
        Meta(description="What comes first; with `-` the newest, the changed last, the most urgent."),
    ] = "-create_time"
    page_size: Annotated[int, Meta(ge=1, le=100, description="At most this many items.")] = 20
    page_token: Annotated[str, text(0, 1000, "`next_page_token` or `previous_page_token` of an earlier answer.")] = ""
