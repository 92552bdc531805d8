"""The flat of the demonstration: its survey, and the walk through it."""

import csv

import numpy as np
import pytest

from edge_agent.survey import read_survey
from tests.trainer.builders import bytes_below, frames_of
from trainer.simulate.flat import simulate_flat

TONES = np.r_[38:64, 1:27]
"""Words of the 52 tones of a legacy frame."""


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flat") / "demo"
    survey, walk = simulate_flat(folder, seed=3)
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


def test_the_survey_has_three_laps_of_twelve_points_in_four_rooms(flat):
    _, survey, _, _ = flat

    rows = read_survey(survey)

    assert len(rows) == 3 * 12
    assert {row.environment for row in rows} == {"demo"}
    assert [row.visit for row in rows] == ["1"] * 12 + ["2"] * 12 + ["3"] * 12
    points = {row.point for row in rows}
    assert len(points) == 12
    rooms = [point.room for point in points]
    assert {room: rooms.count(room) for room in rooms} == dict.fromkeys(
        ("kitchen", "living room", "bedroom", "study"), 3
    )


def test_points_lie_in_the_room_that_they_name(flat):
    """Inner walls stand at x = 4.6 m and y = 3.4 m, outer ones at 9 m and 7 m."""
    _, survey, _, _ = flat

    for point in {row.point for row in read_survey(survey)}:
        assert 0 < point.x < 9
        assert 0 < point.y < 7
        assert (
            point.room
            == {
                (False, False): "kitchen",
                (True, False): "living room",
                (False, True): "bedroom",
                (True, True): "study",
            }[point.x > 4.6, point.y > 3.4]
        )


def test_captures_of_the_survey_suffice_for_an_image(flat):
    _, survey, _, _ = flat

    frames = frames_of(read_survey(survey)[0].capture)

    assert {row.tobytes() for row in frames.mac} == {
        b"\x02SIM\xff" + bytes([access_point]) for access_point in range(3)
    }
    assert len(frames) == 3 * 60


# -- walk ------------------------------------------------------------------------------


def test_the_walk_rests_at_points_of_the_survey(flat):
    _, survey, _, rests = flat
    points = {row.point.name: row.point for row in read_survey(survey)}

    assert [*rests[0]] == ["start_s", "end_s", "x_m", "y_m", "point", "room"]
    assert len(rests) == len({row["point"] for row in rests}) == 8
    for row in rests:
        point = points[row["point"]]
        assert (float(row["x_m"]), float(row["y_m"])) == (point.x, point.y)
        assert row["room"] == point.room


def test_the_walk_rests_seven_seconds_and_walks_a_metre_a_second(flat):
    *_, rests = flat
    times = np.array(rests_of(rests))
    places = np.array([(float(row["x_m"]), float(row["y_m"])) for row in rests])

    assert times[0, 0] == 0
    np.testing.assert_allclose(times[:, 1] - times[:, 0], 7.0)
    walks = times[1:, 0] - times[:-1, 1]
    distances = np.linalg.norm(np.diff(places, axis=0), axis=1)
    # To a packet; and the device is put down within millimetres.
    np.testing.assert_allclose(walks, distances, atol=0.05)


def test_the_walk_lasts_until_the_end_of_the_last_rest(flat):
    _, survey, walk, rests = flat
    frames = frames_of(walk)

    seconds = (frames.time_ns[-1] - frames.time_ns[0]) / 1e9

    end_s = rests_of(rests)[-1][1]
    n_sent = round(3 * end_s / 0.05)
    assert 0.98 * n_sent < len(frames) < n_sent  # a few are lost
    assert seconds == pytest.approx(end_s, abs=0.1)
    surveyed = max(frames_of(row.capture).time_ns[-1] for row in read_survey(survey))
    assert surveyed < frames.time_ns[0]


def test_the_walk_sounds_like_the_points_where_it_rests(flat):
    """The nearest of 36 surveyed fingerprints is that of the point of the rest.

    Nearest neighbours find 95 % of real points again on the same day.
    """
    _, survey, walk, rests = flat
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
    assert n_right >= 6


def test_the_channel_changes_faster_on_the_way_than_at_rest(flat):
    *_, walk, rests = flat
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
    assert (change[resting] > np.median(change[~resting])).mean() < 0.02


# -- bytes -----------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes(flat, tmp_path):
    folder, *_ = flat

    simulate_flat(tmp_path / "again", seed=3)
    simulate_flat(tmp_path / "other", seed=4)

    again, other = bytes_below(tmp_path / "again"), bytes_below(tmp_path / "other")
    assert bytes_below(folder) == again
    assert again.keys() == other.keys()
    assert again["walk.pcapng"] != other["walk.pcapng"]
    assert again["stove-visit1.pcapng"] != other["stove-visit1.pcapng"]
