"""Waiting until a projection has read the log."""

from typing import Any, Protocol

from tests.support.events import until

_DONE = """select not exists (select from event e where (e.era, e.txid, e.number) > (p.era, p.txid, p.number)) as done
from projection p where name = $1"""


class Asked(Protocol):
    """What can be asked for what the database holds."""

    async def sql(self, query: str, *arguments: Any) -> list[Any]:
        """Rows."""


async def projected(service: Asked, name: str) -> None:
    """Return as soon as what has been written so far is in the projection."""

    async def caught_up() -> bool:
        return [row["done"] for row in await service.sql(_DONE, name)] == [True]

    await until(caught_up)
