"""The taxonomy."""

from typing import Annotated

from google.protobuf.field_mask_pb2 import FieldMask
from litestar import Response, delete, get, patch, post
from litestar.datastructures import ResponseHeader
from litestar.params import Parameter
from pok.inquiry.v1 import catalog_pb2, knowledge_pb2

from edge_api import versions
from edge_api.body import EdgeRequest, sent
from edge_api.openapi import BODY_ERRORS, operation
from edge_api.schemas.catalog import (
    CategoryChange,
    NewCategory,
    PublicCategory,
    PublicCategoryList,
    StaffCategory,
    StaffCategoryList,
)
from runtime.rpc import context

Key = Annotated[str, Parameter(description="Key of the category.")]
IfMatch = Annotated[str | None, versions.if_match("Refused with 412 if it has changed since")]
LOCATION = ResponseHeader(name="Location", documentation_only=True, description="Path of the category.")


@get(
    "/api/categories",
    summary="List categories",
    tags=["categories"],
    response_description="The taxonomy.",
    **operation("list_categories", 401),
)
async def list_categories(request: EdgeRequest) -> StaffCategoryList | PublicCategoryList:
    """All of them in display order: keys and names for everybody, for staff also what the AI is told."""
    response = await request.backend.catalog.ListCategories(catalog_pb2.ListCategoriesRequest())
    if context.principal().is_staff:
        return StaffCategoryList([_staff(category) for category in response.categories])
    return PublicCategoryList([_public(category) for category in response.categories])


@post(
    "/api/categories",
    summary="Add a category",
    tags=["categories"],
    response_description="The category exists.",
    response_headers=[LOCATION],
    **operation("create_category", 401, 403, 409, *BODY_ERRORS),
)
async def create_category(request: EdgeRequest, data: NewCategory) -> Response[StaffCategory]:
    """Adds it at the end of the display order. The AI uses it within seconds."""
    category = knowledge_pb2.Category(
        key=data.key,
        name_es=data.name_es,
        name_en=data.name_en,
        description=data.description,
        examples=data.examples,
    )
    response = await request.backend.catalog.CreateCategory(catalog_pb2.CreateCategoryRequest(category=category))
    headers = {"Location": f"/api/categories/{data.key}/"}
    return Response(_staff(response.category), status_code=201, headers=headers)


@get(
    "/api/categories/{key:str}",
    summary="Read a category",
    tags=["categories"],
    response_description="The category.",
    response_headers=[versions.ETAG],
    **operation("get_category", 400, 401, 404),
)
async def get_category(request: EdgeRequest, key: Key) -> Response[StaffCategory | PublicCategory]:
    """Key and names for everybody, for staff also what the AI is told."""
    response = await request.backend.catalog.GetCategory(catalog_pb2.GetCategoryRequest(key=key))
    if context.principal().is_staff:
        return Response(_staff(response.category), headers=versions.entity_tag(response.category.version))
    return Response(_public(response.category))


@patch(
    "/api/categories/{key:str}",
    summary="Change a category",
    tags=["categories"],
    response_description="The category as it is now.",
    response_headers=[versions.ETAG],
    **operation("update_category", 401, 403, 404, 409, 412, *BODY_ERRORS),
)
async def update_category(
    request: EdgeRequest, key: Key, data: CategoryChange, if_match: IfMatch = None
) -> Response[StaffCategory]:
    """Sets the fields that are sent; the AI works by them within seconds. Another position moves the others."""
    values = sent(data)
    if "active" in values:
        values["inactive"] = not values.pop("active")
    response = await request.backend.catalog.UpdateCategory(
        catalog_pb2.UpdateCategoryRequest(
            category=knowledge_pb2.Category(key=key, **values),
            update_mask=FieldMask(paths=list(values)),
            if_version=versions.if_version(if_match),
        )
    )
    return Response(_staff(response.category), headers=versions.entity_tag(response.category.version))


@delete(
    "/api/categories/{key:str}",
    summary="Remove a category",
    tags=["categories"],
    response_description="The category is gone.",
    **operation("delete_category", 400, 401, 403, 404, 409),
)
async def delete_category(request: EdgeRequest, key: Key) -> None:
    """Removes one that no inquiry has; one in use can be switched off instead."""
    await request.backend.catalog.DeleteCategory(catalog_pb2.DeleteCategoryRequest(key=key))


def _public(category: knowledge_pb2.Category) -> PublicCategory:
    return PublicCategory(
        key=category.key, name_es=category.name_es, name_en=category.name_en, active=not category.inactive
    )


def _staff(category: knowledge_pb2.Category) -> StaffCategory:
    return StaffCategory(
        key=category.key,
        name_es=category.name_es,
        name_en=category.name_en,
        description=category.description,
        examples=list(category.examples),
        active=not category.inactive,
        position=category.position,
        version=category.version,
    )
