"""Customers of a running system, with and without an account, and what agents answer them."""

import uuid
from typing import Any

from tests.support.browser import PASSWORD, Visitor
from tests.support.system import System


def unique(words: str) -> str:
    """Words that no other test has."""
    return f"{words} {uuid.uuid4().hex[:8]}"


def link_to(created: dict[str, Any]) -> str:
    """The path of the private link to what was created."""
    return f"/track/{created['reference']}#{created['tracking_token']}"


async def answer(system: System, inquiry_id: str, text: str, **fields: Any) -> None:
    """An agent's reply."""
    body = {"kind": "reply", "text": text, **fields}
    (await system.http.post(f"/api/inquiries/{inquiry_id}/messages/", json=body)).raise_for_status()


async def found_by_subject(system: System, subject: str) -> list[dict[str, Any]]:
    """What staff finds under exactly this subject, newest first."""
    listed = (await system.http.get("/api/inquiries/", params={"page_size": 100})).raise_for_status().json()
    return [item for item in listed["items"] if item["subject"] == subject]


async def register(system: System) -> tuple[str, dict[str, str]]:
    """A customer with an account: the e-mail address, and the headers that act for them."""
    email = f"{uuid.uuid4().hex}@example.org"
    account = {"email": email, "name": "Lucía Hernández", "password": PASSWORD}
    (await system.anonymous.post("/api/register/", json=account)).raise_for_status()
    login = await system.anonymous.post("/api/token/", json={"email": email, "password": PASSWORD})
    return email, {"authorization": f"Bearer {login.raise_for_status().json()['access']}"}


async def send_as(system: System, headers: dict[str, str], **fields: Any) -> dict[str, Any]:
    """An inquiry that a customer sends while logged in."""
    body = {
        "customer_name": "Lucía Hernández",
        "customer_email": "lucia@example.org",
        "subject": "No me llega el pedido",
        "message": "Hace diez días que lo pedí.",
        **fields,
    }
    answered = await system.anonymous.post("/api/inquiries/create/", json=body, headers=headers)
    created: dict[str, Any] = answered.raise_for_status().json()
    return created


def overlook_the_broken_network(visitor: Visitor) -> None:
    """A test has cut the connection, which the browser complains of by itself."""
    visitor.complaints[:] = [complaint for complaint in visitor.complaints if "net::ERR_" not in complaint]
