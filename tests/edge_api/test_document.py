"""The committed description of the API is the served one, and what it says by example is true."""

from typing import Any

import jsonschema_rs
import pytest

from tests.support.document import DOCUMENT, OPERATIONS, SCHEMAS, example, resolved
from tests.support.edge import Edge

PARAMETERS = {
    f"{name} {parameter['name']}": parameter
    for name, operation in OPERATIONS.items()
    for parameter in operation.declared["parameters"]
}


def refusals(schema: dict[str, Any], value: Any) -> list[str]:
    """Why the schema refuses the value."""
    complete = {**schema, "components": DOCUMENT["components"]}
    validator = jsonschema_rs.Draft202012Validator(complete, validate_formats=True)
    return [error.message for error in validator.iter_errors(value)]


async def test_committed_description_is_the_served_one(api: Edge) -> None:
    served = (await api.get("/api/openapi.json")).json()
    assert served == DOCUMENT, "run `make openapi`"


@pytest.mark.parametrize("path", DOCUMENT["paths"])
async def test_options_names_every_method_of_a_path(api: Edge, path: str) -> None:
    documented = {operation.method: operation.address() for operation in OPERATIONS.values() if operation.path == path}
    answer = await api.options(next(iter(documented.values())))
    assert answer.status_code == 204
    assert set(answer.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"} == documented.keys()


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_has_a_description(name: str) -> None:
    for field, schema in SCHEMAS[name]["properties"].items():
        spoken = [schema, *schema.get("anyOf", [])]
        assert any("description" in choice for choice in spoken), field


@pytest.mark.parametrize("name", SCHEMAS)
def test_examples_of_a_schema_are_valid(name: str) -> None:
    assert refusals(SCHEMAS[name], example(SCHEMAS[name])) == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_example_of_a_field_is_valid(name: str) -> None:
    for field, schema in SCHEMAS[name]["properties"].items():
        for given in schema.get("examples", []):
            assert refusals(schema, given) == [], field


@pytest.mark.parametrize("name", PARAMETERS)
def test_examples_of_a_parameter_are_valid(name: str) -> None:
    schema = PARAMETERS[name]["schema"]
    for given in schema.get("examples", []):
        assert refusals(schema, given) == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_answers_with_a_body_have_a_schema_of_a_name(name: str) -> None:
    for status, response in OPERATIONS[name].declared["responses"].items():
        media_types = response.get("content", {}).items()
        for media in (media for name, media in media_types if name.endswith("json")):
            for choice in media["schema"].get("anyOf", [media["schema"]]):
                assert resolved(choice)["title"], status


def test_schema_that_is_wrong_would_be_noticed() -> None:
    assert refusals(SCHEMAS["NewInquiry"], {"unknown": 1})
