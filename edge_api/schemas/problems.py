"""Errors as the API answers them (RFC 9457)."""

from typing import Annotated

from msgspec import Meta, Struct

from edge_api.schemas.inquiries import StaffInquiry


class FieldError(Struct, frozen=True):
    """One wrong field, parameter or header."""

    field: Annotated[str, Meta(description="Name of the field, parameter or header.", examples=["customer_email"])]
    message: Annotated[str, Meta(description="What is wrong with it.", examples=["must be an e-mail address"])]


class Problem(Struct, frozen=True, kw_only=True):
    """Why a request failed."""

    type: Annotated[str, Meta(description="Stable identifier.", examples=["urn:pok:problem:invalid-request"])]
    title: Annotated[str, Meta(description="The type in words.", examples=["The request is not valid"])]
    status: Annotated[int, Meta(description="The HTTP status.", examples=[400])]
    detail: Annotated[
        str, Meta(description="What went wrong this time.", examples=["customer_email must be an e-mail address."])
    ]
    request_id: Annotated[str, Meta(description="Name it when you ask for help.", examples=["0b6a7c5e9d"])]
    errors: Annotated[list[FieldError], Meta(description="Every wrong field; empty where no field is at fault.")]


class VersionMismatch(Problem, frozen=True, kw_only=True):
    """Why a change was refused: a person has changed one of its fields since the version in If-Match."""

    current: Annotated[StaffInquiry, Meta(description="The inquiry as it is now.")]
