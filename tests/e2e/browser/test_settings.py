"""What people set for themselves in a browser."""

import uuid

import pytest
from playwright.async_api import expect

from tests.support.browser import PASSWORD, Visitor

TABS = ["", "/password", "/sessions", "/appearance", "/shortcuts"]
THEMES = [{"color_scheme": "light"}, {"color_scheme": "dark"}]
PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1"}


async def someone(visitor: Visitor, role: str = "support") -> str:
    """The address of a new account."""
    email = f"{uuid.uuid4().hex[:8]}@example.org"
    body = {"email": email, "name": "Carla Gil", "role": role, "password": PASSWORD}
    (await visitor.system.http.post("/api/users/", json=body)).raise_for_status()
    return email


async def open_elsewhere(visitor: Visitor, email: str) -> str:
    """An access token of another session of the account, opened on a telephone."""
    credentials = {"email": email, "password": PASSWORD}
    answer = await visitor.system.anonymous.post("/api/token/", json=credentials, headers=PHONE)
    return str(answer.raise_for_status().json()["access"])


async def test_name_is_saved_and_shown_at_once(visitor: Visitor) -> None:
    await visitor.log_in(await someone(visitor))
    page = visitor.page
    await page.goto("/settings")
    await page.get_by_label("Nombre").fill("Carla Gil Soto")
    await page.get_by_role("button", name="Guardar").click()
    await expect(page.get_by_text("Guardado").first).to_be_visible()
    await expect(page.get_by_role("button", name="Carla Gil Soto")).to_be_visible()


async def test_chosen_language_changes_the_page_and_the_account(visitor: Visitor) -> None:
    email = await someone(visitor)
    await visitor.log_in(email)
    page = visitor.page
    await page.goto("/settings/appearance")
    await page.get_by_role("radio", name="English").click()
    await expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    found = (await visitor.system.http.get("/api/users/", params={"q": email})).json()["items"]
    assert found[0]["language"] == "en"


async def test_new_password_needs_the_present_one_and_ends_the_other_sessions(visitor: Visitor) -> None:
    email = await someone(visitor)
    elsewhere = {"Authorization": f"Bearer {await open_elsewhere(visitor, email)}"}
    await visitor.log_in(email)
    page = visitor.page
    await page.goto("/settings/password")
    await page.get_by_label("Contraseña actual").fill("not the password")
    await page.get_by_label("Contraseña nueva").fill("another long phrase")
    await page.get_by_role("button", name="Cambiar la contraseña").click()
    refusal = page.get_by_text("La contraseña actual no es correcta")
    await expect(refusal).to_be_visible()
    await page.get_by_role("button", name="Mostrar la contraseña").first.press(
        "Space", delay=400
    )  # the form has checked
    await expect(refusal).to_be_visible()
    await page.get_by_label("Contraseña actual").fill(PASSWORD)
    await page.get_by_label("Contraseña nueva").fill("password1")
    await page.get_by_role("button", name="Cambiar la contraseña").click()
    await expect(page.get_by_text("demasiado común")).to_be_visible()
    await page.get_by_label("Contraseña nueva").fill("another long phrase")
    await page.get_by_role("button", name="Cambiar la contraseña").click()
    await expect(page.get_by_text("Tus demás sesiones se han cerrado").first).to_be_visible()
    await page.goto("/settings/sessions")
    await expect(page.get_by_role("list", name="Sesiones").get_by_role("listitem")).to_have_count(1)
    refused = await visitor.system.anonymous.patch("/api/me/", json={"name": "Nobody"}, headers=elsewhere)
    assert refused.status_code == 401


async def test_session_of_a_lost_telephone_is_ended(visitor: Visitor) -> None:
    email = await someone(visitor)
    await open_elsewhere(visitor, email)
    await open_elsewhere(visitor, email)
    await visitor.log_in(email)
    page = visitor.page
    await page.goto("/settings/sessions")
    sessions = page.get_by_role("list", name="Sesiones").get_by_role("listitem")
    await expect(sessions).to_have_count(3)
    await expect(sessions.first).to_contain_text("Esta sesión")
    await sessions.filter(has_text="Safari en iPhone").first.get_by_role("button", name="Cerrar").click()
    await expect(sessions).to_have_count(2)
    await page.get_by_role("button", name="Cerrar las demás").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Se cierra 1 sesión")
    await dialog.get_by_role("button", name="Cerrar las demás").click()
    await expect(sessions).to_have_count(1)
    await page.reload()
    await expect(sessions).to_have_count(1)


async def test_single_keys_can_be_switched_off(visitor: Visitor) -> None:
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto("/settings/shortcuts")
    await page.get_by_role("switch", name="Atajos de una sola tecla").click()
    await page.get_by_role("heading", name="Atajos").click()
    await page.keyboard.press("?")
    await page.keyboard.press("g")
    await page.keyboard.press("u")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await page.get_by_role("switch", name="Atajos de una sola tecla").click()
    await page.get_by_role("heading", name="Atajos").click()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Atajos de teclado")).to_be_visible()


async def test_customers_have_their_settings_without_the_dashboard(visitor: Visitor) -> None:
    await visitor.log_in(await someone(visitor, "user"))
    page = visitor.page
    await page.goto("/settings")
    await expect(page.get_by_role("heading", name="Ajustes", level=1)).to_be_visible()
    await expect(page.get_by_role("navigation", name="Trabajo")).to_be_hidden()
    await page.get_by_role("link", name="Contraseña").click()
    await expect(page.get_by_label("Contraseña actual")).to_be_visible()
    assert await visitor.violations() == []


@pytest.mark.smoke
@pytest.mark.parametrize("visitor", THEMES, indirect=True)
async def test_settings_are_accessible(visitor: Visitor) -> None:
    await visitor.log_in_as_admin()
    for tab in TABS:
        await visitor.page.goto(f"/settings{tab}")
        await expect(visitor.page.get_by_role("heading", level=2).first).to_be_visible()
        await expect(visitor.page.locator("[aria-busy=true]")).to_have_count(0, timeout=20_000)
        assert await visitor.violations() == [], tab
