"""An erased inquiry leaves nothing that its customer wrote, and whoever still works on it changes nothing."""

import asyncio

import asyncpg
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from pok.inquiry.v1 import inquiry_pb2

from runtime.rpc import context, errors
from tests.support.events import until
from tests.support.inquiry import Service, act_as

SOMEBODY = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"
CANARY = "kanarienvogel"
KEY = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e61"


@pytest.fixture(autouse=True)
def admin(service: Service) -> None:
    act_as("admin", SOMEBODY)


async def sent(service: Service) -> str:
    """An inquiry full of canaries."""
    texts = dict.fromkeys(("customer_name", "subject", "message", "external_id", "consent_version"), CANARY)
    created = await service.create(**texts, customer_email=f"{CANARY}@example.com", request_id=KEY)
    return created.inquiry.id


async def erase(service: Service, inquiry_id: str) -> None:
    await service.inquiries.DeleteInquiry(inquiry_pb2.DeleteInquiryRequest(id=inquiry_id))


async def where_the_canary_is(service: Service) -> list[str]:
    tables = await service.sql(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
    )
    names = [table["relname"] for table in tables]
    found = [await service.sql(f'select 1 from "{name}" t where t::text like $1', f"%{CANARY}%") for name in names]
    return [name for name, rows in zip(names, found, strict=True) if rows]


async def nothing_is_left(service: Service) -> None:
    """At once, but for what was just being made findable, which the search index takes away as it follows the log."""
    assert set(await where_the_canary_is(service)) <= {"inquiry_search"}, "only what was just being made findable"
    async with asyncio.timeout(20):
        while await where_the_canary_is(service):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)


async def test_no_text_of_an_erased_inquiry_is_left_in_any_table(service: Service) -> None:
    inquiry_id = await sent(service)
    await service.complete(await service.must_claim(inquiry_id), draft=CANARY, language="es")
    await service.inquiries.UpdateInquiry(inquiry_pb2.UpdateInquiryRequest(id=inquiry_id, add_tags=[CANARY]))
    assert set(await where_the_canary_is(service)) >= {"inquiry", "message", "draft", "inquiry_tag"}
    await erase(service, inquiry_id)
    await nothing_is_left(service)
    for table in ("triage_job", "ai_run", "idempotency_key"):
        assert await service.sql(f"select 1 from {table} where inquiry_id = $1", inquiry_id) == []


async def test_events_stay_and_the_last_one_tells_of_the_erasure(service: Service) -> None:
    inquiry_id = await sent(service)
    await erase(service, inquiry_id)
    events = await service.events(inquiry_id)
    assert [event["kind"] for event in events] == ["inquiry_created", "inquiry_erased"]
    assert (str(events[-1]["actor_id"]), events[-1]["version"]) == (SOMEBODY, 2)
    (entry,) = await service.sql("select * from audit where action = 'inquiry.erase'")
    assert (entry["target"], str(entry["actor_id"]), entry["outcome"]) == (inquiry_id, SOMEBODY, "ok")


async def test_erased_inquiry_is_not_found(service: Service) -> None:
    inquiry_id = await sent(service)
    await erase(service, inquiry_id)
    change = inquiry_pb2.UpdateInquiryRequest(
        id=inquiry_id,
        inquiry=inquiry_pb2.Inquiry(category="billing_payment"),
        update_mask=FieldMask(paths=["category"]),
    )
    for call in (
        service.get(inquiry_id),
        erase(service, inquiry_id),
        service.inquiries.UpdateInquiry(change),
        service.inquiries.ListEvents(inquiry_pb2.ListEventsRequest(inquiry_id=inquiry_id)),
    ):
        with pytest.raises(errors.NotFound):
            await call
    assert (await service.inquiries.ListInquiries(inquiry_pb2.ListInquiriesRequest())).total == 0


async def test_worker_that_holds_an_erased_inquiry_changes_nothing(service: Service) -> None:
    inquiry_id = await sent(service)
    claim = await service.must_claim(inquiry_id)
    await erase(service, inquiry_id)
    with pytest.raises(errors.Aborted) as refused:
        await service.complete(claim, draft=CANARY)
    assert refused.value.reason == "STALE_CLAIM"
    await nothing_is_left(service)


async def test_doorbell_of_an_erased_inquiry_does_nothing(service: Service) -> None:
    inquiry_id = await sent(service)
    await erase(service, inquiry_id)
    assert await service.claim(inquiry_id) is None


async def test_key_of_an_erased_inquiry_makes_a_new_one(service: Service) -> None:
    first = await sent(service)
    assert await sent(service) == first
    await erase(service, first)
    assert await sent(service) != first


async def test_erasing_while_a_worker_claims_and_completes_never_blocks_either(service: Service) -> None:
    async def worked(inquiry_id: str) -> bool:
        claim = await service.claim(inquiry_id)
        return claim is not None and await service.complete(claim)

    for _ in range(20):
        inquiry_id = (await service.create()).inquiry.id
        results = await asyncio.gather(worked(inquiry_id), erase(service, inquiry_id), return_exceptions=True)
        assert isinstance(results[0], bool | errors.Aborted)
        assert results[1] is None
        with pytest.raises(errors.NotFound):
            await service.get(inquiry_id)


async def test_inquiry_that_is_being_embedded_leaves_no_embedding(service: Service) -> None:
    inquiry_id = await sent(service)

    async def erasing_waits() -> bool:
        return bool(await service.sql("select from pg_stat_activity where wait_event_type = 'Lock'"))

    embedder = await asyncpg.connect(service.database_url, timeout=10)
    async with embedder.transaction():
        await embedder.execute("select from inquiry where id = $1 for key share", inquiry_id)
        await embedder.execute(
            """insert into inquiry_embedding (inquiry_id, encoder_version, embedding)
            values ($1, 'test', array_fill(1::real, array[512])::halfvec)""",
            inquiry_id,
        )
        erasing = asyncio.create_task(erase(service, inquiry_id))
        await until(erasing_waits)
    await erasing
    await embedder.close()
    assert await service.sql("select from inquiry_embedding") == []


@pytest.mark.parametrize("role", ["anonymous", "user", "support"])
async def test_only_admins_erase(service: Service, role: context.Role) -> None:
    inquiry_id = await sent(service)
    act_as(role, SOMEBODY)
    with pytest.raises(errors.PermissionDenied):
        await erase(service, inquiry_id)
