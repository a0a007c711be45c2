"""CatalogService: the taxonomy and the canned replies."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from pok.inquiry.v1 import catalog_pb2, catalog_pb2_grpc, knowledge_pb2

from inquiry_service.api import convert
from inquiry_service.domain.canned_replies import CannedReplies
from inquiry_service.domain.categories import Categories
from inquiry_service.storage.canned_replies import CannedReply
from inquiry_service.storage.records import Category
from runtime.rpc.context import principal

# What a mask may name → how it is read.
CATEGORY_FIELDS: Mapping[str, Callable[[knowledge_pb2.Category], Any]] = {
    "name_es": lambda category: category.name_es.strip(),
    "name_en": lambda category: category.name_en.strip(),
    "description": lambda category: category.description.strip(),
    "examples": lambda category: [example.strip() for example in category.examples],
    "inactive": lambda category: category.inactive,
    "position": lambda category: category.position,
}
NEW_CATEGORY = ("name_es", "name_en", "description", "examples")
REPLY_FIELDS: Mapping[str, Callable[[catalog_pb2.CannedReply], Any]] = {
    "title": lambda reply: reply.title.strip(),
    "body": lambda reply: reply.body.strip(),
    "language": lambda reply: reply.language.strip(),
    "category": lambda reply: reply.category or None,
}


class CatalogServicer(catalog_pb2_grpc.CatalogServiceServicer):
    """Converts, calls one operation, converts back."""

    def __init__(self, categories: Categories, replies: CannedReplies) -> None:
        self._categories = categories
        self._replies = replies

    async def ListCategories(
        self, request: catalog_pb2.ListCategoriesRequest, context: Any
    ) -> catalog_pb2.ListCategoriesResponse:
        """In display order."""
        return catalog_pb2.ListCategoriesResponse(categories=map(_for_caller, await self._categories.list()))

    async def GetCategory(
        self, request: catalog_pb2.GetCategoryRequest, context: Any
    ) -> catalog_pb2.GetCategoryResponse:
        """One category."""
        return catalog_pb2.GetCategoryResponse(category=_for_caller(await self._categories.get(request.key)))

    async def CreateCategory(
        self, request: catalog_pb2.CreateCategoryRequest, context: Any
    ) -> catalog_pb2.CreateCategoryResponse:
        """A new category."""
        fields = {name: CATEGORY_FIELDS[name](request.category) for name in NEW_CATEGORY}
        created = await self._categories.create(request.category.key, fields, principal())
        return catalog_pb2.CreateCategoryResponse(category=convert.category_message(created))

    async def UpdateCategory(
        self, request: catalog_pb2.UpdateCategoryRequest, context: Any
    ) -> catalog_pb2.UpdateCategoryResponse:
        """A changed category."""
        paths = convert.masked(request.update_mask, CATEGORY_FIELDS.keys())
        fields = convert.stored({name: CATEGORY_FIELDS[name](request.category) for name in sorted(paths)})
        updated = await self._categories.update(
            request.category.key, fields, principal(), if_version=request.if_version
        )
        return catalog_pb2.UpdateCategoryResponse(category=convert.category_message(updated))

    async def DeleteCategory(
        self, request: catalog_pb2.DeleteCategoryRequest, context: Any
    ) -> catalog_pb2.DeleteCategoryResponse:
        """One category less."""
        await self._categories.delete(request.key, principal())
        return catalog_pb2.DeleteCategoryResponse()

    async def ListCannedReplies(
        self, request: catalog_pb2.ListCannedRepliesRequest, context: Any
    ) -> catalog_pb2.ListCannedRepliesResponse:
        """By language and title."""
        listed = await self._replies.list(request.language, request.category, principal())
        return catalog_pb2.ListCannedRepliesResponse(canned_replies=map(_reply, listed))

    async def GetCannedReply(
        self, request: catalog_pb2.GetCannedReplyRequest, context: Any
    ) -> catalog_pb2.GetCannedReplyResponse:
        """One canned reply."""
        found = await self._replies.get(_id(request.id), principal())
        return catalog_pb2.GetCannedReplyResponse(canned_reply=_reply(found))

    async def CreateCannedReply(
        self, request: catalog_pb2.CreateCannedReplyRequest, context: Any
    ) -> catalog_pb2.CreateCannedReplyResponse:
        """A new canned reply."""
        fields = {name: read(request.canned_reply) for name, read in REPLY_FIELDS.items()}
        created = await self._replies.create(fields, principal())
        return catalog_pb2.CreateCannedReplyResponse(canned_reply=_reply(created))

    async def UpdateCannedReply(
        self, request: catalog_pb2.UpdateCannedReplyRequest, context: Any
    ) -> catalog_pb2.UpdateCannedReplyResponse:
        """A changed canned reply."""
        paths = convert.masked(request.update_mask, REPLY_FIELDS.keys())
        fields = {name: REPLY_FIELDS[name](request.canned_reply) for name in sorted(paths)}
        updated = await self._replies.update(
            _id(request.canned_reply.id), fields, principal(), if_version=request.if_version
        )
        return catalog_pb2.UpdateCannedReplyResponse(canned_reply=_reply(updated))

    async def DeleteCannedReply(
        self, request: catalog_pb2.DeleteCannedReplyRequest, context: Any
    ) -> catalog_pb2.DeleteCannedReplyResponse:
        """One canned reply less."""
        await self._replies.delete(_id(request.id), principal())
        return catalog_pb2.DeleteCannedReplyResponse()


def _for_caller(category: Category) -> knowledge_pb2.Category:
    message = convert.category_message(category)
    if not principal().is_staff:
        message.ClearField("description")
        message.ClearField("examples")
    return message


def _id(text: str) -> UUID:
    return convert.uuid_of(text, missing="There is no such canned reply.")


def _reply(reply: CannedReply) -> catalog_pb2.CannedReply:
    return catalog_pb2.CannedReply(
        id=str(reply.id),
        title=reply.title,
        body=reply.body,
        language=reply.language,
        category=reply.category or "",
        create_time=convert.timestamp(reply.create_time),
        update_time=convert.timestamp(reply.update_time),
        version=reply.version,
    )
