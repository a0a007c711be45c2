"""Search by meaning with the real encoder: languages do not matter, and what was answered before helps again."""

import asyncio
from typing import Any

from tests.support.system import System

CHARGED = ("I was charged twice", "My card was charged two times for the same order, please give me one payment back.")
PARCEL = ("Where is my parcel", "The courier has not delivered my package and the tracking has not moved for a week.")
ANSWER = "We have returned the second payment to your card."


async def found(system: System, query: str, inquiry: dict[str, Any]) -> dict[str, Any]:
    """The inquiry, once a search for the query leads to it by its meaning; other tests have sent the like of it."""
    async with asyncio.timeout(20):
        while True:
            answer = await system.http.get("/api/inquiries/", params={"q": query})
            page = answer.raise_for_status().json()
            for item in page["items"]:
                if item["id"] == inquiry["id"] and "meaning" in [match["kind"] for match in item["matches"]]:
                    assert page["meaning"] == "used"
                    return dict(item)
            await asyncio.sleep(0.1)


async def test_spanish_query_finds_english_inquiries_by_what_they_mean(system: System) -> None:
    created = [await system.create(subject=subject, message=message) for subject, message in (CHARGED, PARCEL)]
    await system.final([inquiry["id"] for inquiry in created], seconds=30)
    charged = await found(system, "cobro duplicado en la tarjeta", created[0])
    assert [match["kind"] for match in charged["matches"]] == ["meaning"], "no word of it is there"
    await found(system, "el paquete no ha llegado", created[1])


async def test_answer_to_a_look_alike_in_another_language_is_shown(system: System) -> None:
    solved = await system.create(subject=CHARGED[0], message=CHARGED[1])
    await system.final([solved["id"]], seconds=30)
    path = f"/api/inquiries/{solved['id']}/"
    (await system.http.post(f"{path}messages/", json={"kind": "reply", "text": ANSWER})).raise_for_status()
    (await system.http.patch(path, json={"status": "resolved"})).raise_for_status()
    asked = await system.create(subject="Cobro doble", message="Me han cobrado el pedido dos veces en la tarjeta.")
    await system.final([asked["id"]], seconds=30)
    await found(system, "cobro duplicado en la tarjeta", asked)
    answer = await system.http.get(f"/api/inquiries/{asked['id']}/similar/")
    alike = {item["inquiry"]["id"]: item["reply"] for item in answer.raise_for_status().json()["items"]}
    assert alike[solved["id"]] == ANSWER
