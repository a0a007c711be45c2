"""People are erased whole, by work that survives being killed; what is old is erased where a setting says so."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.struct_pb2 import Value
from pok.inquiry.v1 import erasure_pb2, erasure_pb2_grpc, inquiry_pb2, settings_pb2, transfer_pb2

from inquiry_service.storage.erasing import OF_AN_INQUIRY
from runtime.rpc import context, errors
from runtime.rpc.client import dial
from tests.support.inquiry import Service, act_as, inquiry_service
from tests.support.servers import free_ports
from tests.support.tokens import LISTED, TOKENS

SOMEBODY = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"
CANARY = "kanarienvogel"
ADDRESS = f"{CANARY}@example.com"
PATIENCE = 60
JobState = erasure_pb2.JobState


@pytest.fixture(autouse=True)
def admin(service: Service) -> None:
    act_as("admin", SOMEBODY)


async def begun(stub: Any, **whom: str) -> erasure_pb2.Job:
    response: erasure_pb2.CreateErasureResponse = await stub.CreateErasure(erasure_pb2.CreateErasureRequest(**whom))
    return response.job


async def over(stub: Any, job: erasure_pb2.Job) -> erasure_pb2.Job:
    """The job when it does not run any more."""
    async with asyncio.timeout(PATIENCE):
        while job.state == JobState.JOB_STATE_RUNNING:
            await asyncio.sleep(0.05)
            job = (await stub.GetJob(erasure_pb2.GetJobRequest(id=job.id))).job
    return job


async def eventually(service: Service, query: str) -> None:
    """Wait until the query has a row."""
    async with asyncio.timeout(PATIENCE):
        while not await service.sql(query):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.05)


async def imported(service: Service, count: int, **fields: Any) -> None:
    given = {"customer_name": "Ana", "customer_email": ADDRESS, "subject": "s", "message": CANARY, **fields}
    first = len(await service.sql("select from inquiry"))
    for start in range(first, first + count, 500):
        numbers = range(start, min(start + 500, first + count))
        rows = [transfer_pb2.ImportRow(row=n, external_id=f"{n}", **given) for n in numbers]
        await service.transfer.ImportInquiries(transfer_pb2.ImportInquiriesRequest(rows=rows))


async def account_of(service: Service, role: str = "user") -> str:
    (row,) = await service.sql(
        "insert into account (email, name, password_hash, role) values ($1, $1, '', $2) returning id",
        f"{role}-{ADDRESS}",
        role,
    )
    return str(row["id"])


async def where_the_canary_is(service: Service) -> set[str]:
    """Every table and column of any type that can hold text in which it stands."""
    columns = await service.sql(
        """select table_name, column_name from information_schema.columns c
        join information_schema.tables t using (table_schema, table_name)
        where table_schema = 'public' and table_type = 'BASE TABLE'
            and (c.data_type in ('text', 'character varying', 'character', 'json', 'jsonb', 'ARRAY', 'bytea',
                'tsvector', 'USER-DEFINED') or c.udt_name like '%vector%')"""
    )
    found = set()
    for table, column in columns:
        query = f"""select from "{table}" where "{column}"::text ilike $1 or "{column}"::text like $2 limit 1"""
        if await service.sql(query, f"%{CANARY}%", f"%{CANARY.encode().hex()}%"):
            found.add(f"{table}.{column}")
    return found


async def test_nothing_of_an_erased_person_is_left_anywhere(service: Service) -> None:
    account = await account_of(service)
    texts = dict.fromkeys(("customer_name", "subject", "message", "external_id"), CANARY)
    created = await service.create(**texts, customer_email=ADDRESS.upper(), request_id=CANARY)
    inquiry_id = created.inquiry.id
    await service.complete(await service.must_claim(inquiry_id), draft=CANARY, language="es")
    await service.inquiries.UpdateInquiry(inquiry_pb2.UpdateInquiryRequest(id=inquiry_id, add_tags=[CANARY]))
    act_as("user", account)
    await service.create(message=CANARY)
    act_as("admin", SOMEBODY)
    await service.sql(
        "insert into message (inquiry_id, number, author, kind, body) values ($1, 2, 'agent', 'note', $2)",
        inquiry_id,
        CANARY,
    )
    await service.sql("insert into outbox (inquiry_id, message_number) values ($1, 2)", inquiry_id)
    await service.sql(
        "update inquiry_embedding set encoder_version = $2 where inquiry_id = $1 returning 1", inquiry_id, CANARY
    )
    await service.sql(
        "insert into session (account_id, secret_hash, expire_time, user_agent) values ($1, '', now(), $2)",
        account,
        CANARY,
    )
    assert await where_the_canary_is(service) >= {
        *("inquiry.customer_email", "inquiry.tags", "message.body", "draft.body", "inquiry_tag.tag"),
        *("inquiry_embedding.encoder_version", "idempotency_key.key", "account.email", "session.user_agent"),
    }
    job = await begun(service.erasure, customer_email=ADDRESS, account_id=account)
    job = await over(service.erasure, job)
    assert (job.state, job.done, job.total) == (JobState.JOB_STATE_DONE, 2, 2)
    assert await where_the_canary_is(service) == set()
    for table in OF_AN_INQUIRY:
        assert await service.sql(f"select from {table}") == [], table
    events = await service.events(inquiry_id)
    assert (events[0]["kind"], events[-1]["kind"], str(events[-1]["actor_id"])) == (
        "inquiry_created",
        "inquiry_erased",
        SOMEBODY,
    )
    entries = await service.sql("select * from audit where action like 'erasure.%' order by number")
    assert [(entry["action"], entry["target"]) for entry in entries] == [
        ("erasure.create", job.id),
        ("erasure.finish", job.id),
    ]


async def test_every_table_that_belongs_to_an_inquiry_goes_with_it(service: Service) -> None:
    rows = await service.sql(
        "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'inquiry_id'"
    )
    # Events stay, without texts. The statistics keep a time of each inquiry, and forget it when they read of its end.
    # That people decided nothing any more is kept for a day, for AI processes to hear of it.
    assert {row["table_name"] for row in rows} == {*OF_AN_INQUIRY, "event", "statistic_inquiry", "human_decision"}


async def test_others_stay(service: Service) -> None:
    other = (await service.create()).inquiry.id
    await imported(service, 60)
    await over(service.erasure, await begun(service.erasure, customer_email=ADDRESS))
    assert [str(row["id"]) for row in await service.sql("select id from inquiry")] == [other]
    assert len(await service.sql("select from message")) == 1


async def test_account_that_is_erased_is_gone_at_once_with_its_sessions(service: Service) -> None:
    account = await account_of(service)
    await service.sql(
        "insert into session (account_id, secret_hash, expire_time) values ($1, '', now() + interval '1 day')", account
    )
    await begun(service.erasure, account_id=account)
    assert await service.sql("select from account where id = $1", account) == []
    assert await service.sql("select from session") == []


async def test_inquiry_that_was_under_way_when_its_account_was_erased_is_erased_too(service: Service) -> None:
    account = await account_of(service)
    job = await begun(service.erasure, account_id=account)
    act_as("user", account)  # an edge knows no better for some seconds
    await service.create(message=CANARY)
    act_as("admin", SOMEBODY)
    assert (await over(service.erasure, job)).done == 1
    assert await where_the_canary_is(service) == set()


@pytest.mark.parametrize("role", ["support", "admin"])
async def test_accounts_of_staff_are_not_erased(service: Service, role: str) -> None:
    account = await account_of(service, role)
    with pytest.raises(errors.FailedPrecondition) as refused:
        await begun(service.erasure, account_id=account)
    assert refused.value.reason == "STAFF_ACCOUNT"
    assert await service.sql("select from job") == []


@pytest.mark.parametrize("whom", [{}, {"customer_email": "ana"}, {"customer_email": "a\x80@x"}, {"account_id": "me"}])
async def test_whom_to_erase_must_be_said(service: Service, whom: dict[str, str]) -> None:
    with pytest.raises(errors.InvalidArgument):
        await begun(service.erasure, **whom)


async def test_job_that_is_not_there_is_not_found(service: Service) -> None:
    for id_ in (SOMEBODY, "me"):
        with pytest.raises(errors.NotFound):
            await service.erasure.GetJob(erasure_pb2.GetJobRequest(id=id_))


@pytest.mark.parametrize("role", ["anonymous", "user", "support"])
async def test_only_admins_erase_people_and_see_jobs(service: Service, role: context.Role) -> None:
    act_as(role, SOMEBODY)
    with pytest.raises(errors.PermissionDenied):
        await begun(service.erasure, customer_email=ADDRESS)
    with pytest.raises(errors.PermissionDenied):
        await service.erasure.GetJob(erasure_pb2.GetJobRequest(id=SOMEBODY))


async def test_several_replicas_erase_each_inquiry_once(service: Service, redis_url: str) -> None:
    await imported(service, 400)
    async with inquiry_service(service.database_url, redis_url), inquiry_service(service.database_url, redis_url):
        job = await over(service.erasure, await begun(service.erasure, customer_email=ADDRESS))
    assert (job.done, job.total) == (400, 400)
    erased = await service.sql("select inquiry_id from event where kind = 'inquiry_erased'")
    assert len({row["inquiry_id"] for row in erased}) == len(erased) == 400


@contextlib.asynccontextmanager
async def killable(database_url: str, redis_url: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, Any]]:
    """An inquiry service in a process of its own, and what calls it."""
    address = f"127.0.0.1:{free_ports()}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "inquiry_service"),
        env={
            **os.environ,
            "POK_DATABASE_URL": database_url,
            "POK_REDIS_URL": redis_url,
            "POK_INQUIRY_LISTEN": address,
            "POK_SERVICE_TOKENS": LISTED,
            "POK_SERVICE_TOKEN": TOKENS["inquiry"],
            "POK_AI_ADDRESS": "127.0.0.1:1",
            "POK_TRACKING_KEY": "t" * 32,
        },
    )
    try:
        async with dial(address, TOKENS["edge"], timeout=10, send_principal=True) as channel:
            await asyncio.wait_for(channel.channel_ready(), PATIENCE)
            yield process, erasure_pb2_grpc.ErasureServiceStub(channel)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_erasure_goes_on_where_it_was_when_its_process_was_killed(database_url: str, redis_url: str) -> None:
    act_as("admin", SOMEBODY)
    async with inquiry_service(database_url, redis_url) as filler:
        await imported(filler, 3000)
        look = filler.sql
    rounds: list[int] = []
    job: erasure_pb2.Job | None = None
    while job is None or job.state == JobState.JOB_STATE_RUNNING:
        async with killable(database_url, redis_url) as (process, stub):
            if job is None:
                job = await begun(stub, customer_email=ADDRESS)
            before = rounds[-1] if rounds else 0
            while job.state == JobState.JOB_STATE_RUNNING and (job.done <= before or len(rounds) >= 4):
                job = (await stub.GetJob(erasure_pb2.GetJobRequest(id=job.id))).job
            process.send_signal(signal.SIGKILL)
            await process.wait()
            rounds.append(job.done)
    assert (job.done, job.total) == (3000, 3000)
    assert len(rounds) > 1, "it was never killed in the middle"
    erased = await look("select inquiry_id from event where kind = 'inquiry_erased'")
    assert len({row["inquiry_id"] for row in erased}) == len(erased) == 3000
    assert await look("select from inquiry") == await look("select from message") == []
    (row,) = await look("select target::text as target from job")
    assert row["target"] == "{}"


async def test_what_is_at_rest_for_long_is_erased_where_a_setting_says_so(database_url: str, redis_url: str) -> None:
    act_as("admin", SOMEBODY)
    async with inquiry_service(database_url, redis_url) as service:
        for status in ("new", "open", "pending", "resolved", "closed", "spam"):
            for days in (29, 31):
                created = await service.create(subject=f"{status} {days}")
                await service.sql(
                    "update inquiry set status = $2, update_time = now() - make_interval(days => $3) where id = $1",
                    UUID(created.inquiry.id),
                    status,
                    days,
                )
        await service.settings.UpdateSetting(
            settings_pb2.UpdateSettingRequest(key="retention_days", value=Value(number_value=30))
        )
    act_as("anonymous")  # nobody asks for it
    async with inquiry_service(database_url, redis_url) as service:
        await eventually(service, "select from job where state = 'done'")
        (job,) = await service.sql("select * from job")
        assert (job["kind"], job["done"], job["total"]) == ("retention", 3, 3)
        gone = await service.sql("select * from event where kind = 'inquiry_erased'")
        assert [(event["actor"], event["actor_id"]) for event in gone] == [("system", None)] * 3
        left = {row["subject"] for row in await service.sql("select subject from inquiry")}
        assert len(left) == 9
        assert not left & {"resolved 31", "closed 31", "spam 31"}
        (entry,) = await service.sql("select * from audit where action = 'retention.finish'")
        assert entry["actor_id"] is None


async def test_without_the_setting_everything_is_kept_and_old_jobs_are_forgotten(
    database_url: str, redis_url: str
) -> None:
    act_as("admin", SOMEBODY)
    async with inquiry_service(database_url, redis_url) as service:
        created = await service.create()
        await service.sql("update inquiry set status = 'spam', update_time = now() - interval '90 years'")
        await service.sql(
            "insert into job (kind, state, update_time) values ('retention', 'done', now() - interval '31 days')"
        )
    async with inquiry_service(database_url, redis_url) as service:
        await eventually(service, "select where not exists (select from job)")
        assert (await service.get(created.inquiry.id)).id
