"""What the worker is told by its environment."""

import socket
from typing import Annotated

from msgspec import Meta, field

from runtime.settings import Key, Secret, ServerSettings


class WorkerSettings(ServerSettings, frozen=True, kw_only=True):
    """`worker_name` must stay the same over restarts and differ between the workers of one installation."""

    redis_url: Secret
    inquiry_address: str
    ai_address: str
    service_token: Key
    worker_concurrency: Annotated[int, Meta(ge=1, le=1000)] = 32
    worker_name: Annotated[str, Meta(min_length=1, max_length=100)] = field(default_factory=socket.gethostname)
