"""How soon the dashboard shows what one asks for, with 50,000 inquiries: in Debian's Chromium, from key to content.

    .venv/bin/python -m benchmarks.dashboard [ROUNDS]

Starts POK as `make up` does, in a folder that is thrown away, loads it by `benchmarks/load.py`, and measures in the
page itself, from the click or key to the frame that shows the content. Prints medians and lower quartiles (which tell
more where others use the machine too), and exits with 1 where a lower quartile is over its bar. `make web` comes first.
"""

import asyncio
import shutil
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from playwright.async_api import CDPSession, Page, ViewportSize, async_playwright

from benchmarks.installation import filled
from tests.support.browser import ARGUMENTS, Visitor
from tests.support.system import running_system

INQUIRIES = 50_000
ROUNDS = 25
SCROLLS = 60
REST = 1000
"""Milliseconds, as between two things that one does."""

VIEWPORT: ViewportSize = {"width": 1440, "height": 900}

ROWS = "ul[aria-label] > li a[href^='/inbox/']"
TALK = "[role=region] ol > li"

# Runs the action and waits, frame by frame, until one has been drawn that shows what is expected.
TIMED = """async ([action, expected]) => {
    const shows = new Function(`return ${expected}`)
    const begun = performance.now()
    new Function(action)()
    do {
        if (performance.now() - begun > 10000) throw new Error('never shown: ' + expected)
        await new Promise(requestAnimationFrame)
    } while (!shows())
    await new Promise(setTimeout) // style, layout and paint of this frame come first
    return performance.now() - begun
}"""


class Taken(NamedTuple):
    """Milliseconds until it showed, and those of a processor that the page's thread used meanwhile."""

    wall: float
    processor: float


async def main(rounds: int) -> int:
    """Measure; return the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        async with running_system(Path(folder)) as system, async_playwright() as playwright:
            await filled(system, INQUIRIES)
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            context = await browser.new_context(base_url=system.address, viewport=VIEWPORT, bypass_csp=True)
            page = await context.new_page()
            await Visitor(page, system, system.address).log_in_as_admin()
            status = await _measured(page, rounds)
            await browser.close()
            return status


async def _measured(page: Page, rounds: int) -> int:
    thread = await page.context.new_cdp_session(page)
    await thread.send("Performance.enable", {"timeDomain": "threadTicks"})
    over = False
    for name, most, ask in MEASURES:
        await ask(page, thread, 0)  # loads what is loaded once
        taken = [await ask(page, thread, number) for number in range(1, rounds + 1)]
        walls = sorted(one.wall for one in taken)
        quartile = walls[len(walls) // 4]
        over |= quartile > most
        print(
            f"{name}: median {statistics.median(walls):.0f} ms, lower quartile {quartile:.0f}, bar {most}; "
            f"{statistics.median(one.processor for one in taken):.0f} ms of a processor in the page"
        )
    blank = await scrolled(page)
    print(f"blank screens among {SCROLLS} that were scrolled to: {blank}")
    return int(over or blank > 0)


async def open_inbox(page: Page, thread: CDPSession, _number: int) -> Taken:
    """The list, from the link of another screen."""
    await rested(page, "/settings")
    link = "document.querySelector(\"nav a[href='/inbox']\")"
    return await timed(page, thread, f"{link}.click()", f'document.querySelector("{ROWS}")')


async def switch_filter(page: Page, thread: CDPSession, _number: int) -> Taken:
    """Other rows, from the click on a tab that was not looked at since the page was loaded."""
    await rested(page, "/inbox?tab=open")
    await page.locator(ROWS).first.wait_for()
    await page.evaluate(f"window.before = document.querySelector(\"{ROWS}\").getAttribute('href')")
    tab = "[...document.querySelectorAll('[role=tab]')].at(-2)"
    action = f"{tab}.dispatchEvent(new MouseEvent('mousedown', {{bubbles: true, button: 0}})); {tab}.click()"
    first = f'document.querySelector("{ROWS}")'
    return await timed(page, thread, action, f"{first} && {first}.getAttribute('href') !== window.before")


async def open_detail(page: Page, thread: CDPSession, number: int) -> Taken:
    """The conversation, from the click on a row that was not pointed at."""
    await rested(page, "/inbox?tab=open")
    await page.locator(ROWS).nth(number % 7).wait_for()
    return await timed(
        page, thread, f'document.querySelectorAll("{ROWS}")[{number % 7}].click()', f"document.querySelector('{TALK}')"
    )


async def next_detail(page: Page, thread: CDPSession, number: int) -> Taken:
    """The next conversation, from the key, when its neighbour has been read for a moment."""
    if number == 0:
        await rested(page, "/inbox?tab=open")
        await page.locator(ROWS).first.click()
    await page.locator(TALK).first.wait_for()
    await page.wait_for_timeout(REST)
    await page.evaluate("window.before = location.pathname")
    key = "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'j', bubbles: true}))"
    return await timed(page, thread, key, f"location.pathname !== window.before && document.querySelector('{TALK}')")


async def scrolled(page: Page) -> int:
    """How many frames showed less than a screen of rows while the list was scrolled by screens."""
    await page.goto("/inbox?tab=all")
    await page.locator(ROWS).first.wait_for()
    blank: int = await page.evaluate(
        """async ([rows, screens]) => {
            const box = document.querySelector(rows).closest('.overflow-y-auto')
            let blank = 0
            for (let screen = 0; screen < screens; screen++) {
                box.scrollTop += box.clientHeight * 0.8
                await new Promise(requestAnimationFrame)
                await new Promise(requestAnimationFrame)
                const frame = box.getBoundingClientRect()
                const atEnd = box.scrollTop + box.clientHeight > box.scrollHeight - 60
                const middle = document.elementFromPoint(frame.left + 150, frame.top + frame.height / 2)
                if (!atEnd && !middle?.closest('li')) blank++
            }
            return blank
        }""",
        [ROWS, SCROLLS],
    )
    return blank


async def rested(page: Page, path: str) -> None:
    """Load a page anew, so that nothing is kept from before, and let it do what it does when there is nothing to do."""
    await page.goto(path)
    await page.locator("nav").first.wait_for()
    await page.wait_for_timeout(REST)


async def timed(page: Page, thread: CDPSession, action: str, expected: str) -> Taken:
    """From the action to the frame that shows what is expected."""
    before = await _processor(thread)
    wall: float = await page.evaluate(TIMED, [action, expected])
    return Taken(wall, await _processor(thread) - before)


async def _processor(thread: CDPSession) -> float:
    metrics = (await thread.send("Performance.getMetrics"))["metrics"]
    return next(1000 * float(metric["value"]) for metric in metrics if metric["name"] == "TaskDuration")


MEASURES: list[tuple[str, float, Callable[[Page, CDPSession, int], Awaitable[Taken]]]] = [
    ("open the inbox from another screen", 200, open_inbox),
    ("switch the filter", 200, switch_filter),
    ("open a detail", 200, open_detail),
    ("next detail with j, fetched ahead", 100, next_detail),
]


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)))
