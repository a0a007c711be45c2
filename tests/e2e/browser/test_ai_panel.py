"""What agents see of the AI: why it decides, what is kept of each decision, its drafts, and how they correct it."""

import asyncio
import math
import re
import uuid
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.browser import Visitor
from tests.support.customers import overlook_the_broken_network
from tests.support.events import until

MESSAGE = "Hola 🙂, me han cobrado dos veces el pedido A-10023 y quiero que me devuelvan el dinero."


async def opened(visitor: Visitor, **fields: str) -> dict[str, Any]:
    """A new inquiry, analysed and open on the agent's screen."""
    fields = {"subject": f"Cobro doble {uuid.uuid4().hex[:8]}", "message": MESSAGE, **fields}
    created = await visitor.system.create(**fields)
    await visitor.system.final([created["id"]], seconds=60)
    await visitor.page.goto(f"/inbox/{created['id']}")
    await expect(visitor.page.get_by_role("heading", level=1, name=fields["subject"])).to_be_visible()
    return created


def panel(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Datos de la consulta")


async def explained(page: Page) -> Locator:
    """The explanation of the category, unfolded and there."""
    await panel(page).get_by_role("button", name="¿Por qué esta categoría?").click()
    why = panel(page).get_by_role("region", name="¿Por qué esta categoría?")
    await expect(why.get_by_role("heading", name="Casos más parecidos")).to_be_visible()
    return why


async def learnt(visitor: Visitor, created: dict[str, Any], *cases: str | None) -> None:
    """Wait until the AI explains a category by these inquiries; None stands for an example of the category."""
    async with asyncio.timeout(60):
        while True:
            answer = await visitor.system.http.get(
                f"/api/inquiries/{created['id']}/why/", params={"category": "billing_payment"}
            )
            if answer.is_success and {one["inquiry_id"] for one in answer.json()["cases"]} >= set(cases):
                return
            await asyncio.sleep(0.2)


def _percent(share: float) -> str:
    """As Spanish writes it, for a pattern."""
    return rf"{math.floor(round(share * 100, 6) + 0.5)}\s%"


async def test_phrases_are_marked_where_the_customer_wrote_them_while_why_is_open(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    await opened(visitor)
    message = page.get_by_role("region", name="Conversación").get_by_role("article").first
    await expect(message.locator("mark")).to_have_count(0)
    why = await explained(page)
    await expect(why).to_contain_text(re.compile(r"[+-]\d+ puntos"))
    await expect(message.locator("mark").first).to_be_visible()
    for words in await message.locator("mark").all_inner_texts():
        assert words in MESSAGE
    await expect(message).to_contain_text(MESSAGE)
    assert await visitor.violations() == []
    await panel(page).get_by_role("button", name="¿Por qué esta categoría?").click()
    await expect(message.locator("mark")).to_have_count(0)


async def test_why_names_examples_and_decided_inquiries_that_are_alike(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    decided = await opened(visitor)
    taught = {"category": "billing_payment", "examples": ["Me cobraron dos veces el mismo pedido"]}
    for path, change in (
        (f"/api/inquiries/{decided['id']}/", {"category": taught["category"]}),
        (f"/api/categories/{taught['category']}/", {"examples": taught["examples"]}),
    ):
        (await visitor.system.http.patch(path, json=change)).raise_for_status()
    created = await opened(visitor)
    await learnt(visitor, created, decided["id"], None)
    why = await explained(page)
    case = why.get_by_role("listitem").filter(has=page.locator(f"a[href='/inbox/{decided['id']}']"))
    await expect(case).to_contain_text(re.compile(rf"{decided['subject']}.*%.*{decided['reference']}", re.DOTALL))
    await expect(why).to_contain_text("Ejemplo de la categoría")
    await expect(why).to_contain_text("correcciones de tu equipo")


async def test_why_that_cannot_be_told_is_offered_again(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    await opened(visitor)
    await page.route("**/why/**", lambda route: route.abort())
    await panel(page).get_by_role("button", name="¿Por qué esta categoría?").click()
    alert = panel(page).get_by_role("alert")
    await expect(alert).to_contain_text("No se puede hablar con el servidor")
    await page.unroute("**/why/**")
    await alert.get_by_role("button", name="Reintentar").click()
    await expect(panel(page).get_by_role("heading", name="Casos más parecidos")).to_be_visible()
    overlook_the_broken_network(visitor)


async def test_record_tells_what_was_decided_and_that_nothing_left(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    await opened(visitor)
    await panel(page).get_by_role("button", name=re.compile("Decisiones del modelo")).click()
    await panel(page).get_by_role("button", name="Registro de la decisión").click()
    run = panel(page).get_by_role("list", name="Decisiones del modelo").get_by_role("listitem").first
    for words in ("Modelo integrado", "Versión del conocimiento", "Lo que cambió", "Nada ha salido de este servidor"):
        await expect(run).to_contain_text(words)
    assert await visitor.violations() == []


async def test_undone_choice_of_a_category_leaves_no_decision_behind(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    created = await opened(visitor)
    before = await visitor.system.detail(created["id"])
    await page.get_by_role("button", name=re.compile("· Categoría$")).click()
    await page.get_by_role("option", name="Devoluciones y reembolsos").click()
    await expect(page.get_by_text("Decidida por una persona")).to_be_visible()
    await page.get_by_role("button", name="Deshacer", exact=True).click()
    await expect(page.get_by_text("Decidida por una persona")).to_have_count(0)

    async def is_undone() -> bool:
        return "category" not in (await visitor.system.detail(created["id"]))["human_fields"]

    await until(is_undone)  # it is shown before
    after = await visitor.system.detail(created["id"])
    assert after["suggested_category"] == (before["category"] or before["suggested_category"])


async def test_draft_is_written_anew_as_asked_and_says_what_was_not_understood(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    await opened(visitor)
    offer = page.get_by_role("region", name="Borrador propuesto")
    await offer.get_by_role("button", name="Otra versión").click()
    await page.get_by_role("button", name="en inglés").click()
    await expect(offer).to_contain_text(re.compile("Hello|Dear"))
    await expect(offer).to_contain_text("en inglés")
    await offer.get_by_role("button", name="Otra versión").click()
    await page.get_by_role("textbox", name="Dilo con tus palabras").fill("como un soneto de Góngora")
    await page.keyboard.press("Enter")
    await expect(offer).to_contain_text("El modelo no ha entendido la indicación")
    assert await visitor.violations() == []


async def test_other_model_is_compared_with_what_holds_now_and_changes_nothing(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    created = await opened(visitor)
    version = (await visitor.system.detail(created["id"]))["version"]
    await page.get_by_role("button", name="Más", exact=True).click()
    await page.get_by_role("menuitem", name="¿Qué diría otro modelo?").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("combobox").click()
    await page.get_by_role("option", name="Modelo integrado").click()
    await dialog.get_by_role("button", name="Preguntar").click()
    table = dialog.get_by_role("table")
    await expect(table.get_by_role("columnheader", name="Ahora")).to_be_visible()
    await expect(table.get_by_role("row", name=re.compile("^Prioridad"))).to_be_visible()
    await expect(dialog.get_by_role("region", name="Borrador propuesto: Modelo integrado")).to_contain_text("Ana")
    assert await visitor.violations() == []
    assert (await visitor.system.detail(created["id"]))["version"] == version


@pytest.mark.parametrize(
    "visitor", [{"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}], indirect=True
)
async def test_panel_fits_a_phone_and_is_worked_by_keyboard(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()

    await opened(visitor)
    await panel(page).get_by_role("button", name="¿Por qué esta categoría?").press("Enter")
    await expect(panel(page).get_by_role("heading", name="Casos más parecidos")).to_be_visible()
    await panel(page).get_by_role("button", name=re.compile("Decisiones del modelo")).press("Enter")
    await panel(page).get_by_role("button", name="Registro de la decisión").press("Enter")
    await expect(panel(page).get_by_text("Nada ha salido de este servidor.")).to_be_visible()
    wide: int = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    assert await visitor.violations() == []


async def test_threshold_is_explained_by_what_it_is_worth(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.system.http.delete("/api/settings/confidence_threshold/")
    points = (await visitor.system.http.get("/api/ai/")).json()["service"]["thresholds"]
    await visitor.log_in_as_admin()
    await page.goto("/admin/system")
    card = page.get_by_role("region", name="Umbral de confianza")
    usual = min(points, key=lambda point: abs(point["threshold"] - 0.7))
    await expect(card).to_contain_text(
        re.compile(rf"en torno al {_percent(usual['precision'])} .* en torno al {_percent(usual['coverage'])}")
    )
    await card.get_by_role("slider").press("End")
    highest = max(points, key=lambda point: point["threshold"])
    await expect(card).to_contain_text(re.compile(rf"en torno al {_percent(highest['precision'])}"))
    assert highest["precision"] > usual["precision"]


async def test_what_learning_gained_is_told_in_a_sentence_and_a_table(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    created = await opened(visitor)
    path, decided = f"/api/inquiries/{created['id']}/", {"category": "product_sales"}
    (await visitor.system.http.patch(path, json=decided)).raise_for_status()
    async with page.expect_response(re.compile("/api/stats/learning/")) as answered:
        await page.goto("/analytics")
    lines = (await (await answered.value).json())["lines"]
    total = {(line["measure"], line["key"]): line["total"] for line in lines}
    card = page.get_by_role("region", name="Lo que ha ganado al aprender", exact=True)
    taught, untaught = (_percent(total[measure, None]) for measure in ("agreement", "uncorrected_agreement"))
    await expect(card).to_contain_text(
        re.compile(rf"{taught}; sin ellas, el {untaught}: .* Decisiones comparadas: {total['judged', None]:.0f}")
    )
    await card.get_by_role("button", name=re.compile("^Ver como tabla")).click()
    await expect(card.get_by_role("columnheader", name="Sin correcciones")).to_be_visible()
    key, corrected = next((key, value) for (measure, key), value in total.items() if measure == "corrected" and key)
    names = {one["key"]: one["name_es"] for one in (await visitor.system.http.get("/api/categories/")).json()["items"]}
    row = page.get_by_role("region", name="Acierto por categoría").get_by_role("row", name=re.compile(names[key]))
    await expect(row).to_contain_text(re.compile(rf"{corrected:.0f}.*{_percent(total['agreement', key])}", re.DOTALL))
    assert await visitor.violations() == []
