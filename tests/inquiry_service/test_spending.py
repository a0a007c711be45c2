"""What the AI costs is summed by day, and workers are told what is left of the day's cap."""

import pytest
from google.protobuf.struct_pb2 import Value
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import settings_pb2

from tests.support.inquiry import Service, act_as

SOMEBODY = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"


async def cap(service: Service, amount: float) -> None:
    act_as("admin", SOMEBODY)
    request = settings_pb2.UpdateSettingRequest(key="daily_spend_cap", value=Value(number_value=amount))
    await service.settings.UpdateSetting(request)


async def spend_left(service: Service) -> int | None:
    """What the claim of a new inquiry says."""
    claim = await service.must_claim((await service.create()).inquiry.id)
    return claim.request.spend_left_micros if claim.request.HasField("spend_left_micros") else None


async def spend(service: Service, micros: int) -> None:
    """Complete an inquiry that has cost this much."""
    claim = await service.must_claim((await service.create()).inquiry.id)
    await service.complete(claim, usage=analysis_pb2.Usage(cost_micros=micros))


async def test_without_a_cap_anything_may_be_spent(service: Service) -> None:
    await spend(service, 5_000_000)
    assert await spend_left(service) is None


async def test_cap_less_what_was_spent_today_is_left_and_never_less_than_nothing(service: Service) -> None:
    await cap(service, 1.5)
    assert await spend_left(service) == 1_500_000
    await spend(service, 400_000)
    await spend(service, 300_000)
    assert await spend_left(service) == 800_000
    await spend(service, 900_000)
    assert await spend_left(service) == 0


async def test_what_was_spent_on_other_days_does_not_count(service: Service) -> None:
    await cap(service, 1)
    await spend(service, 700_000)
    await service.sql("update spending set day = day - 1")
    assert await spend_left(service) == 1_000_000


@pytest.mark.parametrize("micros", [0, -5])
async def test_what_costs_nothing_is_not_written(service: Service, micros: int) -> None:
    await spend(service, micros)
    assert await service.sql("select 1 from spending") == []


async def test_result_that_came_too_late_has_cost_all_the_same(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    claim = await service.must_claim(inquiry_id)
    await service.sql("update triage_job set requested_revision = 2 where inquiry_id = $1", inquiry_id)
    assert not await service.complete(claim, usage=analysis_pb2.Usage(cost_micros=7))
    (row,) = await service.sql("select cost_micros from spending")
    assert row["cost_micros"] == 7


async def test_fallback_stands_in_the_decision_record(service: Service) -> None:
    claim = await service.must_claim((await service.create()).inquiry.id)
    await service.complete(claim, fallback="spend_cap")
    (row,) = await service.sql("select record ->> 'fallback' as fallback from ai_run")
    assert row["fallback"] == "spend_cap"
