"""Every operation of the published description, called by every role: the access table holds, and ids open nothing."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest

from edge_api.access import EVERYONE, OPEN
from edge_api.access import OPERATIONS as ALLOWED
from tests.edge_api.conftest import Newcomer
from tests.support.document import OPERATIONS, Operation
from tests.support.edge import Edge, problem

REFUSALS = {"urn:pok:problem:unauthenticated", "urn:pok:problem:forbidden"}
CANARY = "canary-7f3a"

# Operation with the id of an object that is not the caller's → role → the answer. Everyone may read the public view
# of inquiries, which holds nothing personal.
FOREIGN_OBJECT: dict[str, dict[str, int]] = {
    "get_inquiry": {"anonymous": 200, "user": 200, "support": 200, "admin": 200},
    "update_inquiry": {"anonymous": 401, "user": 403, "support": 200, "admin": 200},
}
SEES_THE_CANARY = {"support", "admin"}


async def called(api: Edge, operation: Operation, headers: dict[str, str], object_id: str) -> httpx.Response:
    body: dict[str, Any] = {"json": operation.good()} if operation.body else {}
    return await api.request(operation.method, operation.address(object_id), headers=headers, **body)


async def an_inquiry(api: Edge, _newcomer: Newcomer) -> str:
    """An inquiry that somebody without an account has sent; its texts hold a canary."""
    body = OPERATIONS["create_inquiry"].good()
    texts = dict.fromkeys(("customer_name", "subject", "message"), CANARY)
    answer = await api.post("/api/inquiries/create/", json={**body, **texts, "customer_email": f"{CANARY}@example.org"})
    inquiry_id: str = answer.raise_for_status().json()["id"]
    return inquiry_id


# Parameter of a path → makes an object for it.
OBJECTS: Mapping[str, Callable[[Edge, Newcomer], Awaitable[str]]] = {"inquiry_id": an_inquiry}

Foreign = Callable[[Operation], Awaitable[str]]


@pytest.fixture
def foreign(api: Edge, newcomer: Newcomer) -> Foreign:
    """Makes the id of somebody else's object for an operation."""

    async def make(operation: Operation) -> str:
        return await OBJECTS[operation.parameter](api, newcomer) if operation.has_object else ""

    return make


@pytest.mark.parametrize("role", sorted(EVERYONE))
@pytest.mark.parametrize("name", OPERATIONS)
async def test_operation_is_open_to_exactly_the_roles_of_the_table(
    api: Edge, newcomer: Newcomer, foreign: Foreign, name: str, role: str
) -> None:
    answer = await called(api, OPERATIONS[name], await newcomer(role), await foreign(OPERATIONS[name]))
    if name in OPEN or role in ALLOWED[name]:
        assert answer.status_code < 400 or answer.json()["type"] not in REFUSALS, answer.text
    elif role == "anonymous":
        problem(answer, 401, "unauthenticated")
    else:
        problem(answer, 403, "forbidden")


def test_every_operation_with_an_id_says_what_others_get() -> None:
    assert FOREIGN_OBJECT.keys() == {name for name, operation in OPERATIONS.items() if operation.has_object}


@pytest.mark.parametrize("role", sorted(EVERYONE))
@pytest.mark.parametrize("name", FOREIGN_OBJECT)
async def test_the_id_of_anothers_object_opens_nothing(
    api: Edge, newcomer: Newcomer, foreign: Foreign, name: str, role: str
) -> None:
    answer = await called(api, OPERATIONS[name], await newcomer(role), await foreign(OPERATIONS[name]))
    assert answer.status_code == FOREIGN_OBJECT[name][role], answer.text
    assert (CANARY in answer.text) == (answer.is_success and role in SEES_THE_CANARY)


@pytest.mark.parametrize("role", ["user", "support", "admin"])
@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - OPEN))
async def test_token_that_is_not_valid_is_refused_everywhere(
    api: Edge, newcomer: Newcomer, foreign: Foreign, name: str, role: str
) -> None:
    headers = await newcomer(role)
    changed = {"Authorization": headers["Authorization"][:-2] + "AA"}
    problem(await called(api, OPERATIONS[name], changed, await foreign(OPERATIONS[name])), 401, "bad-token")
