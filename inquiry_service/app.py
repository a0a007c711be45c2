"""The inquiry service put together: the only place that knows all its parts."""

import asyncio
from contextlib import AsyncExitStack, suppress
from functools import partial

from pok.account.v1 import account_pb2_grpc
from pok.inquiry.v1 import (
    audit_pb2_grpc,
    catalog_pb2_grpc,
    conversation_pb2_grpc,
    decisions_pb2_grpc,
    erasure_pb2_grpc,
    inquiry_pb2_grpc,
    knowledge_pb2_grpc,
    live_pb2_grpc,
    queue_pb2_grpc,
    settings_pb2_grpc,
    statistics_pb2_grpc,
    tracking_pb2_grpc,
    transfer_pb2_grpc,
    triage_pb2_grpc,
)

from inquiry_service.analyst import Analyst
from inquiry_service.api.accounts import AccountServicer
from inquiry_service.api.audit import AuditServicer
from inquiry_service.api.catalog import CatalogServicer
from inquiry_service.api.conversation import ConversationServicer
from inquiry_service.api.decisions import DecisionServicer
from inquiry_service.api.erasure import ErasureServicer
from inquiry_service.api.inquiries import InquiryServicer
from inquiry_service.api.knowledge import KnowledgeServicer
from inquiry_service.api.live import LiveServicer
from inquiry_service.api.queue import QueueServicer
from inquiry_service.api.settings import SettingsServicer
from inquiry_service.api.statistics import StatisticsServicer
from inquiry_service.api.tracking import TrackingServicer
from inquiry_service.api.transfer import TransferServicer
from inquiry_service.api.triage import TriageServicer
from inquiry_service.domain import audit
from inquiry_service.domain.account_admin import AccountAdmin
from inquiry_service.domain.accounts import Accounts
from inquiry_service.domain.ai_state import AiStates
from inquiry_service.domain.audit_reading import AuditReading
from inquiry_service.domain.bulk import Bulk
from inquiry_service.domain.canned_replies import CannedReplies
from inquiry_service.domain.categories import Categories
from inquiry_service.domain.conversation import Conversation
from inquiry_service.domain.decisions import Decisions
from inquiry_service.domain.drafts import Drafts
from inquiry_service.domain.editing import Editing
from inquiry_service.domain.erasing import Erasing
from inquiry_service.domain.explaining import Explaining
from inquiry_service.domain.exporting import Exporting
from inquiry_service.domain.importing import Importing
from inquiry_service.domain.intake import Intake
from inquiry_service.domain.knowledge import KnowledgeLog
from inquiry_service.domain.meaning import Meanings
from inquiry_service.domain.page_tokens import PageTokens
from inquiry_service.domain.passwords import Passwords
from inquiry_service.domain.queue import QueueMonitor
from inquiry_service.domain.reading import Reading
from inquiry_service.domain.searching import Searching
from inquiry_service.domain.sessions import Sessions
from inquiry_service.domain.settings import Settings
from inquiry_service.domain.statistics import Statistics
from inquiry_service.domain.timeline import Timeline
from inquiry_service.domain.tracking import Tracking
from inquiry_service.domain.triage import Triage
from inquiry_service.domain.watching import Watching
from inquiry_service.embedder import Embedder
from inquiry_service.jobs import Jobs
from inquiry_service.metrics import State
from inquiry_service.projections.live import Tail
from inquiry_service.projections.projector import Projection, Projector
from inquiry_service.projections.search import SearchProjection
from inquiry_service.projections.statistics import Counting
from inquiry_service.projections.throughput import Throughput
from inquiry_service.relay import Relay
from inquiry_service.settings import InquirySettings
from inquiry_service.storage.database import Database
from inquiry_service.sweeper import Sweeper
from runtime import process
from runtime.metrics import exposed
from runtime.rpc.errors import Unavailable
from runtime.rpc.server import Registration, RpcServer

GRACE_SECONDS = 10.0


class InquiryService:
    """Serves from `start` to `stop`; does its housekeeping meanwhile."""

    def __init__(self, settings: InquirySettings) -> None:
        self._database = Database(settings.database_url, settings.database_pool)
        self._settings = Settings(self._database, settings.pins)
        self._analyst = Analyst(settings.ai_address, settings.service_token)
        self._drafts = Drafts(self._database, self._settings, self._analyst)
        self._open = AsyncExitStack()
        self._metrics_listen = settings.metrics_listen
        self._passwords = Passwords()
        self._relay = Relay(settings.redis_url, self._database)
        self._sweeper = Sweeper(self._database, self._relay)
        self._tail = Tail(self._database)
        self._embedder = Embedder(self._database, self._analyst.embed)
        self._projections: list[Projection] = [SearchProjection(), Counting(), Throughput()]
        self._jobs = Jobs(self._database, self._settings)
        self._stopping = asyncio.Event()
        self._housekeeping: list[asyncio.Task[None]] = []
        self._server = RpcServer(
            settings.inquiry_listen,
            settings.service_tokens,
            self._services(settings),
            reflect=settings.env != "production",
            on_debug=self._note_debug_call,
        )
        self.port = self._server.port

    async def start(self) -> None:
        """Serve; starts without Postgres and without Valkey, and finds them when they come."""
        await self._database.open()
        await self._open.enter_async_context(self._analyst.opened())
        await self._server.start()
        with suppress(Unavailable):  # what the settings forbid stays shut until they are read
            await self._settings.read()
        projectors = [Projector(self._database, projection) for projection in self._projections]
        self._housekeeping = [
            asyncio.create_task(work)
            for work in (
                *(self._relay.run(), self._sweeper.run(), self._jobs.run(), self._settings.follow()),
                *(self._tail.run(), self._embedder.run()),
                *(projector.run() for projector in projectors),
            )
        ]
        self._open.enter_context(exposed(self._metrics_listen, State(self._database)))
        await self._server.serving()

    async def stop(self) -> None:
        """Finish running calls, then close everything."""
        self._stopping.set()
        self._tail.stop()
        await self._server.stop(GRACE_SECONDS)
        for task in self._housekeeping:
            await process.end(task)
        await self._drafts.close()
        self._passwords.close()
        await self._open.aclose()
        await self._relay.close()
        await self._database.close()

    async def until(self, stop: asyncio.Event) -> None:
        """Wait for the stop signal; raises what ends the housekeeping, which only a defect can."""
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({stopped, *self._housekeeping}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        for task in self._housekeeping:
            if task.done():
                task.result()

    async def _note_debug_call(self, method: str) -> None:
        await audit.record(self._database, "debug_token.use", target=method)

    def _services(self, settings: InquirySettings) -> list[Registration]:
        pages = PageTokens(settings.tracking_key)
        editing = Editing(self._database)
        searching = Searching(self._database, pages, Meanings(self._analyst.embed))
        erasing = Erasing(self._database)
        inquiries = InquiryServicer(
            Intake(self._database, self._relay.ring),
            Reading(self._database, self._settings, pages, searching),
            searching,
            editing,
            Bulk(editing),
            erasing,
            Timeline(self._database, pages),
            settings.tracking_key,
        )
        decisions = DecisionServicer(
            Decisions(self._database, self._settings, pages, self._analyst),
            Explaining(self._database, self._analyst),
            AiStates(self._database, self._settings),
            self._analyst.model,
            self._relay.ring,
        )
        conversation = Conversation(self._database, pages, self._relay.ring)
        talk = ConversationServicer(conversation, self._drafts)
        tracking = TrackingServicer(Tracking(self._database, conversation, settings.tracking_key))
        triage = TriageServicer(
            Triage(self._database, self._settings, lease=settings.lease_seconds),
            lease=settings.lease_seconds,
            analysis_timeout=settings.analysis_timeout_seconds,
            wake=self._sweeper.wake,
        )
        monitor = QueueServicer(QueueMonitor(self._database, pages), self._sweeper.wake)
        categories = Categories(self._database)
        knowledge = KnowledgeServicer(KnowledgeLog(self._database, self._stopping), categories, self._settings)
        watch = LiveServicer(Watching(self._database, self._tail))
        catalog = CatalogServicer(categories, CannedReplies(self._database))
        transfer = TransferServicer(Importing(self._database), Exporting(self._database, pages))
        erasure = ErasureServicer(erasing, self._jobs.wake)
        run_time = SettingsServicer(self._settings)
        journal = AuditServicer(AuditReading(self._database, pages))
        numbers = StatisticsServicer(Statistics(self._database))
        people = Accounts(self._database, self._passwords)
        accounts = AccountServicer(
            people, AccountAdmin(self._database, people, pages), Sessions(self._database, self._passwords)
        )
        return [
            ("pok.account.v1.AccountService", partial(account_pb2_grpc.add_AccountServiceServicer_to_server, accounts)),
            (
                "pok.inquiry.v1.SettingsService",
                partial(settings_pb2_grpc.add_SettingsServiceServicer_to_server, run_time),
            ),
            ("pok.inquiry.v1.AuditService", partial(audit_pb2_grpc.add_AuditServiceServicer_to_server, journal)),
            ("pok.inquiry.v1.CatalogService", partial(catalog_pb2_grpc.add_CatalogServiceServicer_to_server, catalog)),
            (
                "pok.inquiry.v1.InquiryService",
                partial(inquiry_pb2_grpc.add_InquiryServiceServicer_to_server, inquiries),
            ),
            (
                "pok.inquiry.v1.ConversationService",
                partial(conversation_pb2_grpc.add_ConversationServiceServicer_to_server, talk),
            ),
            (
                "pok.inquiry.v1.DecisionService",
                partial(decisions_pb2_grpc.add_DecisionServiceServicer_to_server, decisions),
            ),
            (
                "pok.inquiry.v1.TrackingService",
                partial(tracking_pb2_grpc.add_TrackingServiceServicer_to_server, tracking),
            ),
            (
                "pok.inquiry.v1.TransferService",
                partial(transfer_pb2_grpc.add_TransferServiceServicer_to_server, transfer),
            ),
            ("pok.inquiry.v1.ErasureService", partial(erasure_pb2_grpc.add_ErasureServiceServicer_to_server, erasure)),
            ("pok.inquiry.v1.TriageService", partial(triage_pb2_grpc.add_TriageServiceServicer_to_server, triage)),
            ("pok.inquiry.v1.QueueService", partial(queue_pb2_grpc.add_QueueServiceServicer_to_server, monitor)),
            ("pok.inquiry.v1.LiveService", partial(live_pb2_grpc.add_LiveServiceServicer_to_server, watch)),
            (
                "pok.inquiry.v1.StatisticsService",
                partial(statistics_pb2_grpc.add_StatisticsServiceServicer_to_server, numbers),
            ),
            (
                "pok.inquiry.v1.KnowledgeService",
                partial(knowledge_pb2_grpc.add_KnowledgeServiceServicer_to_server, knowledge),
            ),
        ]
