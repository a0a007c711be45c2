"""What a draft builds on, what it lacks, and what was hidden from whoever wrote it."""

from typing import Annotated

from msgspec import Meta, Struct


class Masked(Struct, frozen=True, kw_only=True):
    """One kind of what was hidden from a provider."""

    kind: Annotated[
        str,
        Meta(description="`name`, `email`, `phone`, `iban`, `card`, `token` or `address`.", examples=["name"]),
    ]
    count: Annotated[int, Meta(description="How many different ones.", examples=[1])]


Cited = Annotated[
    list[Annotated[str, Meta(examples=["canned:0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"])]],
    Meta(description="What the draft builds on: `canned:` or `reply:`, with the id of a canned reply or an inquiry."),
]
Missing = Annotated[
    list[Annotated[str, Meta(examples=["número de pedido"])]],
    Meta(description="What the customer has not said and an answer needs, in their language."),
]
MaskedKinds = Annotated[list[Masked], Meta(description="What was hidden from the provider; empty where nothing left.")]
