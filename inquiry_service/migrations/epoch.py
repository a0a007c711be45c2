"""The era of the event log: a restored database begins a new one, since its transaction ids begin anew."""

from typing import Any

# The timeline moves on at a failover or a recovery to a point in time, which may have lost what clients have seen.
_BEGIN = """
update feed set era = era + 1, epoch = substr(md5(gen_random_uuid()::text), 1, 8),
    system_identifier = server.system_identifier, timeline = checkpoint.timeline_id
from pg_control_system() server, pg_control_checkpoint() checkpoint
where (feed.system_identifier, feed.timeline) <> (server.system_identifier, checkpoint.timeline_id)
returning era
"""
# Versions of what the AI knows go on above all that the lost server may have given out: it gave fewer than a thousand
# a second, so that the clock is above them.
_TELL_ANEW = """
update knowledge set version = later, oldest_version = later
from (select greatest(version + 1, floor(extract(epoch from now()) * 1000)::bigint) as later from knowledge) anew
"""


async def renew(connection: Any) -> None:
    """Begin a new era if this is not the server on which the last one began; `connection` is the owner's."""
    async with connection.transaction():
        era = await connection.fetchval(_BEGIN)
        if era is not None:
            await connection.execute(f"alter table event alter column era set default {int(era)}")
            await connection.execute(_TELL_ANEW)
