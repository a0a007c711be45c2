"""The encoder: what waits is encoded together, and one caller's failure is nobody else's silence."""

import asyncio
import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from ai_service.embedded import encoding
from ai_service.embedded.encoder import HEAD, TAIL, Encoder, prepare
from tests.ai_service.conftest import PATIENCE, encoders_process

IDLE = """
import asyncio, psutil, uvloop
from ai_service.embedded.encoder import Encoder

async def main():
    encoder = Encoder()
    await encoder.load()
    psutil.Process().children()[0].kill()
    await asyncio.sleep(0.5)  # until the loop knows
    assert (await encoder.encode(["one"])).shape == (1, 512)
    await encoder.close()

uvloop.run(main())
"""
DEADLY = """
from ai_service.embedded import encoding

class Model:
    def encode(self, texts):
        if "poison" in texts:
            raise MemoryError
        import numpy
        return numpy.zeros((len(texts), 512), numpy.float32)

encoding.load_model = Model
encoding.main()
"""


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


async def test_encoder_begins_before_whoever_asked_keeps_the_loop_busy(encoder: Encoder) -> None:
    await encoder.encode(["ready"])
    process = encoders_process()
    read, until = process.io_counters().read_chars, time.monotonic() + PATIENCE
    waiting = asyncio.create_task(encoder.encode(["one"]))
    await asyncio.sleep(0)
    while process.io_counters().read_chars == read:  # without a turn of the loop
        assert time.monotonic() < until
    assert (await waiting).shape == (1, 512)


async def test_caller_that_gave_up_does_not_disturb_the_others(encoder: Encoder) -> None:
    given_up = asyncio.create_task(encoder.encode(["one"]))
    waiting = asyncio.create_task(encoder.encode(["two"]))
    await asyncio.sleep(0)
    given_up.cancel()
    assert (await waiting).shape == (1, 512)


async def test_process_that_is_killed_is_replaced_and_who_waited_is_answered(encoder: Encoder) -> None:
    waiting = [asyncio.create_task(encoder.encode([text])) for text in ("one", "two", "three")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    encoders_process().kill()
    assert [rows.shape for rows in await asyncio.gather(*waiting)] == [(1, 512)] * 3
    assert (await encoder.encode(["four"])).shape == (1, 512)


async def test_process_that_was_killed_while_nobody_asked_is_replaced_on_the_services_loop() -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", IDLE)
    async with asyncio.timeout(PATIENCE):
        assert await child.wait() == 0


async def test_text_that_ends_the_process_each_time_fails_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "deadly.py"
    program.write_text(DEADLY)
    monkeypatch.setattr(encoding, "__name__", "deadly")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    encoder = Encoder()
    answers = await asyncio.gather(
        *(encoder.encode([text]) for text in ("one", "poison", "two")), return_exceptions=True
    )
    assert [getattr(answer, "reason", None) for answer in answers] == [None, "ENCODER_ENDED", None]
    await encoder.close()


async def test_encoder_ends_with_the_process_that_asks_it() -> None:
    script = "import asyncio; from ai_service.embedded.encoder import Encoder; asyncio.run(Encoder().load())"
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    async with asyncio.timeout(PATIENCE):
        while not (children := psutil.Process(parent.pid).children()):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
        parent.kill()
        await asyncio.to_thread(psutil.wait_procs, children)


def test_only_start_and_end_of_a_long_text_are_read() -> None:
    text = prepare("a" * HEAD + "b" * 10_000 + "c" * TAIL)
    assert (text.count("a"), text.count("b"), text.count("c")) == (HEAD, 0, TAIL)


def test_links_and_handles_are_not_read() -> None:
    assert prepare("@shop look at https://example.com/x and write to me@example.com").split() == (
        ["look", "at", "and", "write", "to", "me@example.com"]
    )
