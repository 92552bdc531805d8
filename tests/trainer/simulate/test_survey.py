"""Simulated surveys, read back as the trainer and the device read them."""

from itertools import pairwise

import numpy as np
import pytest

from edge_agent.csi.image import ImageSpec
from edge_agent.recording import record_environment
from edge_agent.survey import Point, read_survey
from tests.builders import packets_of
from tests.trainer.builders import bytes_below, empty_room, frames_of
from trainer.simulate.room import draw_room
from trainer.simulate.survey import (
    START_US,
    SurveyPlan,
    capture_at,
    simulate_survey,
    survey_room,
)

PLAN = SurveyPlan(n_rooms=2, n_visits=2, packets_per_capture=4)
POINTS = [Point("p1", 1.0, 1.0), Point("p2", 2.5, 1.5, "hall", 2)]


def small_survey(folder, *, seed=0, **plan):
    values = {"n_rooms": 2, "n_visits": 2, "packets_per_capture": 4} | plan
    return simulate_survey(folder, SurveyPlan(**values), seed=seed)


def survey_of(folder, *, n_visits=2, site=7):
    rng = np.random.default_rng(0)
    return survey_room(
        rng,
        draw_room(rng, size=(5.0, 4.0, 2.6), free=[(p.x, p.y) for p in POINTS]),
        POINTS,
        folder,
        site=site,
        plan=SurveyPlan(n_visits=n_visits, packets_per_capture=4),
        environment="cellar",
    )


# -- many rooms ------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))

    for folder, seed in ((first, 0), (again, 0), (other, 1)):
        small_survey(folder, seed=seed)

    assert bytes_below(first) == bytes_below(again)
    assert bytes_below(first)["survey.csv"] != bytes_below(other)["survey.csv"]


def test_a_room_does_not_depend_on_how_many_follow(tmp_path):
    small_survey(tmp_path / "one", n_rooms=1)
    small_survey(tmp_path / "two", n_rooms=2)

    one = bytes_below(tmp_path / "one" / "room000")
    assert one == bytes_below(tmp_path / "two" / "room000")


def test_the_list_reads_back(tmp_path):
    path = small_survey(tmp_path / "rooms")

    rows = read_survey(path)

    assert path == tmp_path / "rooms" / "survey.csv"
    assert {row.environment for row in rows} == {"room000", "room001"}
    assert {row.visit for row in rows} == {"1", "2"}
    on_disk = {*(tmp_path / "rooms").rglob("*.pcapng")}
    assert {row.capture for row in rows} == on_disk
    assert len(rows) == len(on_disk)
    for name in ("room000", "room001"):
        visits = [
            {row.point for row in rows if (row.environment, row.visit) == (name, v)}
            for v in "12"
        ]
        assert visits[0] == visits[1]
        assert 6 <= len(visits[0]) <= 20


def test_points_are_apart_and_inside(tmp_path):
    rows = read_survey(small_survey(tmp_path, n_rooms=8, n_visits=1))

    for number in range(8):
        places = np.array(
            [
                (row.point.x, row.point.y)
                for row in rows
                if row.environment == f"room{number:03d}"
            ]
        )
        # Rooms are 5 to 12 m by 4 to 9 m.
        assert (places > 0).all()
        assert (places < (12, 9)).all()
        apart = np.linalg.norm(places[:, None] - places, axis=2)
        assert apart[~np.eye(len(places), dtype=bool)].min() > 0.3


def test_every_room_has_its_own_transmitters(tmp_path):
    rows = read_survey(small_survey(tmp_path))

    macs = {
        (row.environment, mac.tobytes())
        for row in rows
        for mac in frames_of(row.capture).mac
    }

    assert macs == {
        (f"room{site:03d}", b"\x02SIM" + bytes([site, access_point]))
        for site in (0, 1)
        for access_point in range(3)
    }


def test_rooms_are_announced(tmp_path):
    seen = []

    simulate_survey(tmp_path, PLAN, seed=0, on_room=seen.append)

    assert seen == [0, 1]


def test_a_survey_becomes_images(tmp_path):
    rows = read_survey(small_survey(tmp_path, n_rooms=1, packets_per_capture=60))

    home = record_environment(rows, ImageSpec())

    assert home.is_simulated
    assert len(home.images) == len(rows)
    assert home.heard.all()
    assert len(home.channels) == 3


# -- one room --------------------------------------------------------------------------


def test_every_point_has_a_capture_per_visit(tmp_path):
    rows = survey_of(tmp_path / "cellar", n_visits=3)

    assert [(row.visit, row.point) for row in rows] == [
        (visit, point) for visit in "123" for point in POINTS
    ]
    assert {row.environment for row in rows} == {"cellar"}
    assert [row.capture.name for row in rows[:2]] == [
        "p1-visit1.pcapng",
        "p2-visit1.pcapng",
    ]
    for row in rows:
        assert len(frames_of(row.capture)) == 3 * 4


def test_captures_follow_each_other_without_overlap(tmp_path):
    times = [frames_of(row.capture).time_ns for row in survey_of(tmp_path)]

    assert START_US * 1000 <= times[0][0] < (START_US + 50_000) * 1000
    for earlier, later in pairwise(times):
        # Five seconds to walk on.
        assert 4e9 < later[0] - earlier[-1] < 6e9


def test_no_two_captures_are_the_same(tmp_path):
    rows = survey_of(tmp_path, n_visits=3)

    assert len({row.capture.read_bytes() for row in rows}) == 3 * len(POINTS)


# -- one capture -----------------------------------------------------------------------


@pytest.fixture
def packets(rng):
    room = empty_room(access_points=[(1, 1, 2), (5, 1, 2)])
    places = np.array([[3.0, 2.0, 1.1]])
    raw = capture_at(
        rng,
        room,
        places,
        site=9,
        n_packets=20,
        interval_s=0.1,
        start_us=1_000_000,
    )
    return [(time_ns // 1000, frame) for frame, time_ns, _ in packets_of([raw])]


def test_packets_of_all_transmitters_come_in_order_of_time(packets):
    times = [time_us for time_us, _ in packets]

    assert len(packets) == 2 * 20  # losses are made up for
    assert times == sorted(times)


@pytest.mark.parametrize("access_point", [0, 1])
def test_packets_come_when_their_sequence_number_says_and_a_little_later(
    packets, access_point
):
    mac = b"\x02SIM\x09" + bytes([access_point])
    own = [(time_us, frame) for time_us, frame in packets if frame[46:52] == mac]

    sequence = [int.from_bytes(frame[52:54], "little") >> 4 for _, frame in own]

    assert len(set(sequence)) == 20
    late = np.array([time_us for time_us, _ in own]) - 1_000_000
    late -= access_point * 50_000 + np.array(sequence) * 100_000
    assert (late >= 0).all()
    assert (late <= 20_000).all()
    assert late.std() > 3_000


def test_on_the_way_what_is_lost_is_lost(rng):
    room = empty_room(access_points=[(1, 1, 2)])
    way = np.linspace((1.5, 2.0, 1.1), (5.0, 2.0, 1.1), 3000)

    raw = capture_at(
        rng, room, way, site=9, n_packets=3000, interval_s=0.01, start_us=0
    )

    assert 2900 <= len(raw) < 3000
