"""One inquiry from the new account that sends it to the answer: in both languages and themes, on desk and phone."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.browser import PASSWORD, Arrive, Visitor
from tests.support.customers import unique
from tests.support.words import Words

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
JOURNEYS: list[tuple[str, dict[str, Any]]] = [
    ("es", {"color_scheme": "light"}),
    ("en", {"color_scheme": "dark"}),
    ("es", {"color_scheme": "dark", **PHONE}),
    ("en", {"color_scheme": "light", **PHONE}),
]


async def register(page: Page, say: Words, email: str) -> None:
    await page.goto("/register")
    await page.get_by_label(say("field.nameLabel")).fill("Lucía Hernández")
    await page.get_by_label(say("field.emailLabel")).fill(email)
    await page.locator("input[autocomplete=new-password]").fill(PASSWORD)
    await page.get_by_role("button", name=say("register.submit")).click()
    await page.wait_for_url("**/my")


async def send(page: Page, say: Words, subject: str) -> None:
    await page.goto("/contact")
    await expect(page.get_by_label(say("public.contact.name"))).to_have_value("Lucía Hernández")
    await page.get_by_label(say("public.contact.subject")).fill(subject)
    await page.get_by_role("textbox", name=say("public.contact.message")).fill(
        "Me han cobrado dos veces el pedido A-10023."
    )
    await page.get_by_role("checkbox").check()
    await page.clock.fast_forward(5_000)  # nobody writes as fast as a test
    await page.get_by_role("button", name=say("public.contact.submit")).click()
    await page.wait_for_url("**/contact/sent")


async def work(agent: Visitor, say: Words, subject: str) -> None:
    """Open what has come in, correct it, answer with the draft and resolve it."""
    page = agent.page
    row = page.get_by_role("listitem").filter(has_text=subject)
    await expect(row).to_be_visible()
    await expect(row).not_to_contain_text(say("inbox.triage.queued"), timeout=20_000)
    await expect(row).not_to_contain_text(say("inbox.triage.running"), timeout=20_000)
    await row.get_by_role("link").click()
    category = page.get_by_role("button", name=f"· {say('inbox.filter.category')}")
    await category.click()
    names = {"es": "Devoluciones y reembolsos", "en": "Returns and refunds"}
    await page.get_by_role("option", name=names[say.language]).click()
    await expect(page.get_by_text(say("detail.byPerson"))).to_be_visible()
    assert await agent.violations() == []
    await page.get_by_role("button", name=say("detail.draftUse")).click()
    answer = page.get_by_role("textbox", name=say("detail.reply"))
    await answer.press("ControlOrMeta+End")
    await answer.press_sequentially("\nHasta pronto.")
    await page.get_by_role("button", name=say("detail.sendAndResolve")).click()
    await expect(page.get_by_role("region", name=say("detail.conversation"))).to_contain_text("Hasta pronto.")


@pytest.mark.smoke
@pytest.mark.parametrize(("language", "options"), JOURNEYS)
async def test_inquiry_goes_from_the_customer_to_the_agent_and_back(
    arrive: Arrive, language: str, options: dict[str, Any]
) -> None:
    say, subject = Words(language), unique("Cobro doble")
    locale = {"es": "es-ES", "en": "en-GB"}[language]
    customer, agent = await arrive(locale=locale, **options), await arrive(locale=locale, **options)
    email = await agent.log_in_as_agent("Berta Sanz", language)
    assert email
    await expect(agent.page.get_by_role("status", name=say("inbox.live.live"))).to_be_visible()
    await customer.page.clock.install()
    await register(customer.page, say, f"lucia-{email}")
    await send(customer.page, say, subject)
    await work(agent, say, subject)
    await customer.page.goto("/my")
    await customer.page.get_by_role("link", name=subject).click()
    await expect(customer.page.get_by_text("Hasta pronto.")).to_be_visible()
    steps = customer.page.get_by_role("region", name=say("public.track.progress"))
    await expect(steps.locator("[aria-current=step]")).to_have_text(say("public.stage.resolved"))
    assert await customer.violations() == []


@pytest.mark.smoke
async def test_agent_works_with_the_keyboard_alone(visitor: Visitor) -> None:
    page, system, subject = visitor.page, visitor.system, unique("Solo teclado")
    created = await system.create(subject=subject)
    await system.final([created["id"]], seconds=30)
    await visitor.log_in_as_admin()
    listed = page.get_by_role("list", name="Consultas").get_by_role("listitem")
    await expect(listed.first).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type(created["reference"])
    await expect(listed).to_have_count(1)
    await page.keyboard.press("Tab")
    while not await page.evaluate("document.activeElement.matches('li a')"):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name=subject)).to_be_visible()
    await page.keyboard.press("n")
    await expect(page.get_by_role("textbox", name="Nota interna")).to_be_focused()
    await page.keyboard.type("Cliente importante")
    await page.keyboard.press("Control+Enter")
    conversation = page.get_by_role("region", name="Conversación")
    await expect(conversation).to_contain_text("Cliente importante")
    await page.keyboard.press("Escape")
    await page.keyboard.press("r")
    await expect(page.get_by_role("textbox", name="Respuesta")).to_be_focused()
    await page.keyboard.type("Ya está devuelto.")
    await page.keyboard.press("Control+Enter")
    await expect(conversation).to_contain_text("Ya está devuelto.")
    await page.keyboard.press("Escape")
    await page.keyboard.press("a")
    await expect(page.get_by_role("menuitem", name="Asignármela")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Te la has asignado").first).to_be_visible()
    await page.keyboard.press("e")
    await expect(page.get_by_text(f"{created['reference']} resuelta").first).to_be_visible()
    inquiry = await system.detail(created["id"])
    assert (inquiry["status"], bool(inquiry["assignee_id"])) == ("resolved", True)
