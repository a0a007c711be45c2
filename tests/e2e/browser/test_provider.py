"""What people see of an external provider: what left for it and what was hidden, its drafts, its failures."""

import re
import uuid
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from playwright.async_api import Locator, expect

from tests.support.browser import Visitor
from tests.support.openai_stub import (
    Behaviour,
    OpenAIStub,
    Reply,
    Request,
    answering,
    failing,
    sent,
    streaming,
)
from tests.support.system import System, running_system

SECONDS = 60
PRICE = "10000"
"""For a million tokens: each answer of the stub costs 1.2."""

CAP = 1_000
MESSAGE = "Hola, soy Ana Ruiz: me han cobrado dos veces el pedido A-10023. Escribidme a ana.ruiz@example.com."
FIRST = "Hola, Ana: lo estamos mirando."


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[OpenAIStub]:
    stub = OpenAIStub()
    await stub.start()
    yield stub
    await stub.stop()


@pytest.fixture(scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory, provider: OpenAIStub) -> AsyncIterator[System]:
    """A system of their own, with a provider beside the embedded model."""
    where = {"POK_OPENAI_BASE_URL": provider.base_url, "POK_OPENAI_MODEL": "stub-1", "POK_OPENAI_INPUT_PRICE": PRICE}
    async with running_system(tmp_path_factory.mktemp("provided"), **where) as running:
        (await running.http.patch("/api/settings/daily_spend_cap/", json={"value": CAP})).raise_for_status()
        yield running


@pytest.fixture(autouse=True)
def answers_well(provider: OpenAIStub) -> None:
    provider.reset()
    provider.behave = answering(draft=FIRST)


async def opened(visitor: Visitor) -> dict[str, Any]:
    """A new inquiry, analysed and open on the agent's screen."""
    subject = f"Cobro doble {uuid.uuid4().hex[:8]}"
    created = await visitor.system.create(subject=subject, message=MESSAGE)
    await visitor.system.final([created["id"]], SECONDS)
    await visitor.page.goto(f"/inbox/{created['id']}")
    await expect(visitor.page.get_by_role("heading", level=1, name=subject)).to_be_visible()
    return created


async def record(visitor: Visitor) -> Locator:
    """The record of the decision, unfolded."""
    panel = visitor.page.get_by_role("complementary", name="Datos de la consulta")
    await panel.get_by_role("button", name=re.compile("Decisiones del modelo")).click()
    await panel.get_by_role("button", name="Registro de la decisión").click()
    return panel.get_by_role("list", name="Decisiones del modelo").get_by_role("listitem").first


def citing_all(request: Request) -> Reply:
    """Builds on every source that it was given, and names what is missing."""
    sources = [source["id"] for source in sent(request)["sources"]]
    return answering(draft=FIRST, cited=sources, missing=["número de factura"])(request)


def beginning(text: str) -> Behaviour:
    """A draft that begins and does not go on."""
    return lambda request: msgspec.structs.replace(
        streaming(f'{{"draft": "{text}', finish_reason=None)(request), hang=True
    )


async def test_record_tells_in_words_what_was_hidden_and_what_left(visitor: Visitor, provider: OpenAIStub) -> None:
    canned = {"title": "Cobro doble", "body": "Devolvemos el cobro doble.", "language": "es"}
    reply = await visitor.system.http.post(
        "/api/canned-replies/", json={**canned, "category": "billing_payment", "title": uuid.uuid4().hex}
    )
    provider.behave = citing_all
    await visitor.log_in_as_admin()
    await opened(visitor)
    (await visitor.system.http.delete(f"/api/canned-replies/{reply.json()['id']}/")).raise_for_status()
    await visitor.page.reload()
    run = await record(visitor)
    for words in (
        re.compile(r"Se ocultó antes: \d nombres?, 1 correo"),
        re.compile(r"soy \[NAME_1\]: me han cobrado dos veces el pedido A-10023"),
        "API compatible con OpenAI",
        "Una fuente que ya no existe",
        "número de factura",
    ):
        await expect(run).to_contain_text(words)
    await expect(run).not_to_contain_text("ana.ruiz@example.com")
    assert await visitor.violations() == []


async def test_record_tells_why_another_model_answered(visitor: Visitor, provider: OpenAIStub) -> None:
    provider.behave = answering(categories=[{"category": "nonsense", "confidence": 1.0}])
    await visitor.log_in_as_admin()
    await opened(visitor)
    run = await record(visitor)
    await expect(run).to_contain_text("Respondió otro modelo en lugar del pedido: su respuesta no se podía usar.")


async def test_stopped_draft_gives_way_to_the_one_before(visitor: Visitor, provider: OpenAIStub) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    created = await opened(visitor)
    offer = page.get_by_role("region", name=re.compile("Borrador propuesto"))
    await expect(offer).to_contain_text(FIRST)
    path = f"/api/inquiries/{created['id']}/draft/"
    first = (await visitor.system.http.get(path)).json()
    provider.behave = beginning("Empieza")
    await offer.get_by_role("button", name="Otra versión").click()
    await page.get_by_role("button", name="más breve").click()
    await expect(offer).to_contain_text("Empieza")
    await offer.get_by_role("button", name="Dejar de escribir").click()
    await expect(offer).to_contain_text(FIRST)
    stopped = (await visitor.system.http.get(path)).json()
    assert stopped["number"] > first["number"]
    assert stopped["state"] == "dismissed"
    await offer.get_by_role("button", name="Usar y editar").click()
    await expect(page.get_by_role("textbox", name="Respuesta")).to_have_value(FIRST)


async def test_provider_that_fails_again_and_again_is_shown_at_rest_with_what_it_cost(
    visitor: Visitor, provider: OpenAIStub
) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    await opened(visitor)
    provider.behave = failing(500)
    for _ in range(6):
        created = await visitor.system.create()
        await visitor.system.final([created["id"]], SECONDS)
    await page.goto("/admin/system")
    state = page.get_by_role("region", name="Cómo va la IA")
    for words in ("en pausa tras varios fallos", "stub-1", "el proveedor falló", "responde el modelo integrado"):
        await expect(state).to_contain_text(words)
    await expect(state).to_contain_text("se ocultan antes de salir")
    spent = (await visitor.system.http.get("/api/ai/")).json()["today"]["cost_micros"]
    assert spent > 0
    await expect(state).to_contain_text(re.compile(rf"{spent / 1e6:.2f} de 1.?000,00".replace(".", ",", 1)))
    assert await visitor.violations() == []
    await page.goto("/queue")
    card = page.get_by_role("region", name="Proveedor de IA")
    await expect(card).to_contain_text("Circuito abierto")
    assert await visitor.violations() == []
