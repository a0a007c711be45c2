"""Changes that break clients are told from those that do not."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from edge_api.compatibility import breaks
from tests.support.document import DOCUMENT

Change = Callable[[dict[str, Any]], Any]


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def fields(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = schema(document, name)["properties"]
    return found


def listing(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"]["/api/inquiries/"]["get"]
    return found


BREAKING: dict[str, Change] = {
    "path removed": lambda new: new["paths"].pop("/api/register/"),
    "method removed": lambda new: new["paths"]["/api/inquiries/{inquiry_id}/"].pop("patch"),
    "operation renamed": lambda new: listing(new).update(operationId="get_inquiries"),
    "token needed": lambda new: listing(new).update(security=[{"bearer": []}]),
    "parameter removed": lambda new: listing(new)["parameters"].pop(),
    "parameter needed": lambda new: listing(new)["parameters"][0].update(required=True),
    "body no longer taken": lambda new: new["paths"]["/api/register/"]["post"].pop("requestBody"),
    "success status changed": lambda new: listing(new)["responses"].update(
        {"206": listing(new)["responses"].pop("200")}
    ),
    "field needed": lambda new: schema(new, "NewInquiry")["required"].append("external_id"),
    "field no longer taken": lambda new: fields(new, "NewInquiry").pop("external_id"),
    "text may be less long": lambda new: fields(new, "NewInquiry")["subject"].update(maxLength=100),
    "text must be longer": lambda new: fields(new, "Registration")["password"].update(minLength=12),
    "text of another pattern": lambda new: fields(new, "NewInquiry")["subject"].update(pattern="^[a-z]+$"),
    "bound where there was none": lambda new: fields(new, "InquiryChange")["status"].update(maxLength=3),
    "value no longer taken": lambda new: fields(new, "InquiryChange")["status"]["enum"].remove("spam"),
    "null no longer taken": lambda new: fields(new, "InquiryChange")["assignee_id"]["anyOf"].pop(),
    "other type taken": lambda new: fields(new, "NewInquiry")["subject"].update(type="integer"),
    "items narrowed": lambda new: fields(new, "InquiryChange")["add_tags"]["items"].update(maxLength=5),
    "field gone": lambda new: fields(new, "StaffInquiry").pop("version"),
    "field may be missing": lambda new: schema(new, "StaffInquiry")["required"].remove("version"),
    "field of a nested schema gone": lambda new: fields(new, "Alternative").pop("confidence"),
    "field may be null": lambda new: fields(new, "StaffInquiry").update(
        version={"anyOf": [{"type": "integer"}, {"type": "null"}]}
    ),
    "field of another type": lambda new: fields(new, "StaffInquiry")["version"].update(type="string"),
    "view gone": lambda new: listing(new)["responses"]["200"]["content"]["application/json"]["schema"]["anyOf"].pop(),
}
HARMLESS: dict[str, Change] = {
    "nothing": lambda new: None,
    "path added": lambda new: new["paths"].update({"/api/new/": {}}),
    "optional parameter added": lambda new: listing(new)["parameters"].append(
        {"name": "new", "in": "query", "required": False, "schema": {"type": "string"}}
    ),
    "optional field taken": lambda new: fields(new, "NewInquiry").update(new={"type": "string"}),
    "field answered": lambda new: fields(new, "StaffInquiry").update(new={"type": "string"}),
    "longer text taken": lambda new: fields(new, "NewInquiry")["subject"].update(maxLength=1000),
    "field no longer needed": lambda new: schema(new, "NewInquiry")["required"].remove("subject"),
    "value added": lambda new: fields(new, "InquiryChange")["status"]["enum"].append("waiting"),
    "field never null": lambda new: fields(new, "StaffInquiry")["category"]["anyOf"].pop(),
    "error added": lambda new: listing(new)["responses"].update({"418": {"content": {}}}),
    "words": lambda new: listing(new).update(summary="Another summary"),
}


def changed(change: Change) -> dict[str, Any]:
    new = copy.deepcopy(DOCUMENT)
    change(new)
    return new


@pytest.mark.parametrize("what", BREAKING)
def test_change_that_breaks_clients_is_named(what: str) -> None:
    assert list(breaks(DOCUMENT, changed(BREAKING[what])))


@pytest.mark.parametrize("what", HARMLESS)
def test_change_that_breaks_nobody_passes(what: str) -> None:
    assert list(breaks(DOCUMENT, changed(HARMLESS[what]))) == []


def test_another_version_may_break() -> None:
    new = changed(BREAKING["path removed"])
    new["info"]["version"] = "99.0.0"
    assert list(breaks(DOCUMENT, new)) == []
