"""The queue: what waits, who works, what failed."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from edge_api.schemas.fields import CategoryKey, Uuid, text

QueueState = Literal["waiting", "retrying", "running", "failed"]
QueueLane = Literal["live", "retriage", "import"]

WHEN = Meta(description="When, UTC.", examples=["2026-11-22T09:30:00.123456Z"])
Reference = Annotated[str, Meta(description="What people call the inquiry.", examples=["POK-1042"])]
Reason = Annotated[str, text(1, 100, "A stable key of what went wrong.", "provider_timeout")]
Lane = Annotated[QueueLane, Meta(description="What is taken first: live before retriage before import.")]


class LaneDepth(Struct, frozen=True, kw_only=True):
    """How many jobs of a lane are in each state."""

    lane: Lane
    waiting: Annotated[int, Meta(description="Due.", examples=[3])]
    retrying: Annotated[int, Meta(description="To be tried again later.", examples=[1])]
    running: Annotated[int, Meta(description="Held by workers.", examples=[8])]


class OldestJob(Struct, frozen=True, kw_only=True):
    """What has waited longest."""

    inquiry_id: Annotated[
        Uuid, Meta(description="Id of the inquiry.", examples=["0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"])
    ]
    reference: Reference
    lane: Lane
    since: Annotated[datetime, WHEN]
    age_seconds: Annotated[float, Meta(description="For how long.", examples=[2.5])]
    reason: Annotated[
        str | None, Meta(description="Why it was put off; null if it was not.", examples=["ai_unreachable"])
    ]


class FailedReason(Struct, frozen=True):
    """How many have failed for one reason."""

    reason: Annotated[str, Meta(description="A stable key.", examples=["provider_timeout"])]
    count: Annotated[int, Meta(description="How many.", examples=[4])]


class QueueRate(Struct, frozen=True, kw_only=True):
    """Jobs per minute, as a mean over the last minutes."""

    minutes: Annotated[int, Meta(description="Over how many minutes: 1, 5 or 60.", examples=[5])]
    arrived: Annotated[float, Meta(description="Asked for.", examples=[12.4])]
    done: Annotated[float, Meta(description="Analysed.", examples=[12.2])]
    failed: Annotated[float, Meta(description="Failed for good.", examples=[0.2])]
    retried: Annotated[float, Meta(description="Failed for now.", examples=[0.4])]


class QueueMinute(Struct, frozen=True, kw_only=True):
    """What one minute brought."""

    time: Annotated[datetime, Meta(description="When it began, UTC.", examples=["2026-11-22T09:30:00Z"])]
    arrived: Annotated[int, Meta(description="Asked for.", examples=[12])]
    done: Annotated[int, Meta(description="Analysed.", examples=[12])]
    failed: Annotated[int, Meta(description="Failed for good.", examples=[0])]


class WorkInHand(Struct, frozen=True, kw_only=True):
    """What a worker holds."""

    inquiry_id: Annotated[
        Uuid, Meta(description="Id of the inquiry.", examples=["0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"])
    ]
    reference: Reference
    since: Annotated[datetime, WHEN]


class QueueWorker(Struct, frozen=True, kw_only=True):
    """A worker process."""

    name: Annotated[str, Meta(description="Its stable name.", examples=["worker-1"])]
    host: Annotated[str, Meta(description="The machine or container that it runs on.", examples=["desk-1"])]
    pid: Annotated[int, Meta(description="Its process id there.", examples=[4711])]
    version: Annotated[str, Meta(description="Version of POK.", examples=["0.1.0"])]
    concurrency: Annotated[int, Meta(description="How many inquiries it may hold at once.", examples=[32])]
    start_time: Annotated[
        datetime, Meta(description="When it was first heard, UTC.", examples=["2026-11-22T09:30:00.123456Z"])
    ]
    beat_time: Annotated[
        datetime, Meta(description="When it was last heard, UTC.", examples=["2026-11-22T09:30:00.123456Z"])
    ]
    alive: Annotated[
        bool, Meta(description="False when it has missed three heartbeats; forgotten an hour later.", examples=[True])
    ]
    work: Annotated[list[WorkInHand], Meta(description="What it holds, the oldest first; at most 100.")]


class Queue(Struct, frozen=True, kw_only=True):
    """Everything about the queue as a whole, at most a second old."""

    time: Annotated[datetime, WHEN]
    waiting: Annotated[int, Meta(description="Due.", examples=[3])]
    retrying: Annotated[int, Meta(description="To be tried again later.", examples=[1])]
    running: Annotated[int, Meta(description="Held by workers.", examples=[8])]
    failed: Annotated[int, Meta(description="Failed for good.", examples=[4])]
    lanes: Annotated[list[LaneDepth], Meta(description="The same for each lane that has any.")]
    oldest: Annotated[OldestJob | None, Meta(description="What has waited longest; null when nothing waits.")]
    next_retry_time: Annotated[
        datetime | None,
        Meta(description="When the next retry is due; null without one.", examples=["2026-11-22T09:30:00.123456Z"]),
    ]
    failed_reasons: Annotated[list[FailedReason], Meta(description="Why jobs have failed, the most frequent first.")]
    rates: Annotated[list[QueueRate], Meta(description="Over the last 1, 5 and 60 minutes.")]
    minutes: Annotated[list[QueueMinute], Meta(description="The last 60 minutes, the oldest first.")]
    counted_until: Annotated[
        datetime,
        Meta(description="Up to when rates and minutes are counted, UTC.", examples=["2026-11-22T09:30:00.123456Z"]),
    ]
    workers: Annotated[list[QueueWorker], Meta(description="Alive, or lost within the last hour; by name.")]
    most_attempts: Annotated[
        int, Meta(description="Counted failures that a job may have before it fails for good.", examples=[6])
    ]


class JobFilter(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which jobs; all conditions must hold, and what is left out leaves nothing out."""

    reason: Annotated[list[Reason], Meta(max_length=50, description="Any of these reasons.")] = []
    lane: Annotated[list[QueueLane], Meta(max_length=3, description="Any of these lanes.")] = []
    category: Annotated[list[CategoryKey], Meta(max_length=100, description="Any of these categories.")] = []
    older_than: Annotated[
        int, Meta(ge=0, le=1_000_000_000, description="Received at least so many seconds ago.", examples=[3600])
    ] = 0


class JobQuery(JobFilter, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which page of which jobs."""

    state: Annotated[QueueState, Meta(description="In which state.", examples=["failed"])] = "waiting"
    page_size: Annotated[int, Meta(ge=1, le=100, description="At most this many items.")] = 50
    page_token: Annotated[str, text(0, 1000, "`next_page_token` of an earlier answer.")] = ""


class QueueJob(Struct, frozen=True, kw_only=True):
    """One job."""

    inquiry_id: Annotated[
        Uuid, Meta(description="Id of the inquiry.", examples=["0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"])
    ]
    reference: Reference
    state: Annotated[QueueState, Meta(description="Where it stands.")]
    lane: Lane
    category: Annotated[
        str | None, Meta(description="Of the inquiry; null if it has none.", examples=["billing_payment"])
    ]
    attempts: Annotated[int, Meta(description="Counted failures since it was last asked for.", examples=[2])]
    crashes: Annotated[int, Meta(description="Workers that it has lost since then.", examples=[0])]
    ai_crashes: Annotated[
        int,
        Meta(
            description="How often the AI service went away with it since then though it serves others.", examples=[0]
        ),
    ]
    reason: Annotated[
        str | None,
        Meta(description="Why it failed or waits; null if only for its turn.", examples=["provider_timeout"]),
    ]
    time: Annotated[
        datetime,
        Meta(
            description="`waiting`: when it became due; `retrying`: is due; `running`: was claimed; `failed`: failed.",
            examples=["2026-11-22T09:30:00.123456Z"],
        ),
    ]
    claim: Annotated[int, Meta(description="Number of its last claim.", examples=[3])]
    worker: Annotated[str | None, Meta(description="Who holds it; null if nobody does.", examples=["worker-1"])]
    create_time: Annotated[
        datetime, Meta(description="When the inquiry was received, UTC.", examples=["2026-11-22T09:30:00.123456Z"])
    ]


class JobPage(Struct, frozen=True, kw_only=True):
    """A page of jobs."""

    items: Annotated[
        list[QueueJob],
        Meta(description="The oldest first; of `retrying` the next, of `failed` the newest inquiry first."),
    ]
    next_page_token: Annotated[
        str | None, Meta(description="Opens the next page; null at the end.", examples=["b2xkZXI"])
    ]


class Retry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Either the inquiries or a filter, never both."""

    inquiry_ids: (
        Annotated[
            list[Uuid],
            Meta(
                min_length=1,
                max_length=500,
                description="These inquiries; those that have not failed are left alone.",
                examples=[["0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"]],
            ),
        ]
        | UnsetType
    ) = UNSET
    filter: (
        Annotated[JobFilter, Meta(description="All failed jobs that match; `{}` = all of them.", examples=[{}])]
        | UnsetType
    ) = UNSET


class Retried(Struct, frozen=True, kw_only=True):
    """What became of it."""

    retried: Annotated[int, Meta(description="How many were queued.", examples=[12])]
    skipped: Annotated[int, Meta(description="How many of the named ones had not failed.", examples=[0])]
    more: Annotated[
        bool, Meta(description="Whether more of what the filter asks for has failed: call again.", examples=[False])
    ]
