"""An inquiry service behind a real gRPC server that does what a test tells it: answers, waits, fails, counts."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.message_factory import GetMessageClass
from pok.account.v1 import account_pb2, account_pb2_grpc
from pok.inquiry.v1 import (
    audit_pb2_grpc,
    catalog_pb2_grpc,
    conversation_pb2,
    conversation_pb2_grpc,
    decisions_pb2_grpc,
    erasure_pb2_grpc,
    inquiry_pb2,
    inquiry_pb2_grpc,
    live_pb2_grpc,
    queue_pb2_grpc,
    settings_pb2_grpc,
    statistics_pb2_grpc,
    tracking_pb2_grpc,
    transfer_pb2_grpc,
)

from runtime.rpc import context
from runtime.rpc.errors import Unauthenticated
from runtime.rpc.server import RpcServer
from tests.support.tokens import service_tokens

SERVICES: Mapping[str, Callable[[Any, Any], None]] = {
    "pok.account.v1.AccountService": account_pb2_grpc.add_AccountServiceServicer_to_server,
    "pok.inquiry.v1.AuditService": audit_pb2_grpc.add_AuditServiceServicer_to_server,
    "pok.inquiry.v1.DecisionService": decisions_pb2_grpc.add_DecisionServiceServicer_to_server,
    "pok.inquiry.v1.CatalogService": catalog_pb2_grpc.add_CatalogServiceServicer_to_server,
    "pok.inquiry.v1.ConversationService": conversation_pb2_grpc.add_ConversationServiceServicer_to_server,
    "pok.inquiry.v1.TrackingService": tracking_pb2_grpc.add_TrackingServiceServicer_to_server,
    "pok.inquiry.v1.LiveService": live_pb2_grpc.add_LiveServiceServicer_to_server,
    "pok.inquiry.v1.ErasureService": erasure_pb2_grpc.add_ErasureServiceServicer_to_server,
    "pok.inquiry.v1.TransferService": transfer_pb2_grpc.add_TransferServiceServicer_to_server,
    "pok.inquiry.v1.SettingsService": settings_pb2_grpc.add_SettingsServiceServicer_to_server,
    "pok.inquiry.v1.QueueService": queue_pb2_grpc.add_QueueServiceServicer_to_server,
    "pok.inquiry.v1.StatisticsService": statistics_pb2_grpc.add_StatisticsServiceServicer_to_server,
    "pok.inquiry.v1.InquiryService": inquiry_pb2_grpc.add_InquiryServiceServicer_to_server,
}
"""What the edge calls; every method that is not written out below gives its empty answer."""


class BackendStub:
    """`failure` is what every method raises; `sessions` are the accounts behind live sessions."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.sessions: dict[str, account_pb2.Account] = {}
        self.checks: Counter[str] = Counter()
        self.hold = asyncio.Event()
        """Set while calls are answered at once; cleared, they wait."""
        self.hold.set()
        self.waiting = asyncio.Semaphore(0)
        """Released once for every call that has come to wait."""
        self.calls: list[context.Call] = []
        self._server: RpcServer | None = None

    @property
    def address(self) -> str:
        """Where to dial it."""
        assert self._server
        return f"127.0.0.1:{self._server.port}"

    async def start(self) -> None:
        """Serve."""
        services = [(name, partial(register, self)) for name, register in SERVICES.items()]
        self._server = RpcServer("127.0.0.1:0", service_tokens(), services, reflect=False)
        await self._server.start()
        await self._server.serving()

    async def stop(self) -> None:
        """Go away without waiting for calls in flight; a no-op when it is away already."""
        if self._server:
            await self._server.stop(0)
        self._server = None

    async def GetInquiry(self, request: inquiry_pb2.GetInquiryRequest, context_: Any) -> inquiry_pb2.GetInquiryResponse:
        await self._note()
        inquiry = inquiry_pb2.Inquiry(
            id=request.id,
            status=inquiry_pb2.INQUIRY_STATUS_NEW,
            triage_state=inquiry_pb2.TRIAGE_STATE_QUEUED,
        )
        return inquiry_pb2.GetInquiryResponse(inquiry=inquiry, view=inquiry_pb2.INQUIRY_VIEW_PUBLIC)

    async def ListInquiries(
        self, request: inquiry_pb2.ListInquiriesRequest, context_: Any
    ) -> inquiry_pb2.ListInquiriesResponse:
        await self._note()
        return inquiry_pb2.ListInquiriesResponse(view=inquiry_pb2.INQUIRY_VIEW_PUBLIC)

    async def RegenerateDraft(
        self, request: conversation_pb2.RegenerateDraftRequest, context_: Any
    ) -> AsyncIterator[conversation_pb2.RegenerateDraftResponse]:
        await self._note()
        draft = conversation_pb2.Draft(state=conversation_pb2.DRAFT_STATE_GENERATING)
        yield conversation_pb2.RegenerateDraftResponse(draft=draft)

    async def CheckSession(
        self, request: account_pb2.CheckSessionRequest, context_: Any
    ) -> account_pb2.CheckSessionResponse:
        self.checks[request.session_id] += 1
        await self._answer()
        account = self.sessions.get(request.session_id)
        if account is None:
            raise Unauthenticated("The session has ended; log in again.", reason="SESSION_ENDED")
        return account_pb2.CheckSessionResponse(account=account)

    def __getattr__(self, name: str) -> Callable[[Any, Any], Any]:
        for service in SERVICES:
            method: MethodDescriptor | None = Default().FindServiceByName(service).methods_by_name.get(name)
            if method is not None:
                answer = self._stream_nothing if method.server_streaming else self._answer_empty
                return partial(answer, GetMessageClass(method.output_type))
        raise AttributeError(name)

    async def _answer_empty(self, response: type[Any], _request: Any, _context: Any) -> Any:
        await self._note()
        return response()

    async def _stream_nothing(self, response: type[Any], request: Any, context_: Any) -> AsyncIterator[Any]:
        yield await self._answer_empty(response, request, context_)

    async def _note(self) -> None:
        call = context.current()
        assert call
        self.calls.append(call)
        await self._answer()

    async def _answer(self) -> None:
        if not self.hold.is_set():
            self.waiting.release()
        await self.hold.wait()
        if self.failure:
            raise self.failure
