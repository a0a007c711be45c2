"""The inquiry service as the edge sees it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from grpc_health.v1 import health_pb2, health_pb2_grpc
from pok.account.v1.account_pb2_grpc import AccountServiceStub
from pok.inquiry.v1.audit_pb2_grpc import AuditServiceStub
from pok.inquiry.v1.catalog_pb2_grpc import CatalogServiceStub
from pok.inquiry.v1.conversation_pb2_grpc import ConversationServiceStub
from pok.inquiry.v1.decisions_pb2_grpc import DecisionServiceStub
from pok.inquiry.v1.erasure_pb2_grpc import ErasureServiceStub
from pok.inquiry.v1.inquiry_pb2_grpc import InquiryServiceStub
from pok.inquiry.v1.live_pb2_grpc import LiveServiceStub
from pok.inquiry.v1.queue_pb2_grpc import QueueServiceStub
from pok.inquiry.v1.settings_pb2_grpc import SettingsServiceStub
from pok.inquiry.v1.statistics_pb2_grpc import StatisticsServiceStub
from pok.inquiry.v1.tracking_pb2_grpc import TrackingServiceStub
from pok.inquiry.v1.transfer_pb2_grpc import TransferServiceStub

from edge_api.deadlines import USUAL
from edge_api.sessions import Sessions
from runtime.rpc.client import dial
from runtime.rpc.errors import Unavailable
from runtime.settings import Secret

if TYPE_CHECKING:  # the generated modules have them for type checkers only
    from pok.account.v1.account_pb2_grpc import AccountServiceAsyncStub
    from pok.inquiry.v1.audit_pb2_grpc import AuditServiceAsyncStub
    from pok.inquiry.v1.catalog_pb2_grpc import CatalogServiceAsyncStub
    from pok.inquiry.v1.conversation_pb2_grpc import ConversationServiceAsyncStub
    from pok.inquiry.v1.decisions_pb2_grpc import DecisionServiceAsyncStub
    from pok.inquiry.v1.erasure_pb2_grpc import ErasureServiceAsyncStub
    from pok.inquiry.v1.inquiry_pb2_grpc import InquiryServiceAsyncStub
    from pok.inquiry.v1.live_pb2_grpc import LiveServiceAsyncStub
    from pok.inquiry.v1.queue_pb2_grpc import QueueServiceAsyncStub
    from pok.inquiry.v1.settings_pb2_grpc import SettingsServiceAsyncStub
    from pok.inquiry.v1.statistics_pb2_grpc import StatisticsServiceAsyncStub
    from pok.inquiry.v1.tracking_pb2_grpc import TrackingServiceAsyncStub
    from pok.inquiry.v1.transfer_pb2_grpc import TransferServiceAsyncStub

READY_TIMEOUT = 1.0


class Backend:
    """One channel to the inquiry service and what speaks over it; usable inside `opened()`."""

    inquiries: "InquiryServiceAsyncStub"
    conversation: "ConversationServiceAsyncStub"
    tracking: "TrackingServiceAsyncStub"
    decisions: "DecisionServiceAsyncStub"
    transfer: "TransferServiceAsyncStub"
    erasure: "ErasureServiceAsyncStub"
    settings: "SettingsServiceAsyncStub"
    audit: "AuditServiceAsyncStub"
    catalog: "CatalogServiceAsyncStub"
    live: "LiveServiceAsyncStub"
    queue: "QueueServiceAsyncStub"
    statistics: "StatisticsServiceAsyncStub"
    accounts: "AccountServiceAsyncStub"
    sessions: Sessions
    _health: Any  # typeshed leaves the stub without its methods

    def __init__(self, address: str, token: Secret) -> None:
        self._address = address
        self._token = token

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Dial, on the running event loop; the service itself may still be down."""
        async with dial(self._address, self._token, timeout=USUAL, send_principal=True) as channel:
            self.inquiries = InquiryServiceStub(channel)
            self.conversation = ConversationServiceStub(channel)
            self.tracking = TrackingServiceStub(channel)
            self.decisions = DecisionServiceStub(channel)
            self.transfer = TransferServiceStub(channel)
            self.erasure = ErasureServiceStub(channel)
            self.settings = SettingsServiceStub(channel)
            self.audit = AuditServiceStub(channel)
            self.catalog = CatalogServiceStub(channel)
            self.live = LiveServiceStub(channel)
            self.queue = QueueServiceStub(channel)
            self.statistics = StatisticsServiceStub(channel)
            self.accounts = AccountServiceStub(channel)
            self.sessions = Sessions(self.accounts)
            self._health = health_pb2_grpc.HealthStub(channel)
            yield

    async def check(self) -> None:
        """Return when the inquiry service says that it serves; raises Unavailable or what the call raises."""
        answer = await self._health.Check(health_pb2.HealthCheckRequest(), timeout=READY_TIMEOUT)
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise Unavailable("The inquiry service is starting or stopping.", retry_delay=1.0)
