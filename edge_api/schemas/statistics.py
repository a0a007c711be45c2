"""Numbers over a period, compared with the equally long one before."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from edge_api.schemas.fields import text

SERIES = """Key of a series.

| key | lines |
|---|---|
| `volume` | `received`, `resolved`, `reopened`, `backlog` |
| `categories`, `sentiments`, `languages` | `received`, a line for each `key`; null = none yet |
| `agents` | `replies` and `resolved`, for each agent |
| `response_times` | `first_response_median_seconds`, `first_response_p90_seconds`, the same of `resolution` |
| `ai` | `automatic`, `reviewed`, `confirmed`, `corrected`, `failed`, and `agreement` for each category |
| `drafts` | `replies`, `drafts_sent`, `drafts_unedited`, `drafts_dismissed`, `mean_edit_distance` |
| `learning` | `judged`: people's first decisions on choices of the embedded model; `agreement`: the share that it \
chose alike; `uncorrected_agreement`: the same without corrections; `agreement` and `corrected` for each category |
"""
SeriesKey = Literal[
    "volume", "categories", "sentiments", "languages", "agents", "response_times", "ai", "drafts", "learning"
]
Step = Literal["hour", "day", "week", "month"]
Moment = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d))?$",
        examples=["2026-11-22", "2026-11-22T09:30:00Z"],
        extra={"must": "must be a date such as 2026-11-22, or a time with its zone such as 2026-11-22T09:30:00Z"},
    ),
]
Zone = Annotated[str, text(1, 64, "IANA name of a time zone, in which days, weeks and months begin.", "America/Bogota")]

From = Annotated[datetime, Meta(description="Where the period begins, UTC.", examples=["2026-11-16T00:00:00Z"])]
To = Annotated[datetime, Meta(description="Before when it ends, UTC.", examples=["2026-11-22T09:45:00Z"])]
CountedUntil = Annotated[
    datetime,
    Meta(
        description="Everything that happened before is counted; what happened since may be.",
        examples=["2026-11-22T09:31:05.123456Z"],
    ),
]
Position = Annotated[
    str,
    Meta(description="Up to where the events are counted at least, as the live feed says it.", examples=["9a-1-7-42"]),
]
Share = float | None


class StatisticsQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which period: at most 400 days; times must be at full quarters of an hour."""

    from_: (
        Annotated[Moment, Meta(description="From this date or time on; without it, 7 days with the last one.")]
        | UnsetType
    ) = msgspec.field(default=UNSET, name="from")
    to: Annotated[Moment, Meta(description="Before this time, or to the end of this date; without it, now.")] | (
        UnsetType
    ) = UNSET
    time_zone: Zone = "UTC"


class SeriesQuery(StatisticsQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which period, and how finely: at most 1,000 steps."""

    step: Annotated[Step, Meta(description="How wide a step is; weeks begin on Monday.")] = "day"


class Durations(Struct, frozen=True, kw_only=True):
    """How long something took; median and p90 come from a histogram and are within 3%."""

    count: Annotated[int, Meta(description="How many there were.", examples=[42])]
    median_seconds: Annotated[
        float | None, Meta(description="Half took at most this long; null where there were none.", examples=[5400.0])
    ]
    p90_seconds: Annotated[
        float | None, Meta(description="Nine in ten took at most this long; null likewise.", examples=[86400.0])
    ]


class Totals(Struct, frozen=True, kw_only=True):
    """The numbers of one period."""

    received: Annotated[int, Meta(description="Inquiries that came in.", examples=[120])]
    resolved: Annotated[int, Meta(description="Times that inquiries became resolved or closed.", examples=[100])]
    reopened: Annotated[int, Meta(description="Times that such were opened again.", examples=[5])]
    backlog: Annotated[int, Meta(description="Inquiries that were open at its end.", examples=[37])]
    first_response: Annotated[Durations, Meta(description="From receipt to the first reply, of the replies in it.")]
    resolution: Annotated[Durations, Meta(description="From receipt to resolution, of the resolutions in it.")]
    automatic: Annotated[int, Meta(description="Results of the AI whose category was set.", examples=[90])]
    reviewed: Annotated[int, Meta(description="Results whose category was only suggested.", examples=[20])]
    confirmed: Annotated[int, Meta(description="Categories of the AI that a person confirmed.", examples=[18])]
    corrected: Annotated[int, Meta(description="Categories of the AI that a person changed.", examples=[2])]
    failed: Annotated[int, Meta(description="Analyses that failed for good.", examples=[0])]
    replies: Annotated[int, Meta(description="Replies that were sent.", examples=[80])]
    drafts_sent: Annotated[int, Meta(description="Replies made from a draft.", examples=[60])]
    drafts_unedited: Annotated[int, Meta(description="Replies that were a draft without any edit.", examples=[30])]
    drafts_dismissed: Annotated[int, Meta(description="Drafts dismissed by agents.", examples=[4])]
    mean_edit_distance: Annotated[
        float | None, Meta(description="Mean characters changed in drafts; null where none was sent.", examples=[31.5])
    ]
    automatic_share: Annotated[
        Share, Meta(description="automatic / (automatic + reviewed); null for 0 / 0.", examples=[0.82])
    ]
    agreement: Annotated[
        Share, Meta(description="confirmed / (confirmed + corrected); null for 0 / 0.", examples=[0.9])
    ]
    draft_acceptance: Annotated[Share, Meta(description="drafts_sent / replies; null for 0 / 0.", examples=[0.75])]


class Statistics(Struct, frozen=True, kw_only=True):
    """The numbers of a period and of the equally long one before."""

    from_: From = msgspec.field(name="from")
    to: To
    totals: Annotated[Totals, Meta(description="Of the period.")]
    previous: Annotated[Totals, Meta(description="Of the equally long period before.")]
    change: Annotated[
        dict[str, float | None],
        Meta(
            description="Number → how much more it is than in the period before, as a share of that: 0.25 = a quarter "
            "more; null where there is nothing to compare with.",
            examples=[{"received": 0.25, "first_response_median_seconds": -0.1, "reopened": None}],
        ),
    ]
    counted_until: CountedUntil
    position: Position


class SeriesLine(Struct, frozen=True, kw_only=True):
    """One line of a chart."""

    measure: Annotated[str, Meta(description="What it shows.", examples=["received"])]
    key: Annotated[
        str | None,
        Meta(
            description="Category, sentiment, language or agent's id; null where the series is not split, and for "
            "inquiries that have none yet.",
            examples=["billing_payment"],
        ),
    ]
    name: Annotated[
        str | None, Meta(description="Name of the agent; null for others and for deleted accounts.", examples=["Eva"])
    ]
    values: Annotated[
        list[float | None],
        Meta(description="One for each step; null where there is nothing to say.", examples=[[3.0, 0.0, 7.0]]),
    ]
    total: Annotated[float | None, Meta(description="Over the whole period.", examples=[10.0])]
    previous_total: Annotated[float | None, Meta(description="Over the equally long one before.", examples=[8.0])]
    change: Annotated[
        float | None, Meta(description="(total - previous_total) / previous_total; null for n / 0.", examples=[0.25])
    ]


class Series(Struct, frozen=True, kw_only=True):
    """Lines over the steps of a period."""

    series: Annotated[SeriesKey, Meta(description="Which one.")]
    from_: From = msgspec.field(name="from")
    to: To
    step: Annotated[Step, Meta(description="How wide a step is.")]
    time_zone: Zone
    steps: Annotated[
        list[datetime],
        Meta(
            description="Where the steps begin, UTC, without gaps; the first begins with the period.",
            examples=[["2026-11-16T00:00:00Z", "2026-11-17T00:00:00Z", "2026-11-18T00:00:00Z"]],
        ),
    ]
    lines: Annotated[
        list[SeriesLine], Meta(description="The most frequent first where they are split; at most 50 keys.")
    ]
    counted_until: CountedUntil
    position: Position
