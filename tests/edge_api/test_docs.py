"""The documentation is complete, true, and comes from this process alone."""

import re
from typing import Any

import pytest

from edge_api.access import OPEN, OPERATIONS
from edge_api.document import FILES
from tests.support import document as published
from tests.support.edge import Edge

PAGES = ["/", "/api/docs/", "/api/redoc/"]


@pytest.fixture(scope="module")
async def document(api: Edge) -> dict[str, Any]:
    served: dict[str, Any] = (await api.get("/api/openapi.json")).raise_for_status().json()
    return served


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: {**operation, "path": path, "method": method}
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


@pytest.mark.parametrize("page", PAGES)
async def test_page_and_all_it_loads_come_from_here(api: Edge, page: str) -> None:
    answer = await api.get(page)
    assert answer.headers["Content-Type"].startswith("text/html")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert loaded
    for address in loaded:
        assert address.startswith("/")
        assert (await api.get(address)).status_code == 200


@pytest.mark.parametrize("page", PAGES)
async def test_page_has_no_inline_script_or_style(api: Edge, page: str) -> None:
    text = (await api.get(page)).text
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", text)


async def test_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


async def test_every_operation_is_described(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", name)
        assert operation["summary"] and operation["description"] and operation["tags"], name
        for parameter in operation.get("parameters", []):
            assert parameter["in"] == "path" or parameter["description"], (name, parameter)


async def test_documented_operations_are_those_of_the_access_table(document: dict[str, Any]) -> None:
    documented = operations(document)
    assert documented.keys() >= OPERATIONS.keys()
    assert documented.keys() <= OPERATIONS.keys() | OPEN


async def test_security_is_documented_as_the_access_table_has_it(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        needed = operation.get("security", [])
        if name in OPEN:
            assert needed == [], name
        else:
            assert {"bearer": []} in needed, name
            assert ({} in needed) == ("anonymous" in OPERATIONS[name]), name


async def test_every_error_is_documented_as_a_problem(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        for status, response in operation["responses"].items():
            media = ["application/problem+json"] if status >= "400" else list(FILES.get(name, ["application/json"]))
            assert list(response.get("content", {})) == ([] if status == "204" else media), (name, status)


async def test_every_parameter_of_the_list_is_documented(document: dict[str, Any]) -> None:
    names = {parameter["name"] for parameter in operations(document)["list_inquiries"]["parameters"]}
    assert names == {
        *("category", "sentiment", "status", "priority", "triage_state", "language", "assignee", "tag"),
        *("created_from", "created_before", "confidence_from", "confidence_below"),
        *("q", "ordering", "page_size", "page_token"),
    }


async def test_documented_paths_work_with_and_without_the_slash(api: Edge) -> None:
    for operation in published.OPERATIONS.values():
        bare = operation.address().rstrip("/")
        answers = [(await api.request("OPTIONS", address)).status_code for address in (bare, f"{bare}/")]
        assert answers == [204, 204], operation.path
