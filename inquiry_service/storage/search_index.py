"""What makes inquiries findable, written after the fact: words by the projection, meaning by whoever embeds."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from inquiry_service.storage import knowledge
from inquiry_service.storage.database import Connection, Statement
from inquiry_service.storage.records import Unembedded

MOST_MESSAGES = 50
MOST_CHARACTERS = 60_000
"""Per author, the newest first: a document must stay under the megabyte that tsvector can hold."""

BLOCK_BITS = (11, 14, 17, 20)
"""Sizes of the blocks of numbers that a document names, each eight times the one before."""

LANGUAGES = ("es", "en", "pt", "fr", "de", "it")
"""Those with a text search configuration `pok_…` of their own."""


def configuration(column: str) -> str:
    """The SQL of the text search configuration for a column with a BCP 47 tag."""
    cases = " ".join(f"when '{language}' then 'pok_{language}'" for language in LANGUAGES)
    return f"cast(case split_part({column}, '-', 1) {cases} else 'pok_simple' end as regconfig)"


def _words(text: str, weight: str) -> str:
    # Stems to find other forms of a word, and the words themselves for prefixes and other languages.
    stems = f"case when config <> cast('pok_simple' as regconfig) then to_tsvector(config, {text}) else '' end"
    return f"setweight({stems} || to_tsvector('pok_simple', {text}), '{weight}')"


_BLOCKS = " || ".join(f"array['#{bits}:' || (number >> {bits})]" for bits in BLOCK_BITS)
_WHO = r"concat_ws(' ', customer_name, customer_email, translate(customer_email, '@._-+', '     '), external_id)"

# One statement from the base tables, whatever the events said: applied again, it writes the same or nothing.
REFRESH = Statement(
    f"""
with touched as (
    select i.id, i.number, i.subject, i.customer_name, i.customer_email, i.external_id,
        {configuration("i.language")} as config, coalesce(wrote.customer, '') as customer,
        coalesce(wrote.staff, '') as staff, e.encoder_version, e.embedding
    from inquiry i left join inquiry_embedding e on e.inquiry_id = i.id
    cross join lateral (
        select left(string_agg(body, E'\n' order by number desc) filter (where author = 'customer'), {MOST_CHARACTERS})
                as customer,
            left(string_agg(body, E'\n' order by number desc) filter (where author = 'agent'), {MOST_CHARACTERS})
                as staff
        from (
            select number, author, body from message where inquiry_id = i.id order by number desc limit {MOST_MESSAGES}
        ) newest
    ) wrote
    where i.id = any(cast(:ids as uuid[]))
), unfindable as (
    delete from inquiry_search s where inquiry_id = any(cast(:ids as uuid[]))
        and not exists (select from inquiry where id = s.inquiry_id)
), meaningless as (
    delete from inquiry_meaning m where inquiry_id = any(cast(:ids as uuid[]))
        and not exists (select from inquiry where id = m.inquiry_id)
), words as (
    insert into inquiry_search as s (inquiry_id, number, document, identity)
    select id, number,
        setweight(to_tsvector('pok_simple', {_WHO}), 'A') || {_words("subject", "B")} || {_words("customer", "C")}
            || {_words("staff", "D")} || array_to_tsvector({_BLOCKS}),
        lower(unaccent(concat_ws(' ', customer_name, customer_email, external_id, 'pok-' || number)))
    from touched
    on conflict (inquiry_id) do update set document = excluded.document, identity = excluded.identity
    where s.document <> excluded.document or s.identity <> excluded.identity
)
insert into inquiry_meaning as m (inquiry_id, encoder_version, bits)
select id, encoder_version, cast(binary_quantize(embedding) as bit(512)) from touched
on conflict (inquiry_id) do update set encoder_version = excluded.encoder_version, bits = excluded.bits
where m.encoder_version is distinct from excluded.encoder_version or m.bits is distinct from excluded.bits
"""
)
# Younger ones are left to their analysis, which embeds them anyway.
_UNEMBEDDED = Statement(
    """
select i.id, case when length(written) > 5000 then left(written, 4000) || E'\n' || right(written, 1000)
    else written end as written
from (
    (select inquiry_id from inquiry_meaning where encoder_version is null
        and inquiry_id < uuidv7(-cast(:age as interval)) order by inquiry_id desc limit :size)
    union all
    (select inquiry_id from inquiry_meaning where encoder_version < :encoder_version limit :size)
    union all
    (select inquiry_id from inquiry_meaning where encoder_version > :encoder_version limit :size)
) waiting join inquiry i on i.id = waiting.inquiry_id
cross join lateral (
    select concat_ws(E'\n', nullif(i.subject, ''), string_agg(body, E'\n' order by number)) as written
    from message where inquiry_id = i.id and author = 'customer'
) conversation
limit :size
"""
)
# The lock keeps an inquiry from being erased between the look at it and the commit.
_EMBED = Statement(
    """
with alive as (
    select id, made.embedding
    from unnest(cast(:ids as uuid[]), cast(:embeddings as halfvec[])) as made (made_id, embedding)
    join inquiry on id = made_id order by id for key share of inquiry
), stored as (
    insert into inquiry_embedding as e (inquiry_id, encoder_version, embedding)
    select id, :encoder_version, embedding from alive
    on conflict (inquiry_id) do update set encoder_version = excluded.encoder_version,
        embedding = excluded.embedding, update_time = now()
    where e.encoder_version <> excluded.encoder_version
)
update inquiry_meaning m set encoder_version = :encoder_version, bits = cast(binary_quantize(embedding) as bit(512))
from alive where m.inquiry_id = id and m.encoder_version is distinct from :encoder_version
"""
)


async def refresh(connection: Connection, ids: Sequence[UUID]) -> None:
    """Let these inquiries be found as they are now; those that are gone, no more."""
    await connection.row(REFRESH, ids=list(ids))


async def unembedded(connection: Connection, encoder_version: str, size: int, age: timedelta) -> list[Unembedded]:
    """Inquiries without an embedding of this encoder, with what their customers wrote, as far as encoders read it.

    While they have none at all, those younger than `age` are left out.
    """
    rows = await connection.fetch(_UNEMBEDDED, encoder_version=encoder_version, size=size, age=age)
    return [Unembedded(**dict(row)) for row in rows]


async def embed(connection: Connection, embeddings: dict[UUID, bytes], encoder_version: str) -> None:
    """Keep embeddings of inquiries that are still there, and let them be found by their meaning."""
    await connection.row(
        _EMBED, ids=list(embeddings), embeddings=list(embeddings.values()), encoder_version=encoder_version
    )
    await knowledge.tell_again(connection, list(embeddings))
