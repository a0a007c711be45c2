"""LiveService: what happens, as it happens."""

from collections.abc import AsyncIterator
from typing import Any

from pok.inquiry.v1 import live_pb2, live_pb2_grpc

from inquiry_service.api import convert
from inquiry_service.domain.watching import News, Watching
from inquiry_service.storage.live import LiveRecord
from runtime.rpc.context import principal


class LiveServicer(live_pb2_grpc.LiveServiceServicer):
    """Converts what the watcher is to know."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    async def WatchInquiries(
        self, request: live_pb2.WatchInquiriesRequest, context: Any
    ) -> AsyncIterator[live_pb2.WatchInquiriesResponse]:
        """Events, batch by batch."""
        async for news in self._watching.watch(request.after, principal()):
            yield self._response(news)

    def _response(self, news: News) -> live_pb2.WatchInquiriesResponse:
        response = live_pb2.WatchInquiriesResponse(position=news.position)
        if news.resync:
            response.resync.reason = news.resync
        elif news.records:
            response.events.events.extend(map(self._event, news.records))
        else:
            response.heartbeat.SetInParent()
        return response

    def _event(self, record: LiveRecord) -> live_pb2.LiveEvent:
        return live_pb2.LiveEvent(
            position=self._watching.token(record.position),
            inquiry_id=str(record.inquiry_id),
            kind=record.kind,
            version=record.version,
            changed=record.changed,
            triage_state=convert.TRIAGE_STATE.number(record.triage_state),
            status=convert.STATUS.number(record.status),
            category=record.category or "",
            actor=convert.ACTOR.number(record.actor),
            actor_id=str(record.actor_id or ""),
        )
