"""A campaign in a folder: finished later, and always to the same bytes."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from edge_agent.csi.image import ImageSpec
from edge_agent.recording import record_environment
from edge_agent.survey import read_survey
from tests.conftest import ROOT
from tests.trainer.builders import bytes_below, frames_of
from trainer.simulate.campaign import Campaign
from trainer.simulate.campaign_folder import (
    DiskSpaceError,
    Progress,
    campaign_size,
    write_campaign,
)
from trainer.simulate.captures import Container
from trainer.simulate.folder_settings import FolderError

SMALL = Campaign("hall", n_points=3, n_days=2, n_images=2, n_packets=3)
N_CAPTURES = 3 * 2 * 2


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The campaign, written at once; for reading only."""
    folder = tmp_path_factory.mktemp("whole") / "hall"
    write_campaign(folder, SMALL)
    return folder


def captures_below(folder):
    return {name: data for name, data in bytes_below(folder).items() if "day" in name}


class Stop(Exception):  # noqa: N818
    """Raised where somebody would press Ctrl-C."""


def write_some(folder, n, campaign=SMALL, **options):
    """Write, but stop after so many captures."""

    def stop(progress):
        if progress.n_written == n:
            raise Stop

    with pytest.raises(Stop):
        write_campaign(folder, campaign, on_progress=stop, **options)


# -- what is written -------------------------------------------------------------------


def test_the_list_names_every_capture_with_its_day_and_visit(whole):
    rows = read_survey(whole / "survey.csv")

    assert len(rows) == N_CAPTURES
    assert {row.environment for row in rows} == {"hall-day1", "hall-day2"}
    assert {row.visit for row in rows} == {"1", "2"}
    assert [row.point.name for row in rows[:3]] == ["p01", "p45", "p90"]
    assert rows[0].capture == whole / "day1/visit1/p01.pcapng"
    assert {str(row.capture.relative_to(whole)) for row in rows} == set(
        captures_below(whole)
    )
    assert all(len(frames_of(row.capture)) == 3 * 3 for row in rows)


def test_the_size_is_known_before(whole):
    size = sum(map(len, captures_below(whole).values()))

    assert campaign_size(SMALL, Container.PCAPNG) == size
    full = campaign_size(Campaign("hall"), Container.PCAPNG)
    assert full == 3_510_000 * (316 + 32) + 900 * 76


def test_the_days_become_environments_of_images(tmp_path):
    campaign = Campaign("lab", n_points=3, n_days=1, n_images=4)
    rows = read_survey(write_campaign(tmp_path / "lab", campaign))

    day = record_environment(rows, ImageSpec())

    assert day.is_simulated
    assert day.name == "lab-day1"
    assert len(day.images) == 3 * 4
    assert day.heard.all()
    assert len(day.channels) == 3


@pytest.mark.parametrize("container", [Container.PCAP, Container.PCAP_NS])
def test_captures_can_be_classic_pcap(container, tmp_path, whole):
    rows = read_survey(write_campaign(tmp_path / "hall", SMALL, container))

    assert {row.capture.suffix for row in rows} == {".pcap"}
    first = rows[0].capture.read_bytes()
    magic = {Container.PCAP: "d4c3b2a1", Container.PCAP_NS: "4d3cb2a1"}[container]
    assert first[:4].hex() == magic
    same = (whole / "day1/visit1/p01.pcapng").read_bytes()
    assert first[40 : 40 + 316] in same  # the first packet


# -- interrupted -----------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 5, N_CAPTURES - 1])
def test_what_was_interrupted_is_finished_to_the_same_bytes(n, tmp_path, whole):
    folder = tmp_path / "hall"
    write_some(folder, n)
    assert len(captures_below(folder)) == n
    assert not (folder / "survey.csv").exists()
    seen = []

    write_campaign(folder, SMALL, on_progress=seen.append)

    assert bytes_below(folder) == bytes_below(whole)
    assert (seen[0].n_kept, seen[0].n_written) == (n, 0)
    assert (seen[-1].n_kept, seen[-1].n_written) == (n, N_CAPTURES - n)


def test_what_is_finished_is_left_alone(tmp_path, whole):
    folder = tmp_path / "hall"
    shutil.copytree(whole, folder)
    before = (folder / "day1/visit1/p01.pcapng").stat().st_mtime_ns
    seen = []

    write_campaign(folder, SMALL, on_progress=seen.append)

    assert (folder / "day1/visit1/p01.pcapng").stat().st_mtime_ns == before
    assert bytes_below(folder) == bytes_below(whole)
    assert [progress.n_done for progress in seen] == [N_CAPTURES]


def spoil(path):
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: spoil(folder / "day2/visit1/p45.pcapng"),
        lambda folder: os.truncate(folder / "day2/visit1/p45.pcapng", 400),
        lambda folder: (folder / "day2/visit1/p45.pcapng").unlink(),
        lambda folder: (folder / "day2/visit1/.p45.pcapng.x1").write_bytes(b"half"),
        lambda folder: os.truncate(folder / "captures.log", 57),  # in a line
        lambda folder: (folder / "captures.log").write_bytes(b"\xff\0nonsense\n\n"),
        lambda folder: (folder / "captures.log").unlink(),
        lambda folder: (folder / "survey.csv").unlink(),
    ],
    ids=[
        *("a bit", "the end", "gone", "a half file"),
        *("half a line", "no log at all", "log gone", "no list"),
    ],
)
def test_what_a_power_cut_leaves_is_made_good(damage, tmp_path, whole):
    folder = tmp_path / "hall"
    shutil.copytree(whole, folder)
    damage(folder)

    write_campaign(folder, SMALL)

    assert bytes_below(folder) == bytes_below(whole)


def test_several_processes_write_the_same_bytes(tmp_path, whole):
    seen = []

    write_campaign(tmp_path / "hall", SMALL, jobs=2, on_progress=seen.append)

    assert bytes_below(tmp_path / "hall") == bytes_below(whole)
    assert [progress.n_written for progress in seen] == list(range(N_CAPTURES + 1))


def test_several_processes_can_be_interrupted(tmp_path, whole):
    write_some(tmp_path / "hall", 2, jobs=2)

    write_campaign(tmp_path / "hall", SMALL)

    assert bytes_below(tmp_path / "hall") == bytes_below(whole)


@pytest.mark.parametrize(
    ("number", "jobs"),
    [(signal.SIGINT, "1"), (signal.SIGINT, "4"), (signal.SIGKILL, "1")],
)
def test_a_process_that_is_stopped_can_be_repeated(number, jobs, tmp_path):
    """The real command, really stopped, and all its helpers as by a terminal."""
    arguments = ["hall", "--points", "5", "--days", "2", "--images", "6"]
    command = [sys.executable, "-m", "trainer", "simulate", *arguments]
    folder, other = tmp_path / "hall", tmp_path / "other"
    with subprocess.Popen(
        [*command, folder, "--jobs", jobs],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        log = folder / "captures.log"
        while process.poll() is None and (
            not log.exists() or log.read_bytes().count(b"\n") < 3
        ):
            pass
        os.killpg(process.pid, number)
        _, said = process.communicate(timeout=30)
    assert not (folder / "survey.csv").exists()
    if number == signal.SIGINT:
        assert process.returncode == 1
        assert said.splitlines() == [
            "what is finished stays; the same command goes on with the rest",
            "trainer: interrupted",
        ]

    for target in (folder, other):
        subprocess.run([*command, target], cwd=ROOT, check=True, capture_output=True)

    assert captures_below(folder) == captures_below(other)


# -- refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("campaign", "container", "reason"),
    [
        (
            Campaign("lab", 3, 2, 2, 2, 3),
            Container.PCAPNG,
            "scene_name is hall there, lab",
        ),
        (
            Campaign("hall", 4, 2, 2, 2, 3),
            Container.PCAPNG,
            "points is 3 there, 4 here",
        ),
        (
            Campaign("hall", 3, 2, 2, 2, 3, seed=1),
            Container.PCAPNG,
            "seed is 0 there, 1 here",
        ),
        (SMALL, Container.PCAP, "format is pcapng there, pcap here"),
    ],
)
def test_another_simulation_does_not_go_into_the_same_folder(
    campaign, container, reason, tmp_path, whole
):
    folder = tmp_path / "hall"
    shutil.copytree(whole, folder)

    with pytest.raises(FolderError, match=f"with other settings: {reason}"):
        write_campaign(folder, campaign, container)

    assert bytes_below(folder) == bytes_below(whole)


def test_settings_of_another_version_are_other_settings(tmp_path, whole):
    folder = tmp_path / "hall"
    shutil.copytree(whole, folder)
    settings = json.loads((folder / "simulation.json").read_text())
    (folder / "simulation.json").write_text(json.dumps(settings | {"more": 1}))

    with pytest.raises(FolderError, match="some that this version does not know"):
        write_campaign(folder, SMALL)
    (folder / "simulation.json").write_text("[]")
    with pytest.raises(FolderError, match="with other settings"):
        write_campaign(folder, SMALL)


@pytest.mark.parametrize("text", [b"{\xff", b"{", b"[" * 100_000])
def test_damaged_settings_are_named(tmp_path, text):
    (tmp_path / "simulation.json").write_bytes(text)

    with pytest.raises(FolderError, match=r"simulation.json is damaged"):
        write_campaign(tmp_path, SMALL)


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")

    with pytest.raises(FolderError, match="is not empty, and holds no simulation"):
        write_campaign(tmp_path, SMALL)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_disk_that_is_too_small_is_noticed_before(tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")
    asked = []
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: asked.append(Path(path)) or usage(10**9)
    )

    with pytest.raises(
        DiskSpaceError, match=r"1\.24 GB are still to be written, and .* has 1\.00 GB"
    ):
        write_campaign(tmp_path / "deep" / "hall", Campaign("hall"))

    assert list(tmp_path.iterdir()) == []
    assert asked == [tmp_path]


def test_only_what_is_missing_must_fit(tmp_path, monkeypatch, whole):
    folder = tmp_path / "hall"
    shutil.copytree(whole, folder)
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(0))

    write_campaign(folder, SMALL)  # nothing is

    (folder / "day1/visit1/p01.pcapng").unlink()
    with pytest.raises(DiskSpaceError):
        write_campaign(folder, SMALL)


# -- progress --------------------------------------------------------------------------


def test_the_time_left_is_that_of_the_captures_left():
    assert Progress(100, 20, 0, 0.0).left_s is None
    assert Progress(100, 20, 40, 10.0).left_s == pytest.approx(10.0)
    assert Progress(100, 20, 80, 20.0).left_s == 0
