"""A real inquiry service in the test's process, and what its callers need."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import grpc
from google.protobuf.struct_pb2 import Value
from pok.account.v1 import account_pb2_grpc
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import (
    audit_pb2_grpc,
    catalog_pb2_grpc,
    conversation_pb2,
    conversation_pb2_grpc,
    decisions_pb2_grpc,
    erasure_pb2_grpc,
    inquiry_pb2,
    inquiry_pb2_grpc,
    knowledge_pb2_grpc,
    live_pb2_grpc,
    queue_pb2_grpc,
    settings_pb2,
    settings_pb2_grpc,
    statistics_pb2_grpc,
    tracking_pb2_grpc,
    transfer_pb2_grpc,
    triage_pb2,
    triage_pb2_grpc,
)

from inquiry_service.app import InquiryService
from inquiry_service.settings import InquirySettings
from runtime import process
from runtime.rpc import context
from runtime.rpc.client import dial
from runtime.settings import Key, Secret
from tests.support.embeddings import embedding
from tests.support.tokens import TOKENS, service_tokens


class Service:
    """A running inquiry service, its stubs as each caller has them, and its database to look behind the curtain."""

    def __init__(self, service: InquiryService, database_url: str, channels: dict[str, grpc.aio.Channel]) -> None:
        self._service = service
        self.port = service.port
        self.database_url = database_url
        self.inquiries = inquiry_pb2_grpc.InquiryServiceStub(channels["edge"])
        self.accounts = account_pb2_grpc.AccountServiceStub(channels["edge"])
        self.settings = settings_pb2_grpc.SettingsServiceStub(channels["edge"])
        self.statistics = statistics_pb2_grpc.StatisticsServiceStub(channels["edge"])
        self.audit = audit_pb2_grpc.AuditServiceStub(channels["edge"])
        self.live = live_pb2_grpc.LiveServiceStub(channels["edge"])
        self.catalog = catalog_pb2_grpc.CatalogServiceStub(channels["edge"])
        self.conversation = conversation_pb2_grpc.ConversationServiceStub(channels["edge"])
        self.decisions = decisions_pb2_grpc.DecisionServiceStub(channels["edge"])
        self.tracking = tracking_pb2_grpc.TrackingServiceStub(channels["edge"])
        self.transfer = transfer_pb2_grpc.TransferServiceStub(channels["edge"])
        self.queue = queue_pb2_grpc.QueueServiceStub(channels["edge"])
        self.erasure = erasure_pb2_grpc.ErasureServiceStub(channels["edge"])
        self.triage = triage_pb2_grpc.TriageServiceStub(channels["worker"])
        self.knowledge = knowledge_pb2_grpc.KnowledgeServiceStub(channels["ai"])

    async def rest(self) -> None:
        """From now on do nothing but what it is called for."""
        for work in self._service._housekeeping:
            await process.end(work)

    async def sql(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """What the database holds."""
        connection = await asyncpg.connect(self.database_url, timeout=10)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(query, *arguments, timeout=10)
            return rows
        finally:
            await connection.close()

    async def create(self, **fields: Any) -> inquiry_pb2.CreateInquiryResponse:
        """A new inquiry; pass what matters to the test."""
        return await self.inquiries.CreateInquiry(new_inquiry(**fields))

    async def get(self, inquiry_id: str) -> inquiry_pb2.Inquiry:
        """The inquiry as the current principal sees it."""
        response = await self.inquiries.GetInquiry(inquiry_pb2.GetInquiryRequest(id=inquiry_id))
        return response.inquiry

    async def write(
        self, inquiry_id: str, kind: str, text: str = "Hola.", **fields: Any
    ) -> conversation_pb2.CreateMessageResponse:
        """A message of the current principal: "reply", "note" or "follow_up"."""
        number = conversation_pb2.MessageKind.Value(f"MESSAGE_KIND_{kind.upper()}")
        return await self.conversation.CreateMessage(
            conversation_pb2.CreateMessageRequest(inquiry_id=inquiry_id, kind=number, text=text, **fields)
        )

    async def account(self, role: str = "support", name: str = "Eva") -> str:
        """The id of a new account."""
        [row] = await self.sql(
            """insert into account (email, name, password_hash, role)
            values (gen_random_uuid() || '@example.com', $1, '', $2) returning id""",
            name,
            role,
        )
        return str(row["id"])

    async def claim(self, inquiry_id: str, worker: str = "w1") -> triage_pb2.Claim | None:
        """The claim, if there is anything to do."""
        response = await self.triage.ClaimTriage(triage_pb2.ClaimTriageRequest(inquiry_id=inquiry_id, worker=worker))
        return response.claim if response.HasField("claim") else None

    async def must_claim(self, inquiry_id: str, worker: str = "w1") -> triage_pb2.Claim:
        """The claim, which has to be there."""
        claim = await self.claim(inquiry_id, worker)
        assert claim is not None
        return claim

    async def complete(self, claim: triage_pb2.Claim, **fields: Any) -> bool:
        """Store a result; pass what matters to the test."""
        response = await self.triage.CompleteTriage(
            triage_pb2.CompleteTriageRequest(key=claim.key, analysis=analysis(**fields))
        )
        return response.applied

    async def cap(self, amount: float) -> None:
        """From now on the AI may cost this much a day."""
        act_as("admin", "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f")
        request = settings_pb2.UpdateSettingRequest(key="daily_spend_cap", value=Value(number_value=amount))
        await self.settings.UpdateSetting(request)

    async def events(self, inquiry_id: str) -> list[asyncpg.Record]:
        """The inquiry's events in order."""
        return await self.sql("select * from event where inquiry_id = $1 order by txid, number", inquiry_id)


@contextlib.asynccontextmanager
async def inquiry_service(database_url: str, redis_url: str, **settings: Any) -> AsyncIterator[Service]:
    """Run the service on a free port."""
    chosen = InquirySettings(
        **{
            "database_url": Secret(database_url),
            "redis_url": Secret(redis_url),
            "inquiry_listen": "127.0.0.1:0",
            "service_tokens": service_tokens(),
            "ai_address": "127.0.0.1:1",
            "service_token": TOKENS["inquiry"],
            "tracking_key": Key("t" * 32),
            **settings,
        }
    )
    service = InquiryService(chosen)
    await service.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(service.stop)
        channels = {
            name: await stack.enter_async_context(
                dial(f"127.0.0.1:{service.port}", TOKENS[name], timeout=10, send_principal=name == "edge")
            )
            for name in ("edge", "worker", "ai")
        }
        yield Service(service, database_url, channels)


def act_as(role: context.Role, account_id: str = "") -> None:
    """From here on this test calls as that principal."""
    context.enter(context.Call(request_id="test", principal=context.Principal(role, account_id)))


def new_inquiry(**fields: Any) -> inquiry_pb2.CreateInquiryRequest:
    """A request that is fine as it is."""
    return inquiry_pb2.CreateInquiryRequest(
        **{
            "customer_name": "Ana Ruiz",
            "customer_email": "ana@example.com",
            "subject": "Cobro doble",
            "message": "Me han cobrado dos veces el pedido A-10023.",
            **fields,
        }
    )


def analysis(
    *, category: str = "billing_payment", confidence: float = 0.9, other: str = "returns_refunds", **fields: Any
) -> analysis_pb2.Analysis:
    """A result that is fine as it is."""
    return analysis_pb2.Analysis(
        **{
            "categories": [
                analysis_pb2.CategoryScore(category=category, confidence=confidence),
                analysis_pb2.CategoryScore(category=other, confidence=(1 - confidence) / 2),
            ],
            "sentiment": analysis_pb2.SENTIMENT_NEGATIVE,
            "sentiment_score": -0.5,
            "priority": analysis_pb2.PRIORITY_HIGH,
            "priority_reason": "negative_billing",
            "language": "es",
            "entities": [
                analysis_pb2.Entity(kind=analysis_pb2.ENTITY_KIND_ORDER_NUMBER, value="A-10023", start=35, end=42)
            ],
            "draft": "Hola, Ana: lo revisamos.",
            "model": analysis_pb2.Model(provider="embedded", name="test-1"),
            "knowledge_version": 1,
            "embedding": embedding(1.0),
            "encoder_version": "test",
            **fields,
        }
    )
