"""Internal calls prove who they are, carry a deadline, and fail only in our vocabulary."""

import asyncio
import importlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from pok.ai.v1 import analysis_pb2, analysis_pb2_grpc
from pok.inquiry.v1 import inquiry_pb2, knowledge_pb2, knowledge_pb2_grpc

from runtime.rpc import access, context, errors
from runtime.rpc.client import dial
from runtime.rpc.server import RpcServer
from runtime.rpc.tokens import ServiceTokens, mint_debug_token
from runtime.settings import Secret

WORKER, EDGE, AI, DEBUG = ("w" * 32, "e" * 32, "a" * 32, "d" * 32)
TOKENS = f"worker:{WORKER},edge:{EDGE},ai:{AI},debug:{DEBUG}"


class Analysis(analysis_pb2_grpc.AnalysisServiceServicer):
    """Does what the inquiry id says."""

    async def Analyze(self, request: analysis_pb2.AnalyzeRequest, context_: Any) -> analysis_pb2.AnalyzeResponse:
        match request.inquiry_id:
            case "typed":
                raise errors.Unavailable(
                    "Come back later.",
                    reason="PROVIDER_BUSY",
                    violations=[errors.FieldViolation("subject", "is odd")],
                    retry_delay=1.5,
                )
            case "defect":
                raise RuntimeError("password=hunter2")
            case "dropped":
                await context_.abort(grpc.StatusCode.CANCELLED)  # what a server says that stops as a call comes in
            case "slow":
                await asyncio.sleep(30)
        call = context.current()
        assert call is not None
        remaining = 0.0 if call.deadline is None else call.deadline - time.monotonic()
        model = analysis_pb2.Model(
            name=call.request_id, provider=call.principal.role, prompt_version=f"{remaining:.1f}"
        )
        return analysis_pb2.AnalyzeResponse(analysis=analysis_pb2.Analysis(model=model))

    async def GetModel(self, request: analysis_pb2.GetModelRequest, context_: Any) -> analysis_pb2.GetModelResponse:
        return analysis_pb2.GetModelResponse()


class Knowledge(knowledge_pb2_grpc.KnowledgeServiceServicer):
    async def WatchKnowledge(
        self, request: knowledge_pb2.WatchKnowledgeRequest, context_: Any
    ) -> AsyncIterator[knowledge_pb2.WatchKnowledgeResponse]:
        yield knowledge_pb2.WatchKnowledgeResponse(version=1)
        raise errors.NotFound("No more.", reason="GONE")


@asynccontextmanager
async def analysis_stub(token: str, **options: Any) -> AsyncIterator[Any]:
    server = RpcServer(
        "127.0.0.1:0",
        ServiceTokens(TOKENS),
        [
            (
                "pok.ai.v1.AnalysisService",
                lambda s: analysis_pb2_grpc.add_AnalysisServiceServicer_to_server(Analysis(), s),  # type: ignore[abstract] # what the tests call
            ),
            (
                "pok.inquiry.v1.KnowledgeService",
                lambda s: knowledge_pb2_grpc.add_KnowledgeServiceServicer_to_server(Knowledge(), s),
            ),
        ],
        reflect=True,
    )
    await server.start()
    await server.serving()
    try:
        async with dial(
            f"127.0.0.1:{server.port}", Secret(token), timeout=options.pop("timeout", 5.0), **options
        ) as channel:
            yield channel
    finally:
        await server.stop(0)


async def analyze(channel: grpc.aio.Channel, what: str = "") -> analysis_pb2.Analysis:
    response = await analysis_pb2_grpc.AnalysisServiceStub(channel).Analyze(
        analysis_pb2.AnalyzeRequest(inquiry_id=what)
    )
    return response.analysis


async def test_typed_error_arrives_as_the_same_error() -> None:
    async with analysis_stub(WORKER) as channel:
        with pytest.raises(errors.Unavailable) as caught:
            await analyze(channel, "typed")
    assert not isinstance(caught.value, errors.Unreachable)
    assert (caught.value.message, caught.value.reason) == ("Come back later.", "PROVIDER_BUSY")
    assert caught.value.violations == (errors.FieldViolation("subject", "is odd"),)
    assert caught.value.retry_delay == 1.5
    assert len(caught.value.metadata["request_id"]) == 32


async def test_defect_leaves_without_its_detail() -> None:
    async with analysis_stub(WORKER) as channel:
        with pytest.raises(errors.Internal) as caught:
            await analyze(channel, "defect")
    assert "hunter2" not in f"{caught.value.message}{caught.value.metadata}"


@pytest.mark.parametrize(("token", "refused"), [("x" * 32, "BAD_SERVICE_TOKEN"), (WORKER, "BAD_MESSAGE")])
async def test_message_that_cannot_be_read_is_refused_after_whoever_may_not_call(token: str, refused: str) -> None:
    async with analysis_stub(token) as channel:
        with pytest.raises(errors.RpcError) as caught:
            await channel.unary_unary("/pok.ai.v1.AnalysisService/Analyze")(b"\xff" * 9)
    assert caught.value.reason == refused
    assert "Analyze" not in f"{caught.value.message}{caught.value.metadata}"


async def test_call_ends_at_its_deadline_although_nobody_set_one() -> None:
    async with analysis_stub(WORKER, timeout=0.2) as channel:
        with pytest.raises(errors.DeadlineExceeded):
            await analyze(channel, "slow")


async def test_deadline_of_the_call_being_served_shortens_the_calls_it_makes() -> None:
    context.enter(context.Call(request_id="r1", deadline=time.monotonic() + 2))
    async with analysis_stub(WORKER, timeout=60) as channel:
        analysis = await analyze(channel)
    assert analysis.model.name == "r1"
    assert 0 < float(analysis.model.prompt_version) <= 2 - context.DEADLINE_MARGIN


@pytest.mark.parametrize("token", ["", "x" * 32, "debug.9999999999.00", "debug.x.y.z"])
async def test_unknown_token_is_refused(token: str) -> None:
    async with analysis_stub(token) as channel:
        with pytest.raises(errors.Unauthenticated):
            await analyze(channel)


async def test_service_may_call_only_its_methods() -> None:
    async with analysis_stub(EDGE) as channel:
        with pytest.raises(errors.PermissionDenied):
            await analyze(channel)


async def test_only_the_edge_may_speak_for_a_person() -> None:
    context.enter(context.Call(request_id="r1", principal=context.Principal("admin", "someone")))
    async with analysis_stub(WORKER, send_principal=True) as channel:
        with pytest.raises(errors.PermissionDenied) as caught:
            await analyze(channel)
    assert caught.value.reason == "PRINCIPAL_NOT_ALLOWED"


async def test_debug_token_reads_and_expires() -> None:
    fresh = mint_debug_token(Secret(DEBUG))
    async with analysis_stub(fresh) as channel:
        await analysis_pb2_grpc.AnalysisServiceStub(channel).GetModel(analysis_pb2.GetModelRequest())
        with pytest.raises(errors.PermissionDenied):
            await analyze(channel)
    stale = mint_debug_token(Secret(DEBUG), now=lambda: time.time() - 16 * 60)
    async with analysis_stub(stale) as channel:
        with pytest.raises(errors.Unauthenticated):
            await analysis_pb2_grpc.AnalysisServiceStub(channel).GetModel(analysis_pb2.GetModelRequest())


async def test_error_in_a_stream_arrives_typed_after_what_came_before() -> None:
    async with analysis_stub(AI) as channel:
        seen = []
        with pytest.raises(errors.NotFound) as caught:
            async for response in knowledge_pb2_grpc.KnowledgeServiceStub(channel).WatchKnowledge(
                knowledge_pb2.WatchKnowledgeRequest()
            ):
                seen.append(response.version)
    assert seen == [1]
    assert caught.value.reason == "GONE"


async def test_absent_server_is_unreachable() -> None:
    async with dial("127.0.0.1:1", Secret(WORKER), timeout=2) as channel:
        with pytest.raises(errors.Unreachable):
            await analyze(channel)


async def test_server_that_drops_a_call_is_unreachable() -> None:
    async with analysis_stub(WORKER) as channel:
        with pytest.raises(errors.Unreachable):
            await analyze(channel, "dropped")


def test_every_method_of_every_contract_stands_in_the_table() -> None:
    root = Path(inquiry_pb2.__file__).parents[3]
    contracts = [
        importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))
        for path in root.glob("pok/**/*_pb2.py")
    ]
    methods = {
        f"/{service.full_name}/{method}"
        for contract in contracts
        for service in contract.DESCRIPTOR.services_by_name.values()
        for method in service.methods_by_name
    }
    assert set(access.CALLERS) == methods
