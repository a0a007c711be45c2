"""One process of the stack, and its log."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from runtime.stack.logs import Log
from runtime.stack.process import Child, Process, ProcessFailedError, running
from tests.support.stack import eventually

SAYS_READY = "from runtime import process; process.ready()\n"
IGNORES_TERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
WAITS = "import signal; signal.pause()\n"


def python(code: str, *, once: bool = False) -> Process:
    return Process(name="test", command=(sys.executable, "-c", code), once=once)


async def test_process_is_ready_when_it_says_so(tmp_path: Path) -> None:
    async with running(python(SAYS_READY + WAITS), tmp_path) as child:
        assert not child.exit.done()
    assert child.exit.result() != 0


async def test_process_that_is_complete_never_stops_to_look_through_itself(tmp_path: Path) -> None:
    code = "import gc; from runtime import process; process.ready(); print(len(gc.get_objects()))"
    async with running(python(code, once=True), tmp_path):
        assert int((tmp_path / "test.log").read_text()) < 100  # of some 20,000


def niceness_of(pid: int) -> Iterator[int]:
    """That of the process among its like, and that of its session among all, where Linux knows such a thing."""
    yield os.getpriority(os.PRIO_PROCESS, pid) - os.getpriority(os.PRIO_PROCESS, 0)
    session = Path(f"/proc/{pid}/autogroup")
    if session.exists():
        yield int(session.read_text().split()[-1])


@pytest.mark.parametrize("niceness", [0, 5])
async def test_process_lets_others_go_first_as_far_as_it_is_told(tmp_path: Path, niceness: int) -> None:
    process = msgspec.structs.replace(python(SAYS_READY + WAITS), niceness=niceness)
    async with running(process, tmp_path) as child:
        assert set(niceness_of(child.pid)) == {niceness}


async def test_process_that_says_nothing_is_not_ready(tmp_path: Path) -> None:
    log = Log(tmp_path / "test.log")
    child = await Child.start(python(WAITS), log)
    with pytest.raises(ProcessFailedError, match=r"was not ready after 0 s"):
        await child.until_ready(timeout=0.3)
    await child.stop(grace=5)


async def test_process_that_ends_too_early_tells_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailedError, match="ended with code 1") as caught:
        async with running(python("import sys; sys.exit('no licence')"), tmp_path):
            pass
    assert caught.value.lines == ["no licence"]
    assert (tmp_path / "test.log").read_text() == "no licence\n"


async def test_process_that_works_once_is_ready_when_it_has_ended_well(tmp_path: Path) -> None:
    async with running(python("print('done')", once=True), tmp_path):
        assert (tmp_path / "test.log").read_text() == "done\n"
    with pytest.raises(ProcessFailedError, match="ended with code 3"):
        async with running(python("raise SystemExit(3)", once=True), tmp_path):
            pass


async def test_missing_program_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailedError, match="no-such-program"):
        async with running(Process(name="test", command=("no-such-program",)), tmp_path):
            pass


async def test_process_that_does_not_stop_is_killed_with_all_it_started(tmp_path: Path) -> None:
    offspring = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {WAITS!r}]).pid, flush=True)\n"
    async with running(python(IGNORES_TERM + offspring + SAYS_READY + WAITS), tmp_path, grace=0.2) as child:
        pid = int((tmp_path / "test.log").read_text())
    assert child.exit.result() == -9
    eventually(lambda: not is_running(pid))


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that only waits for its parent's attention does not."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_log_is_bounded_and_keeps_the_newest(tmp_path: Path) -> None:
    log = Log(tmp_path / "test.log", limit=100)
    for number in range(100):
        log.write(b"line %02d\n" % number)
    log.close()
    current, before = (tmp_path / "test.log").read_text(), (tmp_path / "test.log.1").read_text()
    assert current.endswith("line 99\n")
    assert len(current) <= 100
    assert len(before) <= 100
    assert sorted(path.name for path in tmp_path.iterdir()) == ["test.log", "test.log.1"]
    assert log.last_lines(2) == ["line 98", "line 99"]


def test_log_of_the_run_before_is_kept(tmp_path: Path) -> None:
    for word in (b"first\n", b"second\n"):
        log = Log(tmp_path / "test.log")
        log.write(word)
        log.close()
    assert (tmp_path / "test.log").read_text() == "second\n"
    assert (tmp_path / "test.log.1").read_text() == "first\n"
