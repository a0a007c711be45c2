"""The AI process: settings → provider and knowledge → servicer → serve. SERVING once the taxonomy is in."""

import asyncio
from contextlib import AbstractAsyncContextManager
from functools import partial

import structlog
from pok.ai.v1 import analysis_pb2_grpc

from ai_service.knowledge import Knowledge
from ai_service.providers import Provider
from ai_service.servicer import AnalysisServicer
from ai_service.settings import AiSettings
from runtime import notify, process, settings, telemetry
from runtime.rpc import client
from runtime.rpc.server import Registration, RpcServer
from runtime.rpc.tokens import ServiceTokens

log = structlog.get_logger(__name__)

SERVICE = "pok.ai.v1.AnalysisService"
DRAIN_SECONDS = 20.0
CALL_TIMEOUT = 5.0


def main() -> process.Main:
    """Read the settings and return the process's body."""
    configured = settings.load(AiSettings)
    try:
        tokens = ServiceTokens(configured.service_tokens)
    except ValueError as error:
        raise settings.SettingsError(f"POK_SERVICE_TOKENS: {error}") from None
    telemetry.configure("ai", configured.log_level)
    return partial(serve, configured, tokens)


async def serve(configured: AiSettings, tokens: ServiceTokens, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then let running analyses finish."""
    async with client.dial(configured.inquiry_address, configured.service_token, timeout=CALL_TIMEOUT) as channel:
        knowledge = Knowledge(channel)
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(knowledge.watch())
            async with provider_for(configured) as provider:
                server = RpcServer(
                    configured.ai_listen,
                    tokens,
                    [registration(AnalysisServicer(provider, knowledge))],
                    reflect=configured.env != "production",
                )
                await server.start()
                announcing = tasks.create_task(announce(server, knowledge, provider))
                await stop.wait()
                announcing.cancel()
                watching.cancel()
                await server.stop(DRAIN_SECONDS)


async def announce(server: RpcServer, knowledge: Knowledge, provider: Provider) -> None:
    """Say that this process serves as soon as it knows the taxonomy."""
    await knowledge.loaded()
    await server.serving()
    notify.ready()
    log.info("serving", port=server.port, provider=provider.model.provider, model=provider.model.name)


def registration(servicer: AnalysisServicer) -> Registration:
    """How the server learns of the service."""
    return SERVICE, partial(analysis_pb2_grpc.add_AnalysisServiceServicer_to_server, servicer)


def provider_for(configured: AiSettings) -> AbstractAsyncContextManager[Provider]:
    """The configured provider; only what it needs is imported, the other may not even be installed."""
    if configured.provider == "openai":
        from ai_service.providers import openai

        return openai.connected(
            api_key=configured.openai_api_key,
            base_url=configured.openai_base_url,
            model=configured.openai_model,
            prompt_language=configured.prompt_language,
        )
    from ai_service.providers import embedded

    return embedded.loaded(confidence_threshold=configured.confidence_threshold)


if __name__ == "__main__":
    process.run(main)
