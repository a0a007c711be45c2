"""The parts of the OpenAI API's answers that are used here; whatever else a server sends is passed over."""

from typing import Annotated

import msgspec


class Message(msgspec.Struct, frozen=True):
    """What the model said, or why it did not."""

    content: str | None = None
    refusal: str | None = None


class Choice(msgspec.Struct, frozen=True):
    """One answer; `finish_reason` says whether it is whole."""

    message: Message
    finish_reason: str | None = None


class Tokens(msgspec.Struct, frozen=True):
    """What the call took."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Completion(msgspec.Struct, frozen=True):
    """A chat completion."""

    choices: Annotated[tuple[Choice, ...], msgspec.Meta(min_length=1)]
    model: str | None = None
    usage: Tokens | None = None


class Step(msgspec.Struct, frozen=True):
    """One answer of a stream; `finish_reason` stands in its last one."""

    delta: Message
    finish_reason: str | None = None


class Chunk(msgspec.Struct, frozen=True):
    """One piece of a streamed completion; the last one may hold the tokens alone."""

    choices: tuple[Step, ...] = ()
    model: str | None = None
    usage: Tokens | None = None
