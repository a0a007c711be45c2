"""The private link: what its holder sees and does."""

import re
import uuid
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.browser import Visitor
from tests.support.customers import answer, link_to, overlook_the_broken_network, register, send_as, unique

THEMES = [{"color_scheme": "light"}, {"color_scheme": "dark"}]
PHONE = {"viewport": {"width": 390, "height": 844}}


async def opened(visitor: Visitor, **fields: Any) -> dict[str, Any]:
    """A new inquiry whose link is open."""
    created = await visitor.system.create(**fields)
    await visitor.page.goto(link_to(created))
    await expect(visitor.page.get_by_role("heading", level=1)).to_have_text(created["subject"])
    return created


async def closed_long_ago(visitor: Visitor, created: dict[str, Any]) -> None:
    """So long that no message opens it again."""
    path = f"/api/inquiries/{created['id']}/"
    (await visitor.system.http.patch(path, json={"status": "closed"})).raise_for_status()
    await visitor.system.sql(
        "update inquiry set update_time = now() - interval '31 days', resolve_time = now() - interval '31 days' "
        "where id = $1",
        uuid.UUID(created["id"]),
    )


def box(page: Page) -> Any:
    return page.get_by_label("Añadir a esta consulta")


async def test_token_leaves_the_address_and_a_reload_still_opens_the_inquiry(visitor: Visitor) -> None:
    created = await opened(visitor, subject=unique("Enlace"))
    await expect(visitor.page).to_have_url(re.compile(rf"/track/{created['reference']}$"))
    assert created["tracking_token"] not in await visitor.page.evaluate("location.href + document.title")
    await visitor.page.reload()
    await expect(visitor.page.get_by_role("heading", level=1)).to_have_text(created["subject"])


async def test_token_is_sent_as_a_header_and_never_in_an_address(visitor: Visitor) -> None:
    asked: list[tuple[str, str | None]] = []
    visitor.page.on("request", lambda one: asked.append((one.url, one.headers.get("x-tracking-token"))))
    created = await opened(visitor)
    token = created["tracking_token"]
    assert [header for url, header in asked if "/api/track/" in url] == [token]
    assert not [url for url, _ in asked if token in url.partition("#")[0]]


@pytest.mark.smoke
async def test_customer_sees_status_and_conversation_and_writes_again(visitor: Visitor) -> None:
    page = visitor.page
    created = await visitor.system.create(subject=unique("Conversación"))
    await answer(visitor.system, created["id"], "Lo estamos mirando.\n\nUn saludo")
    await page.goto(link_to(created))
    steps = page.get_by_role("region", name="Estado de tu consulta")
    await expect(steps.locator("[aria-current=step]")).to_have_text("Respondida")
    talk = page.get_by_role("list", name="Conversación").get_by_role("article")
    await expect(talk).to_have_count(2)
    await expect(talk.nth(1)).to_contain_text("Administrator")
    await box(page).fill("Gracias, espero.")
    await page.get_by_role("button", name="Enviar", exact=True).click()
    await expect(talk).to_have_count(3)
    await expect(talk.nth(2)).to_contain_text("Gracias, espero.")
    await expect(box(page)).to_have_value("")
    await expect(steps.locator("[aria-current=step]")).to_have_text("En curso")


async def test_inquiry_that_ended_without_an_answer_does_not_claim_one(visitor: Visitor) -> None:
    created = await visitor.system.create()
    closed = await visitor.system.http.patch(f"/api/inquiries/{created['id']}/", json={"status": "closed"})
    closed.raise_for_status()
    await visitor.page.goto(link_to(created))
    steps = visitor.page.get_by_role("region", name="Estado de tu consulta").get_by_role("listitem")
    await expect(steps).to_have_text(["Recibida (hecho)", "En curso (hecho)", "Cerrada"])


async def test_unsent_follow_up_survives_a_reload_and_a_lost_connection(visitor: Visitor) -> None:
    page = visitor.page
    await opened(visitor)
    await box(page).fill("Todavía no he terminado")
    await page.reload()
    await expect(box(page)).to_have_value("Todavía no he terminado")
    await page.context.set_offline(True)
    await page.get_by_role("button", name="Enviar", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("El mensaje no se ha enviado")
    await expect(box(page)).to_have_value("Todavía no he terminado")
    await page.context.set_offline(False)
    await page.get_by_role("button", name="Enviar", exact=True).click()
    await expect(page.get_by_role("article").filter(has_text="Todavía no he terminado")).to_have_count(1)
    overlook_the_broken_network(visitor)


async def test_answer_that_comes_while_the_page_is_open_appears_and_is_told(visitor: Visitor) -> None:
    page = visitor.page
    await page.clock.install()
    created = await opened(visitor)
    await answer(visitor.system, created["id"], "Aquí tienes la respuesta.")
    await page.clock.fast_forward(25_000)
    await expect(page.get_by_text("Aquí tienes la respuesta.")).to_be_visible()
    await expect(page.get_by_text("Nueva respuesta de Administrator")).to_be_attached()


@pytest.mark.parametrize(
    ("path", "words"),
    [("/track/POK-1#wrong", "Este enlace no abre ninguna consulta"), ("/track/POK-1", "le falta la clave")],
)
async def test_link_that_opens_nothing_says_so_and_what_to_do(visitor: Visitor, path: str, words: str) -> None:
    await visitor.page.goto(path)
    await expect(visitor.page.get_by_role("alert")).to_contain_text(words)
    await expect(visitor.page.get_by_role("link", name="Nueva consulta")).to_be_visible()


async def test_link_that_is_revoked_while_it_is_open_stops_working(visitor: Visitor) -> None:
    page = visitor.page
    await page.clock.install()
    created = await opened(visitor)
    (await visitor.system.http.delete(f"/api/inquiries/{created['id']}/tracking/")).raise_for_status()
    await page.clock.fast_forward(25_000)
    await expect(page.get_by_role("alert")).to_contain_text("Este enlace ha dejado de funcionar")


async def test_inquiry_closed_for_good_leads_to_a_new_one(visitor: Visitor) -> None:
    page = visitor.page
    created = await opened(visitor)
    await closed_long_ago(visitor, created)
    await page.reload()
    await expect(box(page)).to_have_count(0)
    await expect(page.get_by_text("ya no admite mensajes").first).to_be_visible()
    await page.get_by_role("link", name="Nueva consulta").click()
    await page.wait_for_url("**/contact")


async def test_words_for_an_inquiry_that_takes_no_more_go_into_a_new_one(visitor: Visitor) -> None:
    page = visitor.page
    created = await opened(visitor)
    await closed_long_ago(visitor, created)
    await box(page).fill("Sigue sin llegar.")
    await page.get_by_role("button", name="Enviar", exact=True).click()
    await page.get_by_role("button", name="Llevarlo a una consulta nueva").click()
    await page.wait_for_url("**/contact")
    await expect(page.get_by_role("textbox", name="Mensaje")).to_have_value("Sigue sin llegar.")


async def test_link_adds_the_inquiry_to_the_account_of_who_is_logged_in(visitor: Visitor) -> None:
    page = visitor.page
    email, _ = await register(visitor.system)
    await visitor.log_in(email)
    created = await opened(visitor, subject=unique("Añadida"))
    await page.get_by_role("link", name="Mis consultas").click()
    await page.wait_for_url(f"**/my/{created['id']}")
    await page.get_by_role("link", name="Mis consultas").click()
    await expect(page.get_by_role("link", name=created["subject"])).to_be_visible()


async def test_link_to_what_another_account_sent_does_not_claim_to_be_added(visitor: Visitor) -> None:
    _, theirs = await register(visitor.system)
    created = await send_as(visitor.system, theirs)
    email, _ = await register(visitor.system)
    await visitor.log_in(email)
    async with visitor.page.expect_response(f"**/api/inquiries/{created['id']}/"):
        await visitor.page.goto(link_to(created))
    await expect(visitor.page.get_by_role("heading", level=1)).to_have_text(created["subject"])
    await expect(visitor.page.get_by_text("está en tu cuenta")).to_have_count(0)


@pytest.mark.parametrize("visitor", [*THEMES, *({**PHONE, **theme} for theme in THEMES)], indirect=True)
async def test_tracking_pages_are_accessible_and_fit(visitor: Visitor) -> None:
    page = visitor.page
    created = await visitor.system.create(subject="W" * 300, customer_name="W" * 200, message="palabralarga" * 60)
    await answer(visitor.system, created["id"], "Mira https://example.com/" + "a" * 300)
    await page.goto(link_to(created))
    await expect(page.get_by_role("article")).to_have_count(2)
    await page.get_by_text("Guardar o copiar el enlace privado").click()
    assert await visitor.violations() == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.goto("/track/POK-1#wrong")
    await expect(page.get_by_role("alert")).to_be_visible()
    assert await visitor.violations() == []
