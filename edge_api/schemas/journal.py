"""Who did what: the audit log, and the timeline of an inquiry."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from edge_api.schemas.fields import Time, Uuid, text

ACTIONS = (
    *("session.create", "session.revoke", "session.reuse", "account.create", "account.update", "account.delete"),
    *("category.create", "category.update", "category.delete"),
    *("canned_reply.create", "canned_reply.update", "canned_reply.delete"),
    *("setting.update", "inquiry.erase", "inquiry.import", "inquiry.export"),
    *("erasure.create", "erasure.finish", "retention.finish", "audit.export", "queue.retry", "debug_token.use"),
)
KINDS = (
    *(
        "inquiry_created",
        "inquiry_imported",
        "inquiry_updated",
        "triage_started",
        "triage_completed",
        "triage_superseded",
    ),
    *("triage_retrying", "triage_released", "triage_lease_lost", "triage_failed"),
    *("message_created", "draft_changed", "inquiry_adopted", "tracking_revoked"),
    *("triage_requested", "triage_undone"),
)

Outcome = Literal["ok", "refused", "failed"]
Actor = Literal["customer", "agent", "ai", "system"]


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One thing that somebody did, or tried."""

    number: Annotated[int, Meta(description="Position in the log; grows.", examples=[1042])]
    create_time: Annotated[datetime, Meta(description="When, UTC.", examples=["2026-11-22T09:30:00.123456Z"])]
    action: Annotated[str, Meta(description=f"At present one of: {', '.join(ACTIONS)}.", examples=["session.create"])]
    outcome: Annotated[Outcome, Meta(description="How it ended.")]
    actor_id: Annotated[Uuid | None, Meta(description="Account that did it; null where nobody was logged in.")]
    target: Annotated[
        str, Meta(description="What it was done to: an id, or a key; may be empty.", examples=["billing_payment"])
    ]
    address: Annotated[str, Meta(description="Network address of the client; may be empty.", examples=["198.51.100.7"])]
    request_id: Annotated[str, Meta(description="The request.", examples=["0b6a7c5e9d"])]
    detail: Annotated[
        dict[str, Any], Meta(description="What else there is to say, by action.", examples=[{"fields": ["role"]}])
    ]


class AuditPage(Struct, frozen=True, kw_only=True):
    """A page of the audit log."""

    items: Annotated[list[AuditEntry], Meta(description="The entries, newest first.")]
    next_page_token: Annotated[
        str | None, Meta(description="Opens the page of older ones; null at the end.", examples=["b2xkZXI"])
    ]


class AuditFilter(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which entries; all conditions must hold."""

    action: Annotated[
        list[Annotated[str, text(1, 100, "An action.", "session.create")]],
        Meta(max_length=50, description="Any of these actions."),
    ] = []
    actor_id: Annotated[Uuid, Meta(description="Only this account's.")] | UnsetType = UNSET
    target: Annotated[str, text(0, 200, "Only what was done to this.", "billing_payment")] = ""
    outcome: Annotated[Outcome, Meta(description="Only with this outcome.")] | UnsetType = UNSET
    since: Annotated[Time, Meta(description="Not before this time.")] | UnsetType = UNSET
    until: Annotated[Time, Meta(description="Before this time.")] | UnsetType = UNSET


class AuditQuery(AuditFilter, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which page of which entries."""

    page_size: Annotated[int, Meta(ge=1, le=100, description="At most this many items.")] = 50
    page_token: Annotated[str, text(0, 1000, "`next_page_token` of an earlier answer.")] = ""


class AuditExportQuery(AuditFilter, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which entries to export, and how."""

    format: Annotated[Literal["csv", "jsonl"], Meta(description="For spreadsheets, or for programs.")] = "csv"


class Event(Struct, frozen=True, kw_only=True):
    """One thing that happened to an inquiry."""

    number: Annotated[int, Meta(description="Place in the log; grows within one inquiry.", examples=[52])]
    version: Annotated[int, Meta(description="Version of the inquiry after it.", examples=[4])]
    kind: Annotated[str, Meta(description=f"At present one of: {', '.join(KINDS)}.", examples=["inquiry_updated"])]
    actor: Annotated[Actor, Meta(description="Who did it.")]
    actor_id: Annotated[Uuid | None, Meta(description="Account of the agent or customer, where there is one.")]
    changes: Annotated[
        dict[str, list[Any]],
        Meta(description="Field → before and after.", examples=[{"status": ["open", "resolved"]}]),
    ]
    detail: Annotated[
        dict[str, Any], Meta(description="What else there is to say, by kind.", examples=[{"claim": 1, "attempt": 2}])
    ]
    create_time: Annotated[datetime, Meta(description="When, UTC.", examples=["2026-11-22T09:30:00.301Z"])]


class EventPage(Struct, frozen=True, kw_only=True):
    """A page of an inquiry's timeline."""

    items: Annotated[list[Event], Meta(description="The events, oldest first.")]
    next_page_token: Annotated[
        str | None, Meta(description="Opens the page of newer ones; null at the end.", examples=["bmV3ZXI"])
    ]


class EventQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of a timeline."""

    kind: Annotated[
        list[Annotated[str, text(1, 100, "A kind.", "triage_failed")]],
        Meta(max_length=50, description="Only events of these kinds."),
    ] = []
    page_size: Annotated[int, Meta(ge=1, le=500, description="At most this many items.")] = 100
    page_token: Annotated[str, text(0, 1000, "`next_page_token` of an earlier answer.")] = ""
