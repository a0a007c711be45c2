"""What in a new version of the API's description breaks clients that were made for the old one."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

UPPER_BOUNDS = ("maximum", "maxLength", "maxItems", "maxProperties")
LOWER_BOUNDS = ("minimum", "minLength", "minItems", "minProperties")
NULL = {"type": "null"}


def breaks(old: Schema, new: Schema) -> Iterator[str]:
    """One sentence for everything that a client of `old` relies on and `new` no longer holds.

    Another `info.version` announces such changes: then there is nothing to say.
    """
    if old["info"]["version"] == new["info"]["version"]:
        yield from _Comparison(old, new).operations()


class _Comparison:
    """Two documents side by side; requests must take what they took, answers must hold what they held."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new

    def operations(self) -> Iterator[str]:
        for path, item in self._old["paths"].items():
            for method, operation in item.items():
                where = f"{method.upper()} {path}"
                present = self._new["paths"].get(path, {}).get(method)
                if present is None:
                    yield f"{where} is gone"
                else:
                    yield from self._operation(where, operation, present)

    def _operation(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        if old["operationId"] != new["operationId"]:
            yield f"{where} is called {new['operationId']}, no longer {old['operationId']}"
        if {} in old.get("security", [{}]) and {} not in (new.get("security") or [{}]):
            yield f"{where} needs a token"
        yield from self._parameters(where, old.get("parameters", []), new.get("parameters", []))
        yield from self._request_body(where, old.get("requestBody"), new.get("requestBody"))
        for status, response in old["responses"].items():
            if status not in new["responses"]:
                if status < "400":
                    yield f"{where} no longer answers {status}"
            else:
                place = f"{where} {status}"
                yield from self._answer(place, _body(response), _body(new["responses"][status]))

    def _parameters(self, where: str, old: list[Any], new: list[Any]) -> Iterator[str]:
        before = {(parameter["in"], parameter["name"]): parameter for parameter in old}
        after = {(parameter["in"], parameter["name"]): parameter for parameter in new}
        for key, parameter in before.items():
            if key not in after:
                yield f"{where} no longer takes {key[1]}"
            else:
                yield from self._request(f"{where} {key[1]}", parameter["schema"], after[key]["schema"])
        for key, parameter in after.items():
            if parameter.get("required") and not before.get(key, {}).get("required"):
                yield f"{where} needs {key[1]}"

    def _request_body(self, where: str, old: Schema | None, new: Schema | None) -> Iterator[str]:
        if new and not old and new.get("required"):
            yield f"{where} needs a body"
        elif old and not new:
            yield f"{where} no longer takes a body"
        elif old and new:
            yield from self._request(where, _body(old), _body(new))

    def _request(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        old, new = _resolved(self._old, old), _resolved(self._new, new)
        for name in sorted(set(new.get("required", [])) - set(old.get("required", []))):
            yield f"{where} needs the field {name}"
        yield from _narrowed(where, old, new)
        for place, before, after in self._parts(where, old, new):
            if after is None:
                yield f"{place} is no longer taken"
            else:
                yield from self._request(place, before, after)

    def _answer(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        old, new = _resolved(self._old, old), _resolved(self._new, new)
        for name in sorted(set(old.get("required", [])) & new.get("properties", {}).keys()):
            if name not in new.get("required", []):
                yield f"{where}.{name} may be missing"
        if _types(old) and not _types(new) <= _types(old):
            yield f"{where} may be {' or '.join(sorted(_types(new) - _types(old)))}"
        for place, before, after in self._parts(where, old, new):
            if after is None:
                yield f"{place} is gone"
            else:
                yield from self._answer(place, before, after)

    def _parts(self, where: str, old: Schema, new: Schema) -> Iterator[tuple[str, Schema, Schema | None]]:
        for name, schema in old.get("properties", {}).items():
            yield f"{where}.{name}", schema, new.get("properties", {}).get(name)
        if "items" in old:
            yield f"{where}[]", old["items"], new.get("items", {})
        others = {_title(variant): variant for variant in _variants(new)}
        for variant in _variants(old):
            yield f"{where} {_title(variant)}", variant, others.get(_title(variant))


def _narrowed(where: str, old: Schema, new: Schema) -> Iterator[str]:
    if _types(new) and not _types(old) <= _types(new):
        yield f"{where} no longer takes {' or '.join(sorted(_types(old) - _types(new)))}"
    if "enum" in new and not set(old.get("enum", [None])) <= set(new["enum"]):
        yield f"{where} takes fewer values"
    for bound in UPPER_BOUNDS:
        if bound in new and new[bound] < old.get(bound, float("inf")):
            yield f"{where} has a lower {bound}"
    for bound in LOWER_BOUNDS:
        if bound in new and new[bound] > old.get(bound, float("-inf")):
            yield f"{where} has a higher {bound}"
    if new.get("pattern", old.get("pattern")) != old.get("pattern"):
        yield f"{where} must match another pattern"


def _body(holder: Schema) -> Schema:
    media: list[Schema] = list(holder.get("content", {}).values())
    schema: Schema = media[0].get("schema", {}) if media else {}
    return schema


def _resolved(document: Schema, schema: Schema) -> Schema:
    """The schema behind a reference, and what may be null as one schema of two types."""
    if "$ref" in schema:
        # A published document may lack a schema by a defect; a test holds the present one to having all of them.
        return _resolved(document, document["components"]["schemas"].get(schema["$ref"].rpartition("/")[2], {}))
    choices = [choice for choice in _variants(schema) if choice != NULL]
    if len(choices) == 1:
        only = _resolved(document, choices[0])
        return {**only, "types": _types(only) | ({"null"} if NULL in _variants(schema) else set())}
    return schema


def _types(schema: Schema) -> frozenset[str]:
    stated: frozenset[str] | None = schema.get("types")
    if stated is not None:
        return stated
    return frozenset({schema["type"]} if "type" in schema else {"string"} if "enum" in schema else ())


def _variants(schema: Schema) -> list[Schema]:
    variants: list[Schema] = schema.get("anyOf", [])
    return variants


def _title(variant: Schema) -> str:
    return str(variant.get("$ref", variant.get("type", ""))).rpartition("/")[2]
