"""What a registered customer finds in their account."""

import re

import pytest
from playwright.async_api import expect

from tests.support.browser import Visitor
from tests.support.customers import answer, register, send_as, unique

THEMES = [{"color_scheme": "light"}, {"color_scheme": "dark"}]
PHONE = {"viewport": {"width": 390, "height": 844}}


async def test_new_account_is_empty_and_leads_to_the_form(visitor: Visitor) -> None:
    page = visitor.page
    email, _ = await register(visitor.system)
    await visitor.log_in(email)
    await page.wait_for_url("**/my")
    await expect(page.get_by_text("Aún no tienes consultas")).to_be_visible()
    await page.get_by_role("main").get_by_role("link", name="Nueva consulta").click()
    await page.wait_for_url("**/contact")


async def test_list_shows_what_was_sent_with_its_status_and_loads_more(visitor: Visitor) -> None:
    page = visitor.page
    email, headers = await register(visitor.system)
    oldest = await send_as(visitor.system, headers, subject=unique("La primera"))
    for number in range(21):
        await send_as(visitor.system, headers, subject=f"Consulta {number}")
    await answer(visitor.system, oldest["id"], "Resuelto.", status="resolved")
    await visitor.log_in(email)
    rows = page.get_by_role("list", name="Mis consultas").get_by_role("listitem")
    await expect(rows).to_have_count(20)
    await page.get_by_role("button", name="Cargar más").click()
    await expect(rows).to_have_count(22)
    await expect(rows.last).to_contain_text(oldest["subject"])
    await expect(rows.last).to_contain_text("Resuelta")
    await expect(page.get_by_role("button", name="Cargar más")).to_have_count(0)


async def test_customer_opens_an_inquiry_reads_the_answer_and_writes_again(visitor: Visitor) -> None:
    page = visitor.page
    email, headers = await register(visitor.system)
    created = await send_as(visitor.system, headers, subject=unique("Talla"))
    await answer(visitor.system, created["id"], "Sí, puedes cambiarla.")
    await visitor.log_in(email)
    await page.get_by_role("link", name=created["subject"]).focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/my/{created['id']}")
    await expect(page.get_by_text("Sí, puedes cambiarla.")).to_be_visible()
    await page.get_by_label("Añadir a esta consulta").fill("¡Gracias!")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("article")).to_have_count(3)
    await page.go_back()
    await expect(page.get_by_role("list", name="Mis consultas").get_by_role("listitem")).to_have_count(1)


async def test_inquiry_of_somebody_else_is_not_shown(visitor: Visitor) -> None:
    page = visitor.page
    created = await visitor.system.create(subject=unique("Ajena"))
    email, _ = await register(visitor.system)
    await visitor.log_in(email)
    for inquiry_id in (created["id"], "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f", "nonsense"):
        await page.goto(f"/my/{inquiry_id}")
        await expect(page.get_by_role("alert")).to_contain_text("Esta consulta no está en tu cuenta")
        await expect(page.get_by_text(created["subject"])).to_have_count(0)


async def test_visitor_without_a_session_logs_in_first_and_comes_back(visitor: Visitor) -> None:
    await visitor.page.goto("/my")
    await visitor.page.wait_for_url(re.compile(r"/login\?next=/my$"))


async def test_agents_are_sent_to_their_own_view(visitor: Visitor) -> None:
    created = await visitor.system.create()
    await visitor.log_in_as_admin()
    await visitor.page.goto(f"/my/{created['id']}")
    await visitor.page.wait_for_url(f"**/inbox/{created['id']}")


@pytest.mark.parametrize("visitor", [*THEMES, *({**PHONE, **theme} for theme in THEMES)], indirect=True)
async def test_account_pages_are_accessible_and_fit(visitor: Visitor) -> None:
    page = visitor.page
    email, headers = await register(visitor.system)
    await visitor.log_in(email)
    await expect(page.get_by_text("Aún no tienes consultas")).to_be_visible()
    assert await visitor.violations() == []
    created = await send_as(visitor.system, headers, subject="palabralarga" * 25)
    await page.reload()
    await expect(page.get_by_role("list", name="Mis consultas")).to_be_visible()
    assert await visitor.violations() == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.goto(f"/my/{created['id']}")
    await expect(page.get_by_role("article")).to_have_count(1)
    assert await visitor.violations() == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
