"""Walks on disk: what is there after a power cut, and after worse."""

import errno
import json
import os
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from edge_agent.capture_file import CaptureFile
from edge_agent.csi.raw import RawFrames
from edge_agent.errors import WalkError
from edge_agent.recording import record_environment
from edge_agent.walking import stored_walk, walk_files
from edge_agent.walking.plan import Stop, WalkPlan, outside_point
from edge_agent.walking.shot_meter import ShotMeter
from edge_agent.walking.walk_store import WalkStore, walk_name
from tests.builders import packets_of
from tests.edge_agent.sites import REAL, SPEC, packets_at, raw_frames_of
from tests.edge_agent.walking.walkers import KITCHEN, MACS, NAME, OFFICE, PLAN, Person

STOP = Stop(KITCHEN, 1)


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """Who has taken the shots of kitchen and office, and left."""
    person = Person(tmp_path_factory.mktemp("site"))
    person.shoot()
    person.shoot()
    person.stored.close()
    return person


@pytest.fixture
def person(walked, tmp_path):
    """The same, with files of one's own."""
    shutil.copytree(walked.stored.folder.parent, tmp_path / "walks")
    stored = SimpleNamespace(
        folder=tmp_path / "walks" / NAME, shots=walked.stored.shots
    )
    return SimpleNamespace(store=WalkStore(tmp_path / "walks"), stored=stored)


def numbers(person):
    return [shot.number for shot in person.store.read(NAME)]


def test_a_walk_is_called_by_the_time_it_began():
    assert walk_name(1_795_428_900_999_999_999) == "20261123T101500Z"
    assert walk_name(0) == "19700101T000000Z"


def test_a_time_that_no_calendar_has_gives_no_walk():
    with pytest.raises(WalkError, match="set the clock"):
        walk_name(10**30)


def test_what_was_captured_is_stored_byte_by_byte(tmp_path):
    person = Person(tmp_path)
    person.do("shoot")
    packets = packets_at(1)
    for packet in packets:
        person.pass_time(0.02)
        person.walk.feed(raw_frames_of([packet]), person.now)

    (shot,) = person.stored.shots
    with CaptureFile(person.stored.folder / "0001.pcap") as file:
        stored = packets_of(file)
    fed = [(packet, time_us * 1000, 1) for time_us, packet in packets]
    assert stored == fed[: len(stored)]
    assert len(stored) == shot.n_packets >= 16


def test_shots_are_read_back_as_they_were_judged(person):
    for read, taken in zip(person.store.read(NAME), person.stored.shots, strict=True):
        assert replace(read, readings=()) == replace(taken, readings=())
        assert [r.to_json() for r in read.readings] == [
            r.to_json() for r in taken.readings
        ]
    assert [r.mac for r in read.readings] == list(MACS)
    assert read.readings[0].level_dbm == -50


def test_a_walk_is_a_survey_with_visits_by_walk_and_lap(person):
    rows = person.store.as_survey(NAME, "home")

    assert [(row.point, row.visit, row.environment) for row in rows] == [
        (KITCHEN, f"{NAME}/1", "home"),
        (OFFICE, f"{NAME}/1", "home"),
    ]
    assert all(row.capture.is_file() for row in rows)


def test_walks_are_listed_in_order_of_time_without_what_is_none(person, tmp_path):
    folder = tmp_path / "walks"
    later = person.store.begin(PLAN, "20991231T235959Z")
    later.close()
    (folder / "20991231T235958Z").mkdir()  # killed before it had a plan
    (folder / "notes").mkdir()

    assert person.store.walks() == (NAME, "20991231T235959Z")
    assert person.store.unfinished() == "20991231T235959Z"
    assert WalkStore(tmp_path / "none").walks() == ()
    assert WalkStore(tmp_path / "none").unfinished() is None


def test_only_the_newest_walk_can_be_unfinished(person):
    with person.store.begin(PLAN, "20991231T235959Z") as newest:
        newest.finish()
        assert newest.is_finished

    assert person.store.unfinished() is None


def test_what_a_power_cut_left_half_written_is_removed(person):
    folder = person.stored.folder
    (folder / "0003.pcap").write_bytes(b"packets without a label")
    (folder / ".0003.json.x1y2").write_bytes(b"{")
    (folder / ".plan.json.abc").write_bytes(b"{")
    (folder / "notes.txt").write_text("of a person")

    with person.store.open(NAME) as stored:
        names = {path.name for path in folder.iterdir()}
        assert names == {
            "0001.json",
            "0001.pcap",
            "0002.json",
            "0002.pcap",
            "notes.txt",
            "plan.json",
        }
        assert stored.damaged == ()


def test_of_two_shots_of_one_stop_the_newer_counts_and_the_older_goes(person):
    folder = person.stored.folder
    label = json.loads((folder / "0001.json").read_text())
    (folder / "0007.json").write_text(json.dumps(label | {"number": 7}))
    (folder / "0007.pcap").write_bytes((folder / "0001.pcap").read_bytes())

    assert numbers(person) == [2, 7]
    person.store.open(NAME).close()
    assert not (folder / "0001.json").exists()
    assert not (folder / "0001.pcap").exists()


def test_reading_a_walk_touches_nothing(person):
    folder = person.stored.folder
    (folder / "0003.pcap").write_bytes(b"packets without a label")

    person.store.read(NAME)
    person.store.as_survey(NAME, "home")

    assert (folder / "0003.pcap").exists()


def test_numbers_are_never_used_twice(person):
    folder = person.stored.folder
    (folder / "0009.json").write_text("damaged")

    again = Person(folder.parent.parent, resume=True)
    again.shoot()

    assert numbers(again) == [1, 2, 10]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (b"", "no JSON"),
        (b"[1]", "not an object"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b" " * (1 << 20) + b"{}", "longer than"),
        ({"schema": "metaloc.shot/2"}, "schema"),
        ({"number": 2}, "of shot 2"),
        ({"number": True}, "number is True"),
        ({"lap": 0}, "lap is 0"),
        ({"shot": 1e99}, "shot is 1e+99"),
        ({"bytes": 12}, "not 12 bytes"),
        ({"steadiness": 7}, "steadiness is 7"),
        ({"steadiness": "high"}, "steadiness is 'high'"),
        ({"verdict": None}, "verdict is None"),
        ({"verdict": {"grade": "BEST", "reason": "fine"}}, "no verdict"),
        ({"access_points": {}}, "access_points is {}"),
        ({"access_points": [{}] * 65}, "access_points is"),
        ({"access_points": [{"shape": [1e999]}]}, "shape"),
        ({"access_points": [{"shape": [], "mac": "x"}]}, "mac is 'x'"),
        ({"point": {"name": ""}}, "point.name is ''"),
        ({"point": {"name": "a", "x": "b"}}, "point.x is 'b'"),
    ],
)
def test_a_damaged_label_costs_one_shot_and_is_kept_to_be_looked_at(
    person, change, reason
):
    path = person.stored.folder / "0001.json"
    if isinstance(change, dict):
        change = json.dumps(json.loads(path.read_text()) | change).encode()
    path.write_bytes(change)

    with person.store.open(NAME) as stored:
        assert [shot.number for shot in stored.shots] == [2]
        (damaged,) = stored.damaged
    assert reason in damaged
    assert path.read_bytes() == change
    assert (person.stored.folder / "0001.pcap").exists()


def test_a_label_whose_packets_are_gone_does_not_count(person):
    (person.stored.folder / "0002.pcap").unlink()

    assert numbers(person) == [1]
    (damaged,) = person.store.open(NAME).damaged
    assert "0002.pcap is not there" in damaged


@pytest.mark.parametrize("cut", range(0, 700, 97))
def test_a_label_cut_short_anywhere_does_not_count(person, cut):
    path = person.stored.folder / "0001.json"
    path.write_bytes(path.read_bytes()[:cut])

    assert numbers(person) == [2]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON"),
        ('{"schema": "metaloc.walk-plan/9"}', "schema"),
        ('{"schema": "metaloc.walk-plan/1"}', "points is missing"),
        ("{}" + " " * (1 << 20), "longer than"),
    ],
)
def test_a_damaged_plan_is_refused_and_the_shots_are_kept(person, text, reason):
    (person.stored.folder / "plan.json").write_text(text)

    with pytest.raises(WalkError, match=reason):
        person.store.open(NAME)
    assert numbers(person) == [1, 2]


def test_a_plan_with_nonsense_inside_is_refused(person):
    path = person.stored.folder / "plan.json"
    plan = json.loads(path.read_text())
    plan["points"] += plan["points"][:1]
    path.write_text(json.dumps(plan))

    with pytest.raises(WalkError, match="two points are called 'kitchen'"):
        person.store.open(NAME)


@pytest.mark.parametrize("name", ["20261123T101500Z", "../..", "", "x" * 10_000])
def test_a_walk_that_is_not_there_is_refused_with_those_that_are(person, name):
    with pytest.raises(WalkError, match=NAME):
        person.store.open(name)


def test_a_walk_needs_a_name_of_a_time_that_is_free(person):
    with pytest.raises(WalkError, match="20261123T101500Z"):
        person.store.begin(PLAN, "monday")
    with pytest.raises(WalkError, match="within the same second"):
        person.store.begin(PLAN, NAME)


def test_a_walk_that_is_being_walked_is_left_alone(person):
    with (
        person.store.open(NAME),
        pytest.raises(WalkError, match="by another process"),
    ):
        person.store.open(NAME)
    person.store.open(NAME).close()


def test_a_file_system_without_locks_is_no_obstacle(person, monkeypatch):
    def unsupported(*_arguments):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(walk_files.fcntl, "flock", unsupported)

    with person.store.open(NAME) as stored:
        assert len(stored.shots) == 2


def test_a_walk_with_too_many_files_is_refused(person, monkeypatch):
    monkeypatch.setattr(walk_files, "_MAX_FILES", 3)

    with pytest.raises(WalkError, match="more than 3 files"):
        person.store.read(NAME)


def test_a_folder_that_cannot_be_read_is_named(person, monkeypatch):
    monkeypatch.setattr(walk_files.Path, "iterdir", _raising(errno.EACCES))

    with pytest.raises(WalkError, match="permission denied"):
        person.store.walks()
    with pytest.raises(WalkError, match="permission denied"):
        person.store.read(NAME)


def _raising(number):
    def fail(*_arguments, **_options):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EFBIG, "ulimit"),
        (errno.EIO, "Input/output error"),
    ],
)
@pytest.mark.parametrize("fails", ["pcap", "json"])
def test_a_shot_that_cannot_be_written_leaves_all_others(
    person, monkeypatch, number, advice, fails
):
    write = stored_walk.write_atomically

    def write_until(path, data):
        if path.suffix == f".{fails}":
            raise OSError(number, os.strerror(number))
        write(path, data)

    before = sorted(person.stored.folder.iterdir())
    again = Person(person.stored.folder.parent.parent, resume=True)
    with monkeypatch.context() as patch:
        patch.setattr(stored_walk, "write_atomically", write_until)
        fault = again.shoot()[-1]
    assert advice in fault.text
    assert "safe" in fault.text
    assert sorted(person.stored.folder.iterdir()) == before

    again.do("keep")
    assert numbers(again) == [1, 2, 3]


def test_a_walk_cannot_begin_where_nothing_can_be_written(tmp_path):
    (tmp_path / "walks").write_text("a file is in the way")

    with pytest.raises(WalkError, match="cannot begin a walk"):
        WalkStore(tmp_path / "walks").begin(PLAN, NAME)


def test_packets_from_beyond_the_calendar_are_not_stored(person):
    stored = person.store.open(NAME)
    (shot,) = stored.shots[:1]
    future = RawFrames(
        np.zeros(10, np.uint8),
        np.array([0]),
        np.array([10]),
        np.array([(1 << 32) * 10**9]),
        1,
    )
    with pytest.raises(WalkError, match="set the clock"):
        stored.save(STOP, shot.verdict, ShotMeter(SPEC, now=0.0).report(1.0), future)
    assert [s.number for s in stored.shots] == [1, 2]


def test_a_walk_ends_where_numbers_do(person, monkeypatch):
    monkeypatch.setattr(stored_walk, "MAX_NUMBER", 2)
    again = Person(person.stored.folder.parent.parent, resume=True)

    assert "up to 2 shots" in again.shoot()[-1].text


def test_outside_and_points_of_rooms_are_stored_as_such(tmp_path):
    room = replace(KITCHEN, x=None, y=None)
    person = Person(tmp_path, WalkPlan((room,), laps=1, with_outside=True))
    person.shoot(4)
    person.shoot(1, macs=REAL)

    first, second = person.store.read(NAME)
    assert first.stop.point == outside_point()
    assert second.stop.point == room


def test_every_shot_of_a_walk_makes_an_image_of_all_access_points(walked):
    recorded = record_environment(walked.store.as_survey(NAME, "home"), SPEC)

    assert recorded.points == (KITCHEN, OFFICE)
    assert set(recorded.visit_of.tolist()) == {f"{NAME}/1"}
    assert [channel.mac for channel in recorded.channels] == list(MACS)
    assert set(recorded.point_of.tolist()) == {0, 1}
    assert recorded.heard.all()
