"""Every operation of the published description, called by every role: the access table holds, and ids open nothing."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import httpx
import pytest

from edge_api.access import ADMIN, EVERYONE, OPEN, STAFF
from edge_api.access import OPERATIONS as ALLOWED
from runtime.rpc.context import Role
from tests.edge_api.conftest import Newcomer
from tests.support.document import OPERATIONS, Operation
from tests.support.edge import Edge, problem
from tests.support.inquiry import Service

REFUSALS = {"urn:pok:problem:unauthenticated", "urn:pok:problem:forbidden"}
CANARY = "canary-7f3a"

# Operation with the id of an object that is not the caller's → role → the answer. Everyone may read the public view
# of inquiries, which holds nothing personal.
SHOWS_TEXTS = {
    *("get_inquiry", "update_inquiry", "get_user", "update_user", "get_category", "update_category"),
    *("get_canned_reply", "update_canned_reply", "list_messages", "retriage_inquiry"),
}
FOREIGN_OBJECT: dict[str, dict[str, int]] = {
    "get_inquiry": {"anonymous": 200, "user": 200, "support": 200, "admin": 200},
    "update_inquiry": {"anonymous": 401, "user": 403, "support": 200, "admin": 200},
    "delete_inquiry": {"anonymous": 401, "user": 403, "support": 403, "admin": 204},
    "list_inquiry_events": {"anonymous": 401, "user": 403, "support": 200, "admin": 200},
    "list_messages": {"anonymous": 401, "user": 404, "support": 200, "admin": 200},
    "create_message": {"anonymous": 401, "user": 404, "support": 201, "admin": 201},
    "get_draft": {"anonymous": 401, "user": 403, "support": 404, "admin": 404},
    "update_draft": {"anonymous": 401, "user": 403, "support": 404, "admin": 404},
    "stream_draft": {"anonymous": 401, "user": 403, "support": 200, "admin": 200},
    "get_tracked_inquiry": {"anonymous": 404, "user": 404, "support": 404, "admin": 404},
    "create_tracked_message": {"anonymous": 404, "user": 404, "support": 404, "admin": 404},
    "revoke_tracking": {"anonymous": 401, "user": 403, "support": 200, "admin": 200},
    "list_similar_inquiries": {"anonymous": 401, "user": 403, "support": 200, "admin": 200},
    "get_statistic_series": {"anonymous": 401, "user": 403, "support": 200, "admin": 200},
    "list_inquiry_runs": {"anonymous": 401, "user": 403, "support": 200, "admin": 200},
    "retriage_inquiry": {"anonymous": 401, "user": 403, "support": 200, "admin": 200},
    "undo_inquiry_run": {"anonymous": 401, "user": 403, "support": 404, "admin": 404},
    "dry_run_inquiry": {"anonymous": 401, "user": 403, "support": 503, "admin": 503},
    "explain_inquiry_category": {"anonymous": 401, "user": 403, "support": 503, "admin": 503},
    "get_job": {"anonymous": 401, "user": 403, "support": 403, "admin": 200},
    "update_setting": {"anonymous": 401, "user": 403, "support": 403, "admin": 200},
    "reset_setting": {"anonymous": 401, "user": 403, "support": 403, "admin": 200},
    "revoke_session": {"anonymous": 401, "user": 404, "support": 404, "admin": 404},
    "get_category": {"anonymous": 200, "user": 200, "support": 200, "admin": 200},
    "update_category": {"anonymous": 401, "user": 403, "support": 403, "admin": 200},
    "delete_category": {"anonymous": 401, "user": 403, "support": 403, "admin": 204},
    "get_canned_reply": {"anonymous": 401, "user": 403, "support": 200, "admin": 200},
    "update_canned_reply": {"anonymous": 401, "user": 403, "support": 403, "admin": 200},
    "delete_canned_reply": {"anonymous": 401, "user": 403, "support": 403, "admin": 204},
    "get_user": {"anonymous": 401, "user": 403, "support": 403, "admin": 200},
    "update_user": {"anonymous": 401, "user": 403, "support": 403, "admin": 200},
    "delete_user": {"anonymous": 401, "user": 403, "support": 403, "admin": 204},
}


async def called(api: Edge, operation: Operation, headers: dict[str, str], object_id: str) -> httpx.Response:
    content = operation.content()
    complete = {**content, "headers": {**headers, **content.get("headers", {})}}
    return await api.request(operation.method, operation.address(object_id), **complete)


async def an_inquiry(service: Service) -> str:
    """An inquiry that somebody without an account has sent; its texts hold a canary."""
    texts = dict.fromkeys(("customer_name", "subject", "message"), CANARY)
    return (await service.create(**texts, customer_email=f"{CANARY}@example.org")).inquiry.id


async def a_reference(service: Service) -> str:
    """What such an inquiry is called, which opens nothing without the token of its link."""
    (row,) = await service.sql("select number from inquiry where id = $1", await an_inquiry(service))
    return f"POK-{row['number']}"


async def an_account(service: Service) -> str:
    """A customer's; their name and address hold the canary."""
    (row,) = await service.sql(
        """insert into account (email, name, password_hash, role)
        values ($1 || gen_random_uuid() || '@example.org', $1, '', 'user') returning id""",
        CANARY,
    )
    return str(row["id"])


async def a_session(service: Service) -> str:
    """A customer's; its user agent holds the canary."""
    (row,) = await service.sql(
        """insert into session (account_id, secret_hash, expire_time, user_agent)
        values ($1, '', now() + interval '1 day', $2) returning id""",
        await an_account(service),
        CANARY,
    )
    return str(row["id"])


async def a_category(service: Service) -> str:
    """One that is not in use; its description holds the canary."""
    (row,) = await service.sql(
        """insert into category (key, position, name_es, name_en, description)
        select 'k' || replace(gen_random_uuid()::text, '-', ''), count(*) + 1, 'a', 'a', $1 from category
        returning key""",
        CANARY,
    )
    return str(row["key"])


async def a_canned_reply(service: Service) -> str:
    """One whose text holds the canary, in a language of its own, so that every title is free."""
    (row,) = await service.sql(
        """insert into canned_reply (title, body, language)
        values (gen_random_uuid(), $1, 'es-' || left(gen_random_uuid()::text, 8)) returning id""",
        CANARY,
    )
    return str(row["id"])


async def a_job(service: Service) -> str:
    """One that is over, whoever began it; nobody sees whom it is about."""
    (row,) = await service.sql(
        "insert into job (kind, state, target) values ('erasure', 'done', $1::text::jsonb) returning id", f'"{CANARY}"'
    )
    return str(row["id"])


async def a_setting(_service: Service) -> str:
    """One that is nobody's in particular; changing it to the example harms no other test."""
    return "confidence_threshold"


async def a_series(_service: Service) -> str:
    """One that is there for all staff."""
    return "volume"


class Made(NamedTuple):
    """How to make the object that a parameter of a path names, and which roles may see what is in it."""

    by: Callable[[Service], Awaitable[str]]
    seen_by: frozenset[Role]


OBJECTS: Mapping[str, Made] = {
    "inquiry_id": Made(an_inquiry, STAFF),
    "reference": Made(a_reference, frozenset()),
    "session_id": Made(a_session, frozenset()),
    "key": Made(a_category, STAFF),
    "job_id": Made(a_job, frozenset()),
    "setting": Made(a_setting, ADMIN),
    "series": Made(a_series, frozenset()),
    "reply_id": Made(a_canned_reply, STAFF),
    "user_id": Made(an_account, ADMIN),
}

Foreign = Callable[[Operation], Awaitable[str]]


@pytest.fixture
def foreign(service: Service) -> Foreign:
    """Makes the id of somebody else's object for an operation."""

    async def make(operation: Operation) -> str:
        return await OBJECTS[operation.parameter].by(service) if operation.has_object else ""

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
    may_see = answer.is_success and role in OBJECTS[OPERATIONS[name].parameter].seen_by
    assert (CANARY in answer.text) == (may_see and name in SHOWS_TEXTS)


@pytest.mark.parametrize("role", ["user", "support", "admin"])
@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - OPEN))
async def test_token_that_is_not_valid_is_refused_everywhere(
    api: Edge, newcomer: Newcomer, foreign: Foreign, name: str, role: str
) -> None:
    headers = await newcomer(role)
    signed, _, signature = headers["Authorization"].rpartition(".")
    changed = {"Authorization": f"{signed}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"}
    problem(await called(api, OPERATIONS[name], changed, await foreign(OPERATIONS[name])), 401, "bad-token")
