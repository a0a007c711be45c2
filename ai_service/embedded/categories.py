"""Which category a message belongs to: the head, prototypes for categories that it never learnt, people's decisions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ai_service.analysis import Decision, Taxonomy
from ai_service.embedded import corrections, encoder, prototypes, wording
from ai_service.embedded.corrections import Corrections
from ai_service.embedded.encoder import Encoder
from ai_service.embedded.grams import Grams
from ai_service.embedded.head import Head
from ai_service.embedded.softmax import Numbers, softmax


class Scores(NamedTuple):
    """Probabilities, most probable first, adding up to 1; what would be first without decisions; and their weight."""

    shares: dict[str, float]
    uncorrected: str
    learned_share: float


class Case(NamedTuple):
    """Something of known category: an inquiry that people decided, or an example of the taxonomy."""

    category: str
    inquiry_id: str = ""
    example: str = ""


class Categories:
    """What is known of one version of the taxonomy and the decisions; not changed once `learnt` has made it."""

    def __init__(
        self,
        head: Head,
        described: dict[str, Numbers] | None = None,
        cases: Sequence[Case] = (),
        embeddings: Numbers | None = None,
        read: dict[str, Numbers] | None = None,
    ) -> None:
        self._head = head
        self._described = described or {}
        self._cases = cases
        self._embeddings = _rows([]) if embeddings is None else embeddings
        self.read = read or {}
        """The embeddings of the taxonomy's texts."""
        self.learnt = Corrections()

    def scores(self, embedding: Numbers, words: Grams, keys: Sequence[str]) -> Scores:
        """How probable each of `keys` is for the text with this embedding and these words."""
        logits = self.logits(embedding, words, keys)
        before = after = softmax(logits)
        if self.learnt.keys == tuple(keys):
            after = self.learnt.applied(logits[None], wording.read(embedding[None], self._head.wording))[0]
        order = np.argsort(-after, kind="stable")
        return Scores(
            shares={keys[column]: float(after[column]) for column in order},
            uncorrected=keys[int(before.argmax())],
            learned_share=float(np.abs(after - before).sum() / 2),
        )

    def logits(self, embedding: Numbers, words: Grams | None, keys: Sequence[str]) -> Numbers:
        """One for each of `keys`, without people's decisions; `words` are None where they are not known."""
        known = [key for key in keys if key in self._head.labels]
        new = [key for key in keys if key not in self._head.labels]
        odds = prototypes.odds(embedding, [self._described.get(key, _rows([])) for key in new])
        found = dict(zip(new, odds, strict=True)) | self._head.log_shares(embedding, words, known)
        return np.array([found[key] for key in keys], np.float32)

    def closest(self, embedding: Numbers, most: int) -> list[tuple[Case, float]]:
        """The cases most like a text with this embedding, the closest first, with their cosine similarity."""
        likeness = self._embeddings @ embedding
        return [(self._cases[row], float(likeness[row])) for row in np.argsort(-likeness, kind="stable")[:most]]


async def learnt(
    head: Head, text_encoder: Encoder, taxonomy: Taxonomy, decisions: Sequence[Decision], last: Categories
) -> Categories:
    """The categories of `taxonomy` with what its descriptions, its examples and `decisions` (oldest first) teach."""
    keys = taxonomy.keys
    described = {category.key: prototypes.texts_of(category) for category in taxonomy.categories}
    read = await _read([text for texts in described.values() for text in texts], text_encoder, last)
    examples = [(category.key, text) for category in taxonomy.categories for text in category.examples if text in read]
    usable = [one for one in decisions if one.category in keys and _comparable(one)]
    decided = [encoder.unpacked(one.embedding) for one in usable]
    cases = [Case(one.category, inquiry_id=one.inquiry_id) for one in usable]
    cases += [Case(key, example=text) for key, text in examples]
    known = Categories(
        head,
        {key: _rows([read[text] for text in texts]) for key, texts in described.items()},
        cases,
        _rows([*decided, *(read[text] for _, text in examples)]),
        read=read,
    )

    def fitted() -> Corrections:
        before = np.array([known.logits(row, None, keys) for row in decided], np.float32)
        labels = np.array([keys.index(one.category) for one in usable], np.intp)
        return corrections.learn(wording.read(_rows(decided), head.wording), labels, before, keys, last.learnt)

    known.learnt = await text_encoder.beside(fitted) if usable else Corrections()
    return known


async def _read(texts: Sequence[str], text_encoder: Encoder, last: Categories) -> dict[str, Numbers]:
    """The embedding of each text; most are as they were in the `last` version."""
    new = [text for text in dict.fromkeys(texts) if text not in last.read]
    rows = dict(zip(new, await text_encoder.encode(new), strict=True)) if new else {}
    return {text: last.read[text] if text in last.read else rows[text] for text in texts}


def _rows(rows: Sequence[Numbers]) -> Numbers:
    return np.array(rows, np.float32).reshape(-1, encoder.WIDTH)


def _comparable(decision: Decision) -> bool:
    if decision.encoder_version != encoder.VERSION or len(decision.embedding) != 2 * encoder.WIDTH:
        return False
    return bool(np.isfinite(encoder.unpacked(decision.embedding)).all())
