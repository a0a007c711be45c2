"""Random histories of inquiries, written as events, and what they come to by a count of their own."""

import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

CATEGORIES = ("billing_payment", "technical_issue", "order_shipping", None)
SENTIMENTS = ("negative", "neutral", "positive")
LANGUAGES = ("es", "en", "pt")
STATUSES = ("open", "pending", "resolved", "closed", "spam")
OPEN = {"new", "open", "pending"}
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class History:
    """Inquiries that come in, are analysed, corrected, undone, answered, resolved, reopened and erased at random."""

    def __init__(self, seed: int, *, days: int = 40, agents: int = 3) -> None:
        self._random = random.Random(seed)
        self._span = timedelta(days=days)
        self._now = BEGINNING
        self.agents = [UUID(int=self._random.getrandbits(128)) for _ in range(agents)]
        self.state: dict[UUID, dict[str, Any]] = {}
        self.counts: Counter[str] = Counter()
        self.erased: list[dict[str, Any]] = []
        self.events: list[tuple[Any, ...]] = []

    def live(self, events: int) -> "History":
        """Go on until there are this many events, evenly over the days."""
        for _ in range(events):
            self._now += self._span / events
            self._happen()
        return self

    async def write(self, url: str) -> None:
        """Log it all, in transactions of a few events each."""
        connection = await asyncpg.connect(url, timeout=10)
        try:
            for first in range(0, len(self.events), 50):
                await connection.executemany(
                    """insert into event (inquiry_id, version, kind, actor, actor_id, body, create_time)
                    values ($1, $2, $3, $4, $5, $6, $7)""",
                    self.events[first : first + 50],
                )
        finally:
            await connection.close()

    @property
    def backlog(self) -> int:
        """How many are open at the end."""
        return sum(inquiry["status"] in OPEN for inquiry in self.state.values())

    def received(self, field: str) -> Counter[str]:
        """How many have each value of a field, erased ones included."""
        return Counter(inquiry[field] or "" for inquiry in (*self.state.values(), *self.erased))

    def _happen(self) -> None:
        if not self.state or self._random.random() < 0.2:
            self._create()
            return
        id_ = self._random.choice(list(self.state))
        self._random.choice([self._analyse, self._analyse, self._update, self._update, self._reply, self._undo])(id_)
        if self._random.random() < 0.02:
            self._log(id_, "inquiry_erased", {"status": None}, actor="agent")
            self.erased.append(self.state.pop(id_))

    def _create(self) -> None:
        inquiry: dict[str, Any] = {"version": 0, "status": "new", "human": False, "answered": False}
        inquiry.update(dict.fromkeys(("category", "sentiment", "language", "suggested")))
        id_ = uuid4()
        self.state[id_] = inquiry
        self.counts["received"] += 1
        if self._random.random() < 0.8:
            self._log(id_, "inquiry_created", {}, actor="customer")
            return
        inquiry["category"], inquiry["status"] = self._random.choice(CATEGORIES), self._random.choice(STATUSES)
        inquiry["human"] = inquiry["category"] is not None
        received = BEGINNING - timedelta(days=self._random.randrange(400))
        body = {"create_time": received.isoformat(), "category": inquiry["category"], "status": inquiry["status"]}
        self._log(id_, "inquiry_imported", {}, actor="agent", body=body)

    def _analyse(self, id_: UUID) -> None:
        inquiry = self.state[id_]
        if self._random.random() < 0.1:
            self.counts["failed"] += 1
            self._log(id_, "triage_failed", {}, actor="system", body={"reason": "provider_timeout"})
            return
        inquiry["triage_state"] = "running"
        result: dict[str, Any] = {"sentiment": self._random.choice(SENTIMENTS)}
        result["language"] = self._random.choice(LANGUAGES)
        if inquiry["human"]:
            self._log(id_, "triage_completed", {**result, "triage_state": "done"}, actor="ai")
            return
        chosen, sure = self._random.choice(CATEGORIES[:-1]), self._random.random() < 0.7
        self.counts["automatic" if sure else "reviewed"] += 1
        inquiry["suggested"] = chosen
        result |= {"category": chosen if sure else None, "triage_state": "done" if sure else "needs_review"}
        self._log(id_, "triage_completed", result, actor="ai", body={"category": chosen})

    def _undo(self, id_: UUID) -> None:
        inquiry = self.state[id_]
        if not inquiry["human"]:
            inquiry["suggested"] = None
            self._log(id_, "triage_undone", {"category": None, "sentiment": None}, actor="agent")

    def _update(self, id_: UUID) -> None:
        inquiry = self.state[id_]
        status, changes = self._random.choice(STATUSES), {}
        if status != inquiry["status"]:
            changes["status"] = status
            before, after = inquiry["status"], status
            self.counts["resolved"] += after in {"resolved", "closed"} and before not in {"resolved", "closed"}
            self.counts["reopened"] += before in {"resolved", "closed"} and after in OPEN
        body: dict[str, Any] = {}
        if self._random.random() < 0.4:
            changes["category"] = self._random.choice(CATEGORIES[:-1])
            if not inquiry["human"] and inquiry["suggested"]:
                body["judged"] = inquiry["suggested"]
                self.counts["confirmed" if changes["category"] == inquiry["suggested"] else "corrected"] += 1
                if self._random.random() < 0.7:  # else a model answered that learns nothing
                    body["uncorrected"] = self._random.choice(CATEGORIES[:-1])
                    self.counts["comparable"] += 1
                    self.counts["agreed"] += changes["category"] == inquiry["suggested"]
                    self.counts["uncorrected_agreed"] += changes["category"] == body["uncorrected"]
            inquiry["human"] = True
        if changes:
            self._log(id_, "inquiry_updated", changes, actor="agent", body=body)

    def _reply(self, id_: UUID) -> None:
        if self._random.random() < 0.2:
            self.counts["drafts_dismissed"] += 1
            self.state[id_]["draft_state"] = "ready"
            self._log(id_, "draft_changed", {"draft_state": "dismissed"}, actor="agent", body={"draft_number": 1})
            return
        first = not self.state[id_]["answered"]
        self.state[id_]["answered"] = True
        body: dict[str, Any] = {"kind": "reply", "first_response": first, "draft_used": self._random.random() < 0.5}
        self.counts["replies"] += 1
        if body["draft_used"]:
            body["edit_distance"] = self._random.choice([0, 3, 120])
            self.counts["drafts_sent"] += 1
            self.counts["edit_distance"] += body["edit_distance"]
            self.counts["drafts_unedited"] += not body["edit_distance"]
        self._log(id_, "message_created", {}, actor="agent", body=body)

    def _log(
        self, id_: UUID, kind: str, after: dict[str, Any], *, actor: str, body: dict[str, Any] | None = None
    ) -> None:
        inquiry = self.state[id_]
        inquiry["version"] += 1
        changes = {
            name: [inquiry.get(name), value]
            for name, value in after.items()
            if inquiry.get(name) != value or kind == "inquiry_updated"  # a person who says the same confirms it
        }
        if kind != "inquiry_erased":
            inquiry.update(after)
        stated = json.dumps({**(body or {}), **({"changes": changes} if changes else {})})
        actor_id = self._random.choice(self.agents) if actor == "agent" else None
        self.events.append((id_, inquiry["version"], kind, actor, actor_id, stated, self._now))
