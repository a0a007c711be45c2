"""Two agents on one inquiry: each sees what the other does, and nothing that somebody typed or chose is lost."""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.browser import Arrive, Visitor
from tests.support.customers import unique
from tests.support.events import until


async def inquiry_of(visitor: Visitor) -> dict[str, Any]:
    """A new inquiry that the machine is done with."""
    created = await visitor.system.create(subject=unique("Cobro doble"))
    await visitor.system.final([created["id"]], seconds=30)
    return created


async def opened(visitor: Visitor, created: dict[str, Any]) -> Page:
    await visitor.page.goto(f"/inbox/{created['id']}")
    await expect(visitor.page.get_by_role("heading", level=1, name=created["subject"])).to_be_visible()
    await expect(visitor.page.get_by_role("region", name="Conversación").get_by_role("article")).not_to_have_count(0)
    return visitor.page


async def hear_nothing(page: Page) -> None:
    """The live feed is silent, as it is for the moment between a change and its news."""
    silence = {"content_type": "text/event-stream", "body": ""}
    await page.route("**/api/events/stream/", lambda route: route.fulfill(**silence))


async def set_by_another(visitor: Visitor, created: dict[str, Any], **fields: str) -> None:
    (await visitor.system.http.patch(f"/api/inquiries/{created['id']}/", json=fields)).raise_for_status()


def answer(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Respuesta")


@pytest.mark.parametrize(
    ("choice", "kept"),
    [("Lo que querías poner", "returns_refunds"), ("Lo que hay ahora", "security_fraud")],
)
async def test_field_that_another_has_set_is_shown_with_both_values_to_choose(
    visitor: Visitor, choice: str, kept: str
) -> None:
    await visitor.log_in_as_agent("Berta Sanz")
    await hear_nothing(visitor.page)
    created = await inquiry_of(visitor)
    page = await opened(visitor, created)
    await set_by_another(visitor, created, category="security_fraud")
    await page.get_by_role("button", name=re.compile("· Categoría$")).click()
    await page.get_by_role("option", name="Devoluciones y reembolsos").click()
    dialog = page.get_by_role("dialog", name="Otra persona se ha adelantado")
    values = dialog.get_by_role("group", name="Categoría")
    await expect(values).to_contain_text("Devoluciones y reembolsos")
    await expect(values).to_contain_text("Seguridad y fraude")
    assert await visitor.violations() == []
    await values.get_by_text(choice).click()
    await dialog.get_by_role("button", name="Guardar lo elegido").click()
    await expect(dialog).to_have_count(0)
    shown = {"returns_refunds": "Devoluciones y reembolsos", "security_fraud": "Seguridad y fraude"}[kept]
    await expect(page.get_by_role("button", name=f"{shown} · Categoría")).to_be_visible()

    async def is_stored() -> bool:
        return bool((await visitor.system.detail(created["id"]))["category"] == kept)

    await until(is_stored)  # it is shown before


async def test_status_that_is_no_longer_possible_cannot_be_chosen(visitor: Visitor) -> None:
    await visitor.log_in_as_agent("Berta Sanz")
    await hear_nothing(visitor.page)
    created = await inquiry_of(visitor)
    page = await opened(visitor, created)
    await set_by_another(visitor, created, status="closed")
    await page.get_by_role("button", name="Resolver", exact=True).click()
    values = page.get_by_role("dialog").get_by_role("group", name="Estado")
    await expect(values.get_by_role("radio").first).to_be_disabled()
    await expect(values).to_contain_text("ya no es posible")
    await page.get_by_role("dialog").get_by_role("button", name="Dejar lo que hay").click()
    await expect(page.get_by_role("button", name=re.compile("^Cerrada"))).to_be_visible()


async def test_both_agents_see_what_the_other_has_set(arrive: Arrive) -> None:
    ana, berta = await arrive(), await arrive()
    await ana.log_in_as_agent("Ana Vega")
    await berta.log_in_as_agent("Berta Sanz")
    created = await inquiry_of(ana)
    pages = [await opened(one, created) for one in (ana, berta)]
    for page, word in zip(pages, ("Devoluciones y reembolsos", "Seguridad y fraude"), strict=True):
        await page.get_by_role("button", name=re.compile("· Categoría$")).click()
        await page.get_by_role("option", name=word).click()
        for each in pages:
            await expect(each.get_by_role("button", name=f"{word} · Categoría")).to_be_visible()


@pytest.mark.smoke
async def test_reply_of_another_while_one_types_is_compared_before_both_are_sent(arrive: Arrive) -> None:
    ana, berta = await arrive(), await arrive()
    await ana.log_in_as_agent("Ana Vega")
    await berta.log_in_as_agent("Berta Sanz")
    created = await inquiry_of(ana)
    first, second = await opened(ana, created), await opened(berta, created)
    await answer(second).fill("Lo miro yo esta tarde.")
    await answer(first).fill("Ya está devuelto.")
    await answer(first).press("Control+Enter")
    await expect(second.get_by_text("Ana Vega ha respondido mientras escribías")).to_be_visible()
    await answer(second).press("Control+Enter")
    dialog = second.get_by_role("dialog", name="Ana Vega ha respondido mientras escribías")
    await expect(dialog.get_by_role("region", name="Lo tuyo, sin enviar")).to_contain_text("Lo miro yo esta tarde.")
    await expect(dialog.get_by_role("region", name="Ana Vega")).to_contain_text("Ya está devuelto.")
    assert await berta.violations() == []
    await dialog.get_by_role("button", name="Enviar también lo mío").click()
    for page in (first, second):
        await expect(page.get_by_role("region", name="Conversación").get_by_role("article")).to_have_count(3)
    await expect(answer(second)).to_have_value("")


async def test_discarded_text_can_be_brought_back(visitor: Visitor) -> None:
    await visitor.log_in_as_agent("Berta Sanz")
    created = await inquiry_of(visitor)
    page = await opened(visitor, created)
    await answer(page).fill("Lo miro yo esta tarde.")
    reply = {"kind": "reply", "text": "Ya está devuelto."}
    (await visitor.system.http.post(f"/api/inquiries/{created['id']}/messages/", json=reply)).raise_for_status()
    await page.get_by_role("button", name="Comparar").click()
    await page.get_by_role("dialog").get_by_role("button", name="Descartar lo mío").click()
    await expect(answer(page)).to_have_value("")
    await page.get_by_role("button", name="Deshacer").click()
    await expect(answer(page)).to_have_value("Lo miro yo esta tarde.")


async def test_draft_that_another_has_sent_leaves_ones_own_text_to_be_sent(visitor: Visitor) -> None:
    await visitor.log_in_as_agent("Berta Sanz")
    await hear_nothing(visitor.page)
    created = await inquiry_of(visitor)
    page = await opened(visitor, created)
    await page.get_by_role("button", name="Usar y editar").click()
    await answer(page).press_sequentially(" Un saludo, Berta.")
    draft = (await visitor.system.http.get(f"/api/inquiries/{created['id']}/draft/")).json()
    reply = {"kind": "reply", "text": draft["text"], "draft_number": draft["number"]}
    (await visitor.system.http.post(f"/api/inquiries/{created['id']}/messages/", json=reply)).raise_for_status()
    await answer(page).press("Control+Enter")
    await expect(page.get_by_text("Ha cambiado mientras escribías; tu texto sigue aquí").first).to_be_visible()
    await expect(answer(page)).to_have_value(re.compile(r"Un saludo, Berta\."))
    await page.get_by_role("button", name="Comparar").click()
    await page.get_by_role("dialog").get_by_role("button", name="Enviar también lo mío").click()
    await expect(page.get_by_role("region", name="Conversación").get_by_role("article")).to_have_count(3)
    await expect(answer(page)).to_have_value("")


async def test_newer_draft_is_compared_with_what_was_typed(visitor: Visitor) -> None:
    await visitor.log_in_as_agent("Berta Sanz")
    created = await inquiry_of(visitor)
    page = await opened(visitor, created)
    await page.get_by_role("button", name="Usar y editar").click()
    await answer(page).fill("Hola, Ana: lo hemos devuelto.")
    order = {"instruction": "in English"}
    await visitor.system.http.post(f"/api/inquiries/{created['id']}/draft/stream/", json=order, timeout=30)
    await expect(page.get_by_text("Hay un borrador más reciente")).to_be_visible()
    await page.get_by_role("button", name="Comparar").click()
    dialog = page.get_by_role("dialog", name="Hay un borrador más reciente")
    await expect(dialog.get_by_role("region", name="Lo tuyo, sin enviar")).to_contain_text("lo hemos devuelto")
    await dialog.get_by_role("button", name="Usar el borrador").click()
    await expect(answer(page)).to_have_value(re.compile("^Hello Ana"))
    await page.get_by_role("button", name="Deshacer").click()
    await expect(answer(page)).to_have_value("Hola, Ana: lo hemos devuelto.")
