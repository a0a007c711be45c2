"""What is not there says so, accessibly."""

import pytest
from playwright.async_api import expect

from tests.support.browser import Visitor

SCHEMES = [{"color_scheme": "light"}, {"color_scheme": "dark"}]


@pytest.mark.parametrize("visitor", SCHEMES, indirect=True)
async def test_unknown_address_says_so_and_leads_home(visitor: Visitor) -> None:
    await visitor.page.goto("/nowhere")
    await expect(visitor.page.get_by_text("Esta página no existe")).to_be_visible()
    assert await visitor.violations() == []
    await visitor.page.get_by_role("button", name="Ir al inicio").click()
    await visitor.page.wait_for_url("**/login")


@pytest.mark.parametrize("visitor", SCHEMES, indirect=True)
async def test_inquiry_that_is_not_there_is_not_offered_again(visitor: Visitor) -> None:
    await visitor.log_in_as_admin()
    await visitor.page.goto("/inbox/01990000-0000-7000-8000-000000000000")
    await expect(visitor.page.get_by_text("No está aquí")).to_be_visible()
    await expect(visitor.page.get_by_role("button", name="Reintentar")).to_have_count(0)
    assert await visitor.violations() == []
