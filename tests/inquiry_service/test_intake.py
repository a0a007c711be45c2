"""An acknowledged inquiry is durable, queued, and stored once per idempotency key."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from redis.asyncio import Redis

from runtime import doorbell
from runtime.rpc import errors
from tests.support.inquiry import Service, act_as, inquiry_service


async def test_create_leaves_inquiry_message_job_and_event(service: Service) -> None:
    act_as("anonymous")
    created = await service.create(message="Hola\n\n  ¿dónde está mi   pedido?")
    [row] = await service.sql(
        """select i.snippet, i.status, i.triage_state, m.body, j.state, j.claim, e.kind, e.actor
        from inquiry i join message m on m.inquiry_id = i.id join triage_job j on j.inquiry_id = i.id
        join event e on e.inquiry_id = i.id where i.id = $1""",
        created.inquiry.id,
    )
    assert tuple(row) == (
        "Hola ¿dónde está mi pedido?",
        "new",
        "queued",
        "Hola\n\n  ¿dónde está mi   pedido?",
        "queued",
        0,
        "inquiry_created",
        "customer",
    )
    assert uuid.UUID(created.inquiry.id).version == 7
    assert created.inquiry.reference == "POK-1001"


async def test_create_rings_the_doorbell(service: Service, redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        created = await service.create()
        answer: Any = await redis.xread({doorbell.STREAM: "0"}, block=5000)
    [[_, entries]] = answer
    assert [created.inquiry.id.encode() in fields[b"data"] for _, fields in entries] == [True]


async def test_create_answers_without_valkey(database_url: str) -> None:
    act_as("anonymous")
    async with inquiry_service(database_url, "redis://127.0.0.1:1/0") as service:
        created = await service.create()
        assert len(await service.sql("select 1 from inquiry where id = $1", created.inquiry.id)) == 1


async def test_parallel_creates_with_one_key_store_one_inquiry(service: Service) -> None:
    key = str(uuid.uuid4())
    answers = await asyncio.gather(*(service.create(request_id=key) for _ in range(20)))
    assert len({(answer.inquiry.id, answer.inquiry.reference, answer.tracking_token) for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len(await service.sql("select 1 from inquiry")) == 1


async def test_same_key_with_another_body_is_a_conflict(service: Service) -> None:
    key = str(uuid.uuid4())
    await service.create(request_id=key)
    with pytest.raises(errors.Aborted) as caught:
        await service.create(request_id=key, subject="Otra cosa")
    assert caught.value.reason == "IDEMPOTENCY_CONFLICT"


async def test_keys_of_different_principals_do_not_meet(service: Service) -> None:
    first = await service.create(request_id="k" * 22)
    act_as("user", str(uuid.uuid4()))
    second = await service.create(request_id="k" * 22, subject="Otra cosa")
    assert first.inquiry.id != second.inquiry.id


@pytest.mark.parametrize(
    ("signals", "suspicion"),
    [({"website": "https://spam.example"}, "hidden_field"), ({"fill_seconds": 1.9}, "too_fast")],
)
async def test_what_a_program_seems_to_have_sent_is_spam_without_triage_and_is_not_told(
    service: Service, signals: dict[str, Any], suspicion: str
) -> None:
    act_as("anonymous")
    key = str(uuid.uuid4())
    usual = await service.create()
    for _ in ("first", "retry"):
        suspect = await service.create(request_id=key, **signals)
        for name in ("status", "triage_state", "category", "version"):
            assert getattr(suspect.inquiry, name) == getattr(usual.inquiry, name)
    assert await service.claim(suspect.inquiry.id) is None
    [row] = await service.sql(
        """select i.status, i.triage_state, j.state from inquiry i join triage_job j on j.inquiry_id = i.id
        where i.id = $1""",
        suspect.inquiry.id,
    )
    assert tuple(row) == ("spam", "done", "idle")
    [event] = await service.events(suspect.inquiry.id)
    assert json.loads(event["body"]) == {"status": "spam", "suspicion": suspicion}


async def test_suspect_rings_no_doorbell(service: Service, redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        await service.create(website="x")
        usual = await service.create()
        answer: Any = await redis.xread({doorbell.STREAM: "0"}, block=5000)
    [[_, entries]] = answer
    assert [usual.inquiry.id.encode() in fields[b"data"] for _, fields in entries] == [True]


@pytest.mark.parametrize("signals", [{}, {"fill_seconds": 2.0}, {"website": ""}])
async def test_who_took_their_time_or_came_without_a_form_is_no_suspect(
    service: Service, signals: dict[str, Any]
) -> None:
    created = await service.create(**signals)
    await service.must_claim(created.inquiry.id)


async def test_retry_may_have_taken_longer(service: Service) -> None:
    key = str(uuid.uuid4())
    await service.create(request_id=key, fill_seconds=9.5, consent_version="1")
    again = await service.create(request_id=key, fill_seconds=12.0)
    assert again.replayed


async def test_consent_is_kept_with_the_time_at_which_it_was_given(service: Service) -> None:
    act_as("anonymous")
    agreed = await service.create(consent_version="2026-11-25-es")
    unasked = await service.create()
    act_as("support")
    stored = await service.get(agreed.inquiry.id)
    assert stored.consent_version == "2026-11-25-es"
    assert stored.consent_time == stored.create_time
    stored = await service.get(unasked.inquiry.id)
    assert (stored.consent_version, stored.HasField("consent_time")) == ("", False)


@pytest.mark.parametrize("key", ["short", "with space" + "x" * 20, "ñ" * 30, "k" * 256])
async def test_anonymous_key_that_can_be_guessed_or_is_not_ascii_is_refused(service: Service, key: str) -> None:
    act_as("anonymous")
    with pytest.raises(errors.InvalidArgument) as caught:
        await service.create(request_id=key)
    assert [violation.field for violation in caught.value.violations] == ["request_id"]


async def test_every_wrong_field_is_named(service: Service) -> None:
    with pytest.raises(errors.InvalidArgument) as caught:
        await service.create(
            customer_name="",
            customer_email="nobody",
            subject="x" * 301,
            message="a\x00b",
            consent_version="x" * 51,
            website="x" * 301,
        )
    assert [violation.field for violation in caught.value.violations] == [
        "customer_name",
        "customer_email",
        "subject",
        "message",
        "consent_version",
        "website",
    ]


async def test_external_id_is_for_staff_and_unique(service: Service) -> None:
    await service.create(external_id="ZD-1")
    with pytest.raises(errors.AlreadyExists):
        await service.create(external_id="ZD-1")
    act_as("anonymous")
    with pytest.raises(errors.PermissionDenied):
        await service.create(external_id="ZD-2")


async def test_tracking_token_is_derived_and_differs_per_inquiry(service: Service) -> None:
    key = str(uuid.uuid4())
    first, again = await service.create(request_id=key), await service.create(request_id=key)
    other = await service.create()
    assert first.tracking_token == again.tracking_token != other.tracking_token
    assert len(first.tracking_token) == 43
