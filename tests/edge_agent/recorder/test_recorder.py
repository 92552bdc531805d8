"""Recordings: what is on the disk at any time, read back as others read it."""

import errno
import os
from pathlib import Path

import pytest

from edge_agent.capture_file import CaptureFile
from edge_agent.errors import ConfigError, OutputError, SurveyError, UsageError
from edge_agent.recorder.folder import RecordingFolder, cannot_write
from edge_agent.recorder.recorder import Limits, Recorder, labelled_point
from edge_agent.survey import OUTSIDE, Point, read_survey
from tests.builders import packets_of, raw_frames

SECOND = 10**9
TABLE = Point("table", 1.2, 0.5, "kitchen")
DESK = Point("desk", 4.0, 0.5, "office")
LARGE = Limits(10**9)


def frames(n=4, *, first_s=1, every_s=1, link_type=1, size=84):
    """Packets of 100 bytes on disk, each with its number and time."""
    times = [SECOND * (first_s + k * every_s) for k in range(n)]
    packets = [t.to_bytes(8) * (size // 8) + bytes(size % 8) for t in times]
    return raw_frames(packets, times_ns=times, link_type=link_type)


@pytest.fixture
def folder(tmp_path):
    with RecordingFolder(tmp_path / "monday", 10**9) as folder:
        yield folder


def listed(folder):
    return [
        (row.capture.name, row.point, row.visit) for row in read_survey(folder.survey)
    ]


def times_in(path):
    with CaptureFile(path, (1, 127)) as capture:
        found = [time_ns // SECOND for _, time_ns, _ in packets_of(capture)]
        assert capture.damage is None
    return found


def captures(folder):
    return sorted(path.name for path in folder.path.glob("*.pcap"))


def test_every_capture_has_one_label_and_those_with_one_are_listed(folder):
    with Recorder(folder, LARGE) as recorder:
        recorder.write(frames(first_s=1))
        recorder.label(TABLE)
        recorder.write(frames(first_s=11))
        recorder.label(None)
        recorder.write(frames(first_s=21))
        recorder.label(DESK)
        recorder.write(frames(first_s=31))
        recorder.label(TABLE)
        recorder.write(frames(first_s=41))

    assert captures(folder) == [
        "000001.pcap",
        "000002-table-1.pcap",
        "000003.pcap",
        "000004-desk-1.pcap",
        "000005-table-2.pcap",
    ]
    assert listed(folder) == [
        ("000002-table-1.pcap", TABLE, "1"),
        ("000004-desk-1.pcap", DESK, "1"),
        ("000005-table-2.pcap", TABLE, "2"),
    ]
    for number, name in enumerate(captures(folder)):
        first = 10 * number + 1
        assert times_in(folder.path / name) == [*range(first, first + 4)]
    assert recorder.n_packets == 20


def test_what_is_stored_is_what_was_captured(folder):
    raw = frames()
    with Recorder(folder, LARGE) as recorder:
        recorder.write(raw)
    with CaptureFile(folder.path / "000001.pcap") as capture:
        assert packets_of(capture) == packets_of([raw])


def test_a_capture_is_on_disk_and_listed_as_soon_as_it_has_packets(folder):
    """Whatever happens next: nothing is kept back, and nothing empty is listed."""
    with Recorder(folder, LARGE) as recorder:
        recorder.label(TABLE)
        assert not folder.survey.exists()
        recorder.write(frames(2))
        assert listed(folder) == [("000001-table-1.pcap", TABLE, "1")]
        assert times_in(folder.path / "000001-table-1.pcap") == [1, 2]


def test_what_is_listed_is_on_the_disk_before_its_list(folder, monkeypatch):
    synced, genuine = [], os.fsync

    def fsync(descriptor):
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        genuine(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with Recorder(folder, LARGE) as recorder:
        recorder.label(TABLE)
        recorder.write(frames(2))
        assert synced == ["000001-table-1.pcap", ".survey.csv", "monday"]
        recorder.write(frames(2, first_s=3))
        assert len(synced) == 3  # once for each capture, not for each packet


def test_captures_rotate_by_size_the_packet_that_fills_one_included(folder):
    with Recorder(folder, Limits(24 + 250)) as recorder:
        recorder.write(frames(2))
        recorder.write(frames(5, first_s=3))
    found = [times_in(folder.path / name) for name in captures(folder)]
    assert found == [[1, 2, 3], [4, 5, 6], [7]]


def test_captures_rotate_by_time(folder):
    with Recorder(folder, Limits(10**9, 3 * SECOND)) as recorder:
        recorder.write(frames(7))
        recorder.write(frames(1, first_s=8))
        recorder.write(frames(1, first_s=100))
    found = [times_in(folder.path / name) for name in captures(folder)]
    assert found == [[1, 2, 3], [4, 5, 6], [7, 8], [100]]


def test_what_rotates_stays_one_visit(folder):
    with Recorder(folder, Limits(24 + 100)) as recorder:
        recorder.label(TABLE)
        recorder.write(frames(3))
    assert [(name, visit) for name, _, visit in listed(folder)] == [
        (f"00000{k}-table-1.pcap", "1") for k in (1, 2, 3)
    ]


def test_packets_of_another_link_type_begin_another_capture(folder):
    with Recorder(folder, LARGE) as recorder:
        recorder.write(frames(1))
        recorder.write(frames(1, first_s=2, link_type=127))
    assert [times_in(folder.path / name) for name in captures(folder)] == [[1], [2]]


def test_a_stay_without_a_packet_is_no_visit(folder):
    with Recorder(folder, LARGE) as recorder:
        recorder.label(TABLE)
        recorder.label(DESK)
        recorder.label(TABLE)
        recorder.write(frames())
    assert [visit for _, _, visit in listed(folder)] == ["1"]


def test_a_recording_is_continued(tmp_path):
    for _ in range(2):
        with (
            RecordingFolder(tmp_path / "a", 10**9) as folder,
            Recorder(folder, LARGE) as recorder,
        ):
            recorder.write(frames())
            recorder.label(TABLE)
            recorder.write(frames())
    assert captures(folder) == [
        "000001.pcap",
        "000002-table-1.pcap",
        "000003.pcap",
        "000004-table-2.pcap",
    ]
    assert [visit for _, _, visit in listed(folder)] == ["1", "2"]
    assert folder.n_bytes == sum(p.stat().st_size for p in folder.path.glob("*.pcap"))


def test_visits_count_on_from_the_largest_number(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "x.pcap").touch()
    (folder / "survey.csv").write_text(
        "capture,x_m,y_m,point,room,visit\nx.pcap,1.2,0.5,table,kitchen,7\n"
    )
    with RecordingFolder(folder, 10**9) as entered:
        assert entered.next_visit(TABLE) == 8
        assert entered.next_visit(DESK) == 1


def test_people_are_told_of_every_stay(folder):
    told = []
    with Recorder(folder, LARGE, told.append) as recorder:
        recorder.label(TABLE)
        recorder.write(frames(3))
        recorder.label(None)
        recorder.write(frames(3))
    assert told == ["at table, visit 1", "was at table, visit 1: 3 packets"]


@pytest.mark.parametrize("name", ["../../etc", "a/b c\\d", "käse", "x" * 100])
def test_names_of_points_lead_nowhere_else(folder, name):
    with Recorder(folder, LARGE) as recorder:
        recorder.label(Point(name, 0.0, 0.0))
        recorder.write(frames())
    (path,) = folder.path.glob("*.pcap")
    assert path.parent == folder.path
    assert len(path.name) < 70
    assert listed(folder)[0][1].name == name


# -- room ------------------------------------------------------------------------------


def room_for(tmp_path, n_packets):
    """Room for so many captures of one packet."""
    return RecordingFolder(tmp_path / "small", n_packets * 124)


def test_when_it_is_full_the_oldest_without_a_label_go_and_no_others(tmp_path):
    with (
        room_for(tmp_path, 4) as folder,
        Recorder(folder, Limits(24 + 100)) as recorder,
    ):
        recorder.write(frames(1, first_s=1))
        recorder.label(TABLE)
        recorder.write(frames(1, first_s=2))
        recorder.label(None)
        recorder.write(frames(4, first_s=3))
    found = [times_in(folder.path / name) for name in captures(folder)]
    assert found == [[2], [4], [5], [6]]
    assert [name for name, _, _ in listed(folder)] == ["000002-table-1.pcap"]
    assert folder.n_bytes <= 4 * 124


def test_a_single_long_capture_without_a_label_goes_as_well(tmp_path):
    with room_for(tmp_path, 4) as folder, Recorder(folder, LARGE) as recorder:
        for second in range(1, 9):
            recorder.write(frames(1, first_s=second))
    (name,) = captures(folder)
    assert times_in(folder.path / name)[-1] == 8
    assert folder.n_bytes <= 4 * 124


def test_what_has_a_label_is_never_removed_recording_stops(tmp_path):
    with room_for(tmp_path, 3) as folder, Recorder(folder, LARGE) as recorder:
        recorder.label(TABLE)
        recorder.write(frames(3))
        with pytest.raises(OutputError, match="none of it without a label"):
            recorder.write(frames(1, first_s=9))
    assert times_in(folder.path / captures(folder)[0]) == [1, 2, 3]
    with (
        room_for(tmp_path, 3) as again,
        Recorder(again, LARGE) as recorder,
        pytest.raises(OutputError, match="nothing more is recorded"),
    ):
        recorder.write(frames(1, first_s=9))
    assert captures(folder) == ["000001-table-1.pcap"]


def test_one_packet_larger_than_all_room_is_refused(tmp_path):
    with (
        room_for(tmp_path, 1) as folder,
        Recorder(folder, LARGE) as recorder,
        pytest.raises(OutputError, match="as --max-mb allows"),
    ):
        recorder.write(frames(1, size=500))


# -- faults ----------------------------------------------------------------------------


def test_a_full_disk_keeps_what_is_there(folder, monkeypatch):
    with Recorder(folder, LARGE) as recorder:
        recorder.label(TABLE)
        recorder.write(frames(2))

        def full(_descriptor, _data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OutputError, match="the disk is full; what is recorded"):
            recorder.write(frames(2, first_s=9))
        monkeypatch.undo()
    assert times_in(folder.path / "000001-table-1.pcap") == [1, 2]
    assert len(listed(folder)) == 1


def test_a_list_that_cannot_be_written_leaves_the_old_one(folder, monkeypatch):
    with Recorder(folder, LARGE) as recorder:
        recorder.label(TABLE)
        recorder.write(frames(2))
        recorder.label(DESK)

        def refuse(*_arguments):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        monkeypatch.setattr(Path, "replace", refuse)
        with pytest.raises(OutputError, match="read-only; name another folder"):
            recorder.write(frames(2, first_s=9))
    assert len(listed(folder)) == 1


def test_what_cannot_be_brought_to_the_disk_is_said(folder, monkeypatch):
    recorder = Recorder(folder, LARGE)
    recorder.write(frames())

    def refuse(_descriptor):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OutputError, match="Input/output error"):
        recorder.label(TABLE)


def test_what_cannot_be_removed_is_said(tmp_path, monkeypatch):
    with room_for(tmp_path, 1) as folder, Recorder(folder, Limits(1)) as recorder:
        recorder.write(frames(1))

        def refuse(*_arguments, **_options):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(Path, "unlink", refuse)
        with pytest.raises(OutputError, match="no permission"):
            recorder.write(frames(1))


def test_two_do_not_record_into_one_folder(folder):
    with pytest.raises(UsageError, match="another edge_agent record writes"):
        RecordingFolder(folder.path, 10**9).__enter__()


def test_a_folder_is_free_again_afterwards(tmp_path):
    for _ in range(2):
        with RecordingFolder(tmp_path / "a", 10**9):
            pass


def test_where_no_folder_can_be_nothing_is_recorded(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        RecordingFolder(tmp_path / "file" / "a", 10**9).__enter__()


def test_a_list_of_something_else_is_refused_and_the_folder_set_free(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "x.pcap").touch()
    (tmp_path / "survey.csv").write_text("capture,x_m,y_m\ndeep/x.pcap,1,2\n")
    for _ in range(2):
        with pytest.raises(SurveyError, match="edge_agent record has not written it"):
            RecordingFolder(tmp_path, 10**9).__enter__()


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EDQUOT, "the quota is used up"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "use sudo"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_each_fault_of_a_disk_has_its_advice(tmp_path, number, advice):
    error = cannot_write(tmp_path, OSError(number, os.strerror(number)))
    assert advice in str(error)


# -- labels ----------------------------------------------------------------------------

KNOWN = (TABLE, DESK)


@pytest.mark.parametrize("text", ["-", "", "  "])
def test_somebody_may_be_nowhere_in_particular(text):
    assert labelled_point(text, KNOWN) is None


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("table", TABLE),
        (" desk ", DESK),
        ("sink, kitchen, 2, 0.5", Point("sink", 2.0, 0.5, "kitchen")),
        ("hall 3 4", Point("hall", 3.0, 4.0, "hall")),
        (OUTSIDE, Point(OUTSIDE, None, None)),
        ("table, kitchen, 1.2, 0.5", TABLE),
    ],
)
def test_a_name_recalls_a_place_and_others_are_given_one(text, point):
    assert labelled_point(text, KNOWN) == point


def test_coordinates_are_as_fine_as_the_list_has_them():
    assert labelled_point("hall 1.23456789 2", ()) == Point("hall", 1.23457, 2, "hall")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("table, kitchen, 9, 9", "at another place already .kitchen, 1.2, 0.5."),
        ("hall", "has no coordinates, other points"),
        ("a, b, c, d", "is no point"),
    ],
)
def test_a_label_that_contradicts_others_is_refused(text, complaint):
    with pytest.raises(ConfigError, match=complaint):
        labelled_point(text, KNOWN)


def test_rooms_alone_do_not_mix_with_coordinates():
    with pytest.raises(ConfigError, match="has coordinates, other points"):
        labelled_point("hall 1 2", (Point("kitchen", None, None, "kitchen"),))
