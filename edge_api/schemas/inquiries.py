"""Inquiries: what clients send, and the three views in which they are answered."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from edge_api.schemas.fields import (
    CategoryKey,
    Email,
    EntityKind,
    PersonName,
    Priority,
    Sentiment,
    Status,
    Tag,
    TriageState,
    Uuid,
    text,
)
from edge_api.schemas.search import Match, Meaning

MESSAGE = "Me cobraron dos veces el pedido 83121, ¿me ayudan?"

Id = Annotated[Uuid, Meta(description="UUIDv7 of the inquiry.")]
Reference = Annotated[str, Meta(description="Short reference for people.", examples=["POK-1042"])]
StatusOf = Annotated[Status, Meta(description="Where the people are with it.")]
TriageStateOf = Annotated[TriageState, Meta(description="Where the machine is with it.")]
PriorityOf = Annotated[Priority | None, Meta(description="How soon an agent should look; null until triage.")]
SentimentOf = Annotated[Sentiment | None, Meta(description="How the customer feels; null until triage.")]
CategoryOf = Annotated[
    str | None,
    Meta(
        description="Key of the category; null until the machine is sure or a person has set it.",
        examples=["billing_payment"],
    ),
]
Language = Annotated[str | None, Meta(description="BCP 47; null until triage.", examples=["es"])]
Created = Annotated[datetime, Meta(description="When it was stored, UTC.", examples=["2026-11-22T09:30:00.123456Z"])]
Updated = Annotated[datetime, Meta(description="When it last changed, UTC.", examples=["2026-11-22T09:30:00.301Z"])]
Subject = Annotated[str, Meta(description="The subject line.", examples=["Cobro duplicado"])]
Snippet = Annotated[str, Meta(description="The first 200 characters of the message.", examples=[MESSAGE])]
CustomerName = Annotated[str, Meta(description="Who sent it.", examples=["Ana Pérez"])]
CustomerEmail = Annotated[str, Meta(description="Where to answer.", examples=["ana@example.org"])]
Probability = Annotated[float, Meta(description="Calibrated probability from 0 to 1.", examples=[0.93])]


class NewInquiry(Struct, frozen=True, forbid_unknown_fields=True):
    """An inquiry as a customer sends it."""

    customer_name: PersonName
    customer_email: Email
    subject: Annotated[str, text(1, 300, "The subject line.", "Cobro duplicado")]
    message: Annotated[str, text(1, 20_000, "What they want.", MESSAGE)]
    external_id: Annotated[str, text(1, 200, "Its identifier elsewhere, unique; staff only.", "crm-5512")] | None = None
    consent_version: (
        Annotated[str, text(1, 50, "The consent text that they agreed to; kept with its time.", "2026-11-25-es")] | None
    ) = None
    website: (
        Annotated[str, text(0, 300, "For forms: a field that people do not see. Anything in it marks spam.", "")] | None
    ) = None
    fill_seconds: (
        Annotated[
            float,
            Meta(
                ge=0,
                le=604_800,
                description="For forms: seconds from first sight to sending. Less than 2 mark spam.",
                examples=[41.5],
            ),
        ]
        | None
    ) = None


class InquiryChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields to change; those left out stay as they are."""

    category: (
        Annotated[
            CategoryKey | None,
            Meta(
                description="Key of the category; null takes back what was decided: the machine's choice is then a "
                "suggestion to review, and it learns nothing from the inquiry."
            ),
        ]
        | UnsetType
    ) = UNSET
    sentiment: Annotated[Sentiment, Meta(description="How the customer feels.")] | UnsetType = UNSET
    priority: Annotated[Priority, Meta(description="How soon an agent should look.")] | UnsetType = UNSET
    status: (
        Annotated[Status, Meta(description="Where the people are with it; nothing returns to `new`.")] | UnsetType
    ) = UNSET
    assignee_id: Annotated[Uuid | None, Meta(description="Account of the agent; null = nobody.")] | UnsetType = UNSET
    add_tags: Annotated[list[Tag], Meta(max_length=20, description="Tags to add to those that are there.")] = []
    remove_tags: Annotated[list[Tag], Meta(max_length=100, description="Tags to remove; absent ones are ignored.")] = []


class Alternative(Struct, frozen=True):
    """A category that the machine thought possible."""

    category: Annotated[str, Meta(description="Its key.", examples=["returns_refunds"])]
    confidence: Probability


class Entity(Struct, frozen=True):
    """A fact found in the customer's messages."""

    kind: Annotated[EntityKind | None, Meta(description="What it is; null for a kind this version does not know.")]
    value: Annotated[str, Meta(description="As written.", examples=["83121"])]
    turn: Annotated[int, Meta(description="Index of the message; -1 = the subject.", examples=[0])]
    start: Annotated[int, Meta(description="Where it starts there, in Unicode code points.", examples=[32])]
    end: Annotated[int, Meta(description="Where it ends, exclusive.", examples=[37])]


class Model(Struct, frozen=True):
    """What analysed the inquiry."""

    provider: Annotated[str, Meta(description="`embedded` or `openai`.", examples=["embedded"])]
    name: Annotated[str, Meta(description="The provider's name for it.", examples=["use-multilingual-v3+heads-1"])]
    prompt_version: Annotated[str | None, Meta(description="Null where no prompt is used.", examples=["1"])]


class PublicInquiry(Struct, frozen=True, kw_only=True):
    """An inquiry for readers without an account: nothing personal."""

    id: Id
    reference: Reference
    category: CategoryOf
    status: StatusOf
    priority: PriorityOf
    triage_state: TriageStateOf
    language: Language
    create_time: Created
    update_time: Updated


class CustomerInquiry(Struct, frozen=True, kw_only=True):
    """An inquiry for the customer who sent it."""

    id: Id
    reference: Reference
    customer_name: CustomerName
    customer_email: CustomerEmail
    subject: Subject
    message: Annotated[str | None, Meta(description="What they wrote; null in lists.", examples=[MESSAGE])]
    snippet: Snippet
    category: CategoryOf
    status: StatusOf
    create_time: Created
    update_time: Updated


class CreatedInquiry(Struct, frozen=True, kw_only=True):
    """An inquiry that was just accepted; its classification follows."""

    id: Id
    reference: Reference
    tracking_token: Annotated[
        str, Meta(description="Opens the tracking page of this inquiry; keep it private.", examples=["b3BhcXVl"])
    ]
    customer_name: CustomerName
    customer_email: CustomerEmail
    subject: Subject
    status: StatusOf
    triage_state: TriageStateOf
    category: CategoryOf
    create_time: Created
    update_time: Updated


class StaffInquiry(Struct, frozen=True, kw_only=True):
    """An inquiry for support and admins: everything."""

    id: Id
    reference: Reference
    customer_name: CustomerName
    customer_email: CustomerEmail
    subject: Subject
    message: Annotated[str | None, Meta(description="What the customer wrote; null in lists.", examples=[MESSAGE])]
    snippet: Snippet
    status: StatusOf
    priority: PriorityOf
    priority_reason: Annotated[
        str | None, Meta(description="Why the machine chose the priority.", examples=["negative_billing"])
    ]
    category: CategoryOf
    suggested_category: Annotated[
        str | None, Meta(description="The machine's guess while it needs review.", examples=["returns_refunds"])
    ]
    category_confidence: Annotated[
        float | None, Meta(description="Of the machine's first choice, 0 to 1.", examples=[0.93])
    ]
    alternatives: Annotated[list[Alternative], Meta(description="Its other choices, most probable first.")]
    sentiment: SentimentOf
    sentiment_score: Annotated[float | None, Meta(description="From -1 (negative) to 1 (positive).", examples=[-0.5])]
    language: Language
    triage_state: TriageStateOf
    triage_reason: Annotated[
        str | None, Meta(description="Why triage failed or waits.", examples=["provider_unavailable"])
    ]
    suggested_reply: Annotated[
        str | None, Meta(description="The drafted reply; null in lists.", examples=["Hola, Ana: lo revisamos."])
    ]
    entities: Annotated[list[Entity], Meta(description="Facts found in the messages; empty in lists.")]
    model: Annotated[Model | None, Meta(description="What analysed it; null in lists.")]
    assignee_id: Annotated[Uuid | None, Meta(description="Account of the agent it is assigned to.")]
    tags: Annotated[list[Tag], Meta(description="In alphabetical order.")]
    external_id: Annotated[
        str | None, Meta(description="Its identifier in the system it was imported from.", examples=["crm-5512"])
    ]
    matches: Annotated[
        list[Match], Meta(description="Why it was found, the most telling reason first; empty without a query.")
    ]
    human_fields: Annotated[
        list[Annotated[str, Meta(examples=["category"])]],
        Meta(description="Fields that a person has set; the machine leaves them alone."),
    ]
    version: Annotated[int, Meta(description="Raised by every change; send it as If-Match.", examples=[3])]
    create_time: Created
    update_time: Updated
    first_response_time: Annotated[
        datetime | None,
        Meta(description="When the first reply was sent, UTC; null before.", examples=["2026-11-22T10:02:11.5Z"]),
    ]
    resolve_time: Annotated[
        datetime | None,
        Meta(description="When it last became resolved or closed, UTC.", examples=["2026-11-22T10:05:42.25Z"]),
    ]
    consent_version: Annotated[
        str | None,
        Meta(
            description="The consent text that the customer agreed to; null if none was shown.",
            examples=["2026-11-25-es"],
        ),
    ]
    consent_time: Annotated[
        datetime | None, Meta(description="When they agreed, UTC.", examples=["2026-11-22T09:30:00.123456Z"])
    ]


class Page(Struct, frozen=True, kw_only=True):
    """Where a page of inquiries stands among all that match."""

    next_page_token: Annotated[
        str | None, Meta(description="Opens the page that follows; null at the end.", examples=["b2xkZXI"])
    ]
    previous_page_token: Annotated[
        str | None, Meta(description="Opens the page that precedes; null on the first.", examples=["bmV3ZXI"])
    ]
    total: Annotated[int, Meta(description="How many match in all.", examples=[42])]
    total_is_estimate: Annotated[bool, Meta(description="True when `total` is not exact.")]


class PublicPage(Page, frozen=True, kw_only=True):
    """A page for readers without an account."""

    items: Annotated[list[PublicInquiry], Meta(description="The inquiries, in the order that was asked for.")]


class CustomerPage(Page, frozen=True, kw_only=True):
    """A page of a customer's own inquiries."""

    items: Annotated[list[CustomerInquiry], Meta(description="The inquiries, in the order that was asked for.")]


class StaffPage(Page, frozen=True, kw_only=True):
    """A page for support and admins."""

    items: Annotated[
        list[StaffInquiry],
        Meta(description="The inquiries, in the order that was asked for; with a query what fits it best."),
    ]
    meaning: Annotated[
        Meaning | None,
        Meta(
            description="Whether a query was also searched for by its meaning; `unavailable` when that took too long, "
            "null without a query and for references, numbers and addresses, which have none."
        ),
    ]


InquiryView = StaffInquiry | CustomerInquiry | PublicInquiry
InquiryPage = StaffPage | CustomerPage | PublicPage
