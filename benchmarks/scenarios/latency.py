"""How soon inquiries are classified with an AI that takes its time: a burst at once, and a steady few."""

import asyncio
from collections.abc import AsyncIterator

from benchmarks.client import Answer, Connection, load, percentile
from benchmarks.installation import Installation, fresh
from benchmarks.measuring import Options, classified, classified_at, create
from benchmarks.report import MEDIAN, TAIL, Figures, Result, medians

AI_MILLISECONDS = (0, 50, 300, 1000)
AT_ONCE = (32, 50, 400)
"""Analyses of one worker at a time; the first is the default."""

BURST = 400
CONNECTIONS = 64
INTERVAL = 0.5
"""Seconds between two creates of the steady few: so long that nothing waits."""


async def run(options: Options) -> AsyncIterator[Result]:
    """Measure."""
    for at_once in AT_ONCE:
        async with fresh(POK_WORKER_CONCURRENCY=str(at_once)) as running:
            await _burst(running)
            for milliseconds in AI_MILLISECONDS:
                running.provider.take(milliseconds)
                case = f"AI {milliseconds} ms, {at_once} at once"
                rounds = [await _burst(running) for _ in range(options.rounds)]
                yield Result(f"burst of {BURST}", case, medians(rounds), limit={"s": _least(milliseconds, at_once)})
                if at_once == AT_ONCE[0]:
                    few = [await _few(running, options.seconds, milliseconds) for _ in range(options.rounds)]
                    yield Result("steady, time beside the AI's", case, medians(few))


def _least(milliseconds: int, at_once: int) -> float:
    """Seconds that the AI alone takes for all of a burst."""
    return -(-BURST // at_once) * milliseconds / 1000


async def _burst(running: Installation) -> Figures:
    done = await load(running.address, create, CONNECTIONS, count=BURST)
    await classified(running)
    last = max(await classified_at(running, done.answers))
    return {"all classified s": last - min(answer.sent for answer in done.answers), "all accepted s": done.seconds}


async def _few(running: Installation, seconds: float, milliseconds: int) -> Figures:
    client = Connection(running.address)
    await client.open()
    answers: list[Answer] = []
    for number in range(max(4, round(seconds / INTERVAL))):
        answers.append(await client.send(create(number)))
        await asyncio.sleep(INTERVAL)
    client.close()
    await classified(running)
    ends = await classified_at(running, answers)
    took = [1000 * (end - answer.sent) - milliseconds for answer, end in zip(answers, ends, strict=True)]
    return {MEDIAN: percentile(took, 0.5), TAIL: percentile(took, 0.99)}
