"""Admins arrange accounts; whoever loses a role, a password or the account is out at once; one admin always remains."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from pok.account.v1 import account_pb2 as pb
from pok.inquiry.v1 import inquiry_pb2

from runtime.rpc import context, errors
from tests.support.inquiry import Service, act_as

PASSWORD = "correcto caballo"


@pytest.fixture
async def admin(service: Service) -> str:
    """The only admin, as whom the test calls."""
    (row,) = await service.sql(
        """insert into account (email, name, password_hash, role)
        values ('root@pok.example', 'Root', '', 'admin') returning id"""
    )
    act_as("admin", str(row["id"]))
    return str(row["id"])


async def create(
    service: Service, email: str = "eva@pok.example", role: pb.Role.ValueType = pb.ROLE_SUPPORT
) -> pb.Account:
    account = pb.Account(email=email, name="Eva", role=role)
    response = await service.accounts.CreateAccount(pb.CreateAccountRequest(account=account, password=PASSWORD))
    return response.account


async def update(service: Service, account_id: str, **fields: Any) -> pb.Account:
    password = fields.pop("password", "")
    paths = [*fields, *(["password"] if password else [])]
    request = pb.UpdateAccountRequest(
        account=pb.Account(id=account_id, **fields), update_mask=FieldMask(paths=paths), password=password
    )
    return (await service.accounts.UpdateAccount(request)).account


async def sign_in(service: Service, email: str = "eva@pok.example") -> pb.Session:
    request = pb.CreateSessionRequest(email=email, password=PASSWORD, user_agent="test")
    return (await service.accounts.CreateSession(request)).session


async def is_out(service: Service, session: pb.Session) -> bool:
    try:
        await service.accounts.CheckSession(pb.CheckSessionRequest(session_id=session.id))
    except errors.Unauthenticated:
        with pytest.raises(errors.Unauthenticated):
            await service.accounts.RefreshSession(pb.RefreshSessionRequest(refresh_token=session.refresh_token))
        return True
    return False


async def entries(service: Service, action: str) -> list[Any]:
    return await service.sql("select * from audit where action = $1 order by number", action)


async def test_created_account_signs_in_with_its_role(service: Service, admin: str) -> None:
    account = await create(service)
    session = await sign_in(service)
    assert (session.account.id, session.account.role, session.account.language) == (account.id, pb.ROLE_SUPPORT, "es")
    (entry,) = await entries(service, "account.create")
    assert (str(entry["actor_id"]), entry["target"], entry["outcome"]) == (admin, account.id, "ok")


async def test_taken_address_is_told_to_admins(service: Service, admin: str) -> None:
    await create(service)
    with pytest.raises(errors.AlreadyExists):
        await create(service, email=" EVA@pok.example ")


@pytest.mark.parametrize(
    "change",
    [{"role": pb.ROLE_USER}, {"role": pb.ROLE_ADMIN}, {"inactive": True}, {"password": "another password"}],
    ids=["demotion", "promotion", "deactivation", "password"],
)
async def test_change_of_what_an_account_may_do_ends_its_sessions(
    service: Service, admin: str, change: dict[str, Any]
) -> None:
    account, session = await create(service), await sign_in(service)
    await update(service, account.id, **change)
    assert await is_out(service, session)


async def test_new_name_leaves_people_in_and_tells_the_log_which_field(service: Service, admin: str) -> None:
    account, session = await create(service), await sign_in(service)
    assert (await update(service, account.id, name="Eva Ruiz", language="en")).name == "Eva Ruiz"
    assert not await is_out(service, session)
    (entry,) = await entries(service, "account.update")
    assert '"fields": ["name", "language"]' in entry["detail"]
    assert "Ruiz" not in str(entry)


async def test_changed_role_stands_in_the_audit_log(service: Service, admin: str) -> None:
    account = await create(service)
    await update(service, account.id, role=pb.ROLE_ADMIN)
    (entry,) = await entries(service, "account.update")
    assert '"role": ["support", "admin"]' in entry["detail"]


async def test_deactivated_account_can_be_let_in_again(service: Service, admin: str) -> None:
    account = await create(service)
    await update(service, account.id, inactive=True)
    with pytest.raises(errors.Unauthenticated):
        await sign_in(service)
    await update(service, account.id, inactive=False)
    await sign_in(service)


@pytest.mark.parametrize("change", [{"role": pb.ROLE_SUPPORT}, {"inactive": True}], ids=["demotion", "deactivation"])
async def test_last_admin_stays(service: Service, admin: str, change: dict[str, Any]) -> None:
    with pytest.raises(errors.FailedPrecondition) as refused:
        await update(service, admin, **change)
    assert refused.value.reason == "LAST_ADMIN"
    with pytest.raises(errors.FailedPrecondition):
        await service.accounts.DeleteAccount(pb.DeleteAccountRequest(id=admin))
    assert (await update(service, admin, name="Still here")).role == pb.ROLE_ADMIN


async def test_admins_who_remove_each_other_at_the_same_time_leave_one(service: Service, admin: str) -> None:
    other = await create(service, role=pb.ROLE_ADMIN)

    async def remove(by: str, target: str) -> bool:
        act_as("admin", by)
        try:
            await service.accounts.DeleteAccount(pb.DeleteAccountRequest(id=target))
        except errors.FailedPrecondition:
            return False
        return True

    assert sorted(await asyncio.gather(remove(admin, other.id), remove(other.id, admin))) == [False, True]
    (left,) = await service.sql("select count(*) as count from account where role = 'admin'")
    assert left["count"] == 1


async def test_inquiries_of_a_removed_agent_stay_unassigned(service: Service, admin: str) -> None:
    agent, session = await create(service), await sign_in(service)
    inquiry = (await service.create()).inquiry
    await service.inquiries.UpdateInquiry(
        inquiry_pb2.UpdateInquiryRequest(
            id=inquiry.id,
            inquiry=inquiry_pb2.Inquiry(assignee_id=agent.id),
            update_mask=FieldMask(paths=["assignee_id"]),
        )
    )
    before = await service.get(inquiry.id)
    await service.accounts.DeleteAccount(pb.DeleteAccountRequest(id=agent.id))
    assert await is_out(service, session)
    after = await service.get(inquiry.id)
    assert (after.assignee_id, after.version) == ("", before.version + 1)
    event = (await service.events(inquiry.id))[-1]
    assert (event["kind"], str(event["actor_id"]), event["version"]) == ("inquiry_updated", admin, after.version)
    assert f'"assignee_id": ["{agent.id}", null]' in event["body"]


async def test_accounts_are_listed_newest_first_page_by_page(service: Service, admin: str) -> None:
    created = [(await create(service, email=f"agent-{number}@pok.example")).id for number in range(5)]
    seen: list[str] = []
    request = pb.ListAccountsRequest(page_size=2, roles=[pb.ROLE_SUPPORT])
    while True:
        page = await service.accounts.ListAccounts(request)
        seen += [account.id for account in page.accounts]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert seen == created[::-1]


async def test_page_token_opens_its_own_list_only(service: Service, admin: str) -> None:
    for number in range(2):
        await create(service, email=f"agent-{number}@pok.example")
    page = await service.accounts.ListAccounts(pb.ListAccountsRequest(page_size=1))
    with pytest.raises(errors.InvalidArgument) as refused:
        await service.accounts.ListAccounts(pb.ListAccountsRequest(query="agent", page_token=page.next_page_token))
    assert refused.value.reason == "BAD_PAGE_TOKEN"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"query": "AGENT-1"}, ["agent-1@pok.example"]),
        ({"query": "%"}, []),
        ({"active": False}, ["agent-0@pok.example"]),
        ({"active": True, "roles": [pb.ROLE_ADMIN]}, ["root@pok.example"]),
    ],
    ids=str,
)
async def test_accounts_are_found(service: Service, admin: str, filters: dict[str, Any], found: list[str]) -> None:
    for number in range(2):
        account = await create(service, email=f"agent-{number}@pok.example")
        if number == 0:
            await update(service, account.id, inactive=True)
    page = await service.accounts.ListAccounts(pb.ListAccountsRequest(**filters))
    assert [account.email for account in page.accounts] == found


async def test_agents_are_the_active_staff_by_name(service: Service, admin: str) -> None:
    await create(service, email="customer@example.com", role=pb.ROLE_USER)
    gone = await create(service, email="gone@pok.example")
    await update(service, gone.id, inactive=True)
    await create(service)
    act_as("support")
    listed = await service.accounts.ListAgents(pb.ListAgentsRequest())
    assert [agent.name for agent in listed.agents] == ["Eva", "Root"]


CALLS: dict[str, Any] = {
    "ListAccounts": pb.ListAccountsRequest(),
    "GetAccount": pb.GetAccountRequest(id=str(UUID(int=1))),
    "CreateAccount": pb.CreateAccountRequest(account=pb.Account(role=pb.ROLE_ADMIN)),
    "UpdateAccount": pb.UpdateAccountRequest(account=pb.Account(id=str(UUID(int=1)))),
    "DeleteAccount": pb.DeleteAccountRequest(id=str(UUID(int=1))),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("role", ["anonymous", "user", "support"])
async def test_service_itself_refuses_whoever_is_no_admin(service: Service, name: str, role: context.Role) -> None:
    act_as(role, str(UUID(int=2)))
    with pytest.raises(errors.PermissionDenied):
        await getattr(service.accounts, name)(CALLS[name])


async def test_unknown_account_is_not_found(service: Service, admin: str) -> None:
    for account_id in (str(UUID(int=1)), "nobody"):
        with pytest.raises(errors.NotFound):
            await service.accounts.GetAccount(pb.GetAccountRequest(id=account_id))
