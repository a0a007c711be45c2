"""What the handlers declare for the OpenAPI document, its head, and where it is served."""

import importlib.metadata
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request
from litestar.enums import OpenAPIMediaType
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme, Tag

from edge_api import access, document, problems, rates
from edge_api.schemas.problems import Problem

VERSION = importlib.metadata.version("pok")

DESCRIPTION = """
POK receives customer inquiries, classifies each one and drafts a reply.

* Paths work with and without the trailing slash. Times are ISO 8601 in UTC. Bodies are JSON of at most 256 kB,
  but for the files of an import; unknown fields are refused. Texts lose the white space around them.
* Send `Authorization: Bearer <access>` with the access token of `/api/token/`. A token that is not valid is answered
  with 401, also by operations that need none.
* Answers that count against a rate say what is left in `RateLimit` and `RateLimit-Policy`
  (draft-ietf-httpapi-ratelimit-headers-10); without a token the address counts, with one the account.
* Every GET may be a HEAD. An answer with an `ETag` can be asked for again with `If-None-Match`: 304 if it is the same.
* Every error is `application/problem+json` (RFC 9457) with a stable `type`, a sentence in `detail`, every wrong field
  in `errors`, and the `request_id` that is also in the header `X-Request-Id`.
"""

ERRORS: Mapping[int, str] = {
    400: "A field, parameter or header is wrong; `errors` says which.",
    401: "No access token, or one that is not valid.",
    403: "The role of the account does not allow it.",
    404: "There is no such thing, or the caller may not see it.",
    409: "The present state does not allow it.",
    412: "Somebody has changed it since the version in `If-Match`.",
    413: "The body is larger than 256 kB.",
    415: "The body is of another media type.",
    429: "Too many requests; `Retry-After` says when to try again.",
    500: "A defect on our side; it is logged under the request id.",
    503: "A service behind the edge cannot be reached; `Retry-After` says when to try again.",
    504: "A service behind the edge took too long.",
}
BACKEND_ERRORS = (500, 503, 504)
BODY_ERRORS = (400, 413, 415)


def operation(name: str, *errors: int, mismatch: type[Problem] = Problem) -> dict[str, Any]:
    """What every handler declares: its key in the access table, who may call it, and how it fails (412: `mismatch`)."""
    limited = (429,) if rates.WITHOUT_TOKEN.get(name, "signed_in") else ()
    statuses = sorted({*errors, *limited, *BACKEND_ERRORS})
    return {
        "operation_id": name,
        "security": access.security(name),
        "responses": {status: _error(status, mismatch if status == 412 else Problem) for status in statuses},
    }


def config() -> OpenAPIConfig:
    """The document's head; served at /api/openapi.json."""
    return OpenAPIConfig(
        title="POK",
        version=VERSION,
        summary="An intelligent customer-service inbox.",
        description=DESCRIPTION.strip(),
        license=License(name="Apache 2.0", identifier="Apache-2.0"),
        components=Components(
            security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
        ),
        tags=[
            Tag(name="inquiries", description="What customers send and agents work on."),
            Tag(name="conversation", description="What customers and agents write to each other, and the AI's draft."),
            Tag(name="tracking", description="The private link that opens one inquiry for its customer."),
            Tag(name="live", description="What happens, as it happens."),
            Tag(name="erasure", description="Erasing people for good."),
            Tag(name="categories", description="The taxonomy that the AI works by."),
            Tag(name="canned replies", description="Texts that agents insert with a few keys."),
            Tag(name="accounts", description="Registering, logging in and out, one's own account."),
            Tag(name="users", description="Other people's accounts, for admins."),
            Tag(name="statistics", description="Numbers over a period, compared with the one before."),
            Tag(name="queue", description="What waits for the AI and since when, who works, what failed and why."),
            Tag(name="settings", description="What admins change while everything runs."),
            Tag(name="audit", description="Who did what, for admins."),
            Tag(name="operation", description="For those who run it."),
        ],
        use_handler_docstrings=True,
        path="/api/openapi.json",
        render_plugins=[Document()],
    )


class Document(OpenAPIRenderPlugin):
    """Answers the document as JSON."""

    def __init__(self) -> None:
        # The second path is Litestar's own name for it; without it, it would add a plugin of its own.
        super().__init__(path=["/", "/openapi.json"], media_type=OpenAPIMediaType.OPENAPI_JSON)
        self._rendered: bytes | None = None

    def render(self, _request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The document, made at the first call."""
        if self._rendered is None:
            self._rendered = msgspec.json.encode(document.completed(openapi_schema))
        return self._rendered


def _error(status: int, problem: type[Problem]) -> ResponseSpec:
    return ResponseSpec(
        problem,
        description=ERRORS[status],
        media_type=problems.MEDIA_TYPE,
        generate_examples=False,
    )
