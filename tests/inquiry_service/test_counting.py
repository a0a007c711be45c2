"""What the projection keeps is what a recount of the event log gives, however the log is cut."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from pok.inquiry.v1 import conversation_pb2, decisions_pb2, erasure_pb2, transfer_pb2
from pok.inquiry.v1 import inquiry_pb2 as pb

from inquiry_service.projections import projector
from inquiry_service.projections.projector import Projector
from inquiry_service.projections.statistics import Counting
from inquiry_service.storage import event_log
from inquiry_service.storage.database import Connection, Database, Statement
from inquiry_service.storage.event_log import LoggedEvent
from inquiry_service.storage.statistics import WIDTHS
from tests.support.events import has_read_all, until
from tests.support.histories import History
from tests.support.inquiry import Service, act_as

AGENT = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"
ROWS = Statement("select dimension, width, bucket, measure, key, amount from statistic")
KEPT = Statement("select inquiry_id, receive_time from statistic_inquiry")
EMPTY = [Statement(f"delete from {table}") for table in ("statistic", "statistic_inquiry", "projection")]


class Broken(Counting):
    """Is stopped when it has written, before that is committed."""

    async def apply(self, connection: Connection, events: Sequence[LoggedEvent]) -> None:
        await super().apply(connection, events)
        raise asyncio.CancelledError


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url, 4)
    await opened.open()
    yield opened
    await opened.close()


async def count(database: Database, *, batches: int | None = None) -> None:
    """Count on, to the end of the log or for so many batches."""
    await event_log.prepare(database, Counting.name)
    while batches != 0 and not await is_counted(database):
        await Projector(database, Counting()).advance()
        batches = None if batches is None else batches - 1


async def is_counted(database: Database) -> bool:
    return await has_read_all(database, Counting.name)


async def tables(database: Database) -> tuple[set[tuple[Any, ...]], set[tuple[Any, ...]]]:
    """All that the projection has written."""
    rows, kept = await database.fetch(ROWS), await database.fetch(KEPT)
    return {tuple(row.values()) for row in rows}, {tuple(row.values()) for row in kept}


async def recount(database: Database) -> tuple[set[tuple[Any, ...]], set[tuple[Any, ...]]]:
    """The same from nothing but the log."""
    for statement in EMPTY:
        await database.fetch(statement)
    await count(database)
    return await tables(database)


async def sums(database: Database, dimension: str, width: int) -> Counter[tuple[str, str]]:
    """The sum of every measure and key."""
    found: Counter[tuple[str, str]] = Counter()
    for row in await database.fetch(ROWS):
        if (row["dimension"], row["width"]) == (dimension, width):
            found[row["measure"], row["key"]] += row["amount"]
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_counts_are_those_of_a_long_random_history(database: Database, database_url: str, seed: int) -> None:
    history = History(seed).live(3000)
    await history.write(database_url)
    await count(database)
    for width in WIDTHS:
        totals = {measure: amount for (measure, _), amount in (await sums(database, "", width)).items()}
        assert totals == {**history.counts, "backlog": history.backlog}
        for field in ("category", "sentiment", "language"):
            split = await sums(database, field, width)
            received = {key: amount for (measure, key), amount in split.items() if measure == "received" and amount}
            assert received == history.received(field)
    rows, kept = await tables(database)
    assert {id_ for id_, _ in kept} == history.state.keys()
    assert await recount(database) == (rows, kept)


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_counts_do_not_depend_on_how_the_log_is_cut(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    await History(9).live(600).write(database_url)
    await count(database)
    counted = await tables(database)
    monkeypatch.setattr(projector, "BATCH", size)
    assert await recount(database) == counted


async def test_projection_that_is_restarted_in_the_middle_counts_once(database: Database, database_url: str) -> None:
    history = History(4).live(1000)
    await history.write(database_url)
    await count(database, batches=2)
    with pytest.raises(asyncio.CancelledError):
        await Projector(database, Broken()).advance()
    await count(database)
    rows, _ = await tables(database)
    assert (await sums(database, "", WIDTHS[0]))["received", ""] == history.counts["received"]
    assert rows == (await recount(database))[0]


async def test_counts_follow_what_people_and_machine_do_through_the_service(
    service: Service, database: Database
) -> None:
    act_as("admin", AGENT)
    ids = [(await service.create()).inquiry.id for _ in range(6)]
    for number, id_ in enumerate(ids[:5]):
        await service.complete(await service.must_claim(id_), confidence=0.9 if number else 0.3)
    await change(service, ids[0], category="billing_payment")  # as suggested
    await change(service, ids[1], category="billing_payment")  # as set
    await change(service, ids[2], category="technical_issue")  # corrected, and then its mind changed
    await change(service, ids[2], category="billing_payment")
    await change(service, ids[3], status=pb.INQUIRY_STATUS_RESOLVED)
    await change(service, ids[3], status=pb.INQUIRY_STATUS_CLOSED)
    await change(service, ids[3], status=pb.INQUIRY_STATUS_OPEN)
    await change(service, ids[4], status=pb.INQUIRY_STATUS_SPAM)
    await service.inquiries.DeleteInquiry(pb.DeleteInquiryRequest(id=ids[5]))
    await until(lambda: is_counted(database))
    totals = {measure: amount for (measure, _), amount in (await sums(database, "", 900)).items()}
    assert {name: totals[name] for name in ("received", "backlog", "resolved", "reopened")} == {
        "received": 6,
        "backlog": 4,
        "resolved": 1,
        "reopened": 1,
    }
    assert {name: totals[name] for name in ("automatic", "reviewed", "confirmed", "corrected")} == {
        "automatic": 4,
        "reviewed": 1,
        "confirmed": 2,
        "corrected": 1,
    }
    categories = await sums(database, "category", 900)
    assert (categories["received", "billing_payment"], categories["received", ""]) == (5, 1)
    assert categories["received", "technical_issue"] == 0
    assert (await sums(database, "agent", 900))["resolved", AGENT] == 1
    assert len((await tables(database))[1]) == 5


async def test_what_learning_gained_is_counted_from_first_decisions_on_the_embedded_model(
    service: Service, database: Database
) -> None:
    act_as("support", AGENT)
    cases = [  # chosen, untaught, decided
        ("billing_payment", "returns_refunds", "billing_payment"),
        ("billing_payment", "billing_payment", "billing_payment"),
        ("billing_payment", "returns_refunds", "returns_refunds"),
        ("technical_issue", "", "technical_issue"),
    ]
    ids = [(await service.create()).inquiry.id for _ in cases]
    for id_, (chosen, untaught, decided) in zip(ids, cases, strict=True):
        claim = await service.must_claim(id_)
        await service.complete(claim, category=chosen, uncorrected_category=untaught)
        await change(service, id_, category=decided)
    await change(service, ids[0], category="general_other")  # no longer a decision on the machine's choice
    await until(lambda: is_counted(database))
    counted = await tables(database)
    totals = await sums(database, "", 900)
    assert [totals[name, ""] for name in ("comparable", "agreed", "uncorrected_agreed")] == [3, 2, 2]
    assert await recount(database) == counted


async def test_counts_follow_a_conversation_through_the_service(service: Service, database: Database) -> None:
    act_as("support", AGENT)
    ids = [(await service.create()).inquiry.id for _ in range(3)]
    for id_ in ids:
        await service.complete(await service.must_claim(id_), draft="Hola, Ana: lo revisamos.")
    await reply(service, ids[0], text="Hola, Ana: lo revisamos.", draft_number=await draft_of(service, ids[0]))
    await reply(service, ids[0], text="Ya está.", status=pb.INQUIRY_STATUS_RESOLVED)
    await reply(service, ids[1], text="Hola, Ana: lo miramos.", draft_number=await draft_of(service, ids[1]))
    await reply(service, ids[1], text="Vea su caso.", kind=conversation_pb2.MESSAGE_KIND_NOTE)
    await service.conversation.UpdateDraft(
        conversation_pb2.UpdateDraftRequest(
            inquiry_id=ids[2],
            number=await draft_of(service, ids[2]),
            state=conversation_pb2.DRAFT_STATE_DISMISSED,
        )
    )
    await until(lambda: is_counted(database))
    totals = {measure: amount for (measure, _), amount in (await sums(database, "", 900)).items()}
    assert {name: totals[name] for name in ("replies", "resolved", "backlog")} == {
        "replies": 3,
        "resolved": 1,
        "backlog": 2,
    }
    assert {name: totals[name] for name in ("drafts_sent", "drafts_unedited", "drafts_dismissed")} == {
        "drafts_sent": 2,
        "drafts_unedited": 1,
        "drafts_dismissed": 1,
    }
    assert totals["edit_distance"] > 0
    bins = await sums(database, "bin", 900)
    assert Counter({measure: sum(bins[key] for key in bins if key[0] == measure) for measure, _ in bins}) == {
        "first_response": 2,
        "resolution": 1,
    }
    assert (await sums(database, "agent", 900)) == {("replies", AGENT): 3, ("resolved", AGENT): 1}


async def test_counts_follow_import_selection_undo_and_erasure_through_the_service(
    service: Service, database: Database
) -> None:
    act_as("admin", AGENT)
    statuses = (pb.INQUIRY_STATUS_NEW, pb.INQUIRY_STATUS_CLOSED, pb.INQUIRY_STATUS_SPAM, pb.INQUIRY_STATUS_OPEN)
    rows = [
        transfer_pb2.ImportRow(
            row=number,
            external_id=f"crm-{number}",
            customer_name="Ana Ruiz",
            customer_email="ana@example.com",
            subject="Cobro doble",
            message="Me han cobrado dos veces.",
            status=status,
            category="billing_payment" if number % 2 else "",
            language="pt",
            create_time=Timestamp(seconds=1_700_000_000 + number * 86_400),
        )
        for number, status in enumerate(statuses, start=1)
    ]
    await service.transfer.ImportInquiries(transfer_pb2.ImportInquiriesRequest(rows=rows))
    ids = [(await service.create(customer_email=f"c{number}@example.com")).inquiry.id for number in range(3)]
    for id_ in ids:
        await service.complete(await service.must_claim(id_), category="technical_issue")
    await service.decisions.UndoRun(decisions_pb2.UndoRunRequest(inquiry_id=ids[0], run=1))
    imported = [str(row["id"]) for row in await service.sql("select id from inquiry where external_id is not null")]
    await service.inquiries.BatchUpdateInquiries(
        pb.BatchUpdateInquiriesRequest(
            ids=[*imported, *ids[1:]],
            inquiry=pb.Inquiry(category="returns_refunds", status=pb.INQUIRY_STATUS_RESOLVED),
            update_mask=FieldMask(paths=["category", "status"]),
        )
    )
    await until(lambda: is_counted(database))
    for field in ("category", "sentiment", "language"):
        rows_of = await service.sql(f"select coalesce({field}, '') as key, count(*) as count from inquiry group by 1")
        split = await sums(database, field, 86_400)
        received = {key: amount for (measure, key), amount in split.items() if measure == "received" and amount}
        assert received == {row["key"]: row["count"] for row in rows_of}
    totals = await sums(database, "", 86_400)
    assert (totals["confirmed", ""], totals["corrected", ""], totals["received", ""]) == (0, 0, 7)
    await service.erasure.CreateErasure(erasure_pb2.CreateErasureRequest(customer_email="ana@example.com"))
    await service.inquiries.DeleteInquiry(pb.DeleteInquiryRequest(id=ids[0]))

    async def erased() -> bool:
        return len(await service.sql("select from inquiry")) == 2 and await is_counted(database)

    await until(erased)
    left = await service.sql("select id from inquiry where status in ('new', 'open', 'pending')")
    counted = await tables(database)
    assert (await sums(database, "", 3600))["backlog", ""] == len(left)
    assert (await sums(database, "", 3600))["received", ""] == 7
    assert {str(id_) for id_, _ in counted[1]} == set(ids[1:])


async def reply(service: Service, id_: str, **fields: Any) -> None:
    await service.conversation.CreateMessage(
        conversation_pb2.CreateMessageRequest(
            **{"inquiry_id": id_, "kind": conversation_pb2.MESSAGE_KIND_REPLY, **fields}
        )
    )


async def draft_of(service: Service, id_: str) -> int:
    """The number of the draft that waits."""
    response = await service.conversation.GetDraft(conversation_pb2.GetDraftRequest(inquiry_id=id_))
    return response.draft.number


async def change(service: Service, id_: str, **fields: Any) -> None:
    await service.inquiries.UpdateInquiry(
        pb.UpdateInquiryRequest(id=id_, inquiry=pb.Inquiry(**fields), update_mask=FieldMask(paths=list(fields)))
    )
