"""How the AI is doing."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from edge_api.schemas.decisions import Provider
from edge_api.schemas.inquiries import Model

Circuit = Literal["closed", "open", "half_open"]
Fallback = Literal["embedded", "wait"]


class PaidProvider(Struct, frozen=True, kw_only=True):
    """A provider that costs money, as the process that answered sees it."""

    model: Annotated[Model, Meta(description="What is asked for.")]
    circuit: Annotated[
        Circuit,
        Meta(
            description="`closed`: calls go out; `open`: none does for now; `half_open`: one tries.", examples=["open"]
        ),
    ]
    open_until: Annotated[
        datetime | None, Meta(description="While open: until when, UTC.", examples=["2026-11-22T09:31:00Z"])
    ]
    last_failure: Annotated[
        str | None, Meta(description="Why the last call failed; null if it did not.", examples=["provider_timeout"])
    ]
    in_flight: Annotated[int, Meta(description="Calls that wait for an answer.", examples=[2])]
    median_ms: Annotated[
        float | None, Meta(description="Median time of the last 100 calls; null before the first.", examples=[812.5])
    ]
    fallback: Annotated[
        Fallback,
        Meta(
            description="Where it gives no answer: `embedded`, that model does; `wait`, inquiries wait.",
            examples=["embedded"],
        ),
    ]
    masking: Annotated[bool, Meta(description="Whether personal data are hidden before they leave.")]


class ThresholdPoint(Struct, frozen=True, kw_only=True):
    """What is to be expected of one confidence threshold, measured on businesses that the model had never seen."""

    threshold: Annotated[float, Meta(description="The threshold.", examples=[0.5])]
    precision: Annotated[
        float, Meta(description="Share of right ones among categories with this confidence or more.", examples=[0.86])
    ]
    coverage: Annotated[float, Meta(description="Share of inquiries that have it.", examples=[0.71])]


class AiService(Struct, frozen=True, kw_only=True):
    """What the AI service says of itself."""

    model: Annotated[Model, Meta(description="What answers at present.")]
    knowledge_version: Annotated[int, Meta(description="Of the knowledge that it has.", examples=[17])]
    load_time: Annotated[datetime | None, Meta(description="When it got it, UTC.", examples=["2026-11-22T09:30:00Z"])]
    paid: Annotated[PaidProvider | None, Meta(description="Null where none is configured.")]
    thresholds: Annotated[
        list[ThresholdPoint],
        Meta(description="What values of the setting `confidence_threshold` are worth with the embedded model."),
    ]


class UsageToday(Struct, frozen=True, kw_only=True):
    """What the AI took today (UTC)."""

    input_tokens: Annotated[int, Meta(description="Sent.", examples=[48_120])]
    output_tokens: Annotated[int, Meta(description="Received.", examples=[9_840])]
    cost_micros: Annotated[int, Meta(description="In millionths of the currency of the prices.", examples=[34_990])]


class AiState(Struct, frozen=True, kw_only=True):
    """How the AI is doing at present."""

    provider: Annotated[Provider, Meta(description="What the setting `ai_provider` asks for.")]
    knowledge_version: Annotated[
        int,
        Meta(description="Of taxonomy, settings and people's decisions; the service should have it.", examples=[17]),
    ]
    examples: Annotated[int, Meta(description="Decisions of people that it learns from.", examples=[212])]
    service: Annotated[AiService | None, Meta(description="Null while the AI service does not answer.")]
    today: Annotated[UsageToday, Meta(description="What it took today.")]
    spend_left_micros: Annotated[
        int | None, Meta(description="What it may still cost today; null without a cap.", examples=[965_010])
    ]
