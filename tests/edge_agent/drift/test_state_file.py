"""What was suspected outlasts a restart; a damaged file costs no more than that."""

import copy
import json

import numpy as np
import pytest

from edge_agent.drift.monitor import Monitor
from edge_agent.drift.state_file import DRIFT_SCHEMA, DriftFile
from edge_agent.survey import Point
from tests.edge_agent.drift.images_seen import SECOND, START, past, seen

POINTS = (Point("stove", 0.0, 0.0, "kitchen"), Point("desk", 0.0, 4.0, "office"))
A, B = "dc:a6:32:01:02:03", "dc:a6:32:01:02:04"
CALIBRATION = "cal.20260101T000000Z"


def make_monitor(**overrides):
    return Monitor(past(np.random.default_rng(3)), POINTS, (A, B), **overrides)


def stops(monitor, n, *, start_ns=START, **image):
    """Make some stops of five seconds, a minute apart."""
    state = None
    for k in range(6 * n):
        time_ns = start_ns + (k // 6 * 66 + k % 6) * SECOND
        state = monitor.update(seen(**image), 0, time_ns)
    return state


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home" / "drift.json"


@pytest.fixture
def kept(path):
    """The file of a monitor that has learnt and suspects something."""
    monitor = make_monitor(calibrated_ns=START)
    stops(monitor, 12, nearest=2.0)
    stops(monitor, 8, start_ns=START + 13 * 3600 * SECOND, nearest=9.0, offset=-6)
    monitor.finish()
    DriftFile(path, CALIBRATION).keep(monitor, START)
    return monitor


def test_after_a_restart_it_goes_on_where_it_was(kept, path):
    again = make_monitor(calibrated_ns=START)

    assert DriftFile(path, CALIBRATION).restore(again)

    assert again.memory() == kept.memory()
    assert again.memory()["detectors"]
    later = START + 20 * 3600 * SECOND
    assert stops(again, 9, start_ns=later, nearest=9.0) == stops(
        kept, 9, start_ns=later, nearest=9.0
    )


def test_it_is_written_once_a_minute_at_most_and_only_when_something_was_learnt(path):
    file, monitor = DriftFile(path, CALIBRATION), make_monitor()
    file.keep(monitor, START)
    assert not path.exists()

    stops(monitor, 2)
    file.keep(monitor, START)
    first = path.read_bytes()
    stops(monitor, 2, start_ns=START + 300 * SECOND)
    file.keep(monitor, START + 59 * SECOND)
    assert path.read_bytes() == first
    file.keep(monitor, START + 60 * SECOND)
    assert path.read_bytes() != first


def test_where_nothing_can_be_written_it_goes_on(tmp_path):
    (tmp_path / "home").write_text("a file where a folder should be")
    monitor = make_monitor()
    stops(monitor, 2)

    DriftFile(tmp_path / "home" / "drift.json", CALIBRATION).keep(monitor, START)


def test_another_calibration_begins_anew(kept, path):
    monitor = make_monitor()

    assert not DriftFile(path, "cal.20260202T000000Z").restore(monitor)
    assert monitor.memory() == make_monitor().memory()


def test_no_file_is_nothing_to_go_on_from(path):
    assert not DriftFile(path, CALIBRATION).restore(make_monitor())


def damaged(change):
    """Return what damages a document."""

    def damage(document):
        document = copy.deepcopy(document)
        change(document["monitor"])
        return json.dumps(document).encode()

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda document: b"",
        lambda document: b"[]",
        lambda document: json.dumps(document).encode()[:-9],
        lambda document: b" " * (2 << 20),
        lambda document: b"[" * 100_000,
        lambda document: json.dumps(document | {"schema": "other/1"}).encode(),
        damaged(lambda m: m.update(stops=-1)),
        damaged(lambda m: m.update(stops=True)),
        damaged(lambda m: m.pop("learnt")),
        damaged(lambda m: m["detectors"].append(["site", "", 1e9, 1, True])),
        damaged(lambda m: m["detectors"].append(["site", "", float("nan"), 1, True])),
        damaged(lambda m: m["detectors"].append(["site", "", 1.0, 1, 7])),
        damaged(lambda m: m["detectors"].append(["site", "", 1.0, -1, True])),
        damaged(lambda m: m["detectors"].append(["ghost", "", 1.0, 1, True])),
        damaged(lambda m: m["detectors"].append(["room", "attic", 1.0, 1, True])),
        damaged(lambda m: m.update(strangeness={"attic": 1.0})),
        damaged(lambda m: m.update(strangeness={"stove": "much"})),
        damaged(lambda m: m["offsets_db"].update({A: [float("inf")]})),
        damaged(lambda m: m["learnt"].update(nearest=[1.0])),
        damaged(lambda m: m["learnt"].update(gap=[[1.0], [2.0, 3.0]])),
        damaged(lambda m: m["learnt"]["nearest"].__setitem__(0, 10**400)),
    ],
)
def test_a_damaged_file_is_as_good_as_none(kept, path, damage):
    path.write_bytes(damage(json.loads(path.read_bytes())))
    monitor = make_monitor()

    assert not DriftFile(path, CALIBRATION).restore(monitor)
    assert monitor.memory() == make_monitor().memory()


def test_it_says_what_it_is(kept, path):
    document = json.loads(path.read_bytes())

    assert document["schema"] == DRIFT_SCHEMA
    assert document["calibration"] == CALIBRATION
