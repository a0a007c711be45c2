"""What customers write is shown as they wrote it and does nothing, whatever it is."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.browser import PASSWORD, Visitor
from tests.support.customers import answer, link_to, register, send_as
from tests.support.hostile_texts import HOSTILE_TEXTS

ELEMENTS = (
    "main :is(script, img, svg animate, math, iframe, object, embed, video, audio, marquee, base, meta, link, style)"
)


async def assert_inert(page: Page, words: str) -> None:
    assert await page.evaluate("window.pokAlarm") is None
    assert await page.locator(ELEMENTS).count() == 0
    assert await page.locator("main a[href^='javascript'], main a[href*='evil.example']").count() == 0
    assert words in await page.get_by_role("article").first.inner_text()


async def test_sixty_payloads_in_every_field_stay_text_behind_the_private_link(visitor: Visitor) -> None:
    page = visitor.page
    assert len(HOSTILE_TEXTS) == 60
    for text in HOSTILE_TEXTS:
        created = await visitor.system.create(customer_name=text, subject=text.replace("\n", " "), message=text)
        follow_up = await visitor.system.anonymous.post(
            f"/api/track/{created['reference']}/messages/",
            json={"text": text},
            headers={"X-Tracking-Token": created["tracking_token"]},
        )
        follow_up.raise_for_status()
        await page.goto(link_to(created))
        await expect(page.get_by_role("article")).to_have_count(2)
        await assert_inert(page, text)


@pytest.mark.timeout(600)
async def test_sixty_payloads_in_every_field_stay_text_on_the_agents_screen(visitor: Visitor) -> None:
    page = visitor.page
    sent = [
        await visitor.system.create(customer_name=text, subject=text.replace("\n", " "), message=text)
        for text in HOSTILE_TEXTS
    ]
    await visitor.log_in_as_admin()
    await page.goto(f"/inbox/{sent[-1]['id']}?tab=all")  # the newest, at the top of the list
    for text in reversed(HOSTILE_TEXTS):
        await expect(page.get_by_role("heading", level=1)).to_have_text(["Bandeja", " ".join(text.split())])
        await expect(page.get_by_role("article")).to_have_count(1)
        await assert_inert(page, text)
        await page.keyboard.press("j")


async def test_payloads_stay_text_where_a_search_marks_its_words_in_them(visitor: Visitor) -> None:
    page = visitor.page
    text = HOSTILE_TEXTS[10]
    await visitor.system.create(customer_name=f"Zoraida {text}", subject=f"Zoraida {text}", message=f"Zoraida {text}")
    await visitor.log_in_as_admin()
    await page.goto("/inbox?tab=all&q=zoraida")
    await expect(page.locator("mark").first).to_be_visible()
    assert await page.evaluate("window.pokAlarm") is None
    assert await page.locator(ELEMENTS).count() == 0


async def test_payloads_stay_text_in_the_account_and_in_the_account_holders_name(visitor: Visitor) -> None:
    page = visitor.page
    email, headers = await register(visitor.system)
    login = {"authorization": headers["authorization"]}
    name = "<img src=x onerror=window.pokAlarm=1>"
    (await visitor.system.anonymous.patch("/api/me/", json={"name": name}, headers=login)).raise_for_status()
    sent: list[dict[str, Any]] = [
        await send_as(visitor.system, headers, subject=text.replace("\n", " "), message=text)
        for text in HOSTILE_TEXTS[:20]
    ]
    await visitor.log_in(email, PASSWORD)
    await expect(page.get_by_role("list", name="Mis consultas").get_by_role("listitem")).to_have_count(20)
    assert await page.evaluate("window.pokAlarm") is None
    assert await page.locator(ELEMENTS).count() == 0
    await page.goto(f"/my/{sent[0]['id']}")
    await expect(page.get_by_role("article")).to_have_count(1)
    await assert_inert(page, HOSTILE_TEXTS[0])


async def test_payload_in_a_link_or_in_its_reference_does_nothing(visitor: Visitor) -> None:
    page = visitor.page
    for path in ("/track/%3Cimg%20src=x%20onerror=pokAlarm=1%3E#x", "/track/POK-1#<img src=x onerror=pokAlarm=1>"):
        await page.goto(path)
        await expect(page.get_by_role("alert")).to_be_visible()
        assert await page.evaluate("window.pokAlarm") is None
        assert await page.locator(ELEMENTS).count() == 0


async def test_links_of_agents_open_elsewhere_and_tell_nothing_and_those_of_customers_are_text(
    visitor: Visitor,
) -> None:
    page = visitor.page
    created = await visitor.system.create(message="Mira https://evil.example/a y javascript:alert(1)")
    await answer(visitor.system, created["id"], "Mira (https://example.com/a?b=1&c=2). javascript:alert(1)")
    await page.goto(link_to(created))
    theirs, ours = page.get_by_role("article").nth(0), page.get_by_role("article").nth(1)
    await expect(theirs.get_by_role("link")).to_have_count(0)
    await expect(ours.get_by_role("link")).to_have_count(1)
    link = ours.get_by_role("link")
    await expect(link).to_have_attribute("href", "https://example.com/a?b=1&c=2")
    await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow ugc")
