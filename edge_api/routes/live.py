"""What happens, as it happens."""

from typing import Annotated

from litestar import get
from litestar.params import Parameter

from edge_api.body import EdgeRequest
from edge_api.event_stream import EventStream
from edge_api.openapi import operation
from edge_api.schemas.live import StreamQuery
from runtime.rpc import context

LastEventId = Annotated[
    str | None,
    Parameter(
        header="Last-Event-ID",
        description="Id of the last event that the client has; the stream goes on after it. Counts before `after`.",
    ),
]


@get(
    "/api/events/stream",
    summary="Follow what happens",
    tags=["live"],
    response_description="Server-sent events, until the access token expires.",
    **operation("stream_events", 400, 401, 403),
)
async def stream_events(request: EdgeRequest, last_event_id: LastEventId = None) -> EventStream:
    """Server-sent events: each change of an inquiry once and in order, from now on or after `Last-Event-ID`.

    * `ready` comes first: `{"position"}`. From here on nothing is missed.
    * `inquiry`: `{"inquiry_id", "kind", "version", "changed", "triage_state", "status", "category"}`, with the names of
      the fields that changed and the state of the inquiry as it is now, null once it has been erased.
    * `resync`: `{"reason"}` is `epoch` (the database was restored) or `retention` (the position is too old). Load
      everything anew; the stream goes on.

    Every id is a position to come back with. The stream ends when the access token expires, and within 5 s when the
    session ends or the account is no longer staff's; it may end at any other time as well, and goes on with the next
    request. Comments every 15 s say that it is alive.
    """
    query = request.query(StreamQuery)
    return await request.live.stream(
        last_event_id or query.after, context.principal().session_id, request.token_seconds
    )
