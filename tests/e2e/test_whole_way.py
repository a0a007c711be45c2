"""An inquiry goes in through REST and comes back classified, with a draft; operators see every service over gRPC."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.system import System

BUF = Path(sys.executable).with_name("buf")

MESSAGES = {
    "es": ("¿Dónde está mi pedido?", "Hice el pedido B-20311 hace tres semanas y el paquete todavía no ha llegado."),
    "en": ("I cannot log in", "Hello, my password stopped working and the reset e-mail never arrives. Please help."),
}


@pytest.mark.parametrize("language", MESSAGES)
async def test_inquiry_comes_back_classified_with_a_draft(system: System, language: str) -> None:
    subject, message = MESSAGES[language]
    created = await system.create(subject=subject, message=message)
    assert (created["status"], created["triage_state"]) == ("new", "queued")
    await system.final([created["id"]], seconds=20)
    inquiry = await system.detail(created["id"])
    assert inquiry["triage_state"] in ("done", "needs_review")
    assert inquiry["category"] or inquiry["suggested_category"]
    assert inquiry["sentiment"] in ("negative", "neutral", "positive")
    assert inquiry["language"] == language
    assert 0 < inquiry["category_confidence"] <= 1
    assert "Ana" in inquiry["suggested_reply"]
    assert inquiry["model"]["provider"] == "embedded"


async def test_agent_corrects_and_resolves(system: System) -> None:
    created = await system.create()
    await system.final([created["id"]], seconds=20)
    path = f"/api/inquiries/{created['id']}/"
    answer = await system.http.patch(path, json={"category": "security_fraud", "status": "resolved"})
    assert (answer.status_code, answer.json()["category"]) == (200, "security_fraud")
    listed = (await system.http.get("/api/inquiries/", params={"category": "security_fraud"})).json()
    assert created["id"] in [inquiry["id"] for inquiry in listed["items"]]


async def test_customer_and_agent_converse_until_it_is_resolved(system: System) -> None:
    created = await system.create()
    await system.final([created["id"]], seconds=20)
    one, track = f"/api/inquiries/{created['id']}/", f"/api/track/{created['reference']}/"
    drafted = await system.http.post(f"{one}draft/stream/", json={"instruction": "in English"}, timeout=30)
    events = [block.split("\ndata: ") for block in drafted.text.strip().split("\n\n")]
    assert {name for name, _ in events[1:-1]} == {"event: delta"}
    draft = json.loads(events[-1][1])
    assert (draft["state"], draft["reason"]) == ("ready", None)
    assert draft["text"].startswith("Hello Ana")
    reply = {"kind": "reply", "text": draft["text"], "draft_number": draft["number"], "status": "resolved"}
    assert (await system.http.post(f"{one}messages/", json=reply)).status_code == 201
    link = {"X-Tracking-Token": created["tracking_token"]}
    shown = (await system.anonymous.get(track, headers=link)).json()
    assert (shown["inquiry"]["status"], shown["messages"][-1]["text"]) == ("resolved", draft["text"])
    added = await system.anonymous.post(
        f"{track}messages/",
        json={"text": "Thank you, but the second charge still appears on my card statement."},
        headers=link,
    )
    assert added.status_code == 201
    await system.final([created["id"]], seconds=20)
    inquiry = await system.detail(created["id"])
    assert (inquiry["status"], inquiry["language"]) == ("open", "en")
    newest = (await system.http.get(f"{one}draft/")).json()
    assert (newest["state"], newest["message_number"]) == ("ready", 3)


async def test_landing_page_and_docs_come_from_here_alone(system: System) -> None:
    for path in ("/", "/api/docs/", "/api/redoc/"):
        page = await system.anonymous.get(path)
        assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
        assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page.text)


async def test_grpc_lists_its_services_and_answers_the_bearer_of_a_debug_token(system: System) -> None:
    created = await system.create()
    inquiry_service = f"http://127.0.0.1:{system.stack.port + 1}"
    services = await buf_curl("--list-services", inquiry_service)
    assert "pok.inquiry.v1.InquiryService" in services.stdout.split()
    assert "pok.inquiry.v1.TriageService" in services.stdout.split()

    token = (await asyncio.to_thread(system.stack.pok, "debug-token")).stdout.strip()
    method = f"{inquiry_service}/pok.inquiry.v1.InquiryService/GetInquiry"
    request = json.dumps({"id": created["id"]})
    answer = await buf_curl("--header", f"authorization: Bearer {token}", "--data", request, method)
    inquiry: dict[str, Any] = json.loads(answer.stdout)["inquiry"]
    assert inquiry["customerName"] == "Ana Ruiz"

    refused = await buf_curl("--data", request, method)
    assert "unauthenticated" in refused.stderr


async def test_health_command_tells_serving_from_absent(system: System) -> None:
    for port, status in ((system.stack.port + 1, 0), (system.stack.port + 2, 0), (1, 1)):
        health = await asyncio.to_thread(system.stack.pok, "health", f"127.0.0.1:{port}")
        assert health.returncode == status


async def buf_curl(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Call a gRPC server as README shows it."""
    command = [str(BUF), "curl", "--http2-prior-knowledge", "--protocol", "grpc", *arguments]
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)
