"""Numbers over a period: right in every time zone, compared with the period before, and say what they count."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from pok.inquiry.v1 import statistics_pb2 as pb

from inquiry_service.storage import statistics
from inquiry_service.storage.database import Database, Statement
from runtime.rpc import context, errors
from tests.support.events import has_read_all, until
from tests.support.inquiry import Service, act_as

AGENT = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"
DAY = timedelta(days=1)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MIDNIGHT = NOON.replace(hour=0)


def stamp(moment: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def period(start: datetime, end: datetime) -> pb.Period:
    return pb.Period(start_time=stamp(start), end_time=stamp(end))


async def happen(service: Service, kind: str, moment: datetime, inquiry_id: str | None = None, /, **body: Any) -> str:
    """Log something that happened then; a new inquiry if none is named."""
    id_ = inquiry_id or str(uuid4())
    actor = "agent" if kind in {"inquiry_updated", "message_created"} else "system"
    await service.sql(
        """insert into event (inquiry_id, version, kind, actor, actor_id, body, create_time)
        values ($1, 1, $2, $3, $4, $5, $6)""",
        *(id_, kind, actor, AGENT if actor == "agent" else None, json.dumps(body), moment),
    )
    return id_


async def received(service: Service, *moments: datetime) -> list[str]:
    """Inquiries that came in then."""
    return [await happen(service, "inquiry_created", moment) for moment in moments]


async def counted(service: Service) -> None:
    """Return when everything is counted."""
    database = Database(service.database_url, 1)
    await database.open()

    await until(lambda: has_read_all(database, statistics.PROJECTION))
    await database.close()


async def totals(service: Service, start: datetime, end: datetime) -> pb.GetStatisticsResponse:
    return await service.statistics.GetStatistics(pb.GetStatisticsRequest(period=period(start, end)))


async def series(
    service: Service, which: int, start: datetime, end: datetime, step: int = pb.STEP_DAY, zone: str = ""
) -> pb.GetSeriesResponse:
    request = pb.GetSeriesRequest(
        series=which,  # type: ignore[arg-type]
        period=period(start, end),
        step=step,  # type: ignore[arg-type]
        time_zone=zone,
    )
    return await service.statistics.GetSeries(request)


def values(response: pb.GetSeriesResponse) -> Mapping[tuple[str, str], list[float | None]]:
    """Measure and key → the value of each step."""
    return {
        (line.measure, line.key): [point.value if point.HasField("value") else None for point in line.points]
        for line in response.lines
    }


async def test_empty_installation_has_zeros_and_no_medians(service: Service) -> None:
    answer = await totals(service, NOON - 7 * DAY, NOON)
    empty = pb.Totals(first_response=pb.Durations(), resolution=pb.Durations())
    assert (answer.totals, answer.previous) == (empty, empty)
    for which in pb.Series.values()[1:]:
        drawn = await series(service, which, NOON - 7 * DAY, NOON - 4 * DAY)
        assert len(drawn.steps) == 4  # noon to noon
        assert set().union(*values(drawn).values()) <= {0, None}
    assert values(await series(service, pb.SERIES_CATEGORIES, NOON - DAY, NOON)) == {}


async def test_period_is_compared_with_the_equally_long_one_before(service: Service) -> None:
    early, late = await received(service, NOON - 5 * DAY, NOON - 2 * DAY)
    await received(service, NOON - DAY)
    await happen(service, "inquiry_updated", NOON - 4 * DAY, early, changes={"status": ["new", "resolved"]})
    await happen(service, "inquiry_updated", NOON - DAY, early, changes={"status": ["resolved", "open"]})
    await happen(service, "inquiry_updated", NOON - DAY, late, changes={"status": ["new", "spam"]})
    await happen(service, "inquiry_erased", NOON, late, changes={"status": ["spam", None]})
    await counted(service)
    answer = await totals(service, NOON - 3 * DAY, NOON)
    now, before = answer.totals, answer.previous
    assert (now.received, now.resolved, now.reopened, now.backlog) == (2, 0, 1, 2)
    assert (before.received, before.resolved, before.reopened, before.backlog) == (1, 1, 0, 0)
    assert before.resolution.count == 1
    assert before.resolution.median_seconds == pytest.approx(86_400, rel=0.03)
    assert not now.resolution.HasField("median_seconds")


async def test_backlog_is_that_of_the_end_of_each_step(service: Service) -> None:
    first, second = await received(service, NOON - 500 * DAY, NOON - 2 * DAY)
    await happen(service, "inquiry_updated", NOON - DAY, first, changes={"status": ["new", "closed"]})
    await happen(service, "inquiry_updated", NOON + DAY, second, changes={"status": ["new", "resolved"]})
    await counted(service)
    drawn = await series(service, pb.SERIES_VOLUME, MIDNIGHT - 3 * DAY, MIDNIGHT + 2 * DAY)
    assert values(drawn)["backlog", ""] == [1, 2, 1, 1, 0]
    (line,) = [line for line in drawn.lines if line.measure == "backlog"]
    assert (line.total, line.previous_total) == (0, 1)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Madrid", (2026, 3, 29), 23),
        ("Europe/Madrid", (2026, 10, 25), 25),
        ("America/Santiago", (2026, 9, 6), 23),
        ("America/Santiago", (2026, 4, 4), 25),
        ("Asia/Kolkata", (2026, 3, 29), 24),
    ],
)
async def test_days_of_a_zone_hold_what_happened_in_them(
    service: Service, zone: str, day: tuple[int, int, int], hours: int
) -> None:
    begin = datetime(*day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    quarters = [begin + number * timedelta(minutes=15) for number in range(-4, 4 * hours + 4)]
    await received(service, *(quarter + timedelta(minutes=14, seconds=59) for quarter in quarters))
    await counted(service)
    drawn = await series(service, pb.SERIES_VOLUME, begin - DAY, begin + 2 * DAY, zone=zone)
    assert stamp(begin) in drawn.steps
    assert values(drawn)["received", ""][list(drawn.steps).index(stamp(begin))] == 4 * hours
    hourly = await series(service, pb.SERIES_VOLUME, begin, begin + timedelta(hours=hours), pb.STEP_HOUR, zone)
    assert values(hourly)["received", ""] == [4] * hours


async def test_correction_moves_the_count_of_when_it_was_received(service: Service) -> None:
    (id_,) = await received(service, NOON - 2 * DAY)
    await happen(
        service,
        *("triage_completed", NOON - DAY, id_),
        changes={"category": [None, "a"], "language": [None, "es"], "triage_state": ["running", "done"]},
        category="a",
    )
    await counted(service)
    assert values(await series(service, pb.SERIES_CATEGORIES, NOON - 2 * DAY, NOON, pb.STEP_MONTH)) == {
        ("received", "a"): [1]
    }
    await happen(service, "inquiry_updated", NOON, id_, changes={"category": ["a", "b"]}, judged="a")
    await counted(service)
    assert values(await series(service, pb.SERIES_CATEGORIES, NOON - 2 * DAY, NOON, pb.STEP_MONTH)) == {
        ("received", "b"): [1]
    }
    assert values(await series(service, pb.SERIES_LANGUAGES, NOON - 2 * DAY, NOON, pb.STEP_MONTH)) == {
        ("received", "es"): [1]
    }
    assert values(await series(service, pb.SERIES_CATEGORIES, NOON, NOON + DAY, pb.STEP_MONTH)) == {}


async def test_agreement_is_what_people_confirmed_of_what_they_judged(service: Service) -> None:
    ids = await received(service, *[NOON - DAY] * 5)
    for id_, after in zip(ids, ["a", "a", "a", "b", "b"], strict=True):
        await happen(service, "inquiry_updated", NOON, id_, changes={"category": ["a", after]}, judged="a")
    await happen(service, "inquiry_updated", NOON, ids[0], changes={"category": ["a", "b"]}, judged="a", bulk=True)
    await counted(service)
    drawn = values(await series(service, pb.SERIES_AI, MIDNIGHT, MIDNIGHT + 2 * DAY))
    assert drawn["confirmed", ""] == [3, 0]
    assert drawn["corrected", ""] == [2, 0]
    assert drawn["agreement", "a"] == [0.6, None]


async def test_agents_are_shown_with_what_they_did_and_who_they_are(service: Service) -> None:
    await service.sql(
        "insert into account (id, email, name, password_hash, role) values ($1, 'e@example.org', 'Eva', '', 'support')",
        AGENT,
    )
    gone = uuid4()
    first, second = await received(service, NOON - DAY, NOON - DAY)
    for _ in range(2):
        await happen(service, "message_created", NOON, first, kind="reply", changes={"status": ["open", "resolved"]})
    await happen(service, "message_created", NOON, first, kind="note")
    await service.sql(
        """insert into event (inquiry_id, version, kind, actor, actor_id, body, create_time)
        values ($1, 2, 'message_created', 'agent', $2, '{"kind": "reply"}', $3)""",
        *(second, gone, NOON),
    )
    await counted(service)
    drawn = await series(service, pb.SERIES_AGENTS, NOON, NOON + DAY)
    assert [(line.measure, line.key, line.name, line.total) for line in drawn.lines] == [
        ("replies", AGENT, "Eva", 2),
        ("resolved", AGENT, "Eva", 2),
        ("replies", str(gone), "", 1),
        ("resolved", str(gone), "", 0),
    ]


async def test_times_count_from_receipt_to_the_act(service: Service) -> None:
    for minutes in (10, 20, 30, 1000):
        (id_,) = await received(service, NOON - timedelta(minutes=minutes))
        await happen(service, "message_created", NOON, id_, kind="reply", first_response=True)
        await happen(service, "message_created", NOON + DAY, id_, kind="reply", first_response=False)
    imported = await happen(
        service, "inquiry_imported", NOON, create_time=(NOON - 2 * DAY).isoformat(), status="open", category="a"
    )
    await happen(service, "inquiry_updated", NOON + DAY, imported, changes={"status": ["open", "resolved"]})
    await counted(service)
    drawn = await series(service, pb.SERIES_RESPONSE_TIMES, MIDNIGHT - DAY, MIDNIGHT + 2 * DAY)
    lines = values(drawn)
    assert lines["first_response_median_seconds", ""] == [None, pytest.approx(1200, rel=0.03), None]
    assert lines["first_response_p90_seconds", ""] == [None, pytest.approx(60_000, rel=0.03), None]
    assert lines["resolution_median_seconds", ""] == [None, None, pytest.approx(3 * 86_400, rel=0.03)]
    answer = await totals(service, NOON, NOON + DAY)
    assert (answer.totals.first_response.count, answer.totals.replies) == (4, 4)
    assert (await totals(service, NOON - 3 * DAY, NOON - DAY)).totals.received == 1


async def test_drafts_count_by_how_they_ended(service: Service) -> None:
    ids = await received(service, *[NOON] * 4)
    for id_, distance in zip(ids, (0, 30, 60), strict=False):
        await happen(service, "message_created", NOON, id_, kind="reply", draft_used=True, edit_distance=distance)
    await happen(service, "message_created", NOON, ids[3], kind="reply", draft_used=False)
    await happen(service, "draft_changed", NOON, ids[3], changes={"draft_state": ["ready", "dismissed"]})
    await happen(service, "draft_changed", NOON, ids[3], changes={"draft_state": ["ready", "superseded"]})
    await happen(service, "draft_changed", NOON, ids[2], changes={"draft_state": ["ready", "dismissed"]})
    await happen(service, "draft_changed", NOON, ids[2], changes={"draft_state": ["dismissed", "inserted"]})
    await counted(service)
    answer = (await totals(service, NOON, NOON + DAY)).totals
    assert (answer.replies, answer.drafts_sent, answer.drafts_unedited, answer.drafts_dismissed) == (4, 3, 1, 1)
    assert answer.mean_edit_distance == 30
    assert values(await series(service, pb.SERIES_DRAFTS, MIDNIGHT, MIDNIGHT + 2 * DAY))["mean_edit_distance", ""] == [
        30,
        None,
    ]


async def test_learning_is_what_the_machine_chose_against_what_it_would_have_chosen_untaught(service: Service) -> None:
    cases = [("a", "a", "a"), ("a", "b", "a"), ("b", "b", "a"), ("b", "b", "b"), ("b", None, "b")]
    for judged, uncorrected, decided in cases:
        (id_,) = await received(service, NOON)
        known = {"uncorrected": uncorrected} if uncorrected else {}
        changes = {"category": [judged, decided]}
        await happen(service, "inquiry_updated", NOON, id_, judged=judged, changes=changes, **known)
    (id_,) = await received(service, NOON)
    changes = {"category": ["a", "b"]}
    await happen(service, "inquiry_updated", NOON, id_, judged="a", uncorrected="a", changes=changes, bulk=True)
    await counted(service)
    assert values(await series(service, pb.SERIES_LEARNING, MIDNIGHT, MIDNIGHT + 2 * DAY)) == {
        ("judged", ""): [4, 0],
        ("agreement", ""): [0.75, None],
        ("uncorrected_agreement", ""): [0.5, None],
        ("agreement", "a"): [1, None],
        ("corrected", "a"): [0, 0],
        ("agreement", "b"): [pytest.approx(2 / 3), None],
        ("corrected", "b"): [1, 0],
    }


async def test_answer_says_up_to_when_it_counts(service: Service) -> None:
    await counted(service)
    await received(service, NOON)
    await counted(service)
    (newest,) = await service.sql("select event.era, txid::text, number, epoch from event, feed")
    answer = await totals(service, NOON, NOON + DAY)
    assert answer.position == f"{newest['epoch']}-{newest['era']}-{newest['txid']}-{newest['number']}"
    assert answer.counted_until.ToDatetime(tzinfo=UTC) > datetime.now(UTC) - timedelta(minutes=1)


async def test_what_is_being_written_is_not_said_to_be_counted(service: Service) -> None:
    writing = Database(service.database_url, 1)
    await writing.open()
    async with writing.transaction() as connection:
        row = await connection.row(Statement("select now() as since"))
        assert row
        answer = await totals(service, NOON, NOON + DAY)
        assert answer.counted_until.ToDatetime(tzinfo=UTC) <= row["since"]
    await writing.close()


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (NOON, NOON, "end_time"),
        (NOON, NOON - DAY, "end_time"),
        (NOON, NOON + 400 * DAY + timedelta(minutes=15), "end_time"),
        (NOON + timedelta(minutes=1), NOON + DAY, "start_time"),
        (NOON, NOON + timedelta(seconds=901), "end_time"),
        (NOON, NOON + timedelta(minutes=15, microseconds=1), "end_time"),
        (datetime(1979, 12, 31, tzinfo=UTC), datetime(1980, 1, 3, tzinfo=UTC), "start_time"),
        (datetime(2199, 12, 31, tzinfo=UTC), datetime(2200, 1, 2, tzinfo=UTC), "end_time"),
    ],
)
async def test_wrong_period_is_refused(service: Service, start: datetime, end: datetime, field: str) -> None:
    for call in (totals(service, start, end), series(service, pb.SERIES_VOLUME, start, end)):
        with pytest.raises(errors.InvalidArgument) as refused:
            await call
        assert [violation.field for violation in refused.value.violations] == [field]


async def test_missing_end_of_a_period_is_refused(service: Service) -> None:
    with pytest.raises(errors.InvalidArgument):
        await service.statistics.GetStatistics(pb.GetStatisticsRequest(period=pb.Period(start_time=stamp(NOON))))


@pytest.mark.parametrize("zone", ["Europe", "Nowhere/Land", "../../etc/passwd", "/etc/localtime", "UTC+1", "\0"])
async def test_unknown_time_zone_is_refused(service: Service, zone: str) -> None:
    with pytest.raises(errors.InvalidArgument) as refused:
        await series(service, pb.SERIES_VOLUME, NOON, NOON + DAY, zone=zone)
    assert [violation.field for violation in refused.value.violations] == ["time_zone"]


async def test_series_of_too_many_steps_is_refused(service: Service) -> None:
    assert len((await series(service, pb.SERIES_VOLUME, NOON, NOON + 1000 * DAY / 24, pb.STEP_HOUR)).steps) == 1000
    with pytest.raises(errors.InvalidArgument) as refused:
        await series(service, pb.SERIES_VOLUME, NOON, NOON + 1001 * DAY / 24, pb.STEP_HOUR)
    assert [violation.field for violation in refused.value.violations] == ["step"]


@pytest.mark.parametrize("role", ["anonymous", "user"])
async def test_only_staff_sees_numbers(service: Service, role: context.Role) -> None:
    act_as(role, AGENT)
    for call in (totals(service, NOON, NOON + DAY), series(service, pb.SERIES_VOLUME, NOON, NOON + DAY)):
        with pytest.raises(errors.PermissionDenied):
            await call
