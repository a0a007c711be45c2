"""Accounts as admins see them, and the agents to whom inquiries can be assigned."""

from collections.abc import Mapping
from typing import Annotated, Any, cast
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from litestar import Response, delete, get, patch, post
from litestar.datastructures import ResponseHeader
from litestar.params import Parameter
from msgspec import UNSET
from pok.account.v1 import account_pb2

from edge_api.body import EdgeRequest, sent
from edge_api.convert import time_of
from edge_api.openapi import BODY_ERRORS, operation
from edge_api.schemas.accounts import Agent, AgentList, Language, NewUser, User, UserChange, UserPage, UserQuery
from edge_api.schemas.accounts import Role as RoleName
from edge_api.sessions import ROLES

UserId = Annotated[UUID, Parameter(description="UUID of the account.")]
LOCATION = ResponseHeader(name="Location", documentation_only=True, description="Path of the account.")

ROLE_NUMBERS: Mapping[str, Any] = {name: number for number, name in ROLES.items()}
ROLE_NAMES: Mapping[int, RoleName] = {number: name for number, name in ROLES.items() if name != "anonymous"}


@get(
    "/api/agents",
    summary="List agents",
    tags=["accounts"],
    response_description="Everybody to whom inquiries can be assigned.",
    **operation("list_agents", 401, 403),
)
async def list_agents(request: EdgeRequest) -> AgentList:
    """Active support and admins, by name."""
    response = await request.backend.accounts.ListAgents(account_pb2.ListAgentsRequest())
    return AgentList([Agent(agent.id, agent.name) for agent in response.agents])


@get(
    "/api/users",
    summary="List accounts",
    tags=["users"],
    response_description="A page of accounts.",
    **operation("list_users", 400, 401, 403),
)
async def list_users(request: EdgeRequest) -> UserPage:
    """Newest first. All filters must hold."""
    query = request.query(UserQuery)
    response = await request.backend.accounts.ListAccounts(
        account_pb2.ListAccountsRequest(
            page_size=query.page_size,
            page_token=query.page_token,
            roles=[ROLE_NUMBERS[role] for role in query.role],
            query=query.q,
            active=None if query.active is UNSET else query.active,
        )
    )
    users = [user_of(account) for account in response.accounts]
    return UserPage(items=users, next_page_token=response.next_page_token or None)


@post(
    "/api/users",
    summary="Add an account",
    tags=["users"],
    response_description="The account exists.",
    response_headers=[LOCATION],
    **operation("create_user", 401, 403, 409, *BODY_ERRORS),
)
async def create_user(request: EdgeRequest, data: NewUser) -> Response[User]:
    """Makes an account with a role and a first password, which its owner should change."""
    account = account_pb2.Account(
        email=data.email, name=data.name, role=ROLE_NUMBERS[data.role], language=data.language
    )
    response = await request.backend.accounts.CreateAccount(
        account_pb2.CreateAccountRequest(account=account, password=data.password)
    )
    user = user_of(response.account)
    return Response(user, status_code=201, headers={"Location": f"/api/users/{user.id}/"})


@get(
    "/api/users/{user_id:uuid}",
    summary="Read an account",
    tags=["users"],
    response_description="The account.",
    **operation("get_user", 400, 401, 403, 404),
)
async def get_user(request: EdgeRequest, user_id: UserId) -> User:
    """One account, by its id."""
    response = await request.backend.accounts.GetAccount(account_pb2.GetAccountRequest(id=str(user_id)))
    return user_of(response.account)


@patch(
    "/api/users/{user_id:uuid}",
    summary="Change an account",
    tags=["users"],
    response_description="The account as it is now.",
    **operation("update_user", 401, 403, 404, 409, *BODY_ERRORS),
)
async def update_user(request: EdgeRequest, user_id: UserId, data: UserChange) -> User:
    """Sets the fields that are sent.

    Another role, another password and deactivation end the account's sessions within 5 s. The last active admin stays.
    """
    values = sent(data)
    password = values.pop("password", "")
    if "role" in values:
        values["role"] = ROLE_NUMBERS[values["role"]]
    if "active" in values:
        values["inactive"] = not values.pop("active")
    response = await request.backend.accounts.UpdateAccount(
        account_pb2.UpdateAccountRequest(
            account=account_pb2.Account(id=str(user_id), **values),
            update_mask=FieldMask(paths=[*values, *(["password"] if password else [])]),
            password=password,
        )
    )
    return user_of(response.account)


@delete(
    "/api/users/{user_id:uuid}",
    summary="Remove an account",
    tags=["users"],
    response_description="The account is gone.",
    **operation("delete_user", 400, 401, 403, 404, 409),
)
async def delete_user(request: EdgeRequest, user_id: UserId) -> None:
    """Removes the account and its sessions. Inquiries stay; those assigned to it are assigned to nobody."""
    await request.backend.accounts.DeleteAccount(account_pb2.DeleteAccountRequest(id=str(user_id)))


def user_of(account: account_pb2.Account) -> User:
    """The account as the API answers it."""
    return User(
        id=account.id,
        email=account.email,
        name=account.name,
        role=ROLE_NAMES[account.role],
        language=cast("Language", account.language),
        active=not account.inactive,
        create_time=time_of(account.create_time),
    )
