"""What was found: the rows of a page, why they are on it, and what means the same as an inquiry."""

from collections.abc import Sequence
from uuid import UUID

from inquiry_service.storage.database import Connection, Statement
from inquiry_service.storage.inquiries import STAFF
from inquiry_service.storage.records import InquiryRecord, Reasons, SimilarRecord
from inquiry_service.storage.search_index import configuration
from inquiry_service.storage.search_query import WordQuery
from inquiry_service.storage.search_statements import NEAREST

EXCERPT = 200
READ = 4_000
"""Characters from the start of a message in which a word is looked for, to show where it stands."""

READ_MESSAGES = 20
LEAST_SIMILARITY = 0.5
"""Cosine below which an answer to one inquiry is of no use for another."""

_ROWS = Statement(f"select {STAFF} from inquiry where id = any(cast(:ids as uuid[]))")
_REASONS = Statement(
    f"""
select i.id,
    left(case when named then i.customer_name else '' end, {EXCERPT}) as name,
    left(case when s.document @@ cast(:who as tsquery) and not named then i.customer_email else '' end, {EXCERPT})
        as email,
    left(case when s.document @@ cast(:subject as tsquery) then i.subject else '' end, {EXCERPT}) as subject,
    coalesce((
        select left(ts_headline(case when to_tsvector(config, body) @@ words then config else 'pok_simple' end, body,
            words, 'StartSel="",StopSel="",MaxFragments=1,MaxWords=30,MinWords=12'), {EXCERPT})
        from (
            select number, left(body, {READ}) as body from message where inquiry_id = i.id
            order by number desc limit {READ_MESSAGES}
        ) newest
        where s.document @@ cast(:said as tsquery)
            and (to_tsvector(config, body) @@ words or to_tsvector('pok_simple', body) @@ words)
        order by number limit 1
    ), '') as text
from inquiry i join inquiry_search s on s.inquiry_id = i.id
cross join lateral (select cast(:any_word as tsquery) as words, {configuration("i.language")} as config,
    to_tsvector('pok_simple', i.customer_name) @@ cast(:any_word as tsquery) as named) asked
where i.id = any(cast(:ids as uuid[]))
"""
)
_EMBEDDING = Statement(
    """select e.embedding, e.encoder_version from inquiry i left join inquiry_embedding e on e.inquiry_id = i.id
    where i.id = :id"""
)
# The state is looked up while the index is walked: few may be resolved among the nearest.
_SIMILAR = Statement(
    f"""
with near as (
    select inquiry_id from inquiry_meaning m
    where inquiry_id <> :id
        and (select status from inquiry where id = m.inquiry_id) in ('resolved', 'closed')
    order by bits <~> cast(binary_quantize(cast(:embedding as halfvec)) as bit(512)) limit {NEAREST}
), closest as (
    select near.inquiry_id, 1 - (e.embedding <=> cast(:embedding as halfvec)) as similarity
    from near join inquiry_embedding e on e.inquiry_id = near.inquiry_id
    where e.encoder_version = :encoder_version
    order by similarity desc limit :size
)
select {STAFF}, similarity, coalesce(reply.body, '') as reply, reply_time
from closest join inquiry i on i.id = closest.inquiry_id
left join lateral (
    select body, message.create_time as reply_time from message where inquiry_id = i.id and kind = 'reply'
    order by message.number desc limit 1
) reply on true
where similarity >= {LEAST_SIMILARITY} order by similarity desc
"""
)


async def rows(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, InquiryRecord]:
    """These inquiries as lists show them to staff."""
    return {row["id"]: InquiryRecord(**dict(row)) for row in await connection.fetch(_ROWS, ids=list(ids))}


async def reasons(connection: Connection, ids: Sequence[UUID], words: WordQuery) -> dict[UUID, Reasons]:
    """Where the words stand in these inquiries."""
    found = await connection.fetch(
        _REASONS,
        ids=list(ids),
        any_word=words.any_word,
        who=words.any_in("A"),
        subject=words.any_in("B"),
        said=words.any_in("CD"),
    )
    return {row["id"]: Reasons(**dict(row)) for row in found}


async def embedding_of(connection: Connection, id_: UUID) -> tuple[bytes, str] | tuple[None, None] | None:
    """The embedding of an inquiry and the encoder that made it, as far as it has been embedded; None without it."""
    row = await connection.row(_EMBEDDING, id=id_)
    return (row["embedding"], row["encoder_version"]) if row else None


async def similar(
    connection: Connection, id_: UUID, embedding: bytes, encoder_version: str, size: int
) -> list[SimilarRecord]:
    """Resolved and closed inquiries that mean nearly the same as this one, closest first."""
    found = await connection.fetch(_SIMILAR, id=id_, embedding=embedding, encoder_version=encoder_version, size=size)
    return [_similar(dict(row)) for row in found]


def _similar(values: dict[str, object]) -> SimilarRecord:
    similarity, reply, reply_time = (values.pop(name) for name in ("similarity", "reply", "reply_time"))
    return SimilarRecord(InquiryRecord(**values), similarity, reply, reply_time)  # type: ignore[arg-type]
