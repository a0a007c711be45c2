"""Many inquiries at once: what comes of an import, and how inquiries are exported."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from edge_api.schemas.fields import Tag, Uuid, text
from edge_api.schemas.inquiries import (
    CategoryOf,
    Created,
    CustomerEmail,
    CustomerName,
    Id,
    Language,
    PriorityOf,
    Reference,
    SentimentOf,
    StatusOf,
    Subject,
    TriageStateOf,
    Updated,
)
from edge_api.schemas.lists import InquiryFilter
from edge_api.schemas.problems import FieldError

IMPORT_EXAMPLES = {
    "text/csv": """\
external_id,customer_name,customer_email,subject,message,status,tags,create_time
crm-5512,Ana Pérez,ana@example.org,Cobro duplicado,Me cobraron dos veces.,resolved,vip;2025,2025-03-01T09:30:00Z
""",
    "application/jsonl": """\
{"external_id": "crm-5513", "customer_name": "Ana Pérez", "customer_email": "ana@example.org", "subject": "Cobro", \
"message": "Me cobraron dos veces.", "tags": ["vip"]}
""",
}
"""Media type → a file to import."""


class ImportQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How to import."""

    triage: Annotated[bool, Meta(description="Have the inquiries analysed, after everything else that waits.")] = False


class RejectedRow(Struct, frozen=True, kw_only=True):
    """A row that was not stored."""

    row: Annotated[int, Meta(description="Its number in the file, as a spreadsheet counts: from 1.", examples=[17])]
    external_id: Annotated[str, Meta(description="What identifies it, as far as it says so.", examples=["crm-5512"])]
    errors: Annotated[list[FieldError], Meta(description="What is wrong; no field = the row as a whole.")]


class ImportReport(Struct, frozen=True, kw_only=True):
    """What became of the rows."""

    imported: Annotated[int, Meta(description="How many were stored.", examples=[98_213])]
    repeated: Annotated[int, Meta(description="How many were there already.", examples=[0])]
    rejected: Annotated[list[RejectedRow], Meta(description="All others, in the order of the file.")]


class ExportedInquiry(Struct, frozen=True, kw_only=True):
    """An inquiry as it is exported; an import takes it as it is, and sets what it can."""

    id: Id
    reference: Reference
    external_id: Annotated[
        str | None, Meta(description="Its identifier in the system it was imported from.", examples=["crm-5512"])
    ]
    customer_name: CustomerName
    customer_email: CustomerEmail
    subject: Subject
    message: Annotated[
        str, Meta(description="The customer's first message.", examples=["Me cobraron dos veces el pedido 83121."])
    ]
    status: StatusOf
    category: CategoryOf
    category_confidence: Annotated[float | None, Meta(description="The machine's, 0 to 1.", examples=[0.93])]
    priority: PriorityOf
    sentiment: SentimentOf
    sentiment_score: Annotated[float | None, Meta(description="From -1 (negative) to 1 (positive).", examples=[-0.5])]
    language: Language
    tags: Annotated[list[Tag], Meta(description="In alphabetical order; a JSON list in CSV.")]
    assignee_id: Annotated[Uuid | None, Meta(description="Account of the agent it is assigned to.")]
    triage_state: TriageStateOf
    version: Annotated[int, Meta(description="Raised by every change.", examples=[3])]
    create_time: Created
    update_time: Updated
    first_response_time: Annotated[
        datetime | None, Meta(description="When the first reply was sent, UTC.", examples=["2026-11-22T10:02:11.5Z"])
    ]
    resolve_time: Annotated[
        datetime | None,
        Meta(description="When it last became resolved or closed, UTC.", examples=["2026-11-22T10:05:42.25Z"]),
    ]


class ExportQuery(InquiryFilter, frozen=True, forbid_unknown_fields=True):
    """Which inquiries to export, and how."""

    format: Annotated[
        Literal["csv", "jsonl", "json"],
        Meta(description="For spreadsheets; for programs; `json` is a page of what has changed since `after`."),
    ] = "csv"
    after: Annotated[str, text(0, 1000, "Only with `format=json`: `after` of the answer before; none at first.")] = ""
    page_size: Annotated[
        int, Meta(ge=1, le=1000, description="Only with `format=json`: at most this many changes.")
    ] = 500


class ChangedInquiries(Struct, frozen=True, kw_only=True):
    """A page of what has changed; an inquiry that changes again comes again."""

    items: Annotated[list[ExportedInquiry], Meta(description="As they are now, in the order of their last change.")]
    erased_ids: Annotated[list[Uuid], Meta(description="Those that were erased: forget them.")]
    after: Annotated[str, Meta(description="Opens the page that follows, now or later.", examples=["bmV4dA"])]
    end_of_stream: Annotated[bool, Meta(description="True when there was nothing more at the time of the answer.")]
