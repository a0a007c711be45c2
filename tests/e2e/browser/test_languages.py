"""Which language the page speaks, and how it writes what languages write differently."""

import re
import uuid

from playwright.async_api import expect

from tests.support.browser import PASSWORD, Arrive, Visitor
from tests.support.words import Words


async def language_of(visitor: Visitor, email: str) -> str:
    found = (await visitor.system.http.get("/api/users/", params={"q": email})).json()["items"]
    return str(found[0]["language"])


async def test_logging_in_brings_the_language_of_the_account(visitor: Visitor) -> None:
    await visitor.log_in_as_agent("Ann Lee", "en")
    await expect(visitor.page.locator("html")).to_have_attribute("lang", "en")
    await expect(visitor.page.get_by_role("navigation", name="Work")).to_be_visible()
    await visitor.page.reload()
    await expect(visitor.page.get_by_role("navigation", name="Work")).to_be_visible()


async def test_new_account_keeps_the_language_in_which_it_was_made(arrive: Arrive) -> None:
    visitor, say = await arrive(locale="en-GB"), Words("en")
    page, email = visitor.page, f"{uuid.uuid4().hex[:8]}@example.org"
    await page.goto("/register")
    await page.get_by_label(say("field.nameLabel")).fill("Ann Lee")
    await page.get_by_label(say("field.emailLabel")).fill(email)
    await page.locator("input[autocomplete=new-password]").fill(PASSWORD)
    await page.get_by_role("button", name=say("register.submit")).click()
    await expect(page.get_by_role("heading", level=1, name=say("nav.my"))).to_be_visible()
    assert await language_of(visitor, email) == "en"


async def test_language_chosen_in_the_menu_is_that_of_the_account(visitor: Visitor) -> None:
    page = visitor.page
    email = await visitor.log_in_as_agent("Berta Sanz")
    await page.get_by_role("button", name="Berta Sanz").click()
    await page.get_by_role("menuitem", name="Idioma").click()
    async with page.expect_response("**/api/me/"):
        await page.get_by_role("menuitemcheckbox", name="English").click()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    assert await language_of(visitor, email) == "en"


async def test_times_in_english_are_written_as_in_britain(visitor: Visitor) -> None:
    created = await visitor.system.create()
    await visitor.log_in_as_agent("Ann Lee", "en")
    await visitor.page.goto(f"/inbox/{created['id']}")
    time = visitor.page.get_by_role("region", name="Conversation").locator("time").first
    await expect(time).to_have_attribute("title", re.compile(r"^\d{1,2} [A-Z][a-z]{2,3} \d{4}, \d\d:\d\d$"))
