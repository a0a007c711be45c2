"""What operators see of the queue in a browser, and how admins have failed analyses tried again."""

import asyncio
import re
from collections.abc import AsyncIterator

import asyncpg
import pytest
from playwright.async_api import Route, expect

from tests.support.browser import Visitor
from tests.support.system import System

SECONDS = 30


@pytest.fixture
async def failed(system: System) -> AsyncIterator[list[dict[str, str]]]:
    """Three inquiries that the AI has given up; what tests leave failed is put right afterwards."""
    created = [await system.create(subject=f"Fallida {number}") for number in range(3)]
    await system.final([one["id"] for one in created], SECONDS)
    await system_sql(
        system,
        """with failed as (update triage_job set state = 'idle', attempt = 6, run_after = now()
            where inquiry_id = any($1::uuid[]) returning inquiry_id)
        update inquiry set triage_state = 'failed', triage_reason = 'provider_timeout' from failed
        where id = failed.inquiry_id""",
        [one["id"] for one in created],
    )
    yield created
    await system.http.post("/api/queue/retry/", json={"filter": {}})
    await system.final([one["id"] for one in created], SECONDS)


async def system_sql(system: System, query: str, *arguments: object) -> None:
    connection = await asyncpg.connect(system.database_url(), timeout=10)
    try:
        await connection.execute(query, *arguments, timeout=10)
    finally:
        await connection.close()


async def test_operator_sees_depth_workers_throughput_and_what_has_failed(
    visitor: Visitor, failed: list[dict[str, str]]
) -> None:
    await visitor.log_in_as_agent("Olga")
    page = visitor.page
    await page.get_by_role("link", name="Cola").click()
    await expect(page.get_by_role("heading", name="Cola")).to_be_visible()
    await expect(page.get_by_text("El trabajo va al día")).to_be_visible()
    workers = page.get_by_role("region", name="Procesos de trabajo")
    await expect(workers.get_by_text("Activo", exact=True).first).to_be_visible()
    throughput = page.get_by_role("region", name="Últimos 60 minutos").first
    await throughput.get_by_role("button", name=re.compile("Ver como tabla")).click()
    await expect(throughput.get_by_role("columnheader", name="Analizadas")).to_be_visible()
    await expect(page.get_by_role("region", name="Proveedor de IA")).to_contain_text("Modelo integrado")
    jobs = page.get_by_role("region", name="Trabajos", exact=True)
    await expect(jobs.get_by_role("link", name=failed[0]["reference"])).to_be_visible()
    await expect(jobs.get_by_text("Proveedor demasiado lento").first).to_be_visible()
    # Support reads; admins act.
    await expect(jobs.get_by_role("button", name=re.compile("Reintentar"))).to_have_count(0)


async def test_admin_retries_one_some_and_all_and_reads_the_history(
    visitor: Visitor, failed: list[dict[str, str]]
) -> None:
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto("/queue")
    jobs = page.get_by_role("region", name="Trabajos", exact=True)
    dialog = page.get_by_role("dialog")
    first, second, third = (one["reference"] for one in failed)

    await jobs.get_by_role("button", name=f"Reintentar {first}").click()
    await dialog.get_by_role("button", name="Reintentar").click()
    await expect(jobs.get_by_role("link", name=first)).to_have_count(0)

    await jobs.get_by_role("checkbox", name=f"Seleccionar {second}").click()
    await jobs.get_by_role("button", name=re.compile("Reintentar selección")).click()
    await dialog.get_by_role("button", name="Reintentar").click()
    await expect(jobs.get_by_role("link", name=second)).to_have_count(0)

    await jobs.get_by_role("button", name=f"Historial de proceso de {third}").click()
    await expect(dialog.get_by_text("Analizada", exact=True)).to_be_visible()
    await page.keyboard.press("Escape")

    await jobs.get_by_role("button", name=re.compile("Reintentar todo")).click()
    await dialog.get_by_role("button", name="Reintentar").click()
    await expect(jobs.get_by_text("Nada ha fallado")).to_be_visible()
    final = await visitor.system.final([one["id"] for one in failed], SECONDS)
    assert {one["triage_state"] for one in final.values()} <= {"done", "needs_review"}


async def test_numbers_move_by_themselves(visitor: Visitor) -> None:
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto("/queue?state=waiting")
    await expect(page.get_by_role("region", name="Trabajos", exact=True).get_by_text("Nada espera")).to_be_visible()
    answered = asyncio.Event()
    page.on("response", lambda answer: answered.set() if answer.url.endswith("/api/queue/") else None)
    answered.clear()
    async with asyncio.timeout(SECONDS):
        await answered.wait()


async def test_agent_reads_why_an_analysis_failed_and_asks_for_another(
    visitor: Visitor, failed: list[dict[str, str]]
) -> None:
    await visitor.log_in_as_agent("Olga")
    page = visitor.page
    await page.goto(f"/inbox/{failed[0]['id']}")
    analysis = page.get_by_role("region", name="Análisis")
    reason = analysis.get_by_text("El análisis ha fallado: el proveedor tardó demasiado")
    await expect(reason).to_be_visible()
    assert await visitor.violations() == []
    await analysis.get_by_role("button", name="Analizar de nuevo").click()
    await expect(reason).to_have_count(0)
    await visitor.system.final([failed[0]["id"]], SECONDS)


async def test_queue_that_cannot_be_read_says_so_and_is_tried_again(visitor: Visitor) -> None:
    await visitor.log_in_as_admin()
    page = visitor.page
    broken = True

    async def answer(route: Route) -> None:
        if broken:
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/api/queue/", answer)
    await page.goto("/queue")
    alert = page.get_by_role("alert").first
    await expect(alert).to_be_visible()
    broken = False
    await alert.get_by_role("button").click()
    await expect(page.get_by_text("El trabajo va al día")).to_be_visible()
    # The browser itself logs what was cut off.
    visitor.complaints[:] = [one for one in visitor.complaints if "ERR_FAILED" not in one]


@pytest.mark.parametrize(
    "visitor",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark", "locale": "en-GB", "viewport": {"width": 390, "height": 844}},
    ],
    indirect=True,
    ids=["light", "dark-phone"],
)
async def test_queue_is_accessible_in_both_themes_and_on_a_phone(
    visitor: Visitor, failed: list[dict[str, str]]
) -> None:
    await visitor.log_in_as_admin()
    page = visitor.page
    await page.goto("/queue")
    jobs = page.locator("section").filter(has=page.get_by_role("link", name=failed[0]["reference"]))
    await expect(jobs.get_by_role("link", name=failed[0]["reference"])).to_be_visible()
    assert await visitor.violations() == []
    width = await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert width, "it scrolls sideways"
