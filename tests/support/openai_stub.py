"""A local HTTP server that speaks the OpenAI API: counts calls, and answers or fails as a test tells it."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

Request = Mapping[str, Any]


class Reply(msgspec.Struct, frozen=True):
    """One HTTP answer; `hang` sends nothing, or nothing after the body, until the client goes away.

    `drop` closes without a word, `cut` in the middle of the body; `delay` is in seconds.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}
    hang: bool = False
    drop: bool = False
    cut: bool = False
    delay: float = 0.0


Behaviour = Callable[[Request], Reply]

ANSWER: Mapping[str, Any] = {
    "categories": [{"category": "billing_payment", "confidence": 0.9}],
    "sentiment": "negative",
    "sentiment_score": -0.7,
    "priority": "high",
    "priority_reason": "negative_billing",
    "language": "en",
    "missing": [],
    "draft": "Dear Ana, we are sorry about the charge. Could you please send us the invoice number?",
}
"""What the model says unless told otherwise; a test may change single fields."""


def completion(content: str, *, finish_reason: str = "stop", refusal: str | None = None) -> Reply:
    """A chat completion with this content."""
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": "stub-1",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish_reason,
                "message": {"role": "assistant", "content": content, "refusal": refusal},
            }
        ],
        "usage": {"prompt_tokens": 120, "completion_tokens": 40, "total_tokens": 160},
    }
    return Reply(body=json.dumps(body).encode())


def drafting(*pieces: str, **support: Any) -> Behaviour:
    """A streamed chat completion whose draft comes in these pieces; `support` is what stands beside it."""
    rest = json.dumps({"missing": [], **support})
    return streaming('{"draft": "', *(json.dumps(piece)[1:-1] for piece in pieces), '", ' + rest[1:])


def streaming(*deltas: str, finish_reason: str | None = "stop", refusal: str | None = None) -> Behaviour:
    """A streamed chat completion of these pieces; without a `finish_reason` it breaks off."""
    pieces: list[dict[str, Any]] = [{"delta": {"role": "assistant", "content": "", "refusal": refusal}}]
    pieces += [{"delta": {"content": delta}} for delta in deltas]
    if finish_reason:
        pieces.append({"delta": {}, "finish_reason": finish_reason})
    usual = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "stub-1"}
    chunks = [{**usual, "choices": [{"index": 0, "finish_reason": None, **piece}]} for piece in pieces]
    if finish_reason:
        chunks.append({**usual, "choices": [], "usage": {"prompt_tokens": 120, "completion_tokens": 40}})
    lines = [json.dumps(chunk) for chunk in chunks] + (["[DONE]"] if finish_reason else [])
    body = "".join(f"data: {line}\n\n" for line in lines)
    return lambda _: Reply(body=body.encode(), headers={"content-type": "text/event-stream"})


def answering(**changes: Any) -> Behaviour:
    """A well-formed answer with some fields of ANSWER replaced."""
    return lambda _: completion(json.dumps({**ANSWER, **changes}))


def after(seconds: float) -> Behaviour:
    """The usual answer, so much later."""
    return lambda request: msgspec.structs.replace(answering()(request), delay=seconds)


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One after the other, the last one for ever."""
    left = list(behaviours)
    return lambda request: (left.pop(0) if len(left) > 1 else left[0])(request)


def sent(request: Request) -> Any:
    """What travelled as data in the user's message."""
    return json.loads(request["messages"][1]["content"])


def failing(status: int, **headers: str) -> Behaviour:
    """An error answer; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Reply(status=status, body=b'{"error": {"message": "no"}}', headers=named)


class OpenAIStub:
    """`behave` may be replaced at any time; `requests` holds the bodies of all calls so far.

    `hanging` counts the calls that wait for an answer which never comes whole.
    """

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self.hanging = 0
        self.reset()

    def reset(self) -> None:
        """Answer well again and forget the calls."""
        self.behave: Behaviour = answering()
        self.requests: list[Request] = []

    @property
    def base_url(self) -> str:
        """What a client is configured with."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def start(self) -> None:
        """Listen on a free loopback port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Stop listening; connections end with their clients."""
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read_request(reader)) is not None:
                self.requests.append(request)
                reply = self.behave(request)
                await asyncio.sleep(reply.delay)
                if reply.drop:
                    return
                if reply.cut:
                    whole = _encode(reply)
                    writer.write(whole[: len(whole) - len(reply.body) // 2])
                    await writer.drain()
                    return
                if reply.body or not reply.hang:
                    writer.write(_encode(reply))
                    await writer.drain()
                if reply.hang:
                    self.hanging += 1
                    try:
                        await reader.read()
                    finally:
                        self.hanging -= 1
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # a client that went away is part of many tests
        finally:
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    body: Request = json.loads(await reader.readexactly(length))
    return body


def _encode(reply: Reply) -> bytes:
    length = len(reply.body) + reply.hang  # one byte that never comes
    headers = {"content-type": "application/json", "content-length": str(length), **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} Stub", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + reply.body
