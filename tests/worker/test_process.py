"""The worker as a process of its own: what starts it and what ends it."""

import signal
import subprocess
import sys
from pathlib import Path

from runtime.stack.process import Process, running
from tests.support.analysis_stub import AnalysisStub
from tests.support.servers import free_ports
from tests.support.tokens import TOKENS
from tests.support.triage_stub import TriageStub

COMMAND = (sys.executable, "-m", "worker")


async def test_process_is_ready_without_valkey_and_ends_well_on_sigterm(
    queue: TriageStub, ai: AnalysisStub, tmp_path: Path
) -> None:
    environment = {
        "POK_REDIS_URL": f"redis://:hunter2@127.0.0.1:{free_ports()}/0",
        "POK_INQUIRY_ADDRESS": queue.address,
        "POK_AI_ADDRESS": ai.address,
        "POK_SERVICE_TOKEN": TOKENS["worker"],
        "POK_WORKER_NAME": "worker-of-test",
        "PYTHONPATH": ":".join(sys.path),
    }
    process = Process(name="worker", command=COMMAND, environment=environment, stop_signal=signal.SIGTERM)
    async with running(process, tmp_path) as child:
        await queue.until(lambda stub: ("worker-of-test", frozenset()) in stub.heartbeats)
    assert child.exit.result() == 0
    log = (tmp_path / "worker.log").read_text()
    assert "doorbell_lost" in log
    assert "hunter2" not in log
    assert TOKENS["worker"] not in log


def test_wrong_settings_are_listed_without_their_values() -> None:
    environment = {"POK_WORKER_CONCURRENCY": "0", "POK_SERVICE_TOKEN": "hunter2", "PYTHONPATH": ":".join(sys.path)}
    ended = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    for name in ("POK_REDIS_URL", "POK_INQUIRY_ADDRESS", "POK_AI_ADDRESS", "POK_WORKER_CONCURRENCY"):
        assert name in ended.stderr
    assert "hunter2" not in ended.stderr
