"""Waiting until a projection has read the log."""

from tests.support.events import until
from tests.support.inquiry import Service

_DONE = """select not exists (select from event e where (e.era, e.txid, e.number) > (p.era, p.txid, p.number)) as done
from projection p where name = $1"""


async def projected(service: Service, name: str) -> None:
    """Return as soon as what has been written so far is in the projection."""

    async def caught_up() -> bool:
        return [row["done"] for row in await service.sql(_DONE, name)] == [True]

    await until(caught_up)
