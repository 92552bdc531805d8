"""Whether a walk can be kept, on real disks that are full, read-only or not ours."""

import errno
import os
import resource
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.csi.image import ImageSpec
from edge_agent.preflight.disk import (
    RESERVE_BYTES,
    DiskFacts,
    check_disk,
    planned_bytes,
    read_disk,
)
from edge_agent.preflight.finding import Severity
from tests.edge_agent.mounts import fill, make_read_only, small_disk
from tests.edge_agent.station import NOBODY

PLAN = 6_000_000
ROOMY = DiskFacts(Path("/var/walk"), Path("/var"), free_bytes=10**9, user="pi")


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        yield disk


def the_finding(facts, plan_bytes=0):
    [finding] = check_disk(facts, plan_bytes=plan_bytes)
    return finding


def as_nobody(work):
    if os.geteuid() != 0:
        pytest.skip("needs root to be somebody else")
    os.seteuid(NOBODY)
    try:
        return work()
    finally:
        os.seteuid(0)


# -- real disks ------------------------------------------------------------------------


def test_a_folder_that_can_be_written_is_fine_and_nothing_is_left_in_it(tmp_path):
    facts = read_disk(tmp_path / "state" / "home")

    assert the_finding(facts).severity is Severity.OK
    assert facts.exists == tmp_path
    assert facts.free_bytes == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_found_by_writing(disk):
    fill(disk)

    finding = the_finding(read_disk(disk / "home"))

    assert (finding.severity, finding.code) == (Severity.STOP, "disk-full")
    assert f"0 kB left on {disk}" in finding.what
    assert f"df -h {disk}" in finding.do


@pytest.fixture
def half_a_page():
    """This process may write no file that is longer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_room_for_half_a_page_is_none(tmp_path, half_a_page):
    finding = the_finding(read_disk(tmp_path))
    assert finding.code == "disk-full"
    assert finding.what.startswith("the disk is full: ")


def test_a_disk_with_too_little_room_for_the_walk_is_not_called_full(disk):
    facts = read_disk(disk)

    assert facts.error == 0
    finding = the_finding(facts, PLAN)
    assert finding.code == "disk-full"
    assert finding.what.startswith("too little room on the disk: 66 kB left on ")
    assert "needs up to 10.2 MB" in finding.what


def test_a_read_only_disk_is_named_with_how_to_get_it_writable(disk):
    (disk / "home").mkdir()
    make_read_only(disk)

    finding = the_finding(read_disk(disk / "home" / "walks"))

    assert (finding.severity, finding.code) == (Severity.STOP, "disk-read-only")
    assert finding.what.startswith(f"{disk / 'home'} is on a read-only file system")
    assert f"mount -o remount,rw {disk} " in finding.do


def test_a_folder_of_somebody_else_is_named_with_its_owner():
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        facts = as_nobody(lambda: read_disk(folder / "home"))
    finally:
        folder.rmdir()

    finding = the_finding(facts)
    assert (finding.severity, finding.code) == (Severity.STOP, "disk-not-ours")
    assert finding.what == (f"{folder} belongs to root and cannot be written as nobody")
    assert finding.do.startswith(f"sudo chown -R nobody {folder}")


def test_a_folder_that_hides_what_is_below_is_named():
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    (folder / "home").mkdir()
    try:
        facts = as_nobody(lambda: read_disk(folder / "home"))
    finally:
        shutil.rmtree(folder)

    assert facts.exists == folder
    assert the_finding(facts).code == "disk-not-ours"


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "state").touch()

    finding = the_finding(read_disk(tmp_path / "state" / "home"))

    assert (finding.severity, finding.code) == (Severity.STOP, "disk-not-a-folder")
    assert str(tmp_path / "state") in finding.what


# -- facts -----------------------------------------------------------------------------


def test_a_disk_that_fails_is_named_with_its_error():
    finding = the_finding(replace(ROOMY, error=errno.EIO))

    assert (finding.severity, finding.code) == (Severity.STOP, "disk-error")
    assert "Input/output error" in finding.what


def test_a_quota_is_a_full_disk():
    assert the_finding(replace(ROOMY, error=errno.EDQUOT)).code == "disk-full"


def test_a_disk_without_inodes_is_full():
    finding = the_finding(replace(ROOMY, free_files=0))

    assert finding.code == "disk-full"
    assert "inodes" in finding.what


def test_a_file_system_without_a_limit_of_files_is_fine():
    assert the_finding(replace(ROOMY, free_files=None)).severity is Severity.OK


@pytest.mark.parametrize(
    ("free_bytes", "severity"),
    [
        (PLAN + RESERVE_BYTES - 1, Severity.STOP),
        (PLAN + RESERVE_BYTES, Severity.CAUTION),
        (2 * (PLAN + RESERVE_BYTES) - 1, Severity.CAUTION),
        (2 * (PLAN + RESERVE_BYTES), Severity.OK),
    ],
)
def test_room_for_one_walk_is_a_caution_and_for_two_is_fine(free_bytes, severity):
    facts = replace(ROOMY, free_bytes=free_bytes)

    assert the_finding(facts, PLAN).severity is severity


def test_room_is_said_in_units_that_people_read():
    texts = [
        the_finding(replace(ROOMY, free_bytes=n)).what
        for n in (20_000_000, 3_200_000_000)
    ]

    assert texts == ["20.0 MB free on /var", "3.2 GB free on /var"]


def test_a_walk_of_nine_shots_takes_at_most_a_few_megabytes():
    # 9 x 3 access points x 4 x 50 frames of 1 122 bytes at most
    frames = 9 * 3 * 4 * 50 * 1122

    assert frames < planned_bytes(9, ImageSpec()) < 1.15 * frames
