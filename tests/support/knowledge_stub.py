"""A KnowledgeService behind a real gRPC server whose taxonomy a test changes."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from pok.inquiry.v1 import knowledge_pb2 as pb
from pok.inquiry.v1 import knowledge_pb2_grpc

from tests.support.stub_server import StubServer

DEFAULT_KEYS = (
    "billing_payment",
    "shipping_delivery",
    "orders_cancellations",
    "returns_refunds",
    "account_access",
    "technical_issue",
    "product_sales",
    "complaint_feedback",
    "security_fraud",
    "general_other",
)


class KnowledgeStub(StubServer, knowledge_pb2_grpc.KnowledgeServiceServicer):
    """Sends the taxonomy to every stream at once and after each `publish`; `version` 0 sends nothing."""

    service = "pok.inquiry.v1.KnowledgeService"
    register = knowledge_pb2_grpc.add_KnowledgeServiceServicer_to_server

    def __init__(self) -> None:
        super().__init__()
        self.version = 0
        self.keys: Sequence[str | pb.Category] = ()
        self.fields: Mapping[str, Any] = {}
        self.streams = 0
        self._changed = asyncio.Condition()

    async def publish(self, version: int, keys: Sequence[str | pb.Category] = DEFAULT_KEYS, **fields: Any) -> None:
        """Make this the taxonomy, with what else the next answers say, and send it."""
        async with self._changed:
            self.version, self.keys, self.fields = version, keys, fields
            self._changed.notify_all()

    async def WatchKnowledge(
        self, request: pb.WatchKnowledgeRequest, context: Any
    ) -> AsyncIterator[pb.WatchKnowledgeResponse]:
        self.streams += 1
        sent = request.after_version
        while True:
            async with self._changed:
                while self.version in (0, sent):
                    await self._changed.wait()
                sent = self.version
            categories = [key if isinstance(key, pb.Category) else _category(key) for key in self.keys]
            yield pb.WatchKnowledgeResponse(version=sent, categories=categories, **self.fields)


def _category(key: str) -> pb.Category:
    return pb.Category(key=key, name_es=key, name_en=key.replace("_", " "), description=f"All about {key}.")
