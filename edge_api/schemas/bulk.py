"""Changes of many inquiries at once."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from edge_api.schemas.fields import CategoryKey, Priority, Status, Tag, Uuid


class BulkFields(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields to change; those left out stay as they are."""

    category: CategoryKey | UnsetType = UNSET
    priority: Annotated[Priority, Meta(description="How soon an agent should look.")] | UnsetType = UNSET
    status: (
        Annotated[Status, Meta(description="Where the people are with it; nothing returns to `new`.")] | UnsetType
    ) = UNSET
    assignee_id: Annotated[Uuid | None, Meta(description="Account of the agent; null = nobody.")] | UnsetType = UNSET
    add_tags: Annotated[list[Tag], Meta(max_length=20, description="Tags to add to those that are there.")] = []
    remove_tags: Annotated[list[Tag], Meta(max_length=100, description="Tags to remove; absent ones are ignored.")] = []


class BulkChange(Struct, frozen=True, forbid_unknown_fields=True):
    """One change for many inquiries."""

    ids: Annotated[
        list[Uuid],
        Meta(
            min_length=1,
            max_length=100,
            description="UUIDs of the inquiries, each once.",
            examples=[["0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"]],
            extra_json_schema={"uniqueItems": True},
        ),
    ]
    change: Annotated[
        BulkFields, Meta(description="What to change; at least one field.", examples=[{"status": "open"}])
    ]


class BulkProblem(Struct, frozen=True, kw_only=True):
    """Why one of the inquiries was not changed, as the problem that it would have been alone."""

    type: Annotated[str, Meta(description="Stable identifier.", examples=["urn:pok:problem:illegal-transition"])]
    title: Annotated[str, Meta(description="What it is in general.", examples=["The status cannot change this way"])]
    status: Annotated[int, Meta(description="The HTTP status.", examples=[409])]
    detail: Annotated[
        str, Meta(description="What it is here.", examples=["An inquiry that is closed can become: open."])
    ]


class BulkItem(Struct, frozen=True, kw_only=True):
    """What became of one of the inquiries."""

    id: Annotated[Uuid, Meta(description="As it was asked for.")]
    version: Annotated[int | None, Meta(description="After the change; null if it was refused.", examples=[4])]
    problem: Annotated[BulkProblem | None, Meta(description="Why it was refused; null if it was not.")]


class BulkResult(Struct, frozen=True, kw_only=True):
    """What became of the inquiries."""

    items: Annotated[list[BulkItem], Meta(description="In the order of the request.")]
