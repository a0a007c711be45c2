"""An agent's day in the inbox: what arrives, what is corrected, answered and resolved."""

import asyncio
import re
import uuid

import pytest
from playwright.async_api import Route, expect

from tests.support.browser import Visitor


def subject() -> str:
    """One that no other test has."""
    return f"Cobro doble {uuid.uuid4().hex[:8]}"


async def opened(visitor: Visitor, **fields: str) -> dict[str, str]:
    """A new inquiry, classified and open on the agent's screen."""
    created: dict[str, str] = await visitor.system.create(**fields)
    await visitor.system.final([created["id"]], seconds=30)
    await visitor.page.goto(f"/inbox/{created['id']}")
    await expect(visitor.page.get_by_role("heading", level=1, name=fields["subject"])).to_be_visible()
    return created


async def test_new_inquiry_comes_in_and_gets_its_category_by_itself(visitor: Visitor) -> None:
    page, about = visitor.page, subject()
    await visitor.log_in_as_admin()
    await expect(page.get_by_role("status", name="En directo")).to_be_visible()
    # What no other test has taught it anything about.
    await visitor.system.create(subject=about, message="He olvidado mi contraseña y no puedo entrar en mi cuenta.")
    found = page.get_by_role("listitem").filter(has_text=about)
    await expect(found).to_be_visible()
    await expect(found).to_contain_text(re.compile(r"¿.+\?|Cuenta y acceso"), timeout=20_000)  # or unsure of it


async def test_new_inquiry_waits_to_be_shown_while_somebody_points_at_the_list(visitor: Visitor) -> None:
    page, about = visitor.page, subject()
    await visitor.system.create(subject=subject())
    await visitor.log_in_as_admin()
    await expect(page.get_by_role("status", name="En directo")).to_be_visible()
    first = page.get_by_role("list", name="Consultas").get_by_role("listitem").first
    await first.hover()
    before = await first.inner_text()
    await visitor.system.create(subject=about)
    await expect(page.get_by_role("button", name="1 nueva")).to_be_visible()
    assert (await first.inner_text()).splitlines()[:1] == before.splitlines()[:1]
    await expect(page.get_by_role("listitem").filter(has_text=about)).to_have_count(0)
    await page.get_by_role("button", name="1 nueva").click()
    await expect(first).to_contain_text(about)


async def test_list_that_loads_says_so_once_and_alarms_nobody(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    loaded = asyncio.Event()

    async def hold(route: Route) -> None:
        await loaded.wait()
        await route.continue_()

    await page.route("**/api/inquiries/?*", hold)
    await page.reload()
    await expect(page.get_by_role("status").filter(has_text="Cargando…")).to_have_count(1)
    await expect(page.get_by_role("alert")).to_have_count(0)
    loaded.set()
    await expect(page.get_by_role("status").filter(has_text="Cargando…")).to_have_count(0)


async def test_agent_corrects_answers_with_the_draft_and_resolves(visitor: Visitor) -> None:
    page, about = visitor.page, subject()
    await visitor.log_in_as_admin()
    created = await opened(visitor, subject=about)
    await page.get_by_role("button", name=re.compile("· Categoría$")).click()
    await page.get_by_role("option", name="Devoluciones y reembolsos").click()
    await expect(page.get_by_text("Decidida por una persona")).to_be_visible()
    await page.get_by_role("button", name="Usar y editar").click()
    answer = page.get_by_role("textbox", name="Respuesta")
    await expect(answer).to_have_value(re.compile("Ana"))
    await answer.press("End")
    await answer.press_sequentially(" Hasta pronto.")
    await answer.press("Control+Enter")
    await expect(page.get_by_role("region", name="Conversación")).to_contain_text("Hasta pronto.")
    await expect(answer).to_have_value("")
    await page.get_by_role("button", name="Resolver", exact=True).click()
    await expect(page.get_by_text(f"{created['reference']} resuelta", exact=True)).to_be_visible()
    inquiry = await visitor.system.detail(created["id"])
    assert (inquiry["status"], inquiry["category"]) == ("resolved", "returns_refunds")


async def test_what_was_typed_survives_a_reload(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    await opened(visitor, subject=subject())
    await page.get_by_role("textbox", name="Respuesta").fill("A medias, pero no se pierde")
    await page.reload()
    await expect(page.get_by_role("textbox", name="Respuesta")).to_have_value("A medias, pero no se pierde")


async def test_note_is_marked_and_stays_inside(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    created = await opened(visitor, subject=subject())
    await page.get_by_role("tab", name="Nota interna").click()
    await page.get_by_role("textbox", name="Nota interna").fill("Cliente importante")
    await page.get_by_role("button", name="Guardar nota").click()
    await expect(page.get_by_role("region", name="Conversación")).to_contain_text("Cliente importante")
    headers = {"X-Tracking-Token": created["tracking_token"]}
    answer = await visitor.system.anonymous.get(f"/api/track/{created['reference']}/", headers=headers)
    assert "Cliente importante" not in answer.raise_for_status().text


async def test_saved_reply_is_found_with_a_slash_and_filled_in(visitor: Visitor) -> None:
    page, title = visitor.page, f"Saludo-{uuid.uuid4().hex[:8]}"
    body = {"title": title, "body": "Hola, {{ customer_name }}: {{reference}} {customer_name}", "language": "es"}
    (await visitor.system.http.post("/api/canned-replies/", json=body)).raise_for_status()
    await visitor.log_in_as_admin()
    created = await opened(visitor, subject=subject())
    answer = page.get_by_role("textbox", name="Respuesta")
    await answer.press_sequentially(f"/{title}")
    await page.get_by_role("list", name="Respuestas guardadas").get_by_role("button").click()
    await expect(answer).to_have_value(f"Hola, Ana Ruiz: {created['reference']} {{customer_name}}")


async def test_search_and_filters_are_in_the_address(visitor: Visitor) -> None:
    page, about = visitor.page, subject()
    await visitor.log_in_as_admin()
    created = await visitor.system.create(subject=about)
    await visitor.system.final([created["id"]], seconds=30)
    await page.get_by_role("textbox", name="Buscar consultas").fill(created["reference"])
    await page.wait_for_url(re.compile(r"q=POK-"))
    await expect(page.get_by_role("listitem").filter(has_text=about)).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("textbox", name="Buscar consultas")).to_have_value(created["reference"])
    await expect(page.get_by_role("listitem").filter(has_text=about)).to_be_visible()


async def test_keyboard_alone_goes_through_the_list(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    for _ in range(2):
        await visitor.system.create(subject=subject())
    await page.goto("/inbox?tab=all")
    await expect(page.get_by_role("list", name="Consultas").get_by_role("listitem").nth(1)).to_be_visible()
    await page.keyboard.press("j")
    await page.wait_for_url(re.compile(r"/inbox/[0-9a-f-]{36}"))
    first = page.url
    await page.keyboard.press("j")
    await page.wait_for_url(lambda url: url != first and "/inbox/" in url)
    await page.keyboard.press("k")
    await page.wait_for_url(first)
    await page.keyboard.press("Escape")
    await page.wait_for_url(re.compile(r"/inbox\?tab=all$"))


async def test_link_to_an_inquiry_further_down_shows_where_it_stands(visitor: Visitor) -> None:
    page, created = visitor.page, await visitor.system.create(subject=subject())
    await asyncio.gather(*(visitor.system.create(subject=subject()) for _ in range(15)))
    await visitor.log_in_as_admin()
    await page.goto(f"/inbox/{created['id']}")
    row = page.get_by_role("list", name="Consultas").locator(f"a[href^='/inbox/{created['id']}']")
    await expect(row).to_be_in_viewport(ratio=1)


async def test_what_is_typed_stays_with_its_inquiry(visitor: Visitor) -> None:
    page, about = visitor.page, subject()
    answer = page.get_by_role("textbox", name="Respuesta")
    await visitor.log_in_as_admin()
    await visitor.system.create(subject=subject())
    await opened(visitor, subject=about)
    await answer.fill("Lo miro yo esta tarde.")
    await answer.press("Escape")
    await page.keyboard.press("j")
    await expect(page.get_by_role("heading", level=1, name=about)).to_have_count(0)
    await expect(answer).to_have_value("")
    await page.keyboard.press("k")
    await expect(page.get_by_role("heading", level=1, name=about)).to_be_visible()
    await expect(answer).to_have_value("Lo miro yo esta tarde.")


async def test_what_is_open_for_one_inquiry_is_not_open_for_the_next(visitor: Visitor) -> None:
    page, about = visitor.page, subject()
    await visitor.log_in_as_admin()
    await visitor.system.create(subject=subject())
    await opened(visitor, subject=about)
    again = page.get_by_role("region", name="Borrador propuesto").get_by_role("button", name="Otra versión")
    instruction = page.get_by_role("textbox", name="Dilo con tus palabras")
    await again.click()
    await instruction.fill("que ofrezca un descuento")
    await page.keyboard.press("Escape")
    await expect(instruction).to_have_count(0)
    await page.get_by_role("button", name="Ampliar").click()
    await expect(page.get_by_role("button", name="Reducir")).to_be_visible()
    await page.keyboard.press("j")
    await expect(page.get_by_role("heading", level=1, name=about)).to_have_count(0)
    await expect(page.get_by_role("button", name="Ampliar")).to_be_visible()
    await again.click()
    await expect(instruction).to_have_value("")


async def test_reply_goes_out_once_however_often_it_is_sent_at_the_same_moment(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    created = await opened(visitor, subject=subject())
    answer = page.get_by_role("textbox", name="Respuesta")
    await answer.fill("Lo miramos.")
    await answer.evaluate(
        """(element) => {
            const key = { key: 'Enter', ctrlKey: true, bubbles: true }
            for (let time = 0; time < 3; time++) element.dispatchEvent(new KeyboardEvent('keydown', key))
            const buttons = [...document.querySelectorAll('main button')]
            buttons.filter((button) => /^Enviar/.test(button.innerText)).forEach((button) => button.click())
        }"""
    )
    await expect(answer).to_have_value("")
    messages = (await visitor.system.http.get(f"/api/inquiries/{created['id']}/messages/")).json()["items"]
    assert [message["text"] for message in messages[1:]] == ["Lo miramos."]


async def test_keys_of_the_list_do_nothing_while_a_menu_is_open(visitor: Visitor) -> None:
    page, about = visitor.page, subject()
    await visitor.log_in_as_admin()
    await visitor.system.create(subject=subject())
    await opened(visitor, subject=about)
    await page.get_by_role("button", name="Asignar", exact=True).click()
    await expect(page.get_by_role("menu")).to_be_visible()
    await page.keyboard.press("j")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("menu")).to_have_count(0)
    await expect(page.get_by_role("heading", level=1, name=about)).to_be_visible()


@pytest.mark.parametrize("visitor", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
async def test_phone_shows_list_or_detail(visitor: Visitor) -> None:
    page, about = visitor.page, subject()
    await visitor.log_in_as_admin()
    await opened(visitor, subject=about)
    await expect(page.get_by_role("list", name="Consultas")).to_have_count(0)
    await page.get_by_role("button", name="Cerrar la consulta").click()
    await expect(page.get_by_role("list", name="Consultas")).to_be_visible()


@pytest.mark.parametrize("visitor", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
async def test_answer_to_a_long_conversation_is_one_touch_away_on_a_phone(visitor: Visitor) -> None:
    page, about = visitor.page, subject()
    await visitor.log_in_as_admin()
    await opened(visitor, subject=about, message="Una línea de una larga historia.\n" * 60)
    answer, box = page.get_by_role("button", name="Responder"), page.get_by_role("textbox", name="Respuesta")
    await expect(box).not_to_be_in_viewport()
    await expect(answer).to_be_in_viewport()
    await answer.click()
    await expect(box).to_be_focused()
    await expect(box).to_be_in_viewport()
    await expect(answer).to_have_count(0)


@pytest.mark.smoke
@pytest.mark.parametrize("visitor", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
async def test_inbox_and_analytics_are_accessible(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    await opened(visitor, subject=subject())
    await expect(page.get_by_role("button", name="Usar y editar")).to_be_visible()
    assert await visitor.violations() == []
    await page.goto("/analytics")
    await expect(page.get_by_role("heading", name="Entrada y salida")).to_be_visible()
    assert await visitor.violations() == []
