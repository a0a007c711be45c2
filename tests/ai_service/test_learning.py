"""What people's decisions and an administrator's words teach the embedded model."""

from collections.abc import Sequence

import numpy as np
import pytest
from pok.ai.v1 import analysis_pb2 as pb
from pok.inquiry.v1 import knowledge_pb2

from ai_service.embedded import corrections, wording
from ai_service.embedded.corrections import PER_CATEGORY, Corrections, learn, newest
from ai_service.knowledge import Knowledge
from tests.ai_service.builders import request
from tests.ai_service.conftest import Stub
from tests.support.knowledge_stub import DEFAULT_KEYS, KnowledgeStub

UNLIKELY = "general_other"
TEXT = "The blue lamp in booth seven hums all night"
LIKE_IT = "the blue lamp in booth nine hums every night"


async def analysed(ai: Stub, text: str, version: int) -> pb.Analysis:
    return (await ai.Analyze(request(text, knowledge_version=version))).analysis


async def decided(ai: Stub, text: str, category: str, number: int = 1) -> knowledge_pb2.Decision:
    answer = await ai.Embed(pb.EmbedRequest(texts=[text]))
    return knowledge_pb2.Decision(
        inquiry_id=f"0197-{number}",
        category=category,
        embedding=answer.embeddings[0],
        encoder_version=answer.encoder_version,
    )


async def test_message_like_a_corrected_one_gets_its_category(ai: Stub, knowledge_stub: KnowledgeStub) -> None:
    before = await analysed(ai, LIKE_IT, 1)
    assert before.categories[0].category != UNLIKELY
    await knowledge_stub.publish(2, decisions=[await decided(ai, TEXT, UNLIKELY)])
    after = await analysed(ai, LIKE_IT, 2)
    assert after.categories[0].category == UNLIKELY
    assert after.uncorrected_category == before.categories[0].category
    assert after.learned_share > 0.3 > before.learned_share == 0
    assert sum(score.confidence for score in after.categories) == pytest.approx(1)


async def test_correction_changes_nothing_for_what_is_unlike_it(ai: Stub, knowledge_stub: KnowledgeStub) -> None:
    other = "Me han cobrado dos veces la suscripción"
    await knowledge_stub.publish(2, decisions=[await decided(ai, TEXT, UNLIKELY)])
    after = await analysed(ai, other, 2)
    assert after.categories[0].category == after.uncorrected_category == "billing_payment"


async def test_forgotten_decision_teaches_no_longer(ai: Stub, knowledge_stub: KnowledgeStub) -> None:
    before = await analysed(ai, LIKE_IT, 1)
    await knowledge_stub.publish(2, decisions=[await decided(ai, TEXT, UNLIKELY)])
    await analysed(ai, LIKE_IT, 2)
    await knowledge_stub.publish(3, forgotten_inquiry_ids=["0197-1"])
    after = await analysed(ai, LIKE_IT, 3)
    assert [score.category for score in after.categories] == [score.category for score in before.categories]
    assert after.learned_share == 0


@pytest.mark.parametrize(
    "field",
    [
        {"category": "switched_off"},
        {"encoder_version": "another"},
        {"embedding": b"\0\0"},
        {"embedding": np.full(512, np.nan, "<f2").tobytes()},
    ],
)
async def test_decision_that_cannot_be_used_is_passed_over(
    ai: Stub, knowledge_stub: KnowledgeStub, field: dict[str, str]
) -> None:
    decision = await decided(ai, TEXT, UNLIKELY)
    for name, value in field.items():
        setattr(decision, name, value)
    await knowledge_stub.publish(2, decisions=[decision])
    assert (await analysed(ai, LIKE_IT, 2)).learned_share == 0


async def test_parts_of_one_version_count_once_the_last_is_in(
    ai: Stub, knowledge: Knowledge, knowledge_stub: KnowledgeStub
) -> None:
    await knowledge_stub.publish(2, decisions=[await decided(ai, TEXT, UNLIKELY)], more=True)
    await knowledge_stub.publish(3, decisions=[await decided(ai, "Where is my parcel?", "shipping_delivery", 2)])
    assert (await knowledge.at_least(3)).version == 3
    assert (await analysed(ai, LIKE_IT, 3)).categories[0].category == UNLIKELY


async def test_reset_forgets_what_was_held(ai: Stub, knowledge_stub: KnowledgeStub) -> None:
    await knowledge_stub.publish(2, decisions=[await decided(ai, TEXT, UNLIKELY)])
    await analysed(ai, LIKE_IT, 2)
    await knowledge_stub.publish(3, reset=True)
    assert (await analysed(ai, LIKE_IT, 3)).learned_share == 0


async def test_new_category_works_from_its_description_and_examples(ai: Stub, knowledge_stub: KnowledgeStub) -> None:
    visas = knowledge_pb2.Category(
        key="visas",
        name_es="Visados",
        name_en="Visas",
        description="Visas and entry permits for a country.",
        examples=["¿Necesito visado para viajar a la India?", "My visa application was rejected"],
    )
    await knowledge_stub.publish(2, [*DEFAULT_KEYS, visas])
    for text in ("Do I need a visa for Japan?", "¿Cuánto tarda el visado de turista?"):
        assert (await analysed(ai, text, 2)).categories[0].category == "visas"
    assert (await analysed(ai, "Me han cobrado dos veces", 2)).categories[0].category == "billing_payment"


def read(embeddings: np.ndarray) -> wording.Texts:
    return wording.read(embeddings, wording.NONE)


def rows(*texts: str) -> np.ndarray:
    """Stand-ins for embeddings: equal texts are equal, all others unlike."""
    found = np.zeros((len(texts), 512), np.float32)
    for row, text in enumerate(texts):
        found[row, sum(map(ord, text)) % 512] = 1
    return found


def test_nothing_but_look_alikes_is_followed_where_decisions_only_mislead() -> None:
    """Labels without any sense, where what was known before is right every time."""
    random = np.random.default_rng(1)
    embeddings = random.normal(size=(60, 512)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    labels = np.arange(60) % 3
    right = np.eye(3, dtype=np.float32)[labels] * 0.3
    learnt = learn(read(embeddings), labels, right, ("a", "b", "c"), Corrections())
    assert learnt.manner == corrections.LOOK_ALIKES


def test_look_alikes_are_not_followed_either_where_they_mislead() -> None:
    """What is the same is decided in two ways, and what was known before is right every time."""
    embeddings = rows(*(str(number // 2) for number in range(60)))
    labels = np.arange(60) % 2
    learnt = learn(read(embeddings), labels, known(labels, np.ones(60, bool)), ("a", "b"), Corrections())
    assert learnt.manner == corrections.NOTHING


def alike(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Texts of two categories in turn; those of one are a little like each other, none is a look-alike."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    embeddings = random.normal(size=(count, 512)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    embeddings[:, :2] += np.eye(2, dtype=np.float32)[labels] * 0.8
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True), labels


def known(labels: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Logits of a model that knows the `labels` where it is `right`."""
    return np.eye(2, dtype=np.float32)[np.where(right, labels, 1 - labels)] * 1.5


def test_decisions_reach_further_than_look_alikes_once_that_has_proved_to_help() -> None:
    embeddings, labels = alike(1, 80)
    foreseen = np.arange(80) % 5 < 2
    learnt = learn(read(embeddings), labels, known(labels, foreseen), ("a", "b"), Corrections())
    assert learnt.manner._replace(sharpness=1.0, share=1.0, votes=False) in corrections.PROVEN
    others, truth = alike(2, 40)
    wrong = known(truth, np.zeros(40, bool))
    shares = learnt.applied(wrong, read(others))
    assert (shares.argmax(1) == truth).mean() > 0.9
    assert shares.max(1).mean() > 0.8  # and says so


def test_decisions_count_in_part_where_some_are_mistaken() -> None:
    embeddings, labels = alike(1, 80)
    mistaken = np.random.default_rng(1).random(80) < 0.2
    given = np.where(mistaken, 1 - labels, labels)
    learnt = learn(read(embeddings), given, known(given, np.arange(80) % 5 < 3), ("a", "b"), Corrections())
    assert learnt.manner.strength > 0
    assert 0 < learnt.manner.share < 1
    assert learnt.manner.votes


def test_no_decision_teaches_nothing() -> None:
    learnt = learn(read(rows()), np.zeros(0, np.intp), np.zeros((0, 2), np.float32), ("a", "b"), Corrections())
    np.testing.assert_allclose(learnt.applied(np.zeros((1, 2), np.float32), read(rows("lamp"))), [[0.5, 0.5]])


def test_decisions_that_only_correct_are_no_proof() -> None:
    """Nobody has confirmed anything, so nothing tells what following them further would spoil."""
    embeddings, labels = alike(1, 80)
    learnt = learn(read(embeddings), labels, known(labels, np.zeros(80, bool)), ("a", "b"), Corrections())
    assert learnt.manner == corrections.LOOK_ALIKES


@pytest.mark.parametrize(("counts", "taken"), [((3, 0), 3), ((PER_CATEGORY + 5, 2), PER_CATEGORY + 2)])
def test_only_the_newest_of_each_category_take_part(counts: Sequence[int], taken: int) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    found = newest(labels, len(counts))
    assert len(found) == taken
    assert found == sorted(found)
    assert counts[0] - 1 in found


def test_manner_is_judged_anew_only_when_there_is_a_tenth_more(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[int] = []

    def best(alike: wording.Likeness, labels: np.ndarray, before: np.ndarray) -> corrections.Manner:
        judged.append(len(labels))
        return corrections.LOOK_ALIKES

    monkeypatch.setattr(corrections, "_best", best)
    last = Corrections()
    for count in (30, 32, 40):
        embeddings, labels = rows(*map(str, range(count))), np.arange(count) % 2
        last = learn(read(embeddings), labels, np.zeros((count, 2), np.float32), ("a", "b"), last)
    assert judged == [30, 40]
