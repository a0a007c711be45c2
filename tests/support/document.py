"""The published description of the REST API, as tests that cover every operation read it."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from edge_api.published import FILE

DOCUMENT: dict[str, Any] = json.loads(FILE.read_text())
SCHEMAS: dict[str, dict[str, Any]] = DOCUMENT["components"]["schemas"]
NOBODY = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"
"""An id that no object has."""


class Operation(NamedTuple):
    """One method of one path; `body` is the schema of the JSON that it takes, empty if it takes none.

    `upload` holds the media type and an example of the file that it takes instead, empty if it takes none.
    """

    name: str
    method: str
    path: str
    declared: dict[str, Any]
    body: dict[str, Any]
    upload: tuple[str, ...]

    @property
    def has_object(self) -> bool:
        """Whether its path names one object."""
        return "{" in self.path

    @property
    def parameter(self) -> str:
        """The name of the parameter in its path."""
        return self.path.partition("{")[2].partition("}")[0].partition(":")[0]

    def address(self, object_id: str = "") -> str:
        """Its path for this object and the first of what belongs to it; without one, for what there is in any case."""
        before, brace, after = self.path.partition("{")
        if not object_id:
            schemas = [parameter["schema"] for parameter in self.declared["parameters"] if parameter["in"] == "path"]
            object_id = next((schema["enum"][0] for schema in schemas if "enum" in schema), NOBODY)
        return before + object_id + re.sub(r"{.*?}", "1", after.partition("}")[2]) if brace else before

    def good(self) -> dict[str, Any]:
        """The least body that it takes."""
        fields = self.body["properties"]
        names = self.body["required"] or list(fields)[:1]
        return {name: example(fields[name]) for name in names}

    def content(self) -> dict[str, Any]:
        """The least content of a request that it takes, as httpx sends it."""
        if self.upload:
            media, file = self.upload
            return {"content": file.encode(), "headers": {"Content-Type": media}}
        return {"json": self.good()} if self.body else {}

    def text(self) -> str:
        """The last text among the fields of the least body: passwords and messages rather than addresses."""
        return self.texts()[-1]

    def texts(self) -> list[str]:
        """The texts among the fields of the least body."""
        return [name for name in self.good() if self.body["properties"][name].get("type") == "string"]


def operations(document: dict[str, Any] = DOCUMENT) -> Iterator[Operation]:
    """Every operation of the document."""
    for path, item in document["paths"].items():
        for method, declared in item.items():
            content = declared.get("requestBody", {}).get("content", {})
            body = resolved(content.get("application/json", {}).get("schema", {}))
            uploads = [(media, described["example"]) for media, described in content.items() if "example" in described]
            upload = uploads[0] if uploads else ()
            yield Operation(declared["operationId"], method.upper(), path, declared, body, upload)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference names."""
    return SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def example(schema: dict[str, Any]) -> Any:
    """A value that the schema takes, from the examples that the document gives to readers."""
    schema = resolved(schema)
    for choice in (schema, *schema.get("anyOf", [])):
        if "examples" in choice:
            return choice["examples"][0]
    if "anyOf" in schema:
        return example(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "object":
            left_out = {name for other in schema.get("oneOf", [])[1:] for name in other["required"]}
            fields = schema["properties"].items()
            return {name: example(field) for name, field in fields if name not in left_out}
        case "array":
            return [example(schema["items"])]
        case "boolean":
            return True
    raise AssertionError(f"there is no example for {schema}")


OPERATIONS = {operation.name: operation for operation in operations()}
WRITES = {name: operation for name, operation in OPERATIONS.items() if operation.body}
TEXT_WRITES = {name: operation for name, operation in WRITES.items() if operation.texts()}
