"""Look-alikes of an inquiry."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from edge_api.schemas.inquiries import StaffInquiry


class SimilarQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How many look-alikes."""

    page_size: Annotated[int, Meta(ge=1, le=20, description="At most this many items.")] = 5


class SimilarInquiry(Struct, frozen=True, kw_only=True):
    """A resolved inquiry that means nearly the same."""

    inquiry: Annotated[StaffInquiry, Meta(description="As in lists.")]
    similarity: Annotated[float, Meta(description="How alike they are, at most 1.", examples=[0.87])]
    reply: Annotated[
        str | None,
        Meta(
            description="The last reply that its customer was sent; null if none.",
            examples=["Hola, Ana: te hemos devuelto el segundo cobro."],
        ),
    ]
    reply_time: Annotated[
        datetime | None,
        Meta(description="When that was, UTC; null if never.", examples=["2026-11-22T10:12:00.301Z"]),
    ]


class SimilarPage(Struct, frozen=True):
    """The look-alikes."""

    items: Annotated[list[SimilarInquiry], Meta(description="Closest first; empty while it is not analysed yet.")]
