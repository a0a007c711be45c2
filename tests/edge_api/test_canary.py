"""What people write through any route is in no event: those hold ids, keys and numbers, and outlive an erasure."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.edge_api.conftest import Newcomer
from tests.edge_api.test_access import OBJECTS
from tests.support.document import TEXT_WRITES, WRITES, Operation, resolved
from tests.support.edge import Edge
from tests.support.inquiry import Service

CANARY = "Kanarienvogel 5f0c"
ADDRESS = "kanarienvogel-5f0c@example.org"
WRITTEN_HERE = re.compile("kanarienvogel", re.IGNORECASE)
SIGNS_IN = {"create_token", "refresh_token", "revoke_token"}
"""These write nothing that they are sent."""

ELSEWHERE = {"create_tracked_message"}
"""Needs what only the customer has; written to below."""


def canary_for(schema: dict[str, Any]) -> Any:
    """The canary as a value of this schema, or None where it takes no text of people's own."""
    for choice in (schema, *schema.get("anyOf", [])):
        kind = resolved(choice)
        if kind.get("type") == "array":
            inner = canary_for(kind["items"])
            return inner and [inner]
        if kind.get("type") == "string" and "enum" not in kind:
            pattern = kind.get("pattern", "")
            return next((text for text in (CANARY, ADDRESS) if re.search(pattern, text)), None)
    return None


def bodies(operation: Operation) -> Iterator[dict[str, Any]]:
    """Bodies that hold the canary: in one field each, since a field may be refused for its own reasons."""
    for field, schema in operation.body["properties"].items():
        if text := canary_for(schema):
            taken_by_nobody = {"key": f"k{uuid.uuid4().hex}"} if "key" in operation.body["properties"] else {}
            yield {**operation.good(), **taken_by_nobody, field: text}


async def lines(service: Service, table: str) -> list[str]:
    """The rows of a table as text."""
    return [row["line"] for row in await service.sql(f"select {table}::text as line from {table}")]


@pytest.mark.parametrize("name", sorted(WRITES.keys() - SIGNS_IN - ELSEWHERE))
async def test_no_event_holds_what_is_written(api: Edge, newcomer: Newcomer, service: Service, name: str) -> None:
    operation, written = WRITES[name], 0
    for body in bodies(operation):
        object_id = await OBJECTS[operation.parameter].by(service) if operation.has_object else ""
        answer = await api.request(
            operation.method, operation.address(object_id), json=body, headers=await newcomer("admin")
        )
        written += answer.is_success
    assert written or name not in TEXT_WRITES
    assert not [line for line in await lines(service, "event") if WRITTEN_HERE.search(line)]


async def test_no_event_holds_what_staff_customer_selection_and_import_write(
    api: Edge, newcomer: Newcomer, service: Service
) -> None:
    texts = {"customer_name": CANARY, "customer_email": ADDRESS, "subject": CANARY, "message": CANARY}
    support = await newcomer("support")
    made = (
        await api.post("/api/inquiries/create/", json={**texts, "external_id": f"{CANARY} sent"}, headers=support)
    ).json()
    inquiry = f"/api/inquiries/{made['id']}"
    for kind in ("reply", "note"):
        answer = await api.post(f"{inquiry}/messages/", json={"kind": kind, "text": CANARY}, headers=support)
        answer.raise_for_status()
    selection = {"ids": [made["id"]], "change": {"add_tags": [CANARY]}}
    (await api.post("/api/inquiries/bulk/", json=selection, headers=support)).raise_for_status()
    follow_up = await api.post(
        f"/api/track/{made['reference']}/messages/",
        json={"text": CANARY},
        headers={"X-Tracking-Token": made["tracking_token"]},
    )
    follow_up.raise_for_status()
    row = {**texts, "external_id": f"{CANARY} imported", "tags": [CANARY]}
    imported = await api.post(
        "/api/inquiries/import/",
        content=json.dumps(row),
        headers={**await newcomer("admin"), "Content-Type": "application/jsonl"},
    )
    assert imported.raise_for_status().json()["imported"] == 1
    claim = await service.must_claim(made["id"])
    await service.complete(claim, draft=CANARY)
    events = await service.events(made["id"])
    assert {"inquiry_created", "message_created", "inquiry_updated", "triage_completed"} <= {
        event["kind"] for event in events
    }
    for table in ("event", "statistic", "job", "audit"):
        assert not [line for line in await lines(service, table) if WRITTEN_HERE.search(line)], table
