"""`python -m inquiry_service doctor`: what a running installation says of itself, as JSON for `pok doctor`."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from importlib.metadata import version

import asyncpg
import msgspec
from pok.ai.v1 import analysis_pb2
from pok.ai.v1.analysis_pb2_grpc import AnalysisServiceStub

from inquiry_service.migrations import run
from inquiry_service.storage import event_log, queue, workers
from inquiry_service.storage.database import Database, Statement
from runtime import settings
from runtime.findings import Finding
from runtime.rpc.client import dial
from runtime.rpc.errors import RpcError, Unavailable

PATIENCE = 5.0
OLDEST_POSTGRES = 180_000
SKEW_SECONDS = 2.0
LATE_SECONDS = 120.0
BEHIND_SECONDS = 60.0

_SERVER = Statement(
    """select current_setting('server_version_num')::int as number, current_setting('server_version') as version,
        extract(epoch from clock_timestamp())::float8 as now,
        (select version_num from alembic_version) as revision"""
)


class DoctorSettings(settings.ProcessSettings, frozen=True, kw_only=True):
    """Without a token the AI service is not asked."""

    database_url: settings.Secret
    ai_address: str = "127.0.0.1:8002"
    service_token: settings.Secret = settings.Secret("")


def main() -> None:
    """Print all findings."""
    try:
        configured = settings.load(DoctorSettings)
    except settings.SettingsError as error:
        sys.exit(str(error))
    found = asyncio.run(_examine(configured))
    sys.stdout.buffer.write(msgspec.json.encode(found))


async def _examine(configured: DoctorSettings) -> list[Finding]:
    database = Database(configured.database_url, 2)
    await database.open()
    try:
        found = [finding async for finding in _database(database)]
    except Unavailable as error:
        found = [Finding("Database", f"cannot be asked ({error.metadata['cause']})", "Read its log, and its address.")]
    except asyncpg.UndefinedTableError:
        found = [Finding("Schema", "is not there", "Run `pok migrate`.")]
    finally:
        await database.close()
    if configured.service_token:
        found.append(await _ai(configured))
    return found


async def _database(database: Database) -> AsyncIterator[Finding]:
    asked = time.time()
    row = await database.row(_SERVER)
    answered = time.time()
    if row is None:
        return
    old = row["number"] < OLDEST_POSTGRES
    yield Finding("Database", f"PostgreSQL {row['version']}", "POK needs PostgreSQL 18 or newer." if old else "")
    yield _schema(row["revision"])
    # Half of the way there and back is not the clock's fault.
    skew = max(asked - row["now"], row["now"] - answered, 0.0)
    advice = "Have both machines keep time by NTP: tokens and caches go by the one, leases by the other."
    yield Finding("Clocks", f"{skew:.1f} s apart", advice if skew > SKEW_SECONDS else "")
    yield await _queue(database)
    yield await _workers(database)
    for name, seconds in sorted((await event_log.lags(database)).items()):
        late = "It catches up by itself; if it does not, read the inquiry service's log for projection_stalled."
        yield Finding(f"What is {name}", f"{seconds:.0f} s behind", late if seconds > BEHIND_SECONDS else "")


def _schema(revision: str) -> Finding:
    newest = run.newest()
    if revision == newest:
        return Finding("Schema", f"at {revision}, the newest")
    if revision > newest:
        return Finding("Schema", f"at {revision}, newer than this POK ({newest})", "Finish the update on this machine.")
    return Finding("Schema", f"at {revision}, this POK has {newest}", "Run `pok migrate`.")


async def _queue(database: Database) -> Finding:
    oldest, failed = await queue.oldest(database), await queue.failed_by_reason(database)
    age, count = oldest.age if oldest else 0.0, sum(number for _, number in failed)
    state = f"the oldest waits {age:.0f} s, {count} failed"
    advice = "Open /queue: are workers alive, does the AI service answer?" if age > LATE_SECONDS else ""
    return Finding("Queue", state, advice)


async def _workers(database: Database) -> Finding:
    alive = [worker for worker in await workers.remembered(database) if worker.alive]
    others = sorted({worker.version for worker in alive} - {version("pok")})
    state = f"{len(alive)} alive"
    if not alive:
        return Finding("Workers", state, "Start one: inquiries are taken in, but none is analysed.")
    if others:
        return Finding("Workers", f"{state}, some of version {', '.join(others)}", "Finish the update of the workers.")
    return Finding("Workers", state)


async def _ai(configured: DoctorSettings) -> Finding:
    async with dial(configured.ai_address, configured.service_token, timeout=PATIENCE) as channel:
        try:
            answer = await AnalysisServiceStub(channel).GetModel(analysis_pb2.GetModelRequest())
        except RpcError as error:
            return Finding("AI service", f"does not answer ({error.reason})", "Is it running? Read its log.")
    state = f"{answer.model.provider} {answer.model.name} answers"
    if answer.HasField("paid") and answer.paid.circuit != "closed":
        failure = f"the circuit of {answer.paid.model.name} is {answer.paid.circuit} ({answer.paid.last_failure})"
        return Finding("AI service", failure, "Look at the provider's status, key and quota.")
    return Finding("AI service", state)
