"""The taxonomy in memory: current, patient for a moment, and kept when its source goes away."""

import asyncio
from collections.abc import Sequence

import pytest

from ai_service.analysis import Decision, Taxonomy
from ai_service.knowledge import Knowledge
from runtime.rpc.client import dial
from runtime.rpc.errors import Unavailable
from tests.ai_service.conftest import PATIENCE, following
from tests.support.knowledge_stub import DEFAULT_KEYS, KnowledgeStub
from tests.support.tokens import TOKENS


async def until_version(knowledge: Knowledge, version: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while knowledge.version != version:  # noqa: ASYNC110 - it has no event for a version that falls
            await asyncio.sleep(0.01)


async def test_change_of_the_taxonomy_arrives(knowledge: Knowledge, knowledge_stub: KnowledgeStub) -> None:
    assert (await knowledge.at_least(1)).keys == DEFAULT_KEYS
    await knowledge_stub.publish(2, ["visas"])
    await until_version(knowledge, 2)
    assert (await knowledge.at_least(2)).keys == ("visas",)


async def test_request_ahead_of_us_waits_for_what_is_on_its_way(
    knowledge: Knowledge, knowledge_stub: KnowledgeStub
) -> None:
    waiting = asyncio.create_task(knowledge.at_least(2))
    await knowledge_stub.publish(2)
    assert (await waiting).version == 2


async def test_request_too_far_ahead_gets_what_is_here(knowledge: Knowledge) -> None:
    assert (await knowledge.at_least(99)).version == 1


async def test_nothing_can_be_analysed_before_the_first_snapshot() -> None:
    async with dial("127.0.0.1:1", TOKENS["ai"], timeout=1) as channel:
        with pytest.raises(Unavailable) as refused:
            await Knowledge(channel).at_least(0)
    assert refused.value.reason == "KNOWLEDGE_MISSING"


async def test_taxonomy_without_a_category_is_no_taxonomy(knowledge: Knowledge, knowledge_stub: KnowledgeStub) -> None:
    await knowledge_stub.publish(2, [])
    await until_version(knowledge, 2)
    with pytest.raises(Unavailable):
        await knowledge.at_least(2)


async def test_version_that_cannot_be_learnt_is_not_in_use_until_it_can(
    knowledge_stub: KnowledgeStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ai_service.knowledge.LEARN_AGAIN", 0.01)
    failed, mended = asyncio.Event(), asyncio.Event()

    async def learn(taxonomy: Taxonomy, decisions: Sequence[Decision]) -> None:
        if taxonomy.version == 2 and not mended.is_set():
            failed.set()
            raise ValueError("a defect")

    async with following(knowledge_stub, learn) as knowledge:
        await knowledge_stub.publish(2, ["visas"])
        await failed.wait()
        held = await knowledge.at_least(2)
        assert (held.version, held.keys, knowledge.version) == (1, DEFAULT_KEYS, 1)
        mended.set()
        await until_version(knowledge, 2)
        assert (await knowledge.at_least(2)).keys == ("visas",)


async def test_newer_version_takes_the_place_of_one_that_cannot_be_learnt(
    knowledge_stub: KnowledgeStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ai_service.knowledge.LEARN_AGAIN", 0.3)
    failed = asyncio.Event()

    async def learn(taxonomy: Taxonomy, decisions: Sequence[Decision]) -> None:
        if taxonomy.version == 2:
            failed.set()
            raise ValueError("a defect")

    async with following(knowledge_stub, learn) as knowledge:
        await knowledge_stub.publish(2)
        await failed.wait()  # sent both at once, only the newer would be learnt
        await knowledge_stub.publish(3, ["visas"])
        await until_version(knowledge, 3)


async def test_source_that_comes_back_is_found_again_and_meanwhile_the_taxonomy_stays(
    knowledge: Knowledge, knowledge_stub: KnowledgeStub
) -> None:
    await knowledge_stub.stop()
    assert (await knowledge.at_least(1)).keys == DEFAULT_KEYS
    await knowledge_stub.publish(5, ["visas"])
    await knowledge_stub.start()
    await until_version(knowledge, 5)


async def test_source_restored_to_an_older_version_is_believed(
    knowledge: Knowledge, knowledge_stub: KnowledgeStub
) -> None:
    await knowledge_stub.publish(9)
    await until_version(knowledge, 9)
    await knowledge_stub.stop()
    await knowledge_stub.publish(3, ["visas"])
    await knowledge_stub.start()
    await until_version(knowledge, 3)
