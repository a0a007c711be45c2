"""What the AI has decided."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from edge_api.schemas.drafting import Cited, MaskedKinds, Missing
from edge_api.schemas.explanation import LearnedShare
from edge_api.schemas.fields import Priority, Sentiment, text
from edge_api.schemas.inquiries import Alternative, Entity, Model

Provider = Literal["auto", "embedded", "openai"]
Run = Literal["applied", "suggested", "superseded", "undone"]


class Usage(Struct, frozen=True, kw_only=True):
    """What an analysis took."""

    input_tokens: Annotated[int, Meta(description="Sent; 0 for the embedded model.", examples=[812])]
    output_tokens: Annotated[int, Meta(description="Received; 0 for the embedded model.", examples=[164])]
    cost_micros: Annotated[int, Meta(description="In millionths of the currency of the prices.", examples=[2_950])]
    duration_ms: Annotated[float, Meta(description="Time inside the provider.", examples=[912.5])]


class Analysis(Struct, frozen=True, kw_only=True):
    """What the AI made of an inquiry."""

    categories: Annotated[list[Alternative], Meta(description="Most probable first.")]
    sentiment: Annotated[Sentiment | None, Meta(description="How the customer feels.")]
    sentiment_score: Annotated[float, Meta(description="From -1 (negative) to 1 (positive).", examples=[-0.5])]
    priority: Annotated[Priority | None, Meta(description="How soon an agent should look.")]
    priority_reason: Annotated[str, Meta(description="Why this priority.", examples=["negative_billing"])]
    language: Annotated[str, Meta(description="BCP 47.", examples=["es"])]
    entities: Annotated[list[Entity], Meta(description="Facts found in the messages.")]
    draft: Annotated[str, Meta(description="The reply it drafted.", examples=["Hola, Ana: lo revisamos."])]
    model: Annotated[Model, Meta(description="What answered.")]
    knowledge_version: Annotated[int, Meta(description="Of taxonomy and decisions as they were used.", examples=[3])]
    usage: Annotated[Usage, Meta(description="What it took.")]
    fallback: Annotated[
        str | None, Meta(description="Why another provider answered than was asked for.", examples=["spend_cap"])
    ]
    cited: Cited
    missing: Missing
    masked: MaskedKinds
    sent_text: Annotated[
        str | None,
        Meta(
            description="The customer's words as they left for the provider; null where nothing left.",
            examples=["[NAME_1]: me han cobrado dos veces."],
        ),
    ]
    uncorrected_category: Annotated[
        str | None,
        Meta(
            description="What the embedded model would have put first without people's corrections; null where another "
            "model answered.",
            examples=["returns_refunds"],
        ),
    ]
    learned_share: LearnedShare


class InquiryRun(Struct, frozen=True, kw_only=True):
    """The record of one run of the AI."""

    number: Annotated[int, Meta(description="Grows within an inquiry.", examples=[1])]
    outcome: Annotated[Run, Meta(description="What became of it.")]
    revision: Annotated[int, Meta(description="Number of the message up to which it read.", examples=[1])]
    analysis: Annotated[Analysis, Meta(description="What it made of the inquiry.")]
    changes: Annotated[
        dict[str, list[Any]],
        Meta(description="Field → before and after.", examples=[{"category": [None, "billing_payment"]}]),
    ]
    create_time: Annotated[datetime, Meta(description="When, UTC.", examples=["2026-11-22T09:30:00.301Z"])]


class RunPage(Struct, frozen=True, kw_only=True):
    """A page of an inquiry's runs."""

    items: Annotated[list[InquiryRun], Meta(description="The runs, newest first.")]
    next_page_token: Annotated[
        str | None, Meta(description="Opens the page of older ones; null at the end.", examples=["b2xkZXI"])
    ]


class RunQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of the runs."""

    page_size: Annotated[int, Meta(ge=1, le=100, description="At most this many items.")] = 20
    page_token: Annotated[str, text(0, 1000, "`next_page_token` of an earlier answer.")] = ""


class DryRun(Struct, frozen=True, forbid_unknown_fields=True):
    """Which AI to ask."""

    provider: Annotated[Provider, Meta(description="`auto` is the best that is configured.")]
