"""What is counted as the first load is what a browser asks for."""

import json

from benchmarks.first_load import GRAPH, SCREENS, files, first_load
from tests.support.browser import Visitor


def scripts(visitor: Visitor) -> set[str]:
    """The files that will have been asked for; filled as the page loads."""
    asked: set[str] = set()
    visitor.page.on("request", lambda request: asked.add(request.url.rpartition("/")[2]))
    return asked


async def test_login_loads_nothing_that_its_budget_does_not_count(visitor: Visitor) -> None:
    asked = scripts(visitor)
    await visitor.page.goto("/login", wait_until="networkidle")
    loaded = {name for name in asked if name.endswith(".js")}
    assert loaded
    assert loaded <= first_load(SCREENS["login"])


async def test_inbox_loads_beyond_its_budget_only_the_detail_that_may_be_opened_next(visitor: Visitor) -> None:
    graph = json.loads(GRAPH.read_text())
    detail = "components/detail/InquiryDetail.vue"
    await visitor.log_in_as_admin()
    asked = scripts(visitor)
    async with visitor.page.expect_request(lambda request: request.url.endswith(graph[detail]["file"])):
        await visitor.page.goto("/inbox", wait_until="domcontentloaded")
    loaded = {name for name in asked if name.endswith(".js")}
    assert loaded
    assert loaded <= first_load(SCREENS["inbox"]) | files(graph, [detail])
