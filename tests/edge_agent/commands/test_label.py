"""``edge_agent label``: one more shot, and the site is learnt again."""

import json
import shutil

import pytest

from edge_agent.cli import main
from edge_agent.walking.walk_store import WalkStore
from tests.edge_agent.sites import START_US, packets_at, pcapng_bytes, write_site

WALK = "20260101T000000Z"
HOUR_US = 3_600_000_000


@pytest.fixture
def agent(run_agent, capsys, bundle_directory, tmp_path):
    """Run a command with the small model; returns exit code, results and talk."""

    def agent(*arguments):
        state = tmp_path / "state"
        code = run_agent(*arguments, "--bundle", bundle_directory, "--state", state)
        out, err = capsys.readouterr()
        return code, out, err

    return agent


@pytest.fixture
def walks(tmp_path):
    return WalkStore(tmp_path / "state" / "home" / "walks")


@pytest.fixture(scope="module")
def walked_state(bundle_directory, tmp_path_factory):
    """State of a site that was calibrated from a recording; for reading only."""
    folder = tmp_path_factory.mktemp("walked")
    survey = write_site(folder / "survey")
    flags = ["--bundle", str(bundle_directory), "--state", str(folder / "state")]
    assert main(["calibrate", "--recording", str(survey), *flags]) == 0
    return folder / "state"


@pytest.fixture
def walked(walked_state, tmp_path):
    """That site, to be changed."""
    shutil.copytree(walked_state, tmp_path / "state", symlinks=True)


@pytest.fixture
def shot(tmp_path):
    """Write a capture of a place, some hours after the walk."""

    def shot(place, hours=1, n=24):
        path = tmp_path / f"shot-{place}-{hours}.pcapng"
        start_us = START_US + hours * HOUR_US
        packets = packets_at(place, n=n, seed=99, start_us=start_us)
        path.write_bytes(pcapng_bytes(packets))
        return path

    return shot


@pytest.mark.usefixtures("walked")
def test_a_shot_becomes_part_of_the_walk_of_that_day(agent, walks, shot):
    code, out, err = agent("label", "office", "--pcap", shot(2), "--force")

    assert code == 0, err
    assert walks.walks() == (WALK,)
    newest = walks.read(WALK)[-1]
    assert newest.stop.point.name == "p3", "the only point of that room"
    assert len(walks.read(WALK)) == 10
    assert "put in use as told" in out
    assert "> " not in err, "nobody is asked"


@pytest.mark.usefixtures("walked")
def test_half_a_day_later_it_begins_a_walk_of_its_own(agent, walks, shot):
    code, out, _ = agent("label", "p1", "--pcap", shot(0, hours=13), "--json")

    assert code in (0, 1)
    assert walks.walks() == (WALK, "20260101T130000Z")
    assert walks.unfinished() is None
    assert [s.stop.point.name for s in walks.read("20260101T130000Z")] == ["p1"]
    kinds = [json.loads(line)["event"] for line in out.splitlines()]
    assert kinds[0] == "shooting"
    assert "stored" in kinds


@pytest.mark.usefixtures("walked")
def test_a_new_point_is_added(agent, walks, shot):
    code, _, err = agent("label", "attic 5 5", "--pcap", shot(7), "--force")

    assert code == 0, err
    assert walks.read(WALK)[-1].stop.point.name == "attic"


@pytest.mark.usefixtures("walked")
def test_outside_is_a_place_too(agent, walks, shot):
    code, _, err = agent("label", "outside", "--pcap", shot(9), "--force")

    assert code == 0, err
    assert walks.read(WALK)[-1].stop.point.is_outside


@pytest.mark.usefixtures("walked")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("kitchen", "kitchen has several points: p1, p2; say which"),
        ("ofice", "'ofice' is no point of this site; did you mean office?"),
        ("zzz", "known are kitchen, office, p1, p2, p3. A new one has a name and a"),
    ],
)
def test_a_point_that_is_not_clear_is_asked_for(agent, walks, shot, name, reason):
    code, _, err = agent("label", name, "--pcap", shot(2))

    assert code == 2
    assert reason in err
    assert len(walks.read(WALK)) == 9


@pytest.mark.usefixtures("walked")
def test_a_shot_that_is_no_good_says_why_and_changes_nothing(agent, walks, shot):
    code, out, err = agent("label", "p1", "--pcap", shot(0, n=3))

    assert (code, out) == (1, "")
    assert "too few frames" in err
    assert "then shoot again" in err
    assert len(walks.read(WALK)) == 9


def test_a_capture_that_is_not_there_is_an_error(agent, tmp_path):
    code, _, err = agent("label", "kitchen", "--iface", "no-such-interface")

    assert code == 1
    assert "there is no interface no-such-interface" in err
