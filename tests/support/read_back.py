"""What became of what was acknowledged: everything is read back from the database, and sets are compared."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

import asyncpg

from tests.support.cluster import Cluster

FINAL = ("done", "needs_review", "failed")
POLL = 0.25

_WAITING = """select count(*) as n from inquiry where id = any($1::text[]::uuid[])
    and triage_state not in ('done', 'needs_review', 'failed')"""
_EVERYTHING = """
select i.id::text, i.triage_state, i.triage_reason, j.state as job, j.crashes, j.attempt,
    (select count(*) from ai_run r where r.inquiry_id = i.id and r.outcome in ('applied', 'suggested')) as results,
    (select count(*) from event e where e.inquiry_id = i.id and e.kind = 'triage_completed') as completions,
    (select count(*) from event e where e.inquiry_id = i.id and e.kind = 'inquiry_created') as creations
from inquiry i left join triage_job j on j.inquiry_id = i.id
"""


class Outcome(NamedTuple):
    """Ids, or ids with what is wrong with them; nothing is wrong when all of it is empty."""

    lost: frozenset[str]
    """Acknowledged, but absent or not final."""
    repeated: frozenset[str]
    """With other than one result."""
    failed: Mapping[str, str]
    """With the reason."""
    invented: frozenset[str]
    """There, but never acknowledged."""
    astray: frozenset[str]
    """Whose job does not rest although the machine is done with it."""


NOTHING_WRONG = Outcome(frozenset(), frozenset(), {}, frozenset(), frozenset())


async def settled(cluster: Cluster, acknowledged: Collection[str], seconds: float) -> None:
    """Return when all are final, or after `seconds`, whichever comes first."""
    ids = list(acknowledged)
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        try:
            [row] = await cluster.sql(_WAITING, ids)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            row = {"n": 1}  # the database may be what is down
        if row["n"] == 0:
            return
        await asyncio.sleep(POLL)


async def outcome(cluster: Cluster, acknowledged: Collection[str], seconds: float) -> Outcome:
    """Read everything back once all are final, after `seconds` at the latest."""
    await settled(cluster, acknowledged, seconds)
    rows = {row["id"]: row for row in await cluster.sql(_EVERYTHING)}
    final = {id_ for id_, row in rows.items() if row["triage_state"] in FINAL}
    failed = {id_: str(row["triage_reason"]) for id_, row in rows.items() if row["triage_state"] == "failed"}
    return Outcome(
        lost=frozenset(set(acknowledged) - final),
        repeated=frozenset(
            id_ for id_ in final - failed.keys() if (rows[id_]["results"], rows[id_]["completions"]) != (1, 1)
        ),
        failed=failed,
        invented=frozenset(rows.keys() - set(acknowledged)),
        astray=frozenset(id_ for id_ in final if rows[id_]["job"] != "idle"),
    )


async def states(cluster: Cluster) -> Counter[str]:
    """How many inquiries are in which triage state."""
    rows = await cluster.sql("select triage_state, count(*) as n from inquiry group by triage_state")
    return Counter({row["triage_state"]: row["n"] for row in rows})
