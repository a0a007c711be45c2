"""The OpenAPI document: what Litestar derives from the handlers, completed where it does not know or tells less."""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import msgspec

from edge_api import problems, schemas
from edge_api.schemas.accounts import UserQuery
from edge_api.schemas.catalog import CannedReplyQuery
from edge_api.schemas.conversation import MessageQuery
from edge_api.schemas.decisions import RunQuery
from edge_api.schemas.explanation import ExplanationQuery
from edge_api.schemas.journal import AuditExportQuery, AuditQuery, EventQuery
from edge_api.schemas.lists import InquiryQuery
from edge_api.schemas.live import StreamQuery
from edge_api.schemas.queue import JobQuery
from edge_api.schemas.similar import SimilarQuery
from edge_api.schemas.statistics import SeriesQuery, StatisticsQuery
from edge_api.schemas.transfer import IMPORT_EXAMPLES, ExportQuery, ImportQuery

SCHEMAS: tuple[ModuleType, ...] = tuple(
    importlib.import_module(f"{schemas.__name__}.{module.name}") for module in pkgutil.iter_modules(schemas.__path__)
)
QUERIES: Mapping[str, type[msgspec.Struct]] = {
    "list_inquiries": InquiryQuery,
    "list_messages": MessageQuery,
    "import_inquiries": ImportQuery,
    "export_inquiries": ExportQuery,
    "list_users": UserQuery,
    "list_inquiry_events": EventQuery,
    "list_inquiry_runs": RunQuery,
    "explain_inquiry_category": ExplanationQuery,
    "list_similar_inquiries": SimilarQuery,
    "list_audit_entries": AuditQuery,
    "export_audit_entries": AuditExportQuery,
    "stream_events": StreamQuery,
    "list_canned_replies": CannedReplyQuery,
    "list_queue_jobs": JobQuery,
    "get_statistics": StatisticsQuery,
    "get_statistic_series": SeriesQuery,
}
"""Operation → the Struct of its query string; Litestar knows single parameters only."""

FILES: Mapping[str, tuple[str, ...]] = {
    "export_audit_entries": ("text/csv", "application/jsonl"),
    "export_inquiries": ("text/csv", "application/jsonl", "application/json"),
    "stream_draft": ("text/event-stream",),
    "stream_events": ("text/event-stream",),
}
"""Operation → the media types of the file or stream that it answers; which of several, its `format` says."""

TEXT = {"type": "string"}
WHOLE: Mapping[str, Mapping[str, Any]] = {
    "text/event-stream": {
        "type": "object",
        "description": "Each of the events; its data is JSON.",
        "properties": {"event": TEXT, "data": TEXT},
        "required": ["event", "data"],
    }
}
"""Media type → the schema of what is more than a text."""

UPLOADS: Mapping[str, Mapping[str, str]] = {"import_inquiries": IMPORT_EXAMPLES}
"""Operation → media type of the file that it takes → an example."""

REFERENCE = "#/components/schemas/{name}"
RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}}
ERROR_HEADERS: Mapping[str, Mapping[str, Any]] = {
    "401": {"WWW-Authenticate": {"description": "How to prove who calls.", "schema": {"type": "string"}}},
    "429": RETRY_AFTER,
    "503": RETRY_AFTER,
}


def completed(derived: dict[str, Any]) -> dict[str, Any]:
    """The document as it is served."""
    paths = {_path(path): _item(item) for path, item in derived["paths"].items()}
    components = {**derived["components"], "schemas": _schemas(derived["components"]["schemas"])}
    return {**derived, "paths": paths, "components": components}


def _path(path: str) -> str:
    return path if "health" in path else f"{path}/"


def _item(item: dict[str, Any]) -> dict[str, Any]:
    return {method: _operation(declared) for method, declared in item.items()}


def _operation(declared: dict[str, Any]) -> dict[str, Any]:
    name = declared["operationId"]
    parameters = [_parameter(parameter) for parameter in declared.get("parameters", [])]
    if name in QUERIES:
        parameters += _query_parameters(QUERIES[name])
    responses = {status: _response(status, response) for status, response in declared["responses"].items()}
    if name in FILES:
        whole = responses["200"]["content"]
        responses["200"]["content"] = {
            media: whole[media] if media in whole and media not in WHOLE else {"schema": WHOLE.get(media, TEXT)}
            for media in FILES[name]
        }
    complete = {**declared, "parameters": parameters, "responses": responses}
    if name in UPLOADS:
        content = {media: {"schema": TEXT, "example": file} for media, file in UPLOADS[name].items()}
        complete["requestBody"] = {"required": True, "content": content}
    return complete


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    schema = dict(parameter["schema"])
    schema.pop("description", None)  # it stands in the parameter
    # An optional header is absent, not null.
    for choice in schema.pop("oneOf", []):
        schema.update(choice if choice != {"type": "null"} else {})
    return {**parameter, "schema": schema}


def _query_parameters(query: type[msgspec.Struct]) -> list[dict[str, Any]]:
    _, components = msgspec.json.schema_components([query])
    properties = components[query.__name__]["properties"]
    return [
        {"name": name, "in": "query", "required": False, "description": schema.pop("description"), "schema": schema}
        for name, schema in properties.items()
    ]


def _response(status: str, response: dict[str, Any]) -> dict[str, Any]:
    headers = {name: {**header, "schema": {"type": "string"}} for name, header in response.get("headers", {}).items()}
    complete = {**response, "headers": {**headers, **ERROR_HEADERS.get(status, {})}}
    if status == "204":
        complete.pop("content", None)
    else:
        media = response["content"].items()
        complete["content"] = {name: {**body, "schema": _any_of(body["schema"])} for name, body in media}
    return complete


def _any_of(schema: dict[str, Any]) -> dict[str, Any]:
    # What staff see fits the public view as well: "one of" would be wrong.
    return {"anyOf": schema["oneOf"]} if "oneOf" in schema else schema


def _schemas(derived: Mapping[str, Any]) -> dict[str, Any]:
    # Litestar's own schemas lose the bounds of a list's items and of what may be null, and that unknown fields are
    # refused; msgspec's say exactly what it accepts.
    structs = [struct for module in SCHEMAS for struct in _structs(module) if struct.__name__ in derived]
    _, schemas = msgspec.json.schema_components(structs, ref_template=REFERENCE)
    some_field = {struct.__name__ for struct in structs if struct.__name__.endswith("Change")} | {"NewErasure"}
    for name in schemas.keys() & some_field:
        schemas[name]["minProperties"] = 1
    if "Retry" in schemas:  # either of its fields, which msgspec cannot say
        schemas["Retry"]["oneOf"] = [{"required": [name]} for name in schemas["Retry"]["properties"]]
    for name in ("Problem", "VersionMismatch"):
        schemas[name]["properties"]["type"]["description"] = _problem_types()
    return {name: schemas[name] for name in sorted(schemas)}


def _structs(module: ModuleType) -> list[type[msgspec.Struct]]:
    return [
        value
        for _, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, msgspec.Struct) and value.__module__ == module.__name__
    ]


def _problem_types() -> str:
    rows = (f"| `{problems.type_of(kind)}` | {kind.status} | {kind.title} |" for kind in problems.KINDS)
    return "\n".join(["Stable identifier, at present one of:", "", "| type | status | title |", "|---|---|---|", *rows])
