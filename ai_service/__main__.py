"""The AI process: settings → providers and knowledge → servicer → serve. SERVING once the taxonomy is in."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial

import structlog
from pok.ai.v1 import analysis_pb2_grpc

from ai_service import metrics, router
from ai_service.knowledge import Knowledge
from ai_service.servicer import AnalysisServicer
from ai_service.settings import AiSettings
from runtime import process, settings, telemetry, tracing
from runtime.metrics import exposed
from runtime.rpc import client
from runtime.rpc.server import Registration, RpcServer

log = structlog.get_logger(__name__)

SERVICE = "pok.ai.v1.AnalysisService"
DRAIN_SECONDS = 20.0
CALL_TIMEOUT = 5.0


def main() -> process.Main:
    """Read the settings and return the process's body."""
    configured = settings.load(AiSettings)
    telemetry.configure("ai", configured.log_level)
    return partial(serve, configured)


async def serve(configured: AiSettings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then let running analyses finish."""
    async with AsyncExitStack() as stack:
        stack.enter_context(tracing.exported("ai"))
        stack.enter_context(exposed(configured.metrics_listen))
        channel = await stack.enter_async_context(
            client.dial(configured.inquiry_address, configured.service_token, timeout=CALL_TIMEOUT)
        )
        knowledge = Knowledge(channel)
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(knowledge.watch())
            async with router.opened(configured) as chosen:
                metrics.follow(chosen)
                server = RpcServer(
                    configured.ai_listen,
                    configured.service_tokens,
                    [registration(AnalysisServicer(chosen, knowledge))],
                    reflect=configured.env != "production",
                )
                await server.start()
                teaching = tasks.create_task(knowledge.teach(chosen.learn))
                announcing = tasks.create_task(announce(server, knowledge))
                await stop.wait()
                announcing.cancel()
                teaching.cancel()
                watching.cancel()
                await server.stop(DRAIN_SECONDS)


async def announce(server: RpcServer, knowledge: Knowledge) -> None:
    """Say that this process serves as soon as it knows the taxonomy."""
    await knowledge.loaded()
    await server.serving()
    process.ready()
    log.info("serving", port=server.port, provider=knowledge.provider)


def registration(servicer: AnalysisServicer) -> Registration:
    """How the server learns of the service."""
    return SERVICE, partial(analysis_pb2_grpc.add_AnalysisServiceServicer_to_server, servicer)


if __name__ == "__main__":
    process.run(main)
