"""What the process says of itself."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class Index(Struct, frozen=True, kw_only=True):
    """Where things are."""

    name: Annotated[str, Meta(description="What answers.", examples=["POK"])] = "POK"
    version: Annotated[str, Meta(description="Its version.", examples=["0.1.0"])]
    docs: Annotated[str, Meta(description="The API, to try out.", examples=["/api/docs/"])] = "/api/docs/"
    redoc: Annotated[str, Meta(description="The API, to read.", examples=["/api/redoc/"])] = "/api/redoc/"
    openapi: Annotated[str, Meta(description="The API, for tools.", examples=["/api/openapi.json"])] = (
        "/api/openapi.json"
    )
    inquiries: Annotated[str, Meta(description="The inquiries.", examples=["/api/inquiries/"])] = "/api/inquiries/"


class Health(Struct, frozen=True):
    """The process is well."""

    status: Annotated[Literal["ok"], Meta(description="Always `ok`; otherwise a problem is answered.")] = "ok"


class WorkHealth(Struct, frozen=True, kw_only=True):
    """Work is done in time."""

    status: Annotated[Literal["ok"], Meta(description="Always `ok`; otherwise a problem is answered.")] = "ok"
    oldest_pending_seconds: Annotated[
        float, Meta(description="For how long the oldest inquiry that is due has waited; 0 if none is.", examples=[0.4])
    ]
    workers: Annotated[int, Meta(description="Workers that are alive.", examples=[2])]
