"""Pages for people: landing page, API documentation. Everything comes from this process, nothing from elsewhere."""

import importlib.util
from pathlib import Path

from litestar import MediaType, Response, Router, get
from litestar.datastructures import CacheControlHeader
from litestar.static_files import create_static_files_router

from edge_api.openapi import VERSION
from edge_api.schemas.operation import Index

STATIC = Path(__file__).parent.parent / "static"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Both documentation tools write style elements; ReDoc searches in a worker that it makes from a blob.
DOCS_POLICY = PAGE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'") + "; worker-src blob:"


@get("/api", summary="Where things are", operation_id="get_index", tags=["operation"])
async def get_index() -> Index:
    """The version that answers, and the addresses of the documentation."""
    return Index(version=VERSION)


@get("/", operation_id="show_landing_page", include_in_schema=False)
async def show_landing_page() -> Response[bytes]:
    """What is running here, until the dashboard takes its place."""
    return _page("landing.html", PAGE_POLICY)


@get("/api/docs", operation_id="show_swagger_ui", include_in_schema=False)
async def show_swagger_ui() -> Response[bytes]:
    """The API, to try out."""
    return _page("swagger.html", DOCS_POLICY)


@get("/api/redoc", operation_id="show_redoc", include_in_schema=False)
async def show_redoc() -> Response[bytes]:
    """The API, to read."""
    return _page("redoc.html", DOCS_POLICY)


def static_files() -> Router:
    """Our own files and those of Swagger UI and ReDoc, out of the installed package (whose Django is not imported)."""
    package = importlib.util.find_spec("drf_spectacular_sidecar")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("the package drf-spectacular-sidecar is not installed")
    documentation = Path(package.submodule_search_locations[0]) / "static" / "drf_spectacular_sidecar"
    return create_static_files_router(
        path="/static",
        directories=[STATIC, documentation],
        name="static_files",
        cache_control=CacheControlHeader(public=True, max_age=3600),
        include_in_schema=False,
    )


def _page(name: str, policy: str) -> Response[bytes]:
    return Response(
        (STATIC / name).read_bytes(),
        media_type=MediaType.HTML,
        headers={"Content-Security-Policy": policy, "Cache-Control": "no-cache"},
    )
