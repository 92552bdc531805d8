"""One shot into a walk, with a disk that fails and a shot that is no good."""

import pytest

from edge_agent.csi.image import ImageSpec
from edge_agent.errors import CalibrationError, WalkError
from edge_agent.guide.recorded_site import RecordedSite
from edge_agent.guide.setting import is_marked_simulated, mark_simulated
from edge_agent.guide.single_shot import packet_clock, take_shot
from edge_agent.guide.walk_loop import RecordedWalk
from edge_agent.survey import Point, read_survey
from edge_agent.walking.engine import Walk
from edge_agent.walking.plan import WalkPlan
from edge_agent.walking.shot_events import Discarded, Judged, Stored
from edge_agent.walking.stored_walk import StoredWalk
from edge_agent.walking.walk_store import WalkStore
from tests.edge_agent.sites import (
    POINTS,
    packets_at,
    raw_frames_of,
    write_site,
)

SPEC = ImageSpec(n_packets=8, n_tones=16, n_channels=2)


class Notes:
    """A skin that remembers the kinds of events."""

    def __init__(self):
        self.seen = []

    def events(self, events):
        self.seen += [type(event) for event in events]


@pytest.fixture
def stored(tmp_path):
    store = WalkStore(tmp_path / "walks")
    with store.begin(WalkPlan(POINTS, 1), "20260101T000000Z") as stored:
        yield stored


@pytest.fixture
def full_disk(monkeypatch):
    def fail(*_arguments):
        raise WalkError("the disk is full: free some space")

    monkeypatch.setattr(StoredWalk, "save", fail)


def shoot(stored, point, raw):
    notes = Notes()
    take_shot(Walk(stored, SPEC), point, notes, iter([raw]), packet_clock())
    return notes.seen


def test_a_shot_of_a_known_and_of_a_new_point_is_stored(stored):
    raw = raw_frames_of(packets_at(0))

    seen = shoot(stored, POINTS[0], raw)
    shoot(stored, Point("attic", 5.0, 5.0, "attic"), raw_frames_of(packets_at(5)))

    assert Judged in seen
    assert Stored in seen
    names = [shot.stop.point.name for shot in stored.shots]
    assert names == ["p1", "attic"]


def test_packets_that_end_too_soon_are_judged_all_the_same(stored):
    with pytest.raises(CalibrationError, match=r"too few frames .*then shoot again"):
        shoot(stored, POINTS[0], raw_frames_of(packets_at(0, n=3)))
    assert not stored.shots


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_said(stored):
    with pytest.raises(WalkError, match="the disk is full"):
        shoot(stored, POINTS[0], raw_frames_of(packets_at(0)))


@pytest.mark.usefixtures("full_disk")
def test_a_recording_does_not_go_on_without_a_disk(stored, tmp_path):
    site = RecordedSite.of(read_survey(write_site(tmp_path / "survey")), max_laps=1)

    with pytest.raises(WalkError, match="the disk is full"):
        RecordedWalk(Walk(stored, SPEC), Notes(), site).run()


def test_a_point_without_coordinates_does_not_fit_where_others_have_some(stored):
    with pytest.raises(WalkError, match="attic"):
        shoot(
            stored,
            Point("attic", None, None, "attic"),
            raw_frames_of(packets_at(0)),
        )


def test_a_recording_skips_what_is_not_there(stored, tmp_path):
    rows = read_survey(write_site(tmp_path / "survey"))
    site = RecordedSite.of([r for r in rows if r.point.name != "p2"], max_laps=1)
    notes = Notes()

    RecordedWalk(Walk(stored, SPEC), notes, site).run()

    assert notes.seen.count(Stored) == 2
    assert notes.seen.count(Discarded) == 1
    assert stored.is_finished


def test_a_walk_is_marked_as_simulated(stored, tmp_path):
    assert not is_marked_simulated(stored.folder)
    mark_simulated(stored.folder)
    assert is_marked_simulated(stored.folder)

    (tmp_path / "file").touch()
    with pytest.raises(WalkError, match=r"cannot write to .*file"):
        mark_simulated(tmp_path / "file")
