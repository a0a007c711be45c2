"""Why inquiries were found."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

MatchKind = Literal["reference", "name", "email", "subject", "text", "meaning", "category"]
Meaning = Literal["used", "unavailable"]


class Match(Struct, frozen=True):
    """One reason why an inquiry was found."""

    kind: Annotated[
        MatchKind | None, Meta(description="What matched; null for a kind that this version does not know.")
    ]
    excerpt: Annotated[
        str | None,
        Meta(description="Where it did, at most 200 characters; null where it is no place.", examples=["dos veces"]),
    ]
    similarity: Annotated[
        float | None,
        Meta(description="How alike, from 0 to 1; for meaning and for names with typos.", examples=[0.82]),
    ]
