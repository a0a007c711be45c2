"""What customers and agents write to each other, the AI's draft of the next reply, and the private link."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from edge_api.schemas.drafting import Cited, MaskedKinds, Missing
from edge_api.schemas.fields import Status, Uuid, text
from edge_api.schemas.inquiries import CustomerInquiry, Model

Author = Literal["customer", "agent"]
MessageKind = Literal["message", "reply", "note", "follow_up"]
CustomerMessageKind = Literal["message", "reply", "follow_up"]
DraftState = Literal["generating", "ready", "superseded", "inserted", "sent", "dismissed", "failed"]

REPLY = "Hola, Ana: lo estamos revisando."

Number = Annotated[int, Meta(description="Place in the conversation, from 1 and without gaps.", examples=[2])]
AuthorOf = Annotated[Author, Meta(description="Who wrote it.")]
AuthorName = Annotated[str, Meta(description="The customer's or the agent's name; may be empty.", examples=["Eva"])]
Text = Annotated[str, Meta(description="As written.", examples=[REPLY])]
Written = Annotated[datetime, Meta(description="When it was stored, UTC.", examples=["2026-11-22T09:30:00.123456Z"])]
NextPage = Annotated[str | None, Meta(description="Opens the page of newer ones; null at the end.", examples=["bmV3"])]
NewText = Annotated[str, text(1, 20_000, "What to write.", REPLY)]
DraftNumber = Annotated[int, Meta(ge=1, le=2**53, description="Number of the draft.", examples=[7])]


class StaffMessage(Struct, frozen=True, kw_only=True):
    """A message as support and admins see it."""

    number: Number
    kind: Annotated[MessageKind, Meta(description="`note`: for agents only.")]
    author: AuthorOf
    author_id: Annotated[Uuid | None, Meta(description="Account of the author; null where they had none.")]
    author_name: AuthorName
    text: Text
    channel: Annotated[str, Meta(description="`web`, `tracking`, `desk` or `import`.", examples=["desk"])]
    create_time: Written


class CustomerMessage(Struct, frozen=True, kw_only=True):
    """A message as the customer sees it, who counts without the notes."""

    number: Number
    kind: Annotated[CustomerMessageKind, Meta(description="What it is.")]
    author: AuthorOf
    author_name: AuthorName
    text: Text
    create_time: Written


class StaffMessagePage(Struct, frozen=True, kw_only=True):
    """A page of a conversation for support and admins."""

    items: Annotated[list[StaffMessage], Meta(description="The messages, oldest first.")]
    next_page_token: NextPage


class CustomerMessagePage(Struct, frozen=True, kw_only=True):
    """A page of a conversation for its customer."""

    items: Annotated[list[CustomerMessage], Meta(description="The messages, oldest first.")]
    next_page_token: NextPage


class MessageQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of a conversation."""

    page_size: Annotated[int, Meta(ge=1, le=100, description="At most this many items; fewer where they are long.")] = (
        100
    )
    page_token: Annotated[str, text(0, 1000, "`next_page_token` of an earlier answer.")] = ""


class NewMessage(Struct, frozen=True, forbid_unknown_fields=True):
    """A message to add."""

    kind: Annotated[
        Literal["reply", "note", "follow_up"],
        Meta(description="Agents write replies and notes, customers follow-ups.", examples=["reply"]),
    ]
    text: NewText
    draft_number: (
        Annotated[int, Meta(ge=1, le=2**53, description="Of a reply: the draft that it was made from.", examples=[7])]
        | UnsetType
    ) = UNSET
    status: (
        Annotated[
            Status,
            Meta(description="Of a reply: the status that follows; without it, `new` and `open` become `pending`."),
        ]
        | UnsetType
    ) = UNSET


class NewFollowUp(Struct, frozen=True, forbid_unknown_fields=True):
    """What the customer has to add."""

    text: NewText


class Draft(Struct, frozen=True, kw_only=True):
    """A reply that the AI has drafted for agents to check."""

    number: Annotated[int, Meta(description="Which one; grows.", examples=[7])]
    state: Annotated[DraftState, Meta(description="How far it has come; `sent` is final.")]
    text: Annotated[str, Meta(description="As the AI wrote it; so far, while `generating`.", examples=[REPLY])]
    message_number: Annotated[int, Meta(description="Number of the customer's message that it answers.", examples=[1])]
    instruction: Annotated[
        str | None, Meta(description="What the agent asked for; null without.", examples=["in English"])
    ]
    model: Annotated[Model | None, Meta(description="What wrote it; null until it is finished.")]
    reply_number: Annotated[
        int | None, Meta(description="Number of the reply that it became; null unless sent.", examples=[2])
    ]
    edit_distance: Annotated[
        int | None,
        Meta(description="Characters changed before it was sent (Levenshtein); null unless sent.", examples=[4]),
    ]
    reason: Annotated[
        str | None,
        Meta(
            description="Why it failed; `instruction_not_understood` where it was written without the instruction, or "
            "a part of it.",
            examples=["provider_timeout"],
        ),
    ]
    cited: Cited
    missing: Missing
    masked: MaskedKinds
    create_time: Annotated[datetime, Meta(description="When it was begun, UTC.", examples=["2026-11-22T09:30:00Z"])]
    update_time: Annotated[datetime, Meta(description="When it last changed, UTC.", examples=["2026-11-22T09:30:04Z"])]


class DraftChange(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to move the draft."""

    number: DraftNumber
    state: Annotated[
        Literal["inserted", "ready", "dismissed"],
        Meta(description="`inserted`: taken into the composer; `dismissed`: not wanted; `ready`: neither."),
    ]


class DraftOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """What the new draft shall be like."""

    instruction: Annotated[str, text(1, 500, "What to do differently.", "in English")] | None = None


class TrackedInquiry(Struct, frozen=True, kw_only=True):
    """What the private link shows."""

    inquiry: Annotated[CustomerInquiry, Meta(description="The inquiry.")]
    messages: Annotated[
        list[CustomerMessage], Meta(description="The conversation, oldest first; of a long one the newest messages.")
    ]


class TrackingLink(Struct, frozen=True):
    """The private link to an inquiry."""

    tracking_token: Annotated[str, Meta(description="Opens the inquiry from now on.", examples=["b3BhcXVl"])]
