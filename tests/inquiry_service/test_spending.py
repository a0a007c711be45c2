"""What the AI costs is summed by day, and workers are told what is left of the day's cap."""

import pytest
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import triage_pb2

from runtime.rpc.errors import Aborted
from tests.support.inquiry import Service


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
    await service.cap(1.5)
    assert await spend_left(service) == 1_500_000
    await spend(service, 400_000)
    await spend(service, 300_000)
    assert await spend_left(service) == 800_000
    await spend(service, 900_000)
    assert await spend_left(service) == 0


async def test_what_was_spent_on_other_days_does_not_count(service: Service) -> None:
    await service.cap(1)
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


async def test_failed_attempt_has_cost_all_the_same_and_once_however_often_it_is_reported(service: Service) -> None:
    claim = await service.must_claim((await service.create()).inquiry.id)
    failed = triage_pb2.FailTriageRequest(
        key=claim.key,
        kind=triage_pb2.FAILURE_KIND_PROVIDER,
        reason="provider_bad_answer",
        usage=analysis_pb2.Usage(cost_micros=70, input_tokens=240, output_tokens=80),
    )
    await service.triage.FailTriage(failed)
    with pytest.raises(Aborted):
        await service.triage.FailTriage(failed)
    (row,) = await service.sql("select cost_micros, input_tokens, output_tokens from spending")
    assert tuple(row) == (70, 240, 80)


async def test_fallback_stands_in_the_decision_record(service: Service) -> None:
    claim = await service.must_claim((await service.create()).inquiry.id)
    await service.complete(claim, fallback="spend_cap")
    (row,) = await service.sql("select record ->> 'fallback' as fallback from ai_run")
    assert row["fallback"] == "spend_cap"
