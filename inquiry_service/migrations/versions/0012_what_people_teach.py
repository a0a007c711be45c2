"""What people's decisions teach the AI, what its drafts build on, and what it takes in a day.

Old code runs on it: nothing that it writes has to be filled.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

DECISIONS = """
create table human_decision (
    inquiry_id uuid not null constraint pk_human_decision primary key,
    category text,
    spam boolean not null default false,
    counts boolean not null,
    number bigint not null,
    version bigint not null,
    update_time timestamptz not null default now()
);
create index ix_human_decision_version_inquiry_id on human_decision (version, inquiry_id);
create index ix_human_decision_newest on human_decision (category, number)
    where category is not null and not spam;
create index ix_human_decision_counts on human_decision (category) where counts;
create index ix_human_decision_gone on human_decision (update_time) where category is null;
"""

COLUMNS = """
alter table knowledge add column oldest_version bigint not null default 0;
alter table draft add column cited text[] not null default '{}', add column missing text[] not null default '{}',
    add column masked jsonb not null default '[]';
alter table spending add column input_tokens bigint not null default 0,
    add column output_tokens bigint not null default 0
"""

# What was decided before counts as well: of each inquiry the last decision, if it was not one in bulk and still holds.
FILL = """
with last_decision as (
    select distinct on (inquiry_id) inquiry_id, body #>> '{changes,category,1}' as category, body ? 'bulk' as bulk,
        create_time
    from event where kind = 'inquiry_updated' and body #> '{changes,category}' is not null
    order by inquiry_id, version desc
), holding as (
    select l.inquiry_id, l.category, row_number() over (partition by l.category order by l.create_time desc) as place,
        row_number() over (order by l.create_time) as number
    from last_decision l join inquiry i on i.id = l.inquiry_id
    where not bulk and i.category = l.category and i.human_versions ? 'category' and i.status <> 'spam'
), version as (
    update knowledge set version = version + (select count(*) from holding) returning version
)
insert into human_decision (inquiry_id, category, counts, number, version)
select inquiry_id, category, place <= 200, number, version from holding, version
"""


def upgrade() -> None:
    """Add them; what keeps others out comes last, since it does so until the end."""
    for statement in (*_statements(DECISIONS), FILL, *_statements(COLUMNS)):
        op.execute(sa.text(statement))


def _statements(listed: str) -> list[str]:
    return [statement for statement in listed.split(";\n") if statement.strip()]


def downgrade() -> None:
    """Forget them."""
    op.execute("alter table spending drop column input_tokens, drop column output_tokens")
    op.execute("alter table draft drop column cited, drop column missing, drop column masked")
    op.execute("alter table knowledge drop column oldest_version")
    op.execute("drop table human_decision")
