"""kill -9 at any moment leaves every shot that was said to be stored."""

import random
import subprocess
import sys
import threading

import pytest

from edge_agent.capture_file import CaptureFile
from edge_agent.walking.walk_store import WalkStore
from tests.conftest import ROOT
from tests.edge_agent.walking.walkers import Person, kinds

LONGEST_S = 0.25
"""A shot takes a few milliseconds: in this time every file is written many times."""


def walk_until_killed(folder, after_s):
    """Start or go on with the walk, kill it; return the stored stops it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.edge_agent.walking.walking_process", folder],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        begun = process.stdout.readline()
        assert begun.startswith("begun"), "the walk could not be gone on with"
        timer = threading.Timer(after_s, process.kill)
        timer.start()
        lines = process.stdout.read().splitlines(keepends=True)
        timer.join()
    assert process.returncode in (-9, 0)
    whole = [line.split() for line in lines if line.endswith("\n")]
    return int(begun.split()[1]), {
        (point, int(lap), int(shot)): int(number)
        for _, number, point, lap, shot in whole
    }


def kill_again_and_again(folder, times, seed):
    random_moments = random.Random(seed)
    stored = {}
    for _ in range(times):
        n_done, new = walk_until_killed(folder, random_moments.uniform(0, LONGEST_S))
        assert n_done >= len(stored)
        stored |= new

        store = WalkStore(folder / "walks")
        (name,) = store.walks()
        on_disk = {shot.stop.key: shot.number for shot in store.read(name)}
        assert stored.keys() <= on_disk.keys()
        # A shot may be stored, or taken again, that nobody was told of any more.
        assert all(on_disk[key] >= number for key, number in stored.items())
        assert len(on_disk) <= len(stored) + 1
        stored = on_disk
    return name


def check_all_can_be_read(folder, name):
    person = Person(folder, name=name, resume=True)
    captures = person.store.as_survey(name, "home")
    assert len(captures) == len(person.stored.shots) > 0
    for capture, shot in zip(captures, person.stored.shots, strict=True):
        with CaptureFile(capture.capture) as file:
            assert sum(len(raw) for raw in file) == shot.n_packets > 0
            assert file.damage is None
    assert person.stored.damaged == ()
    assert "stored" in kinds(person.shoot())


def test_a_walk_that_is_killed_a_few_times_loses_no_stored_shot(tmp_path):
    name = kill_again_and_again(tmp_path, 3, seed=1)

    check_all_can_be_read(tmp_path, name)


@pytest.mark.slow
def test_a_walk_that_is_killed_a_hundred_times_loses_no_stored_shot(tmp_path):
    for number in range(10):
        folder = tmp_path / str(number)
        name = kill_again_and_again(folder, 10, seed=number)
        check_all_can_be_read(folder, name)
