"""The tables, as the migrations leave them (a test compares the two)."""

from inquiry_service.storage.tables.administration import audit, canned_reply, category, knowledge, setting
from inquiry_service.storage.tables.columns import metadata
from inquiry_service.storage.tables.inquiries import (
    RANK,
    UNFINISHED,
    event,
    idempotency_key,
    inquiry,
    inquiry_tag,
    message,
    outbox,
)
from inquiry_service.storage.tables.people import account, session
from inquiry_service.storage.tables.projections import feed, inquiry_meaning, inquiry_search, job, projection
from inquiry_service.storage.tables.statistics import statistic, statistic_inquiry, throughput
from inquiry_service.storage.tables.triage import (
    ai_run,
    draft,
    human_decision,
    inquiry_embedding,
    spending,
    triage_job,
    worker,
)

__all__ = [
    "RANK",
    "UNFINISHED",
    "account",
    "ai_run",
    "audit",
    "canned_reply",
    "category",
    "draft",
    "event",
    "feed",
    "human_decision",
    "idempotency_key",
    "inquiry",
    "inquiry_embedding",
    "inquiry_meaning",
    "inquiry_search",
    "inquiry_tag",
    "job",
    "knowledge",
    "message",
    "metadata",
    "outbox",
    "projection",
    "session",
    "setting",
    "spending",
    "statistic",
    "statistic_inquiry",
    "throughput",
    "triage_job",
    "worker",
]
