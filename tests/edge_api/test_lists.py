"""Lists over HTTP: filters, orderings, and that none of them tells a reader without an account what is hidden."""

import uuid
from typing import Any

import pytest

from tests.edge_api.conftest import Login
from tests.edge_api.test_inquiries import created
from tests.support.document import OPERATIONS
from tests.support.edge import Edge, problem
from tests.support.inquiry import Service

LIST = "/api/inquiries/"
CANARY = "kanarienvogel"
AGENT = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"

# What the public view does not show, as it is on one inquiry and then on the same one later.
HIDDEN = """
update inquiry set customer_name = $2, customer_email = $2, subject = $2, snippet = $2, external_id = $2,
    sentiment = 'negative', sentiment_score = -1, category_confidence = 0.001, assignee_id = $3, tags = array[$2]
where id = $1"""

# A value of each parameter that would single out the inquiry whose hidden fields have become those.
SINGLED_OUT: dict[str, str] = {
    "q": CANARY,
    "sentiment": "negative",
    "assignee": AGENT,
    "tag": CANARY,
    "confidence_from": "0.0005",
    "confidence_below": "0.0015",
    "category": "",
    "status": "new",
    "priority": "normal",
    "triage_state": "queued",
    "language": "es",
    "created_from": "2026-01-01T00:00:00Z",
    "created_before": "2100-01-01T00:00:00Z",
    "ordering": "-priority",
    "page_size": "100",
    "page_token": "",
}


async def listed(api: Edge, headers: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    answer = await api.get(LIST, params={"page_size": "100", **query}, headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_every_parameter_has_its_canary() -> None:
    assert {parameter["name"] for parameter in OPERATIONS["list_inquiries"].declared["parameters"]} == set(SINGLED_OUT)


@pytest.mark.parametrize("name", SINGLED_OUT)
async def test_no_parameter_tells_the_public_of_what_it_cannot_see(api: Edge, service: Service, name: str) -> None:
    inquiry_id = (await created(api))["id"]

    async def told() -> Any:
        answer = await api.get(LIST, params={"page_size": "100", name: SINGLED_OUT[name]})
        if answer.status_code != 200:
            return answer.status_code
        page = answer.json()
        return [item["id"] for item in page["items"]], page["total"]

    before = await told()
    await service.sql(HIDDEN, inquiry_id, CANARY, uuid.UUID(AGENT))
    await service.sql("insert into inquiry_tag (tag, inquiry_id) values ($1, $2)", CANARY, inquiry_id)
    try:
        assert await told() == before
    finally:
        await service.sql("delete from inquiry_tag where inquiry_id = $1", inquiry_id)
        await service.sql("update inquiry set external_id = null where id = $1", inquiry_id)


@pytest.mark.parametrize("name", ["sentiment", "assignee", "tag", "confidence_from", "confidence_below"])
async def test_filter_by_what_the_view_lacks_is_refused(api: Edge, headers_of: Login, name: str) -> None:
    query = {name: SINGLED_OUT[name]}
    problem(await api.get(LIST, params=query), 401, "unauthenticated")
    problem(await api.get(LIST, params=query, headers=await headers_of("user")), 403, "forbidden")
    assert (await api.get(LIST, params=query, headers=await headers_of("support"))).status_code == 200


async def test_customers_do_not_see_priorities_and_so_cannot_order_by_them(api: Edge, headers_of: Login) -> None:
    user = await headers_of("user")
    problem(await api.get(LIST, params={"ordering": "-priority"}, headers=user), 403, "forbidden")
    assert (await api.get(LIST, params={"ordering": "-update_time"}, headers=user)).status_code == 200


async def test_me_and_none_stand_for_the_caller_and_for_nobody(api: Edge, service: Service, headers_of: Login) -> None:
    headers = await headers_of("support")
    (agent,) = await service.sql("select id from account where email = 'support@example.org'")
    mine, anybodys = (await created(api))["id"], (await created(api))["id"]
    change = {"assignee_id": str(agent["id"]), "add_tags": [(tag := uuid.uuid4().hex)]}
    await api.patch(f"{LIST}{mine}/", json=change, headers=headers)
    await api.patch(f"{LIST}{anybodys}/", json={"add_tags": [tag]}, headers=headers)
    for assignee, expected in {
        "me": [mine],
        "none": [anybodys],
        "me,none": [anybodys, mine],
        str(agent["id"]): [mine],
        AGENT: [],
    }.items():
        found = await listed(api, headers, assignee=assignee, tag=tag)
        assert [item["id"] for item in found] == expected, assignee
    problem(await api.get(LIST, params={"assignee": "me"}), 401, "unauthenticated")


async def test_range_and_confidence_are_read_as_numbers_and_times(api: Edge, headers_of: Login) -> None:
    headers, inquiry = await headers_of("support"), await created(api)
    found = await listed(api, headers, created_from=inquiry["create_time"], ordering="create_time")
    assert found[0]["id"] == inquiry["id"]
    assert await listed(api, headers, created_before=inquiry["create_time"], created_from=inquiry["create_time"]) == []
    assert all(item["category_confidence"] is not None for item in await listed(api, headers, confidence_from="0"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("created_from", "yesterday"),
        ("created_from", "2026-13-01T00:00:00Z"),
        ("created_before", "2026-01-01T00:00:00"),
        ("confidence_from", "2"),
        ("confidence_below", "nan"),
        ("confidence_below", "x"),
        ("assignee", "you"),
        ("ordering", "subject"),
        ("tag", "x" * 51),
    ],
)
async def test_wrong_value_is_refused_by_name(api: Edge, headers_of: Login, name: str, value: str) -> None:
    answer = await api.get(LIST, params={name: value}, headers=await headers_of("support"))
    assert problem(answer, 400, "invalid-request")["errors"][0]["field"] == name
