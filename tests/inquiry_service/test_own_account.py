"""People see and end their own sessions and change their own account; the audit log says who came and went."""

from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from pok.account.v1 import account_pb2 as pb

from runtime.rpc import context, errors
from tests.support.inquiry import Service

EMAIL, PASSWORD, ADDRESS = "ana@example.com", "correcto caballo", "198.51.100.7"


def act_as(session: pb.Session) -> None:
    principal = context.Principal("user", session.account.id, session.id, ADDRESS)
    context.enter(context.Call(request_id="test", principal=principal))


async def sign_in(service: Service, password: str = PASSWORD) -> pb.Session:
    context.enter(context.Call(request_id="test", principal=context.Principal(address=ADDRESS)))
    request = pb.CreateSessionRequest(email=EMAIL, password=password, user_agent="Firefox")
    return (await service.accounts.CreateSession(request)).session


@pytest.fixture
async def sessions(service: Service) -> list[pb.Session]:
    """Three of Ana's; the test calls in the first."""
    await service.accounts.RegisterAccount(pb.RegisterAccountRequest(email=EMAIL, password=PASSWORD, name="Ana"))
    opened = [await sign_in(service) for _ in range(3)]
    act_as(opened[0])
    return opened


async def live(service: Service, sessions: list[pb.Session]) -> list[bool]:
    async def is_live(session: pb.Session) -> bool:
        try:
            await service.accounts.CheckSession(pb.CheckSessionRequest(session_id=session.id))
        except errors.Unauthenticated:
            return False
        return True

    return [await is_live(session) for session in sessions]


async def update(service: Service, *paths: str, **fields: Any) -> pb.Account:
    passwords = {name: fields.pop(name) for name in ("password", "current_password") if name in fields}
    request = pb.UpdateMeRequest(account=pb.Account(**fields), update_mask=FieldMask(paths=paths), **passwords)
    return (await service.accounts.UpdateMe(request)).account


async def entries(service: Service, action: str) -> list[Any]:
    return await service.sql("select * from audit where action = $1 order by number", action)


async def test_sessions_are_listed_newest_first_with_where_they_are_from(
    service: Service, sessions: list[pb.Session]
) -> None:
    listed = (await service.accounts.ListSessions(pb.ListSessionsRequest())).sessions
    assert [session.id for session in listed] == [session.id for session in reversed(sessions)]
    assert [session.current for session in listed] == [False, False, True]
    assert {(session.user_agent, session.address) for session in listed} == {("Firefox", ADDRESS)}


async def test_one_session_is_ended_by_its_owner(service: Service, sessions: list[pb.Session]) -> None:
    await service.accounts.RevokeSessions(pb.RevokeSessionsRequest(session_id=sessions[1].id))
    assert await live(service, sessions) == [True, False, True]
    with pytest.raises(errors.NotFound):
        await service.accounts.RevokeSessions(pb.RevokeSessionsRequest(session_id=sessions[1].id))


async def test_all_sessions_are_ended_the_current_one_too(service: Service, sessions: list[pb.Session]) -> None:
    response = await service.accounts.RevokeSessions(pb.RevokeSessionsRequest())
    assert response.ended == 3
    assert await live(service, sessions) == [False, False, False]


async def test_anothers_session_is_not_found_and_goes_on(service: Service, sessions: list[pb.Session]) -> None:
    context.enter(
        context.Call(
            request_id="test",
            principal=context.Principal("admin", "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f", sessions[0].id),
        )
    )
    with pytest.raises(errors.NotFound):
        await service.accounts.RevokeSessions(pb.RevokeSessionsRequest(session_id=sessions[1].id))
    assert await live(service, sessions) == [True, True, True]


@pytest.mark.parametrize(("everywhere", "left"), [(False, [True, False, True]), (True, [False, False, False])])
async def test_refresh_token_signs_out_here_or_everywhere(
    service: Service, sessions: list[pb.Session], everywhere: bool, left: list[bool]
) -> None:
    request = pb.RevokeRefreshTokenRequest(refresh_token=sessions[1].refresh_token, everywhere=everywhere)
    await service.accounts.RevokeRefreshToken(request)
    assert await live(service, sessions) == left
    await service.accounts.RevokeRefreshToken(request)


async def test_what_is_no_refresh_token_signs_nobody_out(service: Service, sessions: list[pb.Session]) -> None:
    forged = sessions[1].refresh_token[:24] + sessions[2].refresh_token[24:]
    for token in ("", "x", forged):
        await service.accounts.RevokeRefreshToken(pb.RevokeRefreshTokenRequest(refresh_token=token, everywhere=True))
    assert await live(service, sessions) == [True, True, True]


async def test_people_change_their_own_name_and_language(service: Service, sessions: list[pb.Session]) -> None:
    changed = await update(service, "name", "language", name=" Ana Ruiz ", language="en")
    assert (changed.name, changed.language) == ("Ana Ruiz", "en")
    assert (await service.accounts.GetMe(pb.GetMeRequest())).account == changed
    assert await live(service, sessions) == [True, True, True]


@pytest.mark.parametrize(("path", "fields"), [("language", {"language": "xx"}), ("name", {"name": " "})])
async def test_wrong_values_are_named(
    service: Service, sessions: list[pb.Session], path: str, fields: dict[str, str]
) -> None:
    with pytest.raises(errors.InvalidArgument) as refused:
        await update(service, path, **fields)
    assert [violation.field for violation in refused.value.violations] == [path]


@pytest.mark.parametrize("path", ["role", "inactive", "email", "id"])
async def test_nobody_gives_themselves_what_is_not_theirs_to_give(
    service: Service, sessions: list[pb.Session], path: str
) -> None:
    with pytest.raises(errors.InvalidArgument):
        await update(service, path, role=pb.ROLE_ADMIN)


async def test_new_password_ends_the_other_sessions(service: Service, sessions: list[pb.Session]) -> None:
    await update(service, "password", password="otra contraseña", current_password=PASSWORD)
    assert await live(service, sessions) == [True, False, False]
    await sign_in(service, "otra contraseña")
    with pytest.raises(errors.Unauthenticated):
        await sign_in(service)


async def test_wrong_present_password_changes_nothing_and_is_noted(
    service: Service, sessions: list[pb.Session]
) -> None:
    with pytest.raises(errors.InvalidArgument) as refused:
        await update(service, "name", "password", name="Eva", password="otra contraseña", current_password="wrong")
    assert refused.value.reason == "WRONG_PASSWORD"
    assert [violation.field for violation in refused.value.violations] == ["current_password"]
    assert (await service.accounts.GetMe(pb.GetMeRequest())).account.name == "Ana"
    assert await live(service, sessions) == [True, True, True]
    (entry,) = await entries(service, "account.update")
    assert (entry["outcome"], entry["target"]) == ("refused", sessions[0].account.id)


@pytest.mark.parametrize("password", ["", "short", "password123"])
async def test_new_password_must_be_good(service: Service, sessions: list[pb.Session], password: str) -> None:
    with pytest.raises(errors.InvalidArgument) as refused:
        await update(service, "password", password=password, current_password=PASSWORD)
    assert [violation.field for violation in refused.value.violations] == ["password"]


async def test_coming_and_going_stands_in_the_audit_log(service: Service, sessions: list[pb.Session]) -> None:
    account = sessions[0].account.id
    with pytest.raises(errors.Unauthenticated):
        await sign_in(service, "wrong password")
    with pytest.raises(errors.Unauthenticated):
        await service.accounts.CreateSession(pb.CreateSessionRequest(email="nobody@example.com", password="x"))
    created = await entries(service, "session.create")
    assert [(entry["outcome"], entry["target"]) for entry in created] == [
        *(("ok", session.id) for session in sessions),
        ("refused", account),
        ("refused", ""),
    ]
    assert [str(entry["actor_id"]) for entry in created[:3]] == [account] * 3
    assert {(entry["address"], entry["request_id"]) for entry in created} == {(ADDRESS, "test")}
    assert "nobody@example.com" not in str(created)


async def test_reused_refresh_token_stands_in_the_audit_log(service: Service, sessions: list[pb.Session]) -> None:
    request = pb.RefreshSessionRequest(refresh_token=sessions[0].refresh_token)
    await service.accounts.RefreshSession(request)
    await service.sql("update session set rotate_time = rotate_time - interval '6 seconds'")
    with pytest.raises(errors.Unauthenticated):
        await service.accounts.RefreshSession(request)
    (entry,) = await entries(service, "session.reuse")
    assert (entry["outcome"], str(entry["actor_id"]), entry["target"], entry["address"]) == (
        "refused",
        sessions[0].account.id,
        sessions[0].id,
        ADDRESS,
    )
