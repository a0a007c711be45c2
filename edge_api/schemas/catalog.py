"""What agents choose from: categories and canned replies."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from edge_api.schemas.fields import CategoryKey, Uuid, text

DESCRIPTION = "Charges, invoices, receipts, payment methods, failed or double payments, fees."
BODY = "Hola, {{customer_name}}: hemos recibido {{reference}}. Un saludo, {{agent_name}}"

NewKey = Annotated[
    str,
    Meta(
        pattern="^[a-z][a-z0-9_]{0,99}$",
        description="Lower-case letters, digits and _, beginning with a letter; never changes.",
        examples=["warranty"],
        extra={"must": "must be lower-case letters, digits and _, beginning with a letter"},
    ),
]
NameEs = Annotated[str, text(1, 100, "Name in Spanish.", "Garantía")]
NameEn = Annotated[str, text(1, 100, "Name in English.", "Warranty")]
Description = Annotated[str, text(1, 1000, "What belongs to it, in words for the AI.", DESCRIPTION)]
Example = Annotated[str, text(1, 300, "Something that a customer wrote.", "Me cobraron dos veces")]
Examples = Annotated[
    list[Example], Meta(max_length=20, description="Short messages of this category, in any language.")
]
Active = Annotated[bool, Meta(description="False: kept on old inquiries, no longer given to new ones.")]
Version = Annotated[int, Meta(description="Raised by every change; send it as If-Match.", examples=[3])]
Position = Annotated[int, Meta(ge=1, le=1000, description="Place in the display order, from 1.", examples=[3])]


class PublicCategory(Struct, frozen=True, kw_only=True):
    """A category for everybody."""

    key: Annotated[str, Meta(description="Stable identifier.", examples=["billing_payment"])]
    name_es: Annotated[str, Meta(description="Name in Spanish.", examples=["Facturación y pagos"])]
    name_en: Annotated[str, Meta(description="Name in English.", examples=["Billing and payments"])]
    active: Active


class StaffCategory(PublicCategory, frozen=True, kw_only=True):
    """A category with what the AI is told of it."""

    description: Annotated[str, Meta(description="What belongs to it, in words for the AI.", examples=[DESCRIPTION])]
    examples: Annotated[
        list[Annotated[str, Meta(examples=["Me cobraron dos veces"])]],
        Meta(description="Short messages of it, in any language."),
    ]
    position: Annotated[int, Meta(description="Place in the display order, from 1.", examples=[1])]
    version: Version


class PublicCategoryList(Struct, frozen=True):
    """The taxonomy for everybody."""

    items: Annotated[list[PublicCategory], Meta(description="In display order.")]


class StaffCategoryList(Struct, frozen=True):
    """The taxonomy for support and admins."""

    items: Annotated[list[StaffCategory], Meta(description="In display order.")]


class NewCategory(Struct, frozen=True, forbid_unknown_fields=True):
    """A category to add at the end of the display order."""

    key: NewKey
    name_es: NameEs
    name_en: NameEn
    description: Description
    examples: Examples = []


class CategoryChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields to change; those left out stay as they are."""

    name_es: NameEs | UnsetType = UNSET
    name_en: NameEn | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    examples: Examples | UnsetType = UNSET
    active: Active | UnsetType = UNSET
    position: Position | UnsetType = UNSET


Title = Annotated[str, text(1, 100, "What agents find it by; unique within its language.", "Acuse de recibo")]
Body = Annotated[
    str,
    text(
        1,
        10_000,
        "The text. The dashboard fills in `{{customer_name}}`, `{{reference}}`, `{{subject}}` and `{{agent_name}}`; "
        "other variables are refused. The AI's drafts have them filled in, and the team's name for the agent's.",
        BODY,
    ),
]
Language = Annotated[
    str,
    Meta(
        max_length=35,
        pattern="^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$",
        description="BCP 47.",
        examples=["es"],
        extra={"must": "must be a BCP 47 language such as es or pt-BR"},
    ),
]
BelongsTo = Annotated[
    CategoryKey | None,
    Meta(description="Key of the category it belongs to; null = any.", examples=["billing_payment"]),
]


class CannedReply(Struct, frozen=True, kw_only=True):
    """A reply that agents insert with a few keys."""

    id: Annotated[Uuid, Meta(description="UUIDv7 of the canned reply.")]
    title: Annotated[str, Meta(description="What agents find it by.", examples=["Acuse de recibo"])]
    body: Annotated[str, Meta(description="The text with its variables.", examples=[BODY])]
    language: Annotated[str, Meta(description="BCP 47.", examples=["es"])]
    category: BelongsTo
    create_time: Annotated[datetime, Meta(description="When it was made, UTC.", examples=["2026-11-22T09:30:00Z"])]
    update_time: Annotated[datetime, Meta(description="When it last changed, UTC.", examples=["2026-11-22T09:31:00Z"])]
    version: Version


class CannedReplyList(Struct, frozen=True):
    """Canned replies."""

    items: Annotated[list[CannedReply], Meta(description="By language and title, at most 1,000.")]


class CannedReplyQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which canned replies to list."""

    language: Language | UnsetType = UNSET
    category: Annotated[CategoryKey, Meta(description="Those of this category, and those for any.")] | UnsetType = UNSET


class NewCannedReply(Struct, frozen=True, forbid_unknown_fields=True):
    """A canned reply to add."""

    title: Title
    body: Body
    language: Language
    category: BelongsTo = None


class CannedReplyChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields to change; those left out stay as they are."""

    title: Title | UnsetType = UNSET
    body: Body | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    category: BelongsTo | UnsetType = UNSET
