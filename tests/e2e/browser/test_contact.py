"""The contact form: what a person without an account does to send an inquiry."""

import json

import pytest
from playwright.async_api import Page, Route, expect

from tests.support.browser import Visitor
from tests.support.customers import found_by_subject, overlook_the_broken_network, register, unique

MESSAGE = "Hola:\n\nHace diez días que lo pedí.\n\nGracias"
THEMES = [{"color_scheme": "light"}, {"color_scheme": "dark"}]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


async def open_form(page: Page) -> None:
    await page.goto("/contact")
    await expect(page.get_by_role("heading", level=1)).to_have_text("¿En qué podemos ayudarte?")


async def fill(page: Page, subject: str) -> None:
    await page.get_by_label("Tu nombre").fill("María Fernández")
    await page.get_by_label("Correo electrónico").fill("maria@example.org")
    await page.get_by_label("Asunto").fill(subject)
    await page.get_by_role("textbox", name="Mensaje").fill(MESSAGE)
    await page.get_by_role("checkbox").check()


async def send(page: Page) -> None:
    await page.get_by_role("button", name="Enviar consulta").click()


@pytest.mark.smoke
async def test_visitor_sends_an_inquiry_and_keeps_its_private_link_over_a_reload(visitor: Visitor) -> None:
    page, subject = visitor.page, unique("Pedido perdido")
    await page.clock.install()
    await open_form(page)
    await fill(page, subject)
    await page.clock.fast_forward(5000)
    await send(page)
    await page.wait_for_url("**/contact/sent")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    [stored] = await found_by_subject(visitor.system, subject)
    await expect(page.get_by_text(stored["reference"], exact=True)).to_be_visible()
    assert (stored["status"], stored["consent_version"]) == ("new", "2026-11-25-es")
    link = await page.get_by_label("Enlace privado").input_value()
    assert link.startswith(f"{visitor.system.address}/track/{stored['reference']}#")
    await page.reload()
    await expect(page.get_by_label("Enlace privado")).to_have_value(link)
    await page.get_by_role("link", name="Ver mi consulta").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(subject)


async def test_every_missing_field_is_named_where_it_is_and_the_first_gets_the_focus(visitor: Visitor) -> None:
    page = visitor.page
    await open_form(page)
    await send(page)
    for words in ("Dinos cómo te llamas", "Escribe tu correo", "Resume en pocas palabras", "Sin tu consentimiento"):
        await expect(page.get_by_text(words)).to_be_visible()
    await expect(page.get_by_label("Tu nombre")).to_be_focused()
    await expect(page.get_by_label("Tu nombre")).to_have_attribute("aria-invalid", "true")
    await page.get_by_label("Tu nombre").fill("María")
    await expect(page.get_by_text("Dinos cómo te llamas")).to_have_count(0)


async def test_what_only_the_server_refuses_is_shown_at_its_field_and_nothing_is_lost(visitor: Visitor) -> None:
    page = visitor.page
    await open_form(page)
    await fill(page, "a\x01b")
    await send(page)
    await expect(page.get_by_role("alert")).to_contain_text("No se ha enviado")
    await expect(page.get_by_label("Asunto")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_text("en una sola línea")).to_be_visible()
    await expect(page.get_by_role("textbox", name="Mensaje")).to_have_value(MESSAGE)


async def test_typing_survives_a_reload(visitor: Visitor) -> None:
    page, subject = visitor.page, unique("A medias")
    await open_form(page)
    await fill(page, subject)
    await page.reload()
    await expect(page.get_by_label("Asunto")).to_have_value(subject)
    await expect(page.get_by_role("textbox", name="Mensaje")).to_have_value(MESSAGE)
    await expect(page.get_by_role("checkbox")).to_be_checked()


async def test_retry_after_a_lost_answer_and_a_reload_stores_one_inquiry(visitor: Visitor) -> None:
    page, subject = visitor.page, unique("Una sola vez")

    async def lose_the_answer(route: Route) -> None:
        await route.fetch()
        await route.abort()

    await open_form(page)
    await fill(page, subject)
    await page.route("**/api/inquiries/create/", lose_the_answer)
    await send(page)
    await expect(page.get_by_role("alert")).to_contain_text("No se puede hablar con el servidor")
    await page.unroute("**/api/inquiries/create/")
    await page.reload()
    await send(page)
    await page.wait_for_url("**/contact/sent")
    assert len(await found_by_subject(visitor.system, subject)) == 1
    overlook_the_broken_network(visitor)


async def test_other_words_after_a_lost_answer_are_another_inquiry(visitor: Visitor) -> None:
    page, keys = visitor.page, list[str]()

    async def refuse(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        await route.abort()

    await open_form(page)
    await fill(page, unique("Primera"))
    await page.route("**/api/inquiries/create/", refuse)
    for words in ("Primera", "Primera", "Segunda"):
        await page.get_by_role("textbox", name="Mensaje").fill(words)
        await send(page)
        await expect(page.get_by_role("button", name="Enviar consulta")).to_be_enabled()
        await expect(page.get_by_role("alert")).to_be_visible()
    assert keys[0] == keys[1] != keys[2]
    overlook_the_broken_network(visitor)


async def test_program_that_fills_every_field_is_thanked_and_set_aside(visitor: Visitor) -> None:
    page, subject = visitor.page, unique("Oferta")
    await page.clock.install()
    await open_form(page)
    await fill(page, subject)
    await page.clock.fast_forward(5000)
    await page.locator("input[name=website]").fill("https://spam.example", force=True)
    await send(page)
    await page.wait_for_url("**/contact/sent")
    [stored] = await found_by_subject(visitor.system, subject)
    assert (stored["status"], stored["triage_state"]) == ("spam", "done")


async def test_form_that_is_sent_within_two_seconds_is_set_aside(visitor: Visitor) -> None:
    page, subject = visitor.page, unique("Deprisa")
    await page.clock.set_fixed_time("2026-11-25T12:00:00Z")
    await open_form(page)
    await fill(page, subject)
    await send(page)
    await page.wait_for_url("**/contact/sent")
    [stored] = await found_by_subject(visitor.system, subject)
    assert stored["status"] == "spam"


async def test_hidden_field_is_out_of_reach_for_people(visitor: Visitor) -> None:
    page = visitor.page
    await open_form(page)
    hidden = page.locator("input[name=website]")
    await expect(hidden).to_have_attribute("tabindex", "-1")
    await expect(hidden).not_to_be_in_viewport()
    assert await page.get_by_role("textbox").count() == 4


async def test_form_is_sent_with_the_keyboard_alone(visitor: Visitor) -> None:
    page, subject = visitor.page, unique("Sin ratón")
    await open_form(page)
    await page.get_by_label("Tu nombre").focus()
    for words in ("María", "maria@example.org", subject, "Sin ratón también."):
        await page.keyboard.type(words)
        await page.keyboard.press("Tab")
    await expect(page.get_by_role("checkbox")).to_be_focused()
    await page.keyboard.press("Space")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/contact/sent")


async def test_counter_counts_as_the_server_does_and_says_what_is_too_much(visitor: Visitor) -> None:
    page = visitor.page
    await open_form(page)
    await page.get_by_role("textbox", name="Mensaje").fill("🦊" * 20_001)
    await expect(page.get_by_text("20.001 / 20.000")).to_be_visible()
    await send(page)
    await expect(page.get_by_text("Sobra 1 carácter").first).to_be_visible()


async def test_customer_with_an_account_need_not_write_who_they_are(visitor: Visitor) -> None:
    email, _ = await register(visitor.system)
    await visitor.log_in(email)
    await open_form(visitor.page)
    await expect(visitor.page.get_by_label("Tu nombre")).to_have_value("Lucía Hernández")
    await expect(visitor.page.get_by_label("Correo electrónico")).to_have_value(email)


@pytest.mark.parametrize("visitor", [{"locale": "en-GB"}], indirect=True)
async def test_english_visitor_reads_and_agrees_in_english(visitor: Visitor) -> None:
    page = visitor.page
    sent: list[dict[str, str]] = []

    async def refuse(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or "{}"))
        await route.abort()

    await page.goto("/contact")
    await expect(page.get_by_role("heading", level=1)).to_have_text("How can we help?")
    await page.route("**/api/inquiries/create/", refuse)
    for label in ("Your name", "Subject", "Message"):
        await page.get_by_label(label, exact=True).fill("words")
    await page.get_by_label("E-mail", exact=True).fill("ann@example.org")
    await page.get_by_role("checkbox").check()
    await page.get_by_role("button", name="Send inquiry").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    assert sent[0]["consent_version"] == "2026-11-25-en"
    overlook_the_broken_network(visitor)


async def test_receipt_of_nothing_leads_to_the_form(visitor: Visitor) -> None:
    await visitor.page.goto("/contact/sent")
    await visitor.page.wait_for_url("**/contact")


@pytest.mark.parametrize("visitor", [*THEMES, *({**PHONE, **theme} for theme in THEMES)], indirect=True)
async def test_form_with_errors_and_receipt_are_accessible(visitor: Visitor) -> None:
    page = visitor.page
    await open_form(page)
    assert await visitor.violations() == []
    await send(page)
    await expect(page.get_by_text("Dinos cómo te llamas")).to_be_visible()
    assert await visitor.violations() == []
    await fill(page, unique("Accesible"))
    await send(page)
    await page.wait_for_url("**/contact/sent")
    await expect(page.get_by_label("Enlace privado")).to_be_visible()
    assert await visitor.violations() == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
