"""Connections that break, servers that restart, sessions that end: the page stays, and so does what was typed."""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Request, Route, expect

from tests.support.browser import ELSEWHERE, PASSWORD, Arrive, Visitor
from tests.support.customers import link_to, overlook_the_broken_network, register, send_as, unique
from tests.support.system import System

WORDS = "Hola, Ana: lo estamos mirando."


async def opened(visitor: Visitor) -> dict[str, Any]:
    """A new inquiry, open, with a reply half typed."""
    created = await visitor.system.create(subject=unique("Cobro doble"))
    await visitor.system.final([created["id"]], seconds=30)
    await visitor.page.goto(f"/inbox/{created['id']}")
    await expect(visitor.page.get_by_role("heading", level=1, name=created["subject"])).to_be_visible()
    await expect(visitor.page.get_by_role("status", name="En directo")).to_be_visible()
    # The parts that are loaded last.
    await expect(visitor.page.get_by_role("button", name="¿Por qué esta categoría?")).to_be_visible()
    await expect(visitor.page.get_by_role("button", name="Decisiones del modelo")).to_be_visible()
    await answer(visitor.page).fill(WORDS)
    return created


async def end_sessions(system: System, email: str) -> None:
    """All sessions of an account, from another computer."""
    elsewhere = await system.anonymous.post("/api/token/", json={"email": email, "password": PASSWORD})
    end = {"refresh": elsewhere.json()["refresh"], "everywhere": True}
    (await system.anonymous.post("/api/token/revoke/", json=end)).raise_for_status()


def answer(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Respuesta")


def sent(page: Page) -> Locator:
    return page.get_by_role("region", name="Conversación").get_by_role("article").filter(has_text=WORDS)


async def test_page_that_cannot_be_loaded_without_a_connection_is_offered_again(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    await opened(visitor)
    await page.context.set_offline(True)
    await page.get_by_role("link", name="Analítica").click()
    await expect(page.get_by_text("Esta parte no se ha podido cargar").first).to_be_visible()
    await expect(answer(page)).to_have_value(WORDS)
    await page.context.set_offline(False)
    await page.get_by_role("button", name="Reintentar").click()
    await expect(page.get_by_role("heading", name="Entrada y salida")).to_be_visible()
    overlook_the_broken_network(visitor)


@pytest.mark.smoke
async def test_page_of_an_older_build_offers_the_new_one_and_keeps_what_was_typed(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    created = await opened(visitor)
    await page.route("**/_nuxt/*.js", lambda route: route.fulfill(status=404))
    await page.get_by_role("link", name="Analítica").click()
    await expect(page.get_by_text("Hay una versión nueva de POK").first).to_be_visible()
    await expect(answer(page)).to_have_value(WORDS)
    await page.unroute("**/_nuxt/*.js")
    await page.get_by_role("button", name="Recargar").click()
    await expect(page.get_by_role("heading", name="Entrada y salida")).to_be_visible()
    await page.goto(f"/inbox/{created['id']}")
    await expect(answer(page)).to_have_value(WORDS)


async def test_page_whose_first_load_fails_can_be_loaded_again(visitor: Visitor) -> None:
    page = visitor.page
    await page.route("**/_nuxt/*.js", lambda route: route.fulfill(status=404))
    await page.goto("/contact")
    await page.evaluate("document.getAnimations().forEach((one) => one.finish())")  # the patience of 12 seconds
    await page.unroute("**/_nuxt/*.js")
    await page.get_by_role("link", name="Recargar").click()
    await expect(page.get_by_role("heading", level=1)).to_be_visible()


@pytest.mark.smoke
async def test_what_happened_while_the_stream_was_cut_is_told_when_it_is_back(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    await page.goto("/inbox?tab=all")
    await expect(page.get_by_role("status", name="En directo")).to_be_visible()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    positions: list[str | None] = []
    page.on("request", lambda one: _note_position(one, positions))
    await page.context.set_offline(True)
    await expect(page.get_by_role("status", name=re.compile("^Sin conexión"))).to_be_visible()
    meanwhile = [unique("Mientras tanto") for _ in range(3)]
    for about in meanwhile:
        await visitor.system.create(subject=about)
    await page.context.set_offline(False)
    for about in meanwhile:
        await expect(page.get_by_role("listitem").filter(has_text=about)).to_be_visible(timeout=20_000)
    assert positions[-1]
    overlook_the_broken_network(visitor)


async def test_another_tab_goes_on_where_the_one_that_read_the_stream_was_closed(visitor: Visitor) -> None:
    await visitor.log_in_as_admin()
    await expect(visitor.page.get_by_role("status", name="En directo")).to_be_visible()
    other = await visitor.page.context.new_page()
    positions: list[str | None] = []
    other.on("request", lambda one: _note_position(one, positions))
    await other.goto("/inbox?tab=all")
    await expect(other.get_by_role("status", name="En directo")).to_be_visible()
    await expect(other.locator("[aria-busy=true]")).to_have_count(0)
    assert positions == []
    await visitor.page.goto("about:blank")
    between = await visitor.system.create(subject=unique("Entre dos"))
    await expect(other.get_by_text(between["subject"])).to_be_visible(timeout=20_000)
    assert positions[0]


@pytest.mark.smoke
async def test_server_that_restarts_while_one_types_loses_and_doubles_nothing(visitor: Visitor) -> None:
    page, system = visitor.page, visitor.system
    await visitor.log_in_as_admin()
    created = await opened(visitor)

    async def store_and_cut(route: Route) -> None:
        await route.fetch()
        system.kill("edge_api")
        await route.abort()

    await page.route("**/messages/", store_and_cut, times=1)
    await answer(page).press("Control+Enter")
    await expect(page.get_by_text("No se puede hablar con el servidor").first).to_be_visible()
    await expect(answer(page)).to_have_value(WORDS)
    await system.ready()
    await answer(page).press("Control+Enter")
    await expect(answer(page)).to_have_value("")
    messages = (await system.http.get(f"/api/inquiries/{created['id']}/messages/")).json()["items"]
    assert [message["text"] for message in messages].count(WORDS) == 1
    overlook_the_broken_network(visitor)


async def test_access_token_is_renewed_before_it_expires(visitor: Visitor) -> None:
    page = visitor.page
    await page.clock.install()
    await visitor.log_in_as_admin()
    await opened(visitor)
    await page.clock.fast_forward("16:00")
    async with page.expect_response("**/api/token/refresh/"):
        await answer(page).press("Control+Enter")
    await expect(sent(page)).to_have_count(1)


async def test_access_token_that_is_refused_while_one_types_is_renewed_unnoticed(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.log_in_as_admin()
    await opened(visitor)
    await page.route("**/messages/", spoil_token, times=1)
    await answer(page).press("Control+Enter")
    await expect(sent(page)).to_have_count(1)
    await expect(answer(page)).to_have_value("")


async def test_session_that_is_ended_elsewhere_leads_back_to_what_was_typed(visitor: Visitor) -> None:
    page, system = visitor.page, visitor.system
    email = await visitor.log_in_as_agent("Berta Sanz")
    created = await opened(visitor)
    await end_sessions(system, email)
    await expect(page.get_by_text("Tu sesión ha terminado").first).to_be_visible(timeout=15_000)
    await expect(answer(page)).to_have_value(WORDS)
    await page.get_by_role("button", name="Entrar").click()
    await page.wait_for_url(f"**/login?next=/inbox/{created['id']}")
    await page.locator("input[type=email]").fill(email)
    await page.locator("input[autocomplete=current-password]").fill(PASSWORD)
    await page.locator("button[type=submit]").click()
    await expect(answer(page)).to_have_value(WORDS)
    await answer(page).press("Control+Enter")
    await expect(sent(page)).to_have_count(1)


async def test_customer_whose_session_has_ended_still_writes_with_the_private_link(visitor: Visitor) -> None:
    page, system = visitor.page, visitor.system
    email, headers = await register(system)
    await visitor.log_in(email)
    created = await send_as(system, headers)
    await page.goto(link_to(created))
    await expect(page.get_by_role("heading", level=1)).to_have_text(created["subject"])
    await end_sessions(system, email)
    await page.get_by_label("Añadir a esta consulta").fill("Sigo esperando.")
    await page.get_by_role("button", name="Enviar", exact=True).click()
    await expect(page.get_by_role("article").filter(has_text="Sigo esperando.")).to_have_count(1)


async def test_tabs_without_locks_or_cookies_share_one_stream_and_stay_logged_in(
    arrive: Arrive, system: System
) -> None:
    someone = await arrive(base_url=f"http://{ELSEWHERE}:{system.stack.port}")
    await someone.log_in_as_admin()
    page = someone.page
    assert await page.evaluate("navigator.locks === undefined")
    await expect(page.get_by_role("status", name="En directo")).to_be_visible()
    other = Visitor(await page.context.new_page(), system, someone.address)
    positions: list[str | None] = []
    other.page.on("request", lambda one: _note_position(one, positions))
    await other.log_in_as_admin()
    await expect(other.page.get_by_role("status", name="En directo")).to_be_visible()
    await expect(other.page.locator("[aria-busy=true]")).to_have_count(0)
    for_both = await system.create(subject=unique("Para ambas"))
    for tab in (page, other.page):
        await expect(tab.get_by_text(for_both["subject"])).to_be_visible()
    assert positions == []
    await page.close()
    between = await system.create(subject=unique("Entre dos"))
    await expect(other.page.get_by_text(between["subject"])).to_be_visible(timeout=20_000)
    assert positions[0]
    await other.page.route("**/api/inquiries/?*", spoil_token, times=1)
    await other.page.get_by_role("tab", name="Todas").click()
    await expect(other.page.get_by_text(between["subject"])).to_be_visible()
    assert not other.complaints


async def spoil_token(route: Route) -> None:
    """The server gets one that is not valid any more."""
    await route.continue_(headers={**route.request.headers, "authorization": "Bearer spoilt"})


def _note_position(request: Request, positions: list[str | None]) -> None:
    if request.url.endswith("/api/events/stream/"):
        positions.append(request.headers.get("last-event-id"))
