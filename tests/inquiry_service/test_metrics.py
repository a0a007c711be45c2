"""Prometheus sees how much waits, for how long, and what the pool does."""

import asyncio

import pytest

from runtime.rpc.errors import InvalidArgument
from tests.support.inquiry import act_as, inquiry_service
from tests.support.prometheus import Samples, scrape, value
from tests.support.servers import free_ports

CREATE = "/pok.inquiry.v1.InquiryService/CreateInquiry"


async def settled(listen: str, series: str, wanted: float, **labels: str) -> Samples:
    """What is shown once a value is what it should become."""
    async with asyncio.timeout(20):
        while value(found := await scrape(listen), series, **labels) != wanted:  # noqa: ASYNC110 - another thread's state
            await asyncio.sleep(0.05)
    return found


async def test_queue_is_shown_by_lane_state_and_age(database_url: str, redis_url: str) -> None:
    listen = f"127.0.0.1:{free_ports()}"
    async with inquiry_service(database_url, redis_url, metrics_listen=listen) as service:
        ids = [(await service.create()).inquiry.id for _ in range(4)]
        await service.must_claim(ids[0])
        await service.sql("update triage_job set run_after = now() + interval '1 hour' where inquiry_id = $1", ids[1])
        await service.sql("update triage_job set run_after = now() - interval '5 min' where inquiry_id = $1", ids[2])
        await service.sql("update triage_job set lane = 2 where inquiry_id = $1", ids[3])
        found = await scrape(listen)
        shown = {
            (lane, state): value(found, "pok_queue_jobs", lane=lane, state=state)
            for lane in ("live", "retriage", "import")
            for state in ("waiting", "retrying", "running")
        }
        assert {where: count for where, count in shown.items() if count} == {
            ("live", "waiting"): 1,
            ("live", "retrying"): 1,
            ("live", "running"): 1,
            ("import", "waiting"): 1,
        }
        assert value(found, "pok_queue_oldest_seconds") == pytest.approx(300, abs=60)
        assert value(found, "pok_database_connections") >= 1


async def test_failed_triages_and_lost_leases_are_counted(database_url: str, redis_url: str) -> None:
    listen = f"127.0.0.1:{free_ports()}"
    async with inquiry_service(database_url, redis_url, metrics_listen=listen) as service:
        before = value(await scrape(listen), "pok_triage_leases_lost_total")
        inquiry_id = (await service.create()).inquiry.id
        await service.sql("update triage_job set crashes = 2 where inquiry_id = $1", inquiry_id)
        await service.must_claim(inquiry_id)
        await service.sql("update triage_job set lease_until = now() where inquiry_id = $1", inquiry_id)
        found = await settled(listen, "pok_triage_leases_lost_total", before + 1)
        assert value(found, "pok_queue_failed", reason="crashed_worker") == 1


async def test_calls_are_counted_by_method_and_code(database_url: str, redis_url: str) -> None:
    listen = f"127.0.0.1:{free_ports()}"
    async with inquiry_service(database_url, redis_url, metrics_listen=listen) as service:
        before = await scrape(listen)
        act_as("anonymous")
        await service.create()
        with pytest.raises(InvalidArgument):
            await service.create(message="")
        found = await scrape(listen)
    for code in ("OK", "INVALID_ARGUMENT"):
        counted = value(found, "pok_rpc_served_total", method=CREATE, code=code)
        assert counted == value(before, "pok_rpc_served_total", method=CREATE, code=code) + 1


async def test_projections_lag_is_the_age_of_what_they_have_not_read(database_url: str, redis_url: str) -> None:
    listen = f"127.0.0.1:{free_ports()}"
    async with inquiry_service(database_url, redis_url, metrics_listen=listen) as service:
        await service.sql(
            """insert into event (inquiry_id, version, kind, actor, body, create_time)
            values (uuidv7(), 1, 'inquiry_deleted', 'system', '{}', now() - interval '1 min')"""
        )
        await service.sql("insert into projection (name, era, txid, number) values ('lame', 0, '0', 0)")
        found = await settled(listen, "pok_projection_lag_seconds", 0, projection="statistics")
    assert value(found, "pok_projection_lag_seconds", projection="lame") >= 60


async def test_without_postgres_the_rest_is_still_shown(redis_url: str) -> None:
    listen = f"127.0.0.1:{free_ports()}"
    async with inquiry_service("postgresql://nobody@127.0.0.1:1/none", redis_url, metrics_listen=listen):
        found = await scrape(listen)
        assert value(found, "pok_database_failures_total") >= 1
        assert not [name for name, _ in found if name.startswith("pok_queue")]
