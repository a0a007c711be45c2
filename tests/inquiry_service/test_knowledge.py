"""AI processes learn the taxonomy at once, and every change of it."""

import asyncio

from pok.inquiry.v1 import knowledge_pb2

from tests.support.inquiry import Service


async def test_taxonomy_is_sent_at_once_and_again_after_a_change(service: Service) -> None:
    async with asyncio.timeout(20):
        watch = service.knowledge.WatchKnowledge(knowledge_pb2.WatchKnowledgeRequest())
        seen = []
        async for snapshot in watch:
            seen.append((snapshot.version, [category.key for category in snapshot.categories]))
            if len(seen) == 2:
                break
            await service.sql("update category set active = false where key = 'general_other'")
            await service.sql("update knowledge set version = version + 1")
    assert [version for version, _ in seen] == [1, 2]
    assert (snapshot.ai_provider, snapshot.confidence_threshold) == ("auto", 0.7)
    assert (len(seen[0][1]), seen[0][1][0]) == (10, "billing_payment")
    assert set(seen[0][1]) - set(seen[1][1]) == {"general_other"}
