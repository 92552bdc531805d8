"""Work that is shared by processes, which are killed while they do it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from trainer.simulate.pool import WorkerLostError, work_off

several = pytest.mark.skipif(
    (os.cpu_count() or 1) < 2, reason="one processor: nothing is shared"
)


def square(number):
    return number * number


def who(_task):
    return os.getpid()


def kill_itself(_task):
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(task):
    raise ValueError(task)


def sleep_long(folder):
    (folder / str(os.getpid())).touch()
    time.sleep(600)


@pytest.mark.parametrize("jobs", [1, 2, 100_000])
def test_every_task_is_done_once(jobs):
    assert sorted(work_off(square, range(9), jobs=jobs)) == [n * n for n in range(9)]


def test_one_process_does_all_here_and_in_order():
    assert [*work_off(square, [3, 1, 2], jobs=1)] == [9, 1, 4]
    assert {*work_off(who, range(3), jobs=1)} == {os.getpid()}


@several
def test_others_do_it_and_never_more_than_there_are_processors(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)

    found = {*work_off(who, range(20), jobs=100_000)}

    assert os.getpid() not in found
    assert 1 <= len(found) <= 2


@several
def test_a_process_that_is_killed_is_an_error_that_says_what_to_do():
    with pytest.raises(WorkerLostError, match=r"was killed, .* fewer --jobs"):
        list(work_off(kill_itself, range(3), jobs=2))


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_a_task_raises_is_raised(jobs):
    with pytest.raises(ValueError, match="7"):
        list(work_off(refuse, [7], jobs=jobs))


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # nobody may be there to collect it


@several
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_the_one_that_started_them(number, tmp_path):
    program = (
        "from pathlib import Path\n"
        "from tests.trainer.simulate.test_pool import sleep_long\n"
        "from trainer.simulate.pool import work_off\n"
        f"list(work_off(sleep_long, [Path({str(tmp_path)!r})] * 2, jobs=2))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) as process:
        deadline = time.monotonic() + 30
        while len(started := [*tmp_path.iterdir()]) < 2:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(number)
        process.wait(10)
    workers = [int(path.name) for path in started]

    deadline = time.monotonic() + 10
    while any(map(is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.01)

    left = [pid for pid in workers if is_running(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []
