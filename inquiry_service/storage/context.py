"""What the AI is told of an inquiry: its conversation, and what a reply may build on."""

from uuid import UUID

from inquiry_service.storage.database import Connection, Database, Statement
from inquiry_service.storage.records import AnalysisInput

MOST_SOURCES = 20
LONGEST_SOURCE = 5_000
"""Characters; what is longer is left out, since a piece of it would be another answer."""

# Characters of a conversation that the AI is told: the newest messages, and the first in any case. The limit keeps
# what somebody writes again and again within what one call may carry.
MOST_CHARACTERS = 200_000
_CONVERSATION = f"""(
    select jsonb_agg(jsonb_build_object('number', number, 'author', author, 'body', body) order by number) from (
        select number, author, body, sum(length(body)) over (order by number desc) as size from message
        where inquiry_id = {{inquiry}}.id and kind <> 'note' and number <= {{newest}}) m
    where size <= {MOST_CHARACTERS} or number = 1) as conversation"""

# Those of the inquiry's language and category first, as far as these are known yet; of the others some of every
# language and category rather than all of one.
_CANNED_REPLIES = f"""(
    select coalesce(jsonb_agg(jsonb_build_object('id', 'canned:' || id, 'title', title, 'text', body,
        'category', coalesce(category, ''), 'language', language) order by place), '[]') from (
            select *, row_number() over (order by spoken desc, fitting desc, turn, language, id) as place from (
                select *, row_number() over (partition by spoken_in order by fitting desc, again, category, id) as turn
                from (
                    select r.*, split_part(language, '-', 1) as spoken_in,
                        split_part(language, '-', 1) = coalesce(split_part({{inquiry}}.language, '-', 1), '') as spoken,
                        category is null or category = coalesce({{category}}, '') as fitting,
                        row_number() over (partition by split_part(language, '-', 1), category order by id) as again
                    from canned_reply r where length(body) <= {LONGEST_SOURCE}) likely) turns) best
    where place <= {MOST_SOURCES}) as sources"""


def told(inquiry: str, *, newest: str) -> str:
    """The SQL of the columns of AnalysisInput for the table or CTE `inquiry`; messages up to the number `newest`."""
    category = f"coalesce({inquiry}.category, {inquiry}.suggested_category)"
    return f"""{inquiry}.number, {inquiry}.customer_name, {inquiry}.subject,
    (select version from knowledge) as knowledge_version,
    (select cost_micros from spending where day = (now() at time zone 'utc')::date) as spent_micros,
    {_CONVERSATION.format(inquiry=inquiry, newest=newest)},
    {_CANNED_REPLIES.format(inquiry=inquiry, category=category)}"""


_INPUT = Statement(f"select {told('inquiry', newest='2147483647')} from inquiry where id = :inquiry_id")


async def analysis_input(reader: Database | Connection, inquiry_id: UUID) -> AnalysisInput | None:
    """What the AI would be told of the inquiry at this moment; None where there is none."""
    row = await reader.row(_INPUT, inquiry_id=inquiry_id)
    return AnalysisInput(**dict(row)) if row else None
