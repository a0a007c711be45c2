"""The encoder's own process: texts in, their embeddings out, until nobody asks any more.

A process, not a thread: the encoder computes without Python's lock and takes it back dozens of times per batch, and
each time would wait until whatever else runs in Python pauses.
"""

import signal
import sys
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ai_service.embedded.universal import UniversalEncoder

LENGTH = 4
"""Bytes in which the length of what follows is told, on the way in and out."""


def frame(content: bytes) -> bytes:
    """The content with its length before it."""
    return len(content).to_bytes(LENGTH) + content


def load_model() -> "UniversalEncoder":
    """The encoder itself, with its weights in memory."""
    from ai_service.embedded.universal import UniversalEncoder  # only a process that uses it pays for it

    return UniversalEncoder()


def main() -> None:
    """Say with an empty frame that the weights are loaded; then answer each list of texts with its rows."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # whoever asks ends first, and is asked for nothing less meanwhile
    model = load_model()
    model.encode(["ready"])
    asked, answered = sys.stdin.buffer, sys.stdout.buffer
    answered.write(frame(b""))
    answered.flush()
    while length := asked.read(LENGTH):
        texts = msgspec.msgpack.decode(asked.read(int.from_bytes(length)), type=list[str])
        answered.write(frame(model.encode(texts).tobytes()))
        answered.flush()


if __name__ == "__main__":
    main()
