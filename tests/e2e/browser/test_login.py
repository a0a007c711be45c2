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


@pytest.mark.smoke
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


CONTRAST = """(element) => {
  const channels = (color) => {
    const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d')
    context.fillStyle = color
    context.fillRect(0, 0, 1, 1)
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((one) => one / 255)
  }
  const light = (color) => channels(color)
    .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
    .reduce((sum, one, index) => sum + one * [0.2126, 0.7152, 0.0722][index], 0)
  const resolved = (name) => {
    const probe = element.appendChild(document.createElement('i'))
    probe.style.color = `var(${name})`
    return getComputedStyle(probe).color
  }
  const edge = light(resolved('--ui-border-accented'))
  return ['--ui-bg', '--ui-bg-muted', '--ui-bg-elevated'].map((name) => {
    const [bright, dark] = [edge, light(resolved(name))].sort((one, other) => other - one)
    return (bright + 0.05) / (dark + 0.05)
  })
}"""


@pytest.mark.parametrize("visitor", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
async def test_edges_of_fields_stand_out_from_every_ground(visitor: Visitor) -> None:
    await visitor.page.goto("/login")
    field = visitor.page.locator("input[type=email]")
    await expect(field).to_have_css("box-shadow", re.compile("inset"))
    ratios = await visitor.page.locator("button[type=submit]").evaluate(CONTRAST)
    assert min(ratios) >= 3, ratios
