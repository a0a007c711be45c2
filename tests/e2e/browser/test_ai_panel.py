"""What agents see of the AI: why it decides, what is kept of each decision, its drafts, and how they correct it."""

import json
import re
import uuid
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.support.browser import Visitor

MESSAGE = "Hola 🙂, me han cobrado dos veces el pedido A-10023 y quiero que me devuelvan el dinero."
EXPLANATION = {
    "category": "billing_payment",
    "categories": [
        {"category": "billing_payment", "confidence": 0.81},
        {"category": "returns_refunds", "confidence": 0.12},
    ],
    "phrases": [
        {"message": 1, "start": 11, "end": 32, "text": "han cobrado dos veces", "weight": 0.42},
        {"message": 1, "start": 64, "end": 86, "text": "me devuelvan el dinero", "weight": -0.11},
    ],
    "cases": [
        {
            "inquiry_id": "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f",
            "reference": "POK-7",
            "text": "Cargo repetido",
            "category": "billing_payment",
            "similarity": 0.87,
        },
        {
            "inquiry_id": None,
            "reference": None,
            "text": "Me cobraron de más",
            "category": "billing_payment",
            "similarity": 0.7,
        },
    ],
    "learned_share": 0.35,
}


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


async def test_phrases_are_marked_where_the_customer_wrote_them_while_why_is_open(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()

    async def explain(route: Route) -> None:
        await route.fulfill(json=EXPLANATION)

    await page.route("**/why/**", explain)
    await opened(visitor)
    message = page.get_by_role("region", name="Conversación").get_by_role("article").first
    await expect(message.locator("mark")).to_have_count(0)
    await panel(page).get_by_role("button", name="¿Por qué esta categoría?").click()
    await expect(message.locator("mark")).to_have_text(["han cobrado dos veces", "me devuelvan el dinero"])
    await expect(message).to_contain_text(MESSAGE)
    why = panel(page).get_by_role("region", name="¿Por qué esta categoría?")
    await expect(why).to_contain_text("+42 puntos")
    await expect(why.get_by_role("link", name="Cargo repetido")).to_have_attribute(
        "href", re.compile("/inbox/0198c0de")
    )
    await expect(why).to_contain_text("Ejemplo de la categoría")
    await expect(why).to_contain_text(re.compile(r"35\s%"))
    assert await visitor.violations() == []
    await panel(page).get_by_role("button", name="¿Por qué esta categoría?").click()
    await expect(message.locator("mark")).to_have_count(0)


async def test_embedded_model_tells_which_words_made_it_choose(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    await opened(visitor)
    await panel(page).get_by_role("button", name="¿Por qué esta categoría?").click()
    why = panel(page).get_by_role("region", name="¿Por qué esta categoría?")
    await expect(why).to_contain_text("puntos")
    await expect(why.get_by_role("heading", name="Casos más parecidos")).to_be_visible()
    marks = page.get_by_role("region", name="Conversación").locator("mark")
    await expect(marks.first).to_be_visible()
    for words in await marks.all_inner_texts():
        assert words in MESSAGE


async def test_why_that_cannot_be_told_is_offered_again(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    answers = [503, 200]

    async def explain(route: Route) -> None:
        status = answers.pop(0)
        problem = {"type": "urn:pok:problem:unavailable", "title": "", "status": 503, "detail": "", "errors": []}
        await route.fulfill(status=status, json=EXPLANATION if status == 200 else problem)

    await page.route("**/why/**", explain)
    await opened(visitor)
    await panel(page).get_by_role("button", name="¿Por qué esta categoría?").click()
    alert = panel(page).get_by_role("alert")
    await expect(alert).to_contain_text("El servicio no está disponible")
    await alert.get_by_role("button", name="Reintentar").click()
    await expect(panel(page).get_by_text("Cargo repetido")).to_be_visible()
    visitor.complaints = [one for one in visitor.complaints if "503" not in one]


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


async def test_record_tells_in_words_what_was_hidden_and_why_another_model_answered(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()

    async def sent(route: Route) -> None:
        answer = await route.fetch()
        body = await answer.json()
        body["items"][0]["analysis"] |= {
            "fallback": "spend_cap",
            "sent_text": "[NAME_1]: me han cobrado dos veces.",
            "masked": [{"kind": "name", "count": 2}, {"kind": "email", "count": 1}],
            "cited": [f"reply:{uuid.uuid4()}"],
            "missing": ["número de factura"],
        }
        await route.fulfill(response=answer, json=body)

    await page.route("**/runs/**", sent)
    await opened(visitor)
    await panel(page).get_by_role("button", name=re.compile("Decisiones del modelo")).click()
    await panel(page).get_by_role("button", name="Registro de la decisión").click()
    run = panel(page).get_by_role("list", name="Decisiones del modelo").get_by_role("listitem").first
    for words in (
        "se ha alcanzado el gasto máximo del día",
        "2 nombres, 1 correo",
        "[NAME_1]: me han cobrado dos veces.",
        "Una fuente que ya no existe",
        "número de factura",
    ):
        await expect(run).to_contain_text(words)


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
    after = await visitor.system.detail(created["id"])
    assert "category" not in after["human_fields"]
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


async def test_stopped_draft_gives_way_to_the_one_before(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    created = await opened(visitor)
    path = f"/api/inquiries/{created['id']}/draft/"
    draft = (await visitor.system.http.get(path)).json()
    moved: list[Any] = []

    # The embedded model writes faster than anybody can stop it.
    async def begin(route: Route) -> None:
        begun = {**draft, "number": draft["number"] + 1, "state": "generating", "text": "Empieza"}
        await route.fulfill(content_type="text/event-stream", body=f"event: draft\ndata: {json.dumps(begun)}\n\n")

    async def current(route: Route) -> None:
        if route.request.method == "PATCH":
            moved.append(route.request.post_data_json)
        state = "dismissed" if moved else "generating"
        await route.fulfill(json={**draft, "number": draft["number"] + 1, "state": state, "text": "Empieza"})

    offer = page.get_by_role("region", name=re.compile("Borrador propuesto"))
    await expect(offer).to_contain_text(draft["text"].splitlines()[0])
    await page.route(f"**{path}", current)
    await page.route(f"**{path}stream/", begin)
    await offer.get_by_role("button", name="Otra versión").click()
    await page.get_by_role("button", name="más breve").click()
    await offer.get_by_role("button", name="Dejar de escribir").click()
    await expect(offer).to_contain_text(draft["text"].splitlines()[0])
    assert moved == [{"number": draft["number"] + 1, "state": "dismissed"}]
    await offer.get_by_role("button", name="Usar y editar").click()
    await expect(page.get_by_role("textbox", name="Respuesta")).to_have_value(draft["text"])


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

    async def explain(route: Route) -> None:
        await route.fulfill(json=EXPLANATION)

    await page.route("**/why/**", explain)
    await opened(visitor)
    await panel(page).get_by_role("button", name="¿Por qué esta categoría?").press("Enter")
    await expect(panel(page).get_by_text("Cargo repetido")).to_be_visible()
    await panel(page).get_by_role("button", name=re.compile("Decisiones del modelo")).press("Enter")
    await panel(page).get_by_role("button", name="Registro de la decisión").press("Enter")
    await expect(panel(page).get_by_text("Nada ha salido de este servidor.")).to_be_visible()
    wide: int = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    assert await visitor.violations() == []


async def test_threshold_is_explained_by_what_it_is_worth(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.system.http.delete("/api/settings/confidence_threshold/")
    await visitor.log_in_as_admin()

    async def measured(route: Route) -> None:
        answer = await route.fetch()
        body = await answer.json()
        body["service"] |= {
            "thresholds": [
                {"threshold": 0.5, "precision": 0.78, "coverage": 0.62},
                {"threshold": 0.9, "precision": 0.94, "coverage": 0.13},
            ],
            "paid": {
                "model": {"provider": "openai", "name": "big-1", "prompt_version": None},
                "circuit": "open",
                "open_until": "2026-11-22T09:31:00Z",
                "last_failure": "provider_timeout",
                "in_flight": 2,
                "median_ms": 812.5,
                "fallback": "wait",
                "masking": True,
            },
        }
        body |= {"spend_left_micros": 4_000_000, "today": {**body["today"], "cost_micros": 1_000_000}}
        await route.fulfill(response=answer, json=body)

    await page.route("**/api/ai/", measured)
    await page.goto("/admin/system")
    card = page.get_by_role("region", name="Umbral de confianza")
    await expect(card).to_contain_text(re.compile(r"en torno al 78\s% .* en torno al 62\s%"))
    await card.get_by_role("slider").press("End")
    await expect(card).to_contain_text(re.compile(r"en torno al 94\s%"))
    state = page.get_by_role("region", name="Cómo va la IA")
    for words in ("en pausa tras varios fallos", "big-1", "el proveedor tardó demasiado", "1,00 de 5,00"):
        await expect(state).to_contain_text(words)
    for words in ("las consultas esperan", "se ocultan antes de salir"):
        await expect(state).to_contain_text(words)
    assert await visitor.violations() == []


async def test_what_learning_gained_is_told_in_a_sentence_and_a_table(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()

    async def counted(route: Route) -> None:
        answer = await route.fetch()
        body = await answer.json()
        steps = len(body["steps"])

        def line(measure: str, key: str | None, total: float) -> dict[str, Any]:
            values = [None] * (steps - 1) + [total]
            extent = {"total": total, "previous_total": None, "change": None}
            return {"measure": measure, "key": key, "name": None, "values": values, **extent}

        body["lines"] = [
            line("judged", None, 45),
            line("agreement", None, 0.92),
            line("uncorrected_agreement", None, 0.74),
            line("agreement", "billing_payment", 0.6),
            line("corrected", "billing_payment", 4),
        ]
        await route.fulfill(response=answer, json=body)

    await page.route("**/api/stats/learning/**", counted)
    await page.goto("/analytics")
    card = page.get_by_role("region", name="Lo que ha ganado al aprender", exact=True)
    await expect(card).to_contain_text(
        re.compile(r"92\s%; sin ellas, el 74\s%: \+18 puntos\. Decisiones comparadas: 45")
    )
    await card.get_by_role("button", name=re.compile("^Ver como tabla")).click()
    await expect(card.get_by_role("columnheader", name="Sin correcciones")).to_be_visible()
    row = page.get_by_role("region", name="Acierto por categoría").get_by_role("row", name=re.compile("Facturación"))
    await expect(row).to_contain_text(re.compile(r"4.*60\s%"))
    assert await visitor.violations() == []
