"""Logging in and out in a browser."""

import re

import pytest
from playwright.async_api import expect

from tests.support.browser import Visitor


async def test_wrong_password_is_said_and_the_right_one_opens_the_inbox(visitor: Visitor) -> None:
    page = visitor.page
    await page.goto("/inbox")
    await page.wait_for_url(re.compile(r"/login\?next=/inbox$"))
    await page.locator("input[type=email]").fill("admin@pok.example")
    await page.locator("input[autocomplete=current-password]").fill("wrong password")
    await page.locator("button[type=submit]").click()
    await expect(page.get_by_role("alert")).to_contain_text("no son correctos")
    await page.locator("input[autocomplete=current-password]").fill(visitor.system.password)
    await page.locator("button[type=submit]").click()
    await page.wait_for_url("**/inbox")


async def test_session_survives_a_reload_and_ends_in_every_tab(visitor: Visitor) -> None:
    await visitor.log_in_as_admin()
    other = await visitor.page.context.new_page()
    await other.goto("/settings")
    await expect(other.get_by_role("navigation", name="Trabajo")).to_be_visible()
    await visitor.page.reload()
    await expect(visitor.page.get_by_role("navigation", name="Trabajo")).to_be_visible()
    await visitor.page.get_by_role("button", name="Administrator").click()
    await visitor.page.get_by_role("menuitem", name="Cerrar sesión").click()
    await visitor.page.wait_for_url("**/login")
    await other.wait_for_url("**/login")


@pytest.mark.parametrize("visitor", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
@pytest.mark.parametrize("path", ["/login", "/register"])
async def test_page_for_everybody_is_accessible(visitor: Visitor, path: str) -> None:
    await visitor.page.goto(path)
    await expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
    assert await visitor.violations() == []
