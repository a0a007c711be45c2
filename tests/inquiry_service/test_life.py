"""Whatever people and machines do to inquiries, in whatever order: the rules of their life hold.

Rules call the real service on a real PostgreSQL; after each, what the database holds must follow from its event log.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, ClassVar, get_args

import asyncpg
import msgspec
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from pok.inquiry.v1 import decisions_pb2, inquiry_pb2, tracking_pb2, triage_pb2

from inquiry_service.api.convert import PRIORITY, SENTIMENT, STATUS
from inquiry_service.domain.status import LEGAL
from inquiry_service.domain.vocabulary import Priority, Sentiment, Status
from runtime.rpc.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound
from tests.support.inquiry import Service, act_as, inquiry_service

TRACKED = (
    *("status", "triage_state", "category", "suggested_category", "category_confidence", "sentiment"),
    *("sentiment_score", "priority", "priority_reason", "language", "assignee_id"),
)
"""Fields that the event log tells completely."""

NEW = dict.fromkeys(TRACKED) | {"status": "new", "triage_state": "queued", "priority": "normal"}
MACHINE: dict[str, frozenset[str]] = {
    "queued": frozenset({"running"}),
    "running": frozenset({"queued", "done", "needs_review", "failed"}),
    "done": frozenset({"queued", "needs_review"}),
    "needs_review": frozenset({"queued", "done"}),
    "failed": frozenset({"queued"}),
}
"""Triage state → the states that may follow; `done` becomes `needs_review` only where a run is undone."""

JOBS = {"queued": "queued", "running": "running", "done": "idle", "needs_review": "idle", "failed": "idle"}
"""Triage state → the state of its job."""

CATEGORIES = ("billing_payment", "technical_issue", "returns_refunds")
TAGS = ("vip", "late", "ñ")
STATE = f"""
select i.id, i.version, {", ".join(f"i.{name}" for name in TRACKED)}, i.tags,
    array(select tag from inquiry_tag t where t.inquiry_id = i.id order by tag) as tag_rows,
    (select state from triage_job j where j.inquiry_id = i.id) as job,
    (select count(*) from draft d where d.inquiry_id = i.id and state in ('generating', 'ready', 'inserted')) as unsent
from inquiry i where i.id = any($1::text[]::uuid[])
"""
EVENTS = "select kind, version, body from event where inquiry_id = $1::text::uuid order by txid, number"
ORPHANS = """select 1 from triage_job where inquiry_id not in (select id from inquiry)
    union all select 1 from inquiry_tag where inquiry_id not in (select id from inquiry)
    union all select 1 from ai_run where inquiry_id not in (select id from inquiry)"""


class Life(RuleBasedStateMachine):
    """A few inquiries, their claims, and everybody's moves."""

    service: ClassVar[Service]
    admin: ClassVar[str]
    loop: ClassVar[asyncio.AbstractEventLoop]
    connection: ClassVar[asyncpg.Connection]
    inquiries = Bundle("inquiries")

    def __init__(self) -> None:
        super().__init__()
        self.tokens: dict[str, inquiry_pb2.CreateInquiryResponse] = {}
        self.claims: dict[str, triage_pb2.Claim] = {}
        self.stale: list[triage_pb2.Claim] = []
        self.versions: dict[str, int] = {}

    @rule(target=inquiries)
    def create(self) -> str:
        created: inquiry_pb2.CreateInquiryResponse = self.run(self.service.create())
        self.tokens[created.inquiry.id] = created
        return created.inquiry.id

    @rule(inquiry=inquiries)
    def claim(self, inquiry: str) -> None:
        claim = self.run(self.service.claim(inquiry))
        if claim is not None:
            if inquiry in self.claims:
                self.stale.append(self.claims[inquiry])
            self.claims[inquiry] = claim

    @rule(
        inquiry=inquiries,
        category=st.sampled_from(CATEGORIES),
        confidence=st.sampled_from([0.2, 0.9]),
        sentiment=st.sampled_from(get_args(Sentiment)),
        draft=st.sampled_from(["", "Hola."]),
    )
    def complete(self, inquiry: str, category: str, confidence: float, sentiment: str, draft: str) -> None:
        if inquiry in self.claims:
            fields = {"sentiment": SENTIMENT.number(sentiment), "draft": draft, "confidence": confidence}
            self.run(self.service.complete(self.claims.pop(inquiry), category=category, **fields))

    @rule(inquiry=inquiries, kind=st.sampled_from(["PROVIDER", "INVALID", "DEFERRED"]))
    def fail(self, inquiry: str, kind: str) -> None:
        if inquiry in self.claims:
            number = triage_pb2.FailureKind.Value(f"FAILURE_KIND_{kind}")
            key = self.claims.pop(inquiry).key
            failure = triage_pb2.FailTriageRequest(key=key, kind=number, reason="provider_timeout")
            self.run(self.service.triage.FailTriage(failure))
            self.query("update triage_job set run_after = now() where state = 'queued'")

    @rule(inquiry=inquiries)
    def release(self, inquiry: str) -> None:
        if inquiry in self.claims:
            request = triage_pb2.ReleaseTriageRequest(key=self.claims.pop(inquiry).key)
            self.run(self.service.triage.ReleaseTriage(request))

    @rule()
    def late_worker_changes_nothing(self) -> None:
        for claim in self.stale:
            with pytest.raises(Aborted):
                self.run(self.service.complete(claim))

    @rule(
        inquiry=inquiries,
        fields=st.fixed_dictionaries(
            {},
            optional={
                "status": st.sampled_from(get_args(Status)).map(STATUS.number),
                "category": st.sampled_from(CATEGORIES),
                "priority": st.sampled_from(get_args(Priority)).map(PRIORITY.number),
                "sentiment": st.sampled_from(get_args(Sentiment)).map(SENTIMENT.number),
            },
        ),
        added=st.lists(st.sampled_from(TAGS), max_size=2),
        removed=st.lists(st.sampled_from(TAGS), max_size=1),
    )
    def edit(self, inquiry: str, fields: dict[str, Any], added: list[str], removed: list[str]) -> None:
        change = inquiry_pb2.UpdateInquiryRequest(
            id=inquiry,
            inquiry=inquiry_pb2.Inquiry(**fields),
            update_mask=FieldMask(paths=list(fields)),
            add_tags=added,
            remove_tags=removed,
        )
        self._try(self.service.inquiries.UpdateInquiry(change))

    @rule(inquiry=inquiries, kind=st.sampled_from(["reply", "note"]))
    def write(self, inquiry: str, kind: str) -> None:
        self._try(self.service.write(inquiry, kind))

    @rule(inquiry=inquiries)
    def follow_up(self, inquiry: str) -> None:
        created = self.tokens[inquiry]
        message = tracking_pb2.CreateTrackedMessageRequest(
            reference=created.inquiry.reference, tracking_token=created.tracking_token, text="¿Y bien?"
        )
        act_as("anonymous")
        self._try(self.service.tracking.CreateTrackedMessage(message))
        act_as("admin", self.admin)

    @rule(inquiry=inquiries)
    def retriage(self, inquiry: str) -> None:
        self._try(self.service.decisions.RetriageInquiry(decisions_pb2.RetriageInquiryRequest(inquiry_id=inquiry)))

    @rule(inquiry=inquiries, run=st.integers(1, 4))
    def undo(self, inquiry: str, run: int) -> None:
        self._try(self.service.decisions.UndoRun(decisions_pb2.UndoRunRequest(inquiry_id=inquiry, run=run)))

    @rule(inquiry=inquiries)
    def erase(self, inquiry: str) -> None:
        if inquiry in self.claims:
            self.stale.append(self.claims.pop(inquiry))
        self._try(self.service.inquiries.DeleteInquiry(inquiry_pb2.DeleteInquiryRequest(id=inquiry)))

    @invariant()
    def nothing_belongs_to_nobody(self) -> None:
        assert self.query(ORPHANS) == []

    @invariant()
    def what_is_stored_follows_from_the_events(self) -> None:
        for row in self.query(STATE, list(self.tokens)):
            inquiry = str(row["id"])
            assert row["version"] >= self.versions.get(inquiry, 1), "versions only grow"
            self.versions[inquiry] = row["version"]
            assert row["job"] == JOBS[row["triage_state"]]
            assert row["tag_rows"] == row["tags"]
            assert row["unsent"] <= 1
            events = self.query(EVENTS, inquiry)
            assert events[-1]["version"] == row["version"], "every change leaves an event"
            replayed = _replayed([(event["kind"], msgspec.json.decode(event["body"])) for event in events])
            assert replayed == {name: _plain(row[name]) for name in TRACKED}

    def run(self, call: Awaitable[Any]) -> Any:
        """What comes of it, on the loop on which the service runs; the rules have a thread of their own."""
        return asyncio.run_coroutine_threadsafe(_awaited(call), self.loop).result()

    def query(self, *asked: Any) -> Any:
        """Rows."""
        return self.run(self.connection.fetch(*asked))

    def _try(self, call: Awaitable[Any]) -> None:
        with suppress(FailedPrecondition, InvalidArgument, NotFound):  # anything else is a defect
            self.run(call)


def _replayed(events: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    state = dict(NEW)
    for kind, body in events:
        for name, (before, after) in body.get("changes", {}).items():
            if name not in TRACKED:
                continue
            assert state[name] == before, f"{kind}: {name} was {state[name]}, not {before}"
            if name == "status" and before != after:
                assert after in LEGAL[before], f"{kind}: {before} became {after}"
            if name == "triage_state" and before != after:
                assert after in MACHINE[before], f"{kind}: {before} became {after}"
                assert (before, after) != ("done", "needs_review") or kind == "triage_undone"
            state[name] = after
    return state


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, float) else str(value)


async def lived(database_url: str, redis_url: str, examples: int, steps: int) -> None:
    Life.loop = asyncio.get_running_loop()
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    # Leases that no slow machine outlives: what is held ends by the rules only.
    async with inquiry_service(database_url, redis_url, lease_seconds=3600) as Life.service:
        Life.connection = await asyncpg.connect(database_url, timeout=10)
        Life.admin = await Life.service.account("admin")
        act_as("admin", Life.admin)
        try:
            await asyncio.to_thread(run_state_machine_as_test, Life, settings=chosen)
        finally:
            await Life.connection.close()


async def _awaited(call: Awaitable[Any]) -> Any:
    return await call


async def test_rules_of_an_inquirys_life_hold_in_any_order(database_url: str, redis_url: str) -> None:
    await lived(database_url, redis_url, examples=15, steps=20)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_rules_of_an_inquirys_life_hold_in_many_orders(database_url: str, redis_url: str) -> None:
    await lived(database_url, redis_url, examples=300, steps=60)
