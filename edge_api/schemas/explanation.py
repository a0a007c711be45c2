"""Why the AI gives an inquiry its category."""

from typing import Annotated

from msgspec import Meta, Struct

from edge_api.schemas.fields import Uuid, text
from edge_api.schemas.inquiries import Alternative

Explained = Annotated[str, Meta(description="Key of the category that is explained.", examples=["billing_payment"])]
LearnedShare = Annotated[
    float, Meta(description="Weight of people's corrections in the probabilities, from 0 to 1.", examples=[0.35])
]


class ExplanationQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which category."""

    category: Annotated[str, text(0, 100, "Key of the category; empty = the most probable.", "billing_payment")] = ""


class ExplainingPhrase(Struct, frozen=True, kw_only=True):
    """A part of the customer's words and what it does to the probability."""

    message: Annotated[int, Meta(description="Number of the message; 0 = the subject.", examples=[1])]
    start: Annotated[int, Meta(description="Where it starts in that text, in Unicode code points.", examples=[3])]
    end: Annotated[int, Meta(description="Where it ends, exclusive.", examples=[27])]
    text: Annotated[str, Meta(description="The words.", examples=["han cobrado dos veces"])]
    weight: Annotated[
        float,
        Meta(description="By how much the probability falls without it; below 0 = it speaks against.", examples=[0.31]),
    ]


class SimilarCase(Struct, frozen=True, kw_only=True):
    """A case of known category that resembles the inquiry."""

    inquiry_id: Annotated[Uuid | None, Meta(description="The inquiry; null for an example of the taxonomy.")]
    reference: Annotated[str | None, Meta(description="Its reference; null likewise.", examples=["POK-1042"])]
    text: Annotated[str, Meta(description="Its subject, or the example.", examples=["Cobro doble"])]
    category: Annotated[str, Meta(description="Key of its category.", examples=["billing_payment"])]
    similarity: Annotated[float, Meta(description="How alike they are, at most 1.", examples=[0.87])]


class Explanation(Struct, frozen=True, kw_only=True):
    """Why the embedded model gives an inquiry a category."""

    category: Explained
    categories: Annotated[list[Alternative], Meta(description="Probabilities, the most probable first.")]
    phrases: Annotated[list[ExplainingPhrase], Meta(description="The weightiest first.")]
    cases: Annotated[list[SimilarCase], Meta(description="The closest first.")]
    learned_share: LearnedShare
