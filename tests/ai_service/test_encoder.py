"""The encoder: what waits is encoded together, and one caller's failure is nobody else's silence."""

import asyncio
from typing import Any

import numpy as np
import pytest

from ai_service.embedded.encoder import HEAD, TAIL, Encoder, prepare


async def test_texts_that_wait_together_get_the_embeddings_they_get_alone(encoder: Encoder) -> None:
    texts = ["where is my order", "no puedo entrar", "merci beaucoup", "refund please"] * 20
    together = await asyncio.gather(*(encoder.encode([text, "and this"]) for text in texts))
    alone = {text: (await encoder.encode([text]))[0] for text in set(texts)}
    for text, rows in zip(texts, together, strict=True):
        assert rows.shape == (2, 512)
        assert float(rows[0] @ alone[text]) > 0.999


async def test_event_loop_runs_while_a_long_text_is_encoded(encoder: Encoder) -> None:
    encoding = asyncio.create_task(encoder.encode(["palabra " * 600] * 2))
    turns = 0
    while not encoding.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10


async def test_caller_that_gave_up_does_not_disturb_the_others(encoder: Encoder) -> None:
    given_up = asyncio.create_task(encoder.encode(["one"]))
    waiting = asyncio.create_task(encoder.encode(["two"]))
    await asyncio.sleep(0)
    given_up.cancel()
    assert (await waiting).shape == (1, 512)


async def test_failure_of_the_model_reaches_whoever_waits_and_nobody_later() -> None:
    class Model:
        broken = True

        def encode(self, texts: list[str]) -> Any:
            if self.broken:
                raise MemoryError
            return np.zeros((len(texts), 512), np.float32)

    encoder = Encoder()
    encoder._model = model = Model()
    with pytest.raises(MemoryError):
        await encoder.encode(["one"])
    model.broken = False
    assert len(await encoder.encode(["two"])) == 1
    encoder.close()


def test_only_start_and_end_of_a_long_text_are_read() -> None:
    text = prepare("a" * HEAD + "b" * 10_000 + "c" * TAIL)
    assert (text.count("a"), text.count("b"), text.count("c")) == (HEAD, 0, TAIL)


def test_links_and_handles_are_not_read() -> None:
    assert prepare("@shop look at https://example.com/x and write to me@example.com").split() == (
        ["look", "at", "and", "write", "to", "me@example.com"]
    )
