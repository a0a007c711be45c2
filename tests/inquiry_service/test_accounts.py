"""People get in with their password only, stay in by a line of refresh tokens, and are out when they should be."""

import asyncio
import time

import pytest
import structlog
from argon2 import PasswordHasher
from pok.account.v1 import account_pb2 as pb

from inquiry_service.domain import passwords
from inquiry_service.domain.passwords import Passwords
from inquiry_service.storage import sessions as stored_sessions
from inquiry_service.storage.database import Database
from runtime.rpc import errors
from tests.support.inquiry import Service

EMAIL, PASSWORD = "ana@example.com", "correcto caballo"


async def register(service: Service, email: str = EMAIL, password: str = PASSWORD, name: str = "Ana") -> None:
    await service.accounts.RegisterAccount(pb.RegisterAccountRequest(email=email, password=password, name=name))


async def sign_in(service: Service, email: str = EMAIL, password: str = PASSWORD) -> pb.Session:
    response = await service.accounts.CreateSession(
        pb.CreateSessionRequest(email=email, password=password, user_agent="test")
    )
    return response.session


async def refresh(service: Service, token: str) -> pb.Session:
    response = await service.accounts.RefreshSession(pb.RefreshSessionRequest(refresh_token=token))
    return response.session


async def check(service: Service, session_id: str) -> pb.Account:
    response = await service.accounts.CheckSession(pb.CheckSessionRequest(session_id=session_id))
    return response.account


async def is_live(service: Service, session_id: str) -> bool:
    try:
        await check(service, session_id)
    except errors.Unauthenticated as error:
        return error.reason != "SESSION_ENDED"
    return True


async def refused(service: Service, token: str) -> bool:
    try:
        await refresh(service, token)
    except errors.Unauthenticated as error:
        return error.reason == "BAD_REFRESH_TOKEN"
    return False


async def end_grace(service: Service) -> None:
    await service.sql("update session set rotate_time = rotate_time - interval '6 seconds'")


async def test_registered_person_signs_in_as_user(service: Service) -> None:
    await register(service)
    session = await sign_in(service)
    account = await check(service, session.id)
    assert account == session.account
    assert (account.email, account.name, account.role) == (EMAIL, "Ana", pb.ROLE_USER)


async def test_address_is_the_same_whatever_its_case_and_surrounding_space(service: Service) -> None:
    await register(service, email="  Ana@Example.COM ")
    assert (await sign_in(service, email="ANA@example.com")).account.email == EMAIL
    await register(service, email="ana@EXAMPLE.com")
    assert len(await service.sql("select * from account")) == 1


async def test_password_is_the_same_whichever_keyboard_composed_it(service: Service) -> None:
    await register(service, password="contrase\u006e\u0303a ﬁna")
    await sign_in(service, password="contraseña fina")


async def test_registering_a_known_address_is_answered_alike_and_changes_nothing(service: Service) -> None:
    await register(service)
    before = await service.sql("select * from account")
    await register(service, password="another one 1", name="Eve")
    assert await service.sql("select * from account") == before
    with pytest.raises(errors.Unauthenticated):
        await sign_in(service, password="another one 1")


@pytest.mark.parametrize(
    ("email", "password"), [("nobody@example.com", PASSWORD), (EMAIL, "wrong password"), (EMAIL, PASSWORD + "!")]
)
async def test_unknown_address_and_wrong_password_are_answered_alike(
    service: Service, email: str, password: str
) -> None:
    await register(service)
    with pytest.raises(errors.Unauthenticated) as caught:
        await sign_in(service, email, password)
    assert (caught.value.reason, caught.value.message) == ("BAD_CREDENTIALS", "The address or the password is wrong.")


async def test_unknown_address_costs_a_hash_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    verify = PasswordHasher.verify

    def counted(hasher: PasswordHasher, hashed: str, password: str) -> bool:
        verified.append(hashed)
        return verify(hasher, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    hashes = Passwords()
    assert not await hashes.matches(None, PASSWORD)
    assert await hashes.matches(await hashes.hash(PASSWORD), PASSWORD)
    assert len(verified) == 2
    assert all(hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for hashed in verified)
    hashes.close()


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"password": "short 1"}, {"password"}),
        ({"password": "x" * 129}, {"password"}),
        ({"password": "Password123"}, {"password"}),
        ({"email": "ana"}, {"email"}),
        ({"email": "a@" + "b" * 253}, {"email"}),
        ({"name": "  "}, {"name"}),
        ({"name": "x" * 201, "email": "", "password": ""}, {"name", "email", "password"}),
    ],
)
async def test_registration_names_every_wrong_field(service: Service, fields: dict[str, str], wrong: set[str]) -> None:
    with pytest.raises(errors.InvalidArgument) as caught:
        await register(service, **fields)
    assert {violation.field for violation in caught.value.violations} == wrong
    assert await service.sql("select * from account") == []


@pytest.mark.parametrize("length", [8, 128])
async def test_long_passwords_count_to_their_last_character(service: Service, length: int) -> None:
    password = "ñ" * (length - 1) + "x"
    await register(service, password=password)
    await sign_in(service, password=password)
    with pytest.raises(errors.Unauthenticated):
        await sign_in(service, password=password[:-1] + "y")


async def test_hash_is_renewed_at_sign_in_when_parameters_rose(service: Service) -> None:
    await register(service)
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    await service.sql("update account set password_hash = $1", weak)
    await sign_in(service)
    [row] = await service.sql("select password_hash from account")
    assert row["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await sign_in(service)


async def test_too_many_sign_ins_at_once_are_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MOST_AT_ONCE", 3)
    hashes = Passwords()
    outcomes = await asyncio.gather(*(hashes.hash(PASSWORD) for _ in range(4)), return_exceptions=True)
    [refusal] = [outcome for outcome in outcomes if isinstance(outcome, errors.Unavailable)]
    assert (refusal.reason, refusal.retry_delay) == ("SIGN_IN_BUSY", 1.0)
    await hashes.hash(PASSWORD)
    hashes.close()


async def test_refresh_continues_the_session_with_a_new_token(service: Service) -> None:
    await register(service)
    session = await sign_in(service)
    await service.sql("update session set expire_time = now() + interval '1 day'")
    first = await refresh(service, session.refresh_token)
    second = await refresh(service, first.refresh_token)
    assert (first.id, second.id) == (session.id, session.id)
    assert len({session.refresh_token, first.refresh_token, second.refresh_token}) == 3
    assert second.account == session.account
    assert second.expire_time.seconds - time.time() == pytest.approx(30 * 86_400, abs=600)


async def test_parallel_refreshes_get_the_same_token(service: Service) -> None:
    await register(service)
    session = await sign_in(service)
    answers = await asyncio.gather(*(refresh(service, session.refresh_token) for _ in range(8)))
    [token] = {answer.refresh_token for answer in answers}
    await end_grace(service)
    await refresh(service, token)


async def test_spent_refresh_token_ends_the_session_after_its_grace(service: Service) -> None:
    await register(service)
    session = await sign_in(service)
    newest = await refresh(service, session.refresh_token)
    await end_grace(service)
    with structlog.testing.capture_logs() as logs:
        assert await refused(service, session.refresh_token)
    assert not await is_live(service, session.id)
    assert await refused(service, newest.refresh_token)
    assert [entry for entry in logs if entry["event"] == "refresh_reused"] == [
        {
            "event": "refresh_reused",
            "log_level": "warning",
            "session_id": session.id,
            "account_id": session.account.id,
        }
    ]


async def test_token_before_the_previous_one_ends_the_session_at_once(service: Service) -> None:
    await register(service)
    session = await sign_in(service)
    await refresh(service, (await refresh(service, session.refresh_token)).refresh_token)
    assert await refused(service, session.refresh_token)
    assert not await is_live(service, session.id)


async def test_one_session_ending_leaves_the_others(service: Service) -> None:
    await register(service)
    first, second = await sign_in(service), await sign_in(service)
    await service.sql("update session set revoke_time = now() where id = $1", first.id)
    assert not await is_live(service, first.id)
    assert await is_live(service, second.id)


@pytest.mark.parametrize("token", ["", "x", "A" * 64, "A" * 63 + "=", "ñ" * 64, "A" * 100_000])
async def test_what_is_no_refresh_token_is_refused(service: Service, token: str) -> None:
    assert await refused(service, token)


@pytest.mark.parametrize(
    "change",
    [
        "update session set revoke_time = now()",
        "update session set expire_time = now()",
        "update account set active = false",
    ],
)
async def test_ended_session_neither_checks_nor_refreshes(service: Service, change: str) -> None:
    await register(service)
    session = await sign_in(service)
    assert await is_live(service, session.id)
    await service.sql(change)
    assert not await is_live(service, session.id)
    assert await refused(service, session.refresh_token)


async def test_deactivated_account_cannot_sign_in(service: Service) -> None:
    await register(service)
    await service.sql("update account set active = false")
    with pytest.raises(errors.Unauthenticated) as caught:
        await sign_in(service)
    assert caught.value.reason == "BAD_CREDENTIALS"


async def test_session_shows_the_role_of_now(service: Service) -> None:
    await register(service)
    session = await sign_in(service)
    await service.sql("update account set role = 'support'")
    assert (await check(service, session.id)).role == pb.ROLE_SUPPORT
    assert (await refresh(service, session.refresh_token)).account.role == pb.ROLE_SUPPORT


@pytest.mark.parametrize("session_id", ["", "x", "0190163d-8694-739b-aea5-966c26f8ad91"])
async def test_unknown_session_has_ended(service: Service, session_id: str) -> None:
    assert not await is_live(service, session_id)


async def test_neither_passwords_nor_tokens_are_stored_or_logged(service: Service) -> None:
    with structlog.testing.capture_logs() as logs:
        await register(service)
        session = await refresh(service, (await sign_in(service)).refresh_token)
        with pytest.raises(errors.Unauthenticated):
            await sign_in(service, password="wrong password")
    stored = str(await service.sql("select a, s from account a, session s"))
    for secret in (PASSWORD, session.refresh_token, "wrong password"):
        assert secret not in stored
        assert secret not in str(logs)
    assert EMAIL not in str(logs)


async def test_sessions_that_ended_long_ago_are_forgotten_and_others_kept(service: Service) -> None:
    await register(service)
    sessions = [await sign_in(service) for _ in range(3)]
    long_ago, recently, live = (session.id for session in sessions)
    await service.sql("update session set revoke_time = now() - interval '31 days' where id = $1", long_ago)
    await service.sql("update session set revoke_time = now() - interval '29 days' where id = $1", recently)
    database = Database(service.database_url, size=1)
    await database.open()
    try:
        assert await stored_sessions.purge(database) == 1
    finally:
        await database.close()
    assert {str(row["id"]) for row in await service.sql("select id from session")} == {recently, live}
