"""Search: text of every language, names with typos, and meaning."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None

LANGUAGES = {
    "es": "spanish",
    "en": "english",
    "pt": "portuguese",
    "fr": "french",
    "de": "german",
    "it": "italian",
}

TABLES = """
create table inquiry_search (
    inquiry_id uuid not null constraint pk_inquiry_search primary key,
    number bigint not null,
    document tsvector not null,
    identity text not null
);
create index ix_inquiry_search_document_identity on inquiry_search using gin (document, identity gin_trgm_ops)
    with (gin_pending_list_limit = 512);

create table inquiry_meaning (
    inquiry_id uuid not null constraint pk_inquiry_meaning primary key,
    encoder_version text,
    bits bit(512)
);
create index ix_inquiry_meaning_encoder_version_inquiry_id on inquiry_meaning (encoder_version, inquiry_id);
create index ix_inquiry_meaning_bits on inquiry_meaning using hnsw (bits bit_hamming_ops);
"""


def upgrade() -> None:
    """Make the configurations, and the tables that the search projection fills from the beginning of the log."""
    # Accents go before the stem is taken: customers leave them out in one message and not in the next.
    for name, language in {"simple": "simple", **LANGUAGES}.items():
        stem = "simple" if language == "simple" else f"{language}_stem"
        op.execute(f"create text search configuration pok_{name} (copy = pg_catalog.{language})")
        op.execute(
            f"""alter text search configuration pok_{name}
            alter mapping for hword, hword_part, word with unaccent, {stem}"""
        )
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(sa.text(statement))


def downgrade() -> None:
    """Remove it again."""
    op.execute("drop table inquiry_meaning, inquiry_search")
    op.execute("delete from projection where name = 'search'")
    for name in ("simple", *LANGUAGES):
        op.execute(f"drop text search configuration pok_{name}")
