"""The worker process: `python -m worker`."""

import asyncio
from functools import partial
from typing import Annotated

from taskiq import Context, TaskiqDepends
from taskiq.receiver import Receiver

from runtime import doorbell, process, settings, telemetry, tracing
from runtime.doorbell import Origin
from runtime.metrics import exposed
from runtime.rpc.client import dial
from worker.broker import DoorbellBroker
from worker.claims import Claims
from worker.peer import Peer
from worker.settings import WorkerSettings
from worker.tasks import Triage

REPORT_TIMEOUT = 5.0
DRAIN_SECONDS = 20.0


def main() -> process.Main:
    """Read the settings; what comes back runs the worker."""
    configured = settings.load(WorkerSettings)
    telemetry.configure("worker", configured.log_level)
    return partial(work, configured)


async def work(configured: WorkerSettings, stop: asyncio.Event, *, drain: float = DRAIN_SECONDS) -> None:
    """Triage what the doorbells name until `stop`; then let analyses finish for `drain` s and give back the rest."""
    with tracing.exported("worker"), exposed(configured.metrics_listen):
        await _work(configured, stop, drain)


async def _work(configured: WorkerSettings, stop: asyncio.Event, drain: float) -> None:
    token = configured.service_token
    async with (
        dial(configured.inquiry_address, token, timeout=REPORT_TIMEOUT) as inquiry_channel,
        dial(configured.ai_address, token, timeout=REPORT_TIMEOUT) as ai_channel,
    ):
        inquiry, ai = Peer("inquiry", inquiry_channel), Peer("ai", ai_channel)
        claims = Claims(configured.worker_name, configured.worker_concurrency, inquiry_channel)
        triage = Triage(configured.worker_name, claims, inquiry, ai)

        async def room() -> int:
            await inquiry.until_serving()
            await ai.until_serving()
            return configured.worker_concurrency - triage.under_way  # one at least, since taskiq keeps a place to read

        broker = DoorbellBroker(configured.redis_url, configured.worker_name, room)

        @broker.task(doorbell.TASK)
        async def triage_inquiry(inquiry_id: str, heard: Annotated[Context, TaskiqDepends()]) -> None:
            await triage.run(inquiry_id, Origin.of(heard.message.labels))

        receiver = Receiver(
            broker,
            max_async_tasks=configured.worker_concurrency,
            run_startup=False,  # it would need Valkey at once; `listen` joins the group itself
            wait_tasks_timeout=drain,
        )
        async with asyncio.TaskGroup() as tasks:
            renewing = tasks.create_task(claims.renew())
            process.ready()
            await receiver.listen(stop)
            await claims.release_all()
            renewing.cancel()
        await claims.say_goodbye()
        await broker.shutdown()


if __name__ == "__main__":
    process.run(main)
