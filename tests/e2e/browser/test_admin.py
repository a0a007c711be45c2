"""What administrators arrange in a browser."""

import json
import re
import uuid
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.support.browser import PASSWORD, Visitor

SCREENS = ["users", "categories", "replies", "audit", "system"]
THEMES = [{"color_scheme": "light"}, {"color_scheme": "dark"}]


def unique(prefix: str) -> str:
    """A name that no other test has."""
    return f"{prefix} {uuid.uuid4().hex[:8]}"


async def account(visitor: Visitor, role: str = "support") -> dict[str, Any]:
    """A new account, made through the API."""
    name = unique("Nora")
    email = f"{name.replace(' ', '.').lower()}@example.org"
    body = {"email": email, "name": name, "role": role, "password": PASSWORD}
    answer = await visitor.system.http.post("/api/users/", json=body)
    made: dict[str, Any] = answer.raise_for_status().json()
    return made


async def category(visitor: Visitor) -> dict[str, Any]:
    """A new category at the end of the list, made through the API."""
    key = f"test_{uuid.uuid4().hex[:8]}"
    body = {"key": key, "name_es": f"Prueba {key}", "name_en": f"Test {key}", "description": "For a test."}
    answer = await visitor.system.http.post("/api/categories/", json=body)
    made: dict[str, Any] = answer.raise_for_status().json()
    return made


async def test_new_account_opens_with_the_generated_password(visitor: Visitor) -> None:
    await visitor.log_in_as_admin()
    page, name = visitor.page, unique("Berta")
    email = f"{uuid.uuid4().hex[:8]}@example.org"
    await page.goto("/admin/users")
    await page.get_by_role("button", name="Añadir usuario").click()
    editor = page.get_by_role("dialog", name="Cuenta nueva")
    await editor.get_by_label("Nombre").fill(name)
    await editor.get_by_label("Correo electrónico").fill(email)
    await editor.get_by_role("radio", name="Soporte").check()
    await editor.get_by_role("button", name="Generar").click()
    password = await editor.locator("input[autocomplete=new-password]").input_value()
    assert len(password) >= 20
    await editor.get_by_role("button", name="Crear cuenta").click()
    note = page.get_by_role("dialog", name=f"{name} ya tiene cuenta")
    await expect(note.get_by_text(password)).to_be_visible()
    await note.get_by_role("button", name="Listo").click()
    await expect(page.get_by_role("row").filter(has_text=email)).to_be_visible()
    credentials = {"email": email, "password": password}
    assert (await visitor.system.anonymous.post("/api/token/", json=credentials)).is_success


async def test_taken_address_is_said_beside_its_field(visitor: Visitor) -> None:
    taken = await account(visitor)
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto("/admin/users")
    await page.get_by_role("button", name="Añadir usuario").click()
    editor = page.get_by_role("dialog", name="Cuenta nueva")
    await editor.get_by_label("Nombre").fill("Otra")
    await editor.get_by_label("Correo electrónico").fill(taken["email"])
    await editor.get_by_role("button", name="Crear cuenta").click()
    await expect(editor.get_by_text("Ya hay una cuenta con esta dirección")).to_be_visible()


async def test_changed_role_can_be_undone(visitor: Visitor) -> None:
    someone = await account(visitor, "user")
    path = f"/api/users/{someone['id']}/"
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto(f"/admin/users?q={someone['email']}")
    role = page.get_by_role("combobox", name=f"Rol de {someone['name']}").locator("visible=true")
    await role.click()
    await page.get_by_role("option", name="Soporte").click()
    await expect(page.get_by_text("ahora su rol es Soporte").first).to_be_visible()
    assert (await visitor.system.http.get(path)).json()["role"] == "support"
    async with page.expect_response(lambda answer: path in answer.url and answer.request.method == "PATCH"):
        await page.get_by_role("button", name="Deshacer").click()
    await expect(role).to_have_text("Cliente")
    assert (await visitor.system.http.get(path)).json()["role"] == "user"


async def test_last_admin_is_told_why_they_must_stay(visitor: Visitor) -> None:
    admins = (await visitor.system.http.get("/api/users/", params={"role": "admin", "active": True})).json()["items"]
    assert len(admins) == 1
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto("/admin/users?role=admin")
    row = page.get_by_role("row").filter(has_text="admin@pok.example")
    await expect(row.get_by_text("Tú", exact=True)).to_be_visible()
    await row.get_by_role("button", name="Acciones").click()
    await page.get_by_role("menuitem", name="Eliminar").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Es tu propia cuenta")
    await dialog.get_by_role("button", name="Eliminar la cuenta").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("última cuenta de administración")
    await dialog.get_by_role("button", name="Cancelar").click()
    await expect(row).to_be_visible()


async def test_account_is_deactivated_reactivated_and_deleted(visitor: Visitor) -> None:
    someone = await account(visitor)
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto(f"/admin/users?q={someone['email']}")
    row = page.get_by_role("row").filter(has_text=someone["email"])
    actions = row.get_by_role("button", name="Acciones")
    await actions.click()
    await page.get_by_role("menuitem", name="Desactivar").click()
    await page.get_by_role("dialog").get_by_role("button", name="Desactivar").click()
    await expect(row.get_by_text("Desactivada").locator("visible=true")).to_be_visible()
    await actions.click()
    await page.get_by_role("menuitem", name="Reactivar").click()
    await expect(row.get_by_text("Activa", exact=True)).to_be_visible()
    await actions.click()
    await page.get_by_role("menuitem", name="Eliminar").click()
    await page.get_by_role("dialog").get_by_role("button", name="Eliminar la cuenta").click()
    await expect(page.get_by_text("Nadie coincide")).to_be_visible()


async def test_filters_of_users_live_in_the_address(visitor: Visitor) -> None:
    someone = await account(visitor)
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto("/admin/users")
    await page.get_by_role("searchbox").fill(someone["email"])
    await page.wait_for_url("**/admin/users?q=*")
    await expect(page.get_by_role("row")).to_have_count(2)
    await page.reload()
    await expect(page.get_by_role("searchbox")).to_have_value(someone["email"])
    await expect(page.get_by_role("row")).to_have_count(2)


async def test_category_is_made_with_examples_and_moved_by_keyboard(visitor: Visitor) -> None:
    await visitor.log_in_as_admin()
    page, name = visitor.page, unique("Garantías")
    await page.goto("/admin/categories")
    await page.get_by_role("button", name="Añadir categoría").click()
    editor = page.get_by_role("dialog", name="Categoría nueva")
    await editor.get_by_label("Nombre en español").fill(name)
    await editor.get_by_label("Nombre en inglés").fill(name.replace("Garantías", "Warranties"))
    await expect(editor.get_by_label("Clave")).to_have_value(re.compile(r"^warranties_\w{8}$"))
    await editor.get_by_label("Descripción para la IA").fill("Todo lo que cubre la garantía.")
    phrase = editor.get_by_placeholder("Escribe una frase y pulsa Intro")
    await phrase.fill("Se rompió a la semana")
    await phrase.press("Enter")
    await phrase.fill("¿Cubre la pantalla?")
    await editor.get_by_role("button", name="Crear categoría").click()
    await expect(editor).to_be_hidden()
    row = page.get_by_role("listitem").filter(has_text=name)
    await expect(row).to_contain_text("2 ejemplos")
    last = await page.get_by_role("list", name="Categorías").get_by_role("listitem").count()
    await row.get_by_role("button", name=f"Subir {name}").focus()
    await page.keyboard.press("Alt+ArrowUp")
    await expect(page.get_by_text(f"{name}: posición {last - 1} de {last}")).to_be_attached()
    await expect(row.get_by_role("button", name=f"Subir {name}")).to_be_focused()
    listed = (await visitor.system.http.get("/api/categories/")).json()["items"]
    made = next(one for one in listed if one["name_es"] == name)
    assert made["examples"] == ["Se rompió a la semana", "¿Cubre la pantalla?"]


async def test_category_in_use_is_switched_off_instead_of_deleted(visitor: Visitor) -> None:
    made = await category(visitor)
    inquiry = await visitor.system.create()
    await visitor.system.final([inquiry["id"]], 30)
    changed = await visitor.system.http.patch(f"/api/inquiries/{inquiry['id']}/", json={"category": made["key"]})
    assert changed.is_success
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto("/admin/categories")
    await page.get_by_role("button", name=f"Eliminar {made['name_es']}").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Eliminar").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Hay consultas con esta categoría")
    await dialog.get_by_role("button", name="Desactivarla").click()
    await expect(page.get_by_role("switch", name=f"Categoría {made['name_es']} activa")).not_to_be_checked()
    await expect(page.get_by_text("La IA lo usa en unos segundos").first).to_be_visible()


async def test_reply_is_written_with_variables_and_shown_as_the_customer_gets_it(visitor: Visitor) -> None:
    await visitor.log_in_as_admin()
    page, title = visitor.page, unique("Acuse")
    await page.goto("/admin/replies")
    await page.get_by_role("button", name="Añadir respuesta").first.click()
    editor = page.get_by_role("dialog", name="Respuesta nueva")
    await editor.get_by_label("Título").fill(title)
    await editor.get_by_label("Texto").fill("Hola, ")
    await editor.get_by_role("button", name="Nombre del cliente").click()
    await page.keyboard.type(": recibida ")
    await editor.get_by_role("button", name="Referencia").click()
    await expect(editor.get_by_role("region")).to_contain_text("Hola, Lucía Fernández: recibida POK-1042")
    await page.keyboard.type(" {{sueldo}}")
    await editor.get_by_role("button", name="Crear respuesta").click()
    await expect(editor.get_by_text("No existe {{sueldo}}")).to_be_visible()
    await editor.get_by_label("Texto").fill("Hola, {{customer_name}}")
    await editor.get_by_role("button", name="Crear respuesta").click()
    await expect(editor).to_be_hidden()
    await page.get_by_role("searchbox").fill(title.upper())
    cards = page.get_by_role("list", name="Respuestas guardadas").get_by_role("listitem")
    await expect(cards).to_have_count(1)
    await cards.get_by_role("button", name=f"Eliminar {title}").click()
    await page.get_by_role("dialog").get_by_role("button", name="Eliminar").click()
    await expect(page.get_by_text("Respuesta eliminada").first).to_be_visible()


async def test_typed_text_is_not_thrown_away_without_asking(visitor: Visitor) -> None:
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto("/admin/replies")
    await page.get_by_role("button", name="Añadir respuesta").first.click()
    editor = page.get_by_role("dialog", name="Respuesta nueva")
    await editor.get_by_label("Título").fill("A medias")
    await page.keyboard.press("Escape")
    question = page.get_by_role("dialog", name="¿Descartar los cambios?")
    await question.get_by_role("button", name="Cancelar").click()
    await expect(editor.get_by_label("Título")).to_have_value("A medias")


async def test_what_is_typed_in_a_form_survives_reloads_and_other_screens(visitor: Visitor) -> None:
    made = await category(visitor)
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto("/admin/categories")
    await page.get_by_role("button", name=f"Editar {made['name_es']}").click()
    editor = page.get_by_role("dialog", name=made["name_es"])
    await editor.get_by_label("Descripción para la IA").fill("A medias")
    await editor.get_by_placeholder("Escribe una frase y pulsa Intro").fill("¿Y esto?")
    await page.reload()
    await expect(editor.get_by_label("Descripción para la IA")).to_have_value("A medias")
    await page.goto("/settings")
    await page.goto("/admin/categories")
    await expect(editor.get_by_placeholder("Escribe una frase y pulsa Intro")).to_have_value("¿Y esto?")
    await editor.get_by_role("button", name="Guardar").click()
    await expect(editor).to_be_hidden()
    stored = (await visitor.system.http.get(f"/api/categories/{made['key']}/")).json()
    assert (stored["description"], stored["examples"]) == ("A medias", ["¿Y esto?"])
    await page.reload()
    await expect(page.get_by_role("button", name=f"Editar {made['name_es']}")).to_be_visible()
    await expect(editor).to_be_hidden()


@pytest.mark.parametrize(
    ("screen", "button", "label"),
    [("users", "Añadir usuario", "Nombre"), ("replies", "Añadir respuesta", "Título")],
)
async def test_what_is_thrown_away_does_not_come_back_and_passwords_are_kept_nowhere(
    visitor: Visitor, screen: str, button: str, label: str
) -> None:
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto(f"/admin/{screen}")
    await page.get_by_role("button", name=button).first.click()
    editor = page.get_by_role("dialog")
    await editor.get_by_label(label).fill("A medias")
    await page.reload()
    await expect(editor.get_by_label(label)).to_have_value("A medias")
    assert "password" not in await page.evaluate("JSON.stringify(sessionStorage) + JSON.stringify(localStorage)")
    await page.keyboard.press("Escape")
    question = page.get_by_role("dialog", name="¿Descartar los cambios?")
    await question.get_by_role("button", name="Descartar").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.reload()
    await expect(page.get_by_role("button", name=button).first).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_admins_who_change_other_fields_of_a_category_both_prevail(visitor: Visitor) -> None:
    made = await category(visitor)
    path = f"/api/categories/{made['key']}/"
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto("/admin/categories")
    await page.get_by_role("button", name=f"Editar {made['name_es']}").click()
    editor = page.get_by_role("dialog", name=made["name_es"])
    await editor.get_by_label("Descripción para la IA").fill("Lo mío")
    (await visitor.system.http.patch(path, json={"examples": ["Lo suyo"]})).raise_for_status()
    await editor.get_by_role("button", name="Guardar").click()
    await expect(editor).to_be_hidden()
    stored = (await visitor.system.http.get(path)).json()
    assert (stored["description"], stored["examples"]) == ("Lo mío", ["Lo suyo"])


async def test_admins_who_change_the_same_field_see_both_versions_and_choose(visitor: Visitor) -> None:
    body = {"title": unique("Acuse"), "body": "Hola.", "language": "es"}
    made = (await visitor.system.http.post("/api/canned-replies/", json=body)).json()
    path = f"/api/canned-replies/{made['id']}/"
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto("/admin/replies")
    await page.get_by_role("button", name=made["title"], exact=True).click()
    editor = page.get_by_role("dialog", name="Editar respuesta")
    text, save = editor.get_by_label("Texto"), editor.get_by_role("button", name="Guardar")
    await text.fill("Lo mío")
    (await visitor.system.http.patch(path, json={"body": "Lo suyo"})).raise_for_status()
    await save.click()
    clash = editor.get_by_role("alert")
    await expect(clash).to_contain_text("Lo suyo")
    assert await visitor.violations() == []
    await page.reload()
    await expect(clash).to_contain_text("Lo suyo")
    await clash.get_by_role("button", name="Tomar esto: Texto").click()
    await expect(text).to_have_value("Lo suyo")
    await text.fill("De los dos")
    await save.click()
    await expect(editor).to_be_hidden()
    assert (await visitor.system.http.get(path)).json()["body"] == "De los dos"


async def test_audit_log_is_filtered_opened_and_exported(visitor: Visitor) -> None:
    made = await category(visitor)
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto("/admin/audit?action=category.create&outcome=ok")
    entry = page.get_by_role("rowgroup").filter(has_text="Categoría creada").first
    await entry.get_by_role("button", name="Detalles").click()
    await expect(entry.get_by_text(made["key"])).to_be_visible()
    await expect(page.get_by_text("Inicio de sesión")).to_be_hidden()
    await page.get_by_role("button", name="Exportar").click()
    async with page.expect_download() as started:
        await page.get_by_role("menuitem", name="JSONL").click()
    file = await started.value
    assert re.fullmatch(r"pok-audit-\d{4}-\d\d-\d\d\.jsonl", file.suggested_filename)
    entries = [json.loads(line) for line in (await file.path()).read_text().splitlines()]
    assert {entry["action"] for entry in entries} == {"category.create"}
    assert entries[0]["target"] == made["key"]


async def test_setting_is_changed_undone_and_says_who_changed_it(visitor: Visitor) -> None:
    await visitor.system.http.delete("/api/settings/confidence_threshold/")
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto("/admin/system")
    card = page.get_by_role("region", name="Umbral de confianza")
    await expect(card).to_contain_text("Nadie lo ha cambiado")
    await card.get_by_role("slider").focus()
    await page.keyboard.press("ArrowRight")
    await expect(card).to_contain_text("Con 71 % o más")
    await card.get_by_role("button", name="Guardar").click()
    await expect(card).to_contain_text("Lo cambió Administrator")
    await page.get_by_role("button", name="Deshacer").click()
    await expect(card).to_contain_text("Nadie lo ha cambiado")
    await expect(card).to_contain_text("Con 70 % o más")


async def test_retention_is_asked_about_before_it_erases(visitor: Visitor) -> None:
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto("/admin/system")
    card = page.get_by_role("region", name="Conservación de consultas")
    await card.get_by_role("switch").click()
    await card.get_by_role("button", name="Guardar").click()
    dialog = page.get_by_role("dialog", name="365 días sin cambios")
    await expect(dialog).to_contain_text("se borran para siempre")
    await dialog.get_by_role("button", name="Cancelar").click()
    setting = (await visitor.system.http.get("/api/settings/")).json()["items"]
    assert {one["key"]: one["value"] for one in setting}["retention_days"] is None


async def test_setting_that_the_dashboard_does_not_know_can_be_changed(visitor: Visitor) -> None:
    sent: list[object] = []
    unknown = {
        "key": "quiet_hours",
        "value": None,
        "default": None,
        "pinned": False,
        "update_time": None,
        "updater_id": None,
    }

    # No version has it yet, so that none can be started here.
    async def later_version(route: Route) -> None:
        if route.request.method == "PATCH":
            sent.append(json.loads(route.request.post_data or "")["value"])
            await route.fulfill(json={**unknown, "value": sent[-1]})
        else:
            await route.fulfill(json={"items": [unknown, {**unknown, "key": "fixed_one", "pinned": True}]})

    await visitor.log_in_as_admin()
    page = visitor.page
    await page.route("**/api/settings/**", later_version)
    await page.goto("/admin/system")
    await expect(page.get_by_role("region", name="fixed_one")).to_contain_text("POK_FIXED_ONE")
    card = page.get_by_role("region", name="quiet_hours")
    await card.get_by_role("textbox").fill("8")
    await card.get_by_role("button", name="Guardar").click()
    await expect(page.get_by_text("quiet_hours: 8").first).to_be_visible()
    assert sent == [8]


async def test_support_finds_no_way_into_the_admin_screens(visitor: Visitor) -> None:
    someone = await account(visitor)
    await visitor.log_in(someone["email"])
    page = visitor.page
    await page.goto("/admin/users")
    await page.wait_for_url("**/inbox")
    await expect(page.get_by_role("link", name="Usuarios")).to_be_hidden()


@pytest.mark.parametrize("visitor", THEMES, indirect=True)
@pytest.mark.parametrize("screen", SCREENS)
async def test_admin_screen_is_accessible(visitor: Visitor, screen: str) -> None:
    await account(visitor)
    body = {"title": unique("Respuesta"), "body": "Hola, {{customer_name}}", "language": "es"}
    await visitor.system.http.post("/api/canned-replies/", json=body)
    await visitor.log_in_as_admin()
    await visitor.page.goto(f"/admin/{screen}")
    await expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
    await expect(visitor.page.locator("[aria-busy=true]")).to_have_count(0, timeout=20_000)
    assert await visitor.violations() == []


@pytest.mark.parametrize("visitor", THEMES, indirect=True)
@pytest.mark.parametrize(
    ("screen", "button"),
    [("users", "Añadir usuario"), ("categories", "Añadir categoría"), ("replies", "Añadir respuesta")],
)
async def test_admin_form_is_accessible(visitor: Visitor, screen: str, button: str) -> None:
    await visitor.log_in_as_admin()
    await visitor.page.goto(f"/admin/{screen}")
    await visitor.page.get_by_role("button", name=button).first.click()
    await expect(visitor.page.get_by_role("dialog")).to_be_visible()
    assert await visitor.violations() == []
