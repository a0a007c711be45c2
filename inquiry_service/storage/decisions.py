"""Queries on what the AI has decided: its runs, and taking them back."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from inquiry_service.storage.database import Connection, Database, Statement

MOST_BYTES = 1_500_000
"""In one page of runs: a call carries 4 MB, and what left for a provider may be long."""

# What a run changed stands in its event, which outlives it.
_CHANGES = """(select body -> 'changes' from event e where e.inquiry_id = ai_run.inquiry_id
    and kind = 'triage_completed' and cast(body ->> 'claim' as bigint) = claim limit 1) as changes"""
_RUNS = Statement(
    f"""select claim, outcome, revision, record, create_time, {_CHANGES},
        (select min(claim) from ai_run where inquiry_id = :inquiry_id) as first_claim
    from (
        select *, sum(octet_length(cast(record as text))) over newest as bytes, row_number() over newest as place
        from ai_run where inquiry_id = :inquiry_id and claim < :before window newest as (order by claim desc)) ai_run
    where place <= :size and (bytes <= {MOST_BYTES} or place = 1) order by claim desc"""
)
_HOLD_RUN = Statement(
    f"""select claim, outcome, revision, record, create_time, {_CHANGES} from ai_run
    where inquiry_id = :inquiry_id and claim = :claim for update"""
)
_LAST_CHOICE = Statement(
    """select record #>> '{categories,0,category}' as category,
        coalesce(record ->> 'uncorrected_category', '') as uncorrected from ai_run
    where inquiry_id = :inquiry_id and outcome in ('applied', 'suggested') order by claim desc limit 1"""
)
_EXISTS = Statement("select true from inquiry where id = :inquiry_id")
_UNDO = Statement(
    """
with changed as (
    update inquiry set category = :category, suggested_category = :suggested_category, sentiment = :sentiment,
        sentiment_score = :sentiment_score, priority = :priority, priority_reason = :priority_reason,
        language = :language, triage_state = :triage_state, version = version + 1, update_time = now()
    where id = :inquiry_id returning id, version
), run as (
    update ai_run set outcome = 'undone' where inquiry_id = :inquiry_id and claim = :claim
), unsent as (
    update draft set state = 'superseded', update_time = now()
    where inquiry_id = :inquiry_id and claim = :claim and state in ('ready', 'inserted')
    returning new.number, old.state as before
), draft_events as (
    insert into event (inquiry_id, version, kind, actor, actor_id, body)
    select :inquiry_id, version, 'draft_changed', 'agent', :actor_id, jsonb_build_object('draft_number', number,
        'changes', jsonb_build_object('draft_state', jsonb_build_array(before, 'superseded')))
    from unsent, changed
)
insert into event (inquiry_id, version, kind, actor, actor_id, body)
select id, version, 'triage_undone', 'agent', :actor_id, :event_body from changed
returning number
"""
)


class Choice(NamedTuple):
    """A category that the machine chose, and the one that it would have chosen without what people taught it.

    The latter is empty where it is not known, as of other models than the embedded one.
    """

    category: str
    uncorrected: str


class Runs(NamedTuple):
    """Some runs, newest first, and whether older ones follow."""

    items: list["RunRecord"]
    more: bool


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the AI. `changes`: field → before and after; None where it changed nothing."""

    claim: int
    outcome: str
    revision: int
    record: dict[str, Any]
    create_time: datetime
    changes: dict[str, list[Any]] | None


async def runs(database: Database, inquiry_id: UUID, *, before: int, size: int) -> Runs:
    """The runs whose claims are lower than `before`; fewer than `size` where they are long."""
    rows = [dict(row) for row in await database.fetch(_RUNS, inquiry_id=inquiry_id, before=before, size=size)]
    firsts = [row.pop("first_claim") for row in rows]
    return Runs([RunRecord(**row) for row in rows], bool(rows) and rows[-1]["claim"] > firsts[-1])


async def hold_run(connection: Connection, inquiry_id: UUID, claim: int) -> RunRecord | None:
    """One run, locked until the transaction ends."""
    row = await connection.row(_HOLD_RUN, inquiry_id=inquiry_id, claim=claim)
    return RunRecord(**dict(row)) if row else None


async def last_choice(reader: Database | Connection, inquiry_id: UUID) -> Choice | None:
    """What the machine chose last, unless that was taken back."""
    row = await reader.row(_LAST_CHOICE, inquiry_id=inquiry_id)
    return Choice(**dict(row)) if row else None


async def exists(database: Database, inquiry_id: UUID) -> bool:
    """Whether there is such an inquiry."""
    return await database.row(_EXISTS, inquiry_id=inquiry_id) is not None


async def undo(connection: Connection, values: dict[str, Any]) -> None:
    """Write the fields as they were before a run, what became of the run and its draft, and the event."""
    await connection.row(_UNDO, **values)
