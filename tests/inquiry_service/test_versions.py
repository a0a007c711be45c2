"""The version before the last change of the schema works on the new schema, beside the new version."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from pok.inquiry.v1 import inquiry_pb2, inquiry_pb2_grpc, triage_pb2, triage_pb2_grpc

from runtime.rpc.client import dial
from runtime.rpc.health import serves
from tests.support.inquiry import act_as, analysis, inquiry_service, new_inquiry
from tests.support.servers import free_ports
from tests.support.tokens import LISTED, TOKENS

ROOT = Path(__file__).parent.parent.parent
VERSIONS = "inquiry_service/migrations/versions"


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", "-C", ROOT, *arguments], check=True, capture_output=True, timeout=60).stdout


def check_out_before_last_migration(folder: Path) -> None:
    """Put the code of the commit before the newest migration there, with its contracts compiled."""
    newest = max((ROOT / VERSIONS).glob("[0-9]*.py")).relative_to(ROOT)
    [added] = git("log", "--diff-filter=A", "--format=%H", "--", str(newest)).decode().split()
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", folder], input=git("archive", f"{added}~1"), check=True, timeout=60)
    build = [sys.executable, "proto/build.py"]
    subprocess.run(build, cwd=folder, check=True, capture_output=True, timeout=120)
    assert not (folder / newest).exists()


@contextlib.asynccontextmanager
async def old_service(folder: Path, database_url: str, redis_url: str) -> AsyncIterator[str]:
    """The address of the inquiry service of that version."""
    address = f"127.0.0.1:{free_ports()}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "inquiry_service"),
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(folder), str(folder / "proto"))),
            "POK_DATABASE_URL": database_url,
            "POK_REDIS_URL": redis_url,
            "POK_INQUIRY_LISTEN": address,
            "POK_SERVICE_TOKENS": LISTED,
            "POK_SERVICE_TOKEN": TOKENS["inquiry"],
            "POK_TRACKING_KEY": "t" * 32,
        },
    )
    try:
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(serves, address):
                assert process.returncode is None
        yield address
        process.terminate()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()


async def work(channel: grpc.aio.Channel, inquiry_id: str) -> None:
    triage = triage_pb2_grpc.TriageServiceStub(channel)
    claimed = await triage.ClaimTriage(triage_pb2.ClaimTriageRequest(inquiry_id=inquiry_id, worker="w"))
    result = triage_pb2.CompleteTriageRequest(key=claimed.claim.key, analysis=analysis())
    assert (await triage.CompleteTriage(result)).applied


@pytest.mark.long
async def test_old_and_new_version_work_side_by_side(database_url: str, redis_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    await asyncio.to_thread(check_out_before_last_migration, folder)
    async with (
        inquiry_service(database_url, redis_url) as new,
        old_service(folder, database_url, redis_url) as address,
        dial(address, TOKENS["edge"], timeout=10, send_principal=True) as old_edge,
        dial(address, TOKENS["worker"], timeout=10) as old_worker,
    ):
        by_new = (await new.create()).inquiry.id
        old = inquiry_pb2_grpc.InquiryServiceStub(old_edge)
        by_old = (await old.CreateInquiry(new_inquiry())).inquiry.id
        await work(old_worker, by_new)
        assert await new.complete(await new.must_claim(by_old))
        act_as("support")
        for inquiry_id in (by_new, by_old):
            seen = (await old.GetInquiry(inquiry_pb2.GetInquiryRequest(id=inquiry_id))).inquiry
            assert seen.triage_state == (await new.get(inquiry_id)).triage_state == inquiry_pb2.TRIAGE_STATE_DONE
