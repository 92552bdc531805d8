"""The walk of the demonstration: a survey of the laboratory, and two minutes in it."""

import csv

import numpy as np
import pytest

from edge_agent.survey import read_survey
from tests.trainer.builders import bytes_below, frames_of
from trainer.simulate.lab_walk import lab_points, simulate_lab_walk
from trainer.simulate.scenes import SCENES

TONES = np.r_[38:64, 1:27]
"""Words of the 52 tones of a legacy frame."""


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab") / "demo"
    survey, walk = simulate_lab_walk(folder, seed=3)
    with (folder / "walk.csv").open(newline="") as file:
        return folder, survey, walk, list(csv.DictReader(file))


def rests_of(rows):
    return [(float(row["start_s"]), float(row["end_s"])) for row in rows]


def fingerprint(frames):
    """Level and shape [dB] of the three transmitters."""
    parts = []
    for access_point in range(3):
        of_it = np.flatnonzero(frames.mac[:, 5] == access_point)
        amplitude = np.abs(frames.csi[of_it][:, TONES])
        power = np.square(amplitude)
        shape = 10 * np.log10(np.median(power / power.mean(axis=1)[:, None], axis=0))
        parts.append(shape + frames.rssi[of_it].mean())
    return np.concatenate(parts)


def nearest(known, here):
    """Name of the fingerprint with the smallest mean difference."""
    return min(known, key=lambda item: np.abs(item[1] - here).mean())[0]


# -- survey ----------------------------------------------------------------------------


def test_the_survey_has_three_laps_of_sixteen_points_in_four_corners(walked):
    _, survey, _, _ = walked

    rows = read_survey(survey)

    assert len(rows) == 3 * 16
    assert {row.environment for row in rows} == {"demo"}
    assert [row.visit for row in rows] == ["1"] * 16 + ["2"] * 16 + ["3"] * 16
    points = {row.point for row in rows}
    assert len(points) == 16
    rooms = [point.room for point in points]
    assert {room: rooms.count(room) for room in rooms} == dict.fromkeys(
        ("entrance", "workbench", "desks", "meeting corner"), 4
    )


def test_its_points_are_some_of_the_laboratory_s(walked):
    _, survey, _, _ = walked
    lab = SCENES["lab"]

    for point, number in lab_points(lab).values():
        np.testing.assert_allclose(lab.points[number], (point.x, point.y), atol=1e-9)
    assert {row.point for row in read_survey(survey)} == {
        point for point, _ in lab_points(lab).values()
    }


def test_points_lie_in_the_corner_that_they_name(walked):
    """Corners meet at x = 3.6 m and y = 3.9 m of the map."""
    _, survey, _, _ = walked

    for point in {row.point for row in read_survey(survey)}:
        assert (
            point.room
            == {
                (False, False): "entrance",
                (True, False): "desks",
                (False, True): "workbench",
                (True, True): "meeting corner",
            }[point.x > 3.6, point.y > 3.9]
        )


def test_captures_of_the_survey_suffice_for_an_image(walked):
    _, survey, _, _ = walked

    frames = frames_of(read_survey(survey)[0].capture)

    assert {row.tobytes() for row in frames.mac} == {
        b"\x02SIM\xff" + bytes([access_point]) for access_point in range(3)
    }
    for access_point in range(3):
        assert 50 <= (frames.mac[:, 5] == access_point).sum() <= 60


# -- walk ------------------------------------------------------------------------------


def test_the_walk_rests_at_points_of_the_survey(walked):
    _, survey, _, rests = walked
    points = {row.point.name: row.point for row in read_survey(survey)}

    assert [*rests[0]] == ["start_s", "end_s", "x_m", "y_m", "point", "room"]
    assert len(rests) == len({row["point"] for row in rests}) == 10
    assert len({row["room"] for row in rests}) == 4
    for row in rests:
        point = points[row["point"]]
        assert (float(row["x_m"]), float(row["y_m"])) == (point.x, point.y)
        assert row["room"] == point.room


def test_the_walk_lasts_two_minutes_and_goes_a_metre_a_second(walked):
    *_, walk, rests = walked
    times = np.array(rests_of(rests))
    places = np.array([(float(row["x_m"]), float(row["y_m"])) for row in rests])

    assert times[0, 0] == 0
    assert times[-1, 1] == pytest.approx(120)
    assert (times[:, 1] - times[:, 0] > 8).all()
    straight = np.linalg.norm(np.diff(places, axis=0), axis=1)
    walks = times[1:, 0] - times[:-1, 1]
    # To a packet, and the device is put down within millimetres; around furniture it
    # takes longer, but not twice as long.
    assert (walks > straight - 0.1).all()
    assert (walks < 2 * straight).all()
    frames = frames_of(walk)
    seconds = (frames.time_ns[-1] - frames.time_ns[0]) / 1e9
    assert seconds == pytest.approx(120, abs=0.2)


def test_the_walk_is_small_enough_to_be_shipped(walked):
    *_, walk, _ = walked

    assert walk.stat().st_size < 3e6


def test_the_walk_is_later_than_the_survey(walked):
    _, survey, walk, _ = walked

    surveyed = max(frames_of(row.capture).time_ns[-1] for row in read_survey(survey))

    assert surveyed < frames_of(walk).time_ns[0]


def test_the_walk_sounds_like_the_points_where_it_rests(walked):
    """The nearest of 48 surveyed fingerprints is that of the point of the rest.

    Nearest neighbours find 95 % of real points again on the same day.
    """
    _, survey, walk, rests = walked
    known = [
        (row.point.name, fingerprint(frames_of(row.capture)))
        for row in read_survey(survey)
    ]
    frames = frames_of(walk)
    seconds = (frames.time_ns - frames.time_ns[0]) / 1e9

    found = []
    for start_s, end_s in rests_of(rests):
        heard = frames[np.flatnonzero((seconds >= start_s) & (seconds < end_s))]
        found.append(nearest(known, fingerprint(heard)))

    n_right = sum(name == row["point"] for name, row in zip(found, rests, strict=True))
    assert n_right >= 8


def test_the_channel_changes_faster_on_the_way_than_at_rest(walked):
    *_, walk, rests = walked
    frames = frames_of(walk)
    frames = frames[np.flatnonzero(frames.mac[:, 5] == 0)]
    seconds = (frames.time_ns - frames.time_ns[0]) / 1e9
    amplitude = np.abs(frames.csi[:, TONES])
    amplitude /= np.sqrt(np.square(amplitude).mean(axis=1, keepdims=True))
    change = np.abs(np.diff(amplitude, axis=0)).mean(axis=1)

    resting = np.zeros(len(change), np.bool_)
    for start_s, end_s in rests_of(rests):
        resting |= (seconds[:-1] > start_s) & (seconds[1:] < end_s - 0.05)

    # 5 cm from packet to packet are most of a wavelength.
    assert np.median(change[~resting]) > 3 * np.median(change[resting])


# -- bytes -----------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes(walked, tmp_path):
    folder, *_ = walked

    simulate_lab_walk(tmp_path / "again", seed=3)
    simulate_lab_walk(tmp_path / "other", seed=4)

    again, other = bytes_below(tmp_path / "again"), bytes_below(tmp_path / "other")
    assert bytes_below(folder) == again
    assert again.keys() == other.keys()
    assert again["walk.pcapng"] != other["walk.pcapng"]
    assert again["door-lap1.pcapng"] != other["door-lap1.pcapng"]
