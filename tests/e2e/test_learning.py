"""What people correct, the real AI service learns: every replica, at once, and after restarts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from pok.ai.v1 import analysis_pb2 as pb
from pok.ai.v1 import analysis_pb2_grpc
from pok.inquiry.v1 import decisions_pb2, triage_pb2

from runtime.rpc.client import dial
from tests.inquiry_service.test_learning import change, erase
from tests.support.ai_process import Process
from tests.support.inquiry import Service, act_as, inquiry_service
from tests.support.servers import free_ports
from tests.support.tokens import TOKENS

PATIENCE = 30.0
TAUGHT = "product_sales"
FIRST = "El zorbo de mi comedor pita cada noche cuando cierro la persiana."
ALIKE = "Mi zorbo del salón pita por las noches al bajar la persiana."
OTHER = "No puedo entrar en mi cuenta, dice que la contraseña no es correcta."


class Replica(Process):
    """An AI process and how the worker asks it."""

    def __init__(self, folder: Path, inquiry_address: str) -> None:
        folder.mkdir()
        super().__init__(folder, inquiry_address)

    async def analysed(self, service: Service, message: str) -> tuple[str, pb.Analysis]:
        """A new inquiry, analysed as a worker has it analysed."""
        inquiry_id = (await service.create(subject="Consulta", message=message)).inquiry.id
        claim = await service.must_claim(inquiry_id)
        async with dial(self.address, TOKENS["worker"], timeout=PATIENCE) as channel:
            stub = analysis_pb2_grpc.AnalysisServiceStub(channel)
            async with asyncio.timeout(PATIENCE):  # one that is behind waits a moment only, and then says so
                while True:
                    analysis = (await stub.Analyze(claim.request, timeout=PATIENCE)).analysis
                    if analysis.knowledge_version == claim.request.knowledge_version:
                        break
        await service.triage.CompleteTriage(triage_pb2.CompleteTriageRequest(key=claim.key, analysis=analysis))
        return inquiry_id, analysis

    async def taught(self, service: Service) -> float:
        """How probable it finds what it was taught, of a message that is alike."""
        _, analysis = await self.analysed(service, ALIKE)
        return next(score.confidence for score in analysis.categories if score.category == TAUGHT)


@contextlib.asynccontextmanager
async def replica(folder: Path, inquiry_address: str) -> AsyncIterator[Replica]:
    process = Replica(folder, inquiry_address)
    await process.start()
    try:
        await process.ready()
        yield process
    finally:
        await process.stop()


async def test_correction_teaches_every_replica_and_outlives_restarts(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    act_as("support")
    port = free_ports()
    address = f"127.0.0.1:{port}"
    async with contextlib.AsyncExitStack() as stack:
        async with inquiry_service(database_url, redis_url, inquiry_listen=address) as service:
            one, other = [await stack.enter_async_context(replica(tmp_path / name, address)) for name in ("1", "2")]
            inquiry_id, untaught = await one.analysed(service, FIRST)
            before = await one.taught(service)
            assert untaught.categories[0].category != TAUGHT
            await change(service, inquiry_id, category=TAUGHT)
            for process in (one, other):
                _, learned = await process.analysed(service, ALIKE)
                assert learned.categories[0].category == TAUGHT
                assert learned.uncorrected_category == untaught.categories[0].category
                assert learned.learned_share > 0
            _, unlike = await one.analysed(service, OTHER)
            assert unlike.categories[0].category == "account_access"

        async with inquiry_service(database_url, redis_url, inquiry_listen=address, ai_address=one.address) as service:
            assert await one.taught(service) > before, "the inquiry service was restarted"
            async with replica(tmp_path / "3", address) as newcomer:
                assert await newcomer.taught(service) > before, "an AI process was started anew"

            asked, _ = await one.analysed(service, ALIKE)
            request = decisions_pb2.ExplainCategoryRequest(inquiry_id=asked, category=TAUGHT)
            told = await service.decisions.ExplainCategory(request)
            assert inquiry_id in [case.inquiry_id for case in told.cases]

            await erase(service, inquiry_id)
            assert (await one.taught(service), await other.taught(service)) == (before, before)
