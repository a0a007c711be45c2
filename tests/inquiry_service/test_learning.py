"""AI processes learn of what people decide: one example for each inquiry, the last one, and what counts no more."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import catalog_pb2, decisions_pb2, inquiry_pb2, knowledge_pb2

from inquiry_service.embedder import Embedder
from inquiry_service.storage import knowledge
from inquiry_service.storage.database import Database
from inquiry_service.storage.records import Embedded
from runtime.rpc import errors
from tests.support.embeddings import embedding
from tests.support.inquiry import Service, act_as
from tests.support.knowledge import Pupil, pupil
from tests.support.projections import projected

BILLING, REFUNDS, TECHNICAL = "billing_payment", "returns_refunds", "technical_issue"
SPAM, OPEN = inquiry_pb2.INQUIRY_STATUS_SPAM, inquiry_pb2.INQUIRY_STATUS_OPEN
ADMIN = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"


async def analysed(service: Service, **fields: Any) -> str:
    inquiry_id = (await service.create()).inquiry.id
    await service.complete(await service.must_claim(inquiry_id), **fields)
    return inquiry_id


async def change(service: Service, inquiry_id: str, **fields: Any) -> inquiry_pb2.Inquiry:
    request = inquiry_pb2.UpdateInquiryRequest(
        id=inquiry_id, inquiry=inquiry_pb2.Inquiry(**fields), update_mask=FieldMask(paths=list(fields))
    )
    return (await service.inquiries.UpdateInquiry(request)).inquiry


async def change_in_bulk(service: Service, inquiry_id: str, **fields: Any) -> None:
    response = await service.inquiries.BatchUpdateInquiries(
        inquiry_pb2.BatchUpdateInquiriesRequest(
            ids=[inquiry_id], inquiry=inquiry_pb2.Inquiry(**fields), update_mask=FieldMask(paths=list(fields))
        )
    )
    assert not response.results[0].reason


async def erase(service: Service, inquiry_id: str) -> None:
    act_as("admin", ADMIN)
    await service.inquiries.DeleteInquiry(inquiry_pb2.DeleteInquiryRequest(id=inquiry_id))
    act_as("support")


async def version(service: Service) -> int:
    [row] = await service.sql("select version from knowledge")
    return int(row["version"])


async def test_category_that_a_person_sets_or_confirms_is_an_example(service: Service) -> None:
    set_, confirmed, untouched = [await analysed(service) for _ in range(3)]
    async with pupil(service) as ai:
        assert await ai.knows(service) == {}
        await change(service, set_, category=REFUNDS)
        await change(service, confirmed, category=BILLING)
        await change(service, untouched, sentiment=analysis_pb2.SENTIMENT_POSITIVE)
        assert await ai.knows(service) == {set_: REFUNDS, confirmed: BILLING}
        assert set(ai.encoders.values()) == {"test"}


async def test_last_decision_counts(service: Service) -> None:
    inquiry_id = await analysed(service)
    async with pupil(service) as ai:
        for category in (REFUNDS, TECHNICAL):
            await change(service, inquiry_id, category=category)
            assert await ai.knows(service) == {inquiry_id: category}


async def test_decision_that_is_taken_back_is_forgotten(service: Service) -> None:
    inquiry_id = await analysed(service)
    async with pupil(service) as ai:
        await change(service, inquiry_id, category=REFUNDS)
        assert await ai.knows(service) == {inquiry_id: REFUNDS}
        await change(service, inquiry_id, category="")
        assert await ai.knows(service) == {}


async def test_decision_is_known_under_the_version_that_the_next_claim_names(service: Service) -> None:
    inquiry_id = await analysed(service)
    await change(service, inquiry_id, category=REFUNDS)
    claim = await service.must_claim((await service.create()).inquiry.id)
    assert claim.request.knowledge_version == await version(service) == 2
    async with pupil(service) as ai:
        await ai.until(lambda one: one.version == claim.request.knowledge_version)
        assert ai.examples == {inquiry_id: REFUNDS}


async def test_change_that_decides_nothing_leaves_the_version(service: Service) -> None:
    inquiry_id = await analysed(service)
    await change(service, inquiry_id, category=REFUNDS)
    before = await version(service)
    await change(service, inquiry_id, category=REFUNDS)
    await change(service, inquiry_id, status=inquiry_pb2.INQUIRY_STATUS_RESOLVED)
    with pytest.raises(errors.InvalidArgument):
        await change(service, inquiry_id, category="no_such_category")
    assert await version(service) == before


async def test_decision_in_bulk_is_no_example_and_ends_one_of_another_category(service: Service) -> None:
    one, other = [await analysed(service) for _ in range(2)]
    await change(service, other, category=REFUNDS)
    for inquiry_id in (one, other):
        await change_in_bulk(service, inquiry_id, category=TECHNICAL)
    async with pupil(service) as ai:
        assert await ai.knows(service) == {}
    await change(service, one, category=BILLING)
    await change_in_bulk(service, one, category=BILLING)
    async with pupil(service) as ai:
        assert await ai.knows(service) == {one: BILLING}


async def test_spam_teaches_nothing_while_it_is_spam(service: Service) -> None:
    inquiry_id, other = await analysed(service), await analysed(service)
    async with pupil(service) as ai:
        await change(service, inquiry_id, category=REFUNDS)
        await change(service, inquiry_id, status=SPAM)
        await change(service, other, category=REFUNDS, status=SPAM)
        assert await ai.knows(service) == {}
        await change(service, inquiry_id, status=OPEN)
        await service.write(other, "reply", status=OPEN)
        assert await ai.knows(service) == {inquiry_id: REFUNDS, other: REFUNDS}
        await service.write(inquiry_id, "reply", status=SPAM)
        await change_in_bulk(service, other, status=SPAM)
        assert await ai.knows(service) == {}


async def test_what_the_machine_decides_is_no_example_also_when_it_is_undone(service: Service) -> None:
    inquiry_id = await analysed(service)
    await service.decisions.UndoRun(decisions_pb2.UndoRunRequest(inquiry_id=inquiry_id, run=1))
    async with pupil(service) as ai:
        assert await ai.knows(service) == {}
    assert await version(service) == 1


async def test_erased_inquiry_is_forgotten(service: Service) -> None:
    inquiry_id, other = await analysed(service), await analysed(service)
    for one in (inquiry_id, other):
        await change(service, one, category=REFUNDS)
    async with pupil(service) as ai:
        assert await ai.knows(service) == {inquiry_id: REFUNDS, other: REFUNDS}
        await erase(service, inquiry_id)
        assert await ai.knows(service) == {other: REFUNDS}
    async with pupil(service) as newcomer:
        assert await newcomer.knows(service) == {other: REFUNDS}


async def test_only_the_newest_200_of_a_category_count_and_older_ones_come_back(service: Service) -> None:
    await service.sql(
        """with made as (
            insert into human_decision (inquiry_id, category, counts, number, version)
            select uuidv7(), $1, n > 1, n, n from generate_series(1, 201) n returning inquiry_id
        ), embedded as (
            insert into inquiry_embedding (inquiry_id, encoder_version, embedding)
            select inquiry_id, 'test', array_fill(1::real, array[512])::halfvec from made
        ) update knowledge set version = 201""",
        REFUNDS,
    )
    rows = await service.sql("select inquiry_id from human_decision order by number")
    ids = [str(row["inquiry_id"]) for row in rows]
    newest = await analysed(service)
    async with pupil(service) as ai:
        assert set(await ai.knows(service)) == set(ids[1:])
        await change(service, newest, category=REFUNDS)
        assert set(await ai.knows(service)) == {*ids[2:], newest}
        await erase(service, newest)
        assert set(await ai.knows(service)) == set(ids[1:])
        await change(service, await analysed(service), category=TECHNICAL)
        assert set(ids[1:]) < set(await ai.knows(service))


async def test_decision_comes_with_its_embedding_and_again_with_a_new_one(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    claim = await service.must_claim(inquiry_id)
    async with pupil(service) as ai:
        await change(service, inquiry_id, category=REFUNDS)
        assert await ai.knows(service) == {}
        await service.complete(claim)
        assert await ai.knows(service) == {inquiry_id: REFUNDS}

        async def embed(texts: Any, *, timeout: float) -> Embedded:
            return Embedded([embedding(2.0) for _ in texts], "newer")

        await projected(service, "search")
        database = Database(service.database_url, 1)
        await database.open()
        assert await Embedder(database, embed).advance(timedelta(minutes=-1)) == 1
        await database.close()
        await ai.knows(service)
        assert ai.encoders == {inquiry_id: "newer"}


async def test_snapshot_comes_in_parts_and_only_what_has_changed_after_it(service: Service) -> None:
    await service.sql(
        """with made as (
            insert into human_decision (inquiry_id, category, counts, number, version)
            select uuidv7(), 'category_' || n % 7, true, n, 1 + n / 400 from generate_series(1, 1100) n
            returning inquiry_id
        ), embedded as (
            insert into inquiry_embedding (inquiry_id, encoder_version, embedding)
            select inquiry_id, 'test', array_fill(1::real, array[512])::halfvec from made
        ) update knowledge set version = 7"""
    )
    async with pupil(service) as ai:
        assert len(await ai.knows(service)) == 1100
        assert (ai.parts, ai.resets) == ([500, 500, 100], 1)
    inquiry_id = await analysed(service)
    await change(service, inquiry_id, category=REFUNDS)
    async with pupil(service, ai):
        assert len(await ai.knows(service)) == 1101
    assert (ai.parts, ai.resets) == ([500, 500, 100, 1], 1)


@pytest.mark.parametrize("held", [1, 99])
async def test_version_that_the_log_does_not_reach_gets_everything_anew(service: Service, held: int) -> None:
    kept, gone = await analysed(service), await analysed(service)
    await change(service, kept, category=REFUNDS)
    await change(service, gone, category=REFUNDS)
    await erase(service, gone)
    await service.sql("update human_decision set update_time = now() - interval '25 hours'")
    database = Database(service.database_url, 1)
    await database.open()
    await knowledge.prune(database)
    await database.close()
    stale = Pupil()
    stale.version, stale.examples = held, {gone: REFUNDS}
    async with pupil(service, stale):
        assert await stale.knows(service) == {kept: REFUNDS}
    assert stale.resets == 1


async def test_forgotten_decisions_are_told_for_a_day(service: Service) -> None:
    inquiry_id = await analysed(service)
    await change(service, inquiry_id, category=REFUNDS)
    async with pupil(service) as ai:
        await ai.knows(service)
    await erase(service, inquiry_id)
    database = Database(service.database_url, 1)
    await database.open()
    await knowledge.prune(database)
    await database.close()
    async with pupil(service, ai):
        assert await ai.knows(service) == {}
    assert ai.resets == 1


async def test_decisions_at_once_and_a_changing_taxonomy_miss_nothing_and_block_nobody(service: Service) -> None:
    ids = [await analysed(service) for _ in range(12)]
    category = catalog_pb2.UpdateCategoryRequest(
        category=knowledge_pb2.Category(key=REFUNDS, name_en="Refunds"), update_mask=FieldMask(paths=["name_en"])
    )

    async def rename() -> None:
        act_as("admin", ADMIN)
        for _ in range(12):
            await service.catalog.UpdateCategory(category)

    async with pupil(service) as one, pupil(service) as other:
        renaming = asyncio.create_task(rename())
        await asyncio.gather(*(change(service, inquiry_id, category=REFUNDS) for inquiry_id in ids))
        await renaming
        expected = dict.fromkeys(ids, REFUNDS)
        assert await one.knows(service) == await other.knows(service) == expected
    assert await version(service) == 1 + 2 * len(ids)


async def test_whoever_decides_holds_up_no_create_no_claim_and_no_result(service: Service) -> None:
    deciding = await asyncpg.connect(service.database_url, timeout=10)
    async with deciding.transaction():
        await deciding.execute("select from knowledge for update")
        await analysed(service)
    await deciding.close()


async def test_changed_taxonomy_keeps_what_was_learned(service: Service) -> None:
    inquiry_id = await analysed(service)
    await change(service, inquiry_id, category=REFUNDS)
    async with pupil(service) as ai:
        await ai.knows(service)
        act_as("admin", ADMIN)
        await service.catalog.UpdateCategory(
            catalog_pb2.UpdateCategoryRequest(
                category=knowledge_pb2.Category(key=TECHNICAL, inactive=True), update_mask=FieldMask(paths=["inactive"])
            )
        )
        assert await ai.knows(service) == {inquiry_id: REFUNDS}
    assert TECHNICAL not in ai.categories
    assert ai.resets == 1
