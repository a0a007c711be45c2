"""Calls that many make at once, sent together."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from runtime.rpc.errors import DeadlineExceeded, RpcError, Unavailable

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class _Call(NamedTuple, Generic[Item, Answer]):
    item: Item
    answer: asyncio.Future[Answer]
    context: contextvars.Context


class Together(Generic[Item, Answer]):
    """What comes while a call is on its way goes with the next one; so the first never waits, and a crowd shares.

    `send` answers its items in their order, some perhaps with an error, which is raised where that item came from.
    """

    def __init__(self, send: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | RpcError]]], most: int) -> None:
        self._send = send
        self._most = most
        self._waiting: list[_Call[Item, Answer]] = []
        self._sending: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Answer:
        """The answer to this item."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Call(item, answer, contextvars.copy_context()))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())
        return await answer

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                # Who was cancelled meanwhile asks for nothing any more.
                if wanted := [call for call in batch if not call.answer.done()]:
                    # Request id and trace are those of the first, as if it had called alone.
                    await asyncio.create_task(self._send_batch(wanted), context=wanted[0].context)
        finally:
            self._sending = None

    async def _send_batch(self, batch: list[_Call[Item, Answer]]) -> None:
        try:
            answers = await self._send([call.item for call in batch])
        except RpcError as error:
            if len(batch) > 1 and not isinstance(error, Unavailable | DeadlineExceeded):
                # It may be the fault of one, which must not be that of the others.
                for call in batch:
                    await self._send_batch([call])
                return
            answers = [error] * len(batch)
        for call, answer in zip(batch, answers, strict=True):
            if call.answer.done():
                continue
            if isinstance(answer, RpcError):
                call.answer.set_exception(answer)
            else:
                call.answer.set_result(answer)
