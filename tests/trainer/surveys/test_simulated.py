"""The simulated hall and laboratory: what they promise, and how real they are."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.csi.image import ImageSpec
from edge_agent.recording import record_environment
from edge_agent.survey import Point, SurveyedCapture
from tests.trainer.builders import frames_of
from trainer.benchmark.episodes import make_episode
from trainer.benchmark.protocol import shipped_protocol
from trainer.benchmark.regimes import REGIMES
from trainer.benchmark.splits import make_split
from trainer.methods.floors import Centre
from trainer.simulate.captures import write_capture
from trainer.simulate.firmware import Firmware
from trainer.simulate.recording import beacons
from trainer.simulate.recording import record as record_frames
from trainer.simulate.survey import START_US
from trainer.simulate.tones import TONES
from trainer.surveys.report import SurveyDataError
from trainer.surveys.simulated import (
    HALL,
    LAB,
    PAPER_PLAN,
    Plan,
    images_of,
    record,
    simulate,
    survey_scene,
)

TINY = Plan(n_days=2, images_per_visit=2, n_packets=3)
FIVE_DAYS = Plan(images_per_visit=3, n_packets=2)
SCENES = pytest.mark.parametrize("scene", [HALL, LAB], ids=lambda scene: scene.name)


def with_points(scene, rows):
    return replace(scene, points=scene.points[rows])


# -- the survey ------------------------------------------------------------------------


def test_the_plan_is_that_of_the_paper_at_a_reduced_size():
    assert PAPER_PLAN.n_days == 5
    assert PAPER_PLAN.n_visits == 2
    assert PAPER_PLAN.images_per_visit == 3 + 5
    assert PAPER_PLAN.n_packets == 50


@SCENES
def test_the_points_stand_in_the_room_and_keep_the_labels_of_the_authors_code(scene):
    (day,) = survey_scene(
        scene, Plan(n_days=1, n_visits=1, images_per_visit=1, n_packets=1)
    )

    np.testing.assert_allclose(day.place.locations, scene.points)
    standing = scene.points + scene.corner
    assert (standing > 0.3).all()
    assert (standing < np.array(scene.size[:2]) - 0.3).all()


@SCENES
def test_days_are_marked_as_simulated_and_in_order_of_time(scene):
    days = survey_scene(with_points(scene, slice(0, 4)), TINY)

    assert [(d.name, d.order) for d in days] == [("d1", 1), ("d2", 2)]
    for day in days:
        assert day.is_simulated
        assert day.origin == f"scene {scene.name}, seed {scene.seed}"
        assert not day.is_test.any()
        assert day.place is days[0].place
        assert day.place.name == "sim" + scene.name
        assert day.signals.images.shape == (2 * 4 * 2, 3, 52, 3)
        # Every point in turn, and then again.
        assert day.visit_of.tolist() == [0] * 8 + [1] * 8
        assert day.point_of.tolist() == [0, 0, 1, 1, 2, 2, 3, 3] * 2


def test_a_survey_is_always_the_same_whatever_else_is_recorded():
    few = with_points(HALL, slice(0, 2))
    shorter = replace(TINY, n_days=1, n_visits=1)

    days, again = survey_scene(few, TINY), survey_scene(few, TINY)
    (alone,) = survey_scene(with_points(HALL, slice(0, 1)), shorter)
    other = survey_scene(replace(few, seed=1), TINY)

    for day, same in zip(days, again, strict=True):
        np.testing.assert_array_equal(day.signals.images, same.signals.images)
    np.testing.assert_array_equal(days[0].signals.images[:2], alone.signals.images)
    assert (days[0].signals.images != other[0].signals.images).any()


def test_no_two_visits_are_the_same():
    day, later = survey_scene(with_points(LAB, slice(0, 3)), TINY)

    images = np.concatenate([day.signals.images, later.signals.images])
    assert len({image.tobytes() for image in images}) == 2 * 2 * 3 * 2


@pytest.mark.parametrize("other", [{"day": 2}, {"visit": 1}, {"point": 1}])
def test_placement_and_noise_are_drawn_anew_every_time(other):
    """In one room, so that nothing else could differ; and at one point of the map."""
    scene = replace(HALL, points=np.tile(HALL.points[:1], (2, 1)))
    (room,) = scene.days(1)
    usual = {"day": 1, "visit": 0, "point": 0}

    first = record(scene, TINY, room, **usual)
    second = record(scene, TINY, room, **usual | other)

    for heard, again in zip(first, second, strict=True):
        assert (np.abs(heard.csi) != np.abs(again.csi)).mean() > 0.9


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_days": 0},
        {"n_visits": 0},
        {"images_per_visit": -1},
        {"n_packets": 0},
        {"interval_s": 0.0},
        {"interval_s": float("nan")},
    ],
)
def test_a_plan_of_nothing_is_refused(wrong):
    (name,) = wrong
    with pytest.raises(SurveyDataError, match=f"{name} is "):
        Plan(**wrong)


def test_a_scene_that_is_none_is_refused():
    with pytest.raises(SurveyDataError, match="no scene 'mall'; there are simhall, "):
        simulate("mall")


# -- level -----------------------------------------------------------------------------


def test_the_level_is_the_rssi_of_each_packet():
    (room,) = HALL.days(1)
    heard = record(HALL, TINY, room, day=1, visit=0, point=7)

    images = images_of(heard, TINY)

    assert images.shape == (2, 3, 52, 3)
    power_nw = np.square(images.reshape(6, 52, 3)).mean(axis=1)
    for access_point, reception in enumerate(heard):
        reported = reception.rssi_dbm[reception.heard][:6]
        level_dbm = 10 * np.log10(power_nw[:, access_point]) - 60
        np.testing.assert_allclose(level_dbm, reported, atol=1e-4)


def test_images_hold_packets_that_were_heard_and_no_others():
    (room,) = HALL.days(1)
    heard = record(HALL, TINY, room, day=1, visit=0, point=7)
    lost = [
        replace(
            reception, heard=np.arange(len(reception.heard)) % 2 == access_point % 2
        )
        for access_point, reception in enumerate(heard)
    ]

    images = images_of(lost, TINY).reshape(6, 52, 3)

    used = np.abs(TONES) <= 26
    for access_point, reception in enumerate(lost):
        amplitude = np.abs(reception.csi[access_point % 2 :: 2][:6, used])
        shape = images[..., access_point] / amplitude
        np.testing.assert_allclose(shape, np.tile(shape[:, :1], (1, 52)), rtol=1e-4)


def test_a_transmitter_that_is_too_weak_is_refused():
    (room,) = HALL.days(1)
    faint = replace(room, power_dbm=room.power_dbm - [0.0, 80.0, 0.0])
    heard = record(HALL, TINY, faint, day=1, visit=0, point=7)

    with pytest.raises(SurveyDataError, match=r"0 packets .* of 6 that are needed"):
        images_of(heard, TINY)


def test_the_received_power_falls_with_distance_in_sight():
    (room,) = HALL.days(1)
    (day,) = survey_scene(HALL, Plan(1, 1, 1, n_packets=5))

    for access_point in range(3):
        away = room.access_points[access_point, :2] - (HALL.points + HALL.corner)
        distance = np.linalg.norm(away, axis=1)
        rss = day.signals.rss[:, access_point]
        assert np.corrcoef(np.log(distance), rss)[0, 1] < -0.4


# -- bytes -----------------------------------------------------------------------------


@SCENES
def test_the_same_frames_through_nexmon_bytes_give_the_same_images(scene, tmp_path):
    """Written as the firmware writes them, read and imaged as the device does it."""
    plan = Plan(n_visits=1, images_per_visit=2)
    (room,) = scene.days(1)
    heard = record(scene, plan, room, day=1, visit=0, point=40)
    rng = np.random.default_rng(0)
    frames = beacons(rng, heard, site=1, start_us=START_US, interval_s=0.1, n_kept=100)
    path = tmp_path / "visit.pcapng"
    write_capture(path, record_frames(Firmware(), frames, TONES, rng))

    spec = ImageSpec()
    capture = SurveyedCapture(path, Point("p40", 0.0, 0.0), "1", "day")
    device = record_environment([capture], spec)

    assert len(frames_of(path)) == 300
    assert device.is_simulated
    assert device.heard.all()
    ours = images_of(heard, plan).transpose(0, 3, 1, 2)
    assert device.images.shape == ours.shape == (2, 3, 50, 52)
    faintest = 10 ** ((spec.floor_dbm + 60) / 20)  # pixel 0
    tone_dbm = 20 * np.log10(np.maximum(ours, faintest)) - 60
    step = (spec.ceiling_dbm - spec.floor_dbm) / 255
    shown_dbm = spec.floor_dbm + step * device.images
    assert np.abs(shown_dbm - tone_dbm).max() < step / 2 + 1e-3


# -- the protocols ---------------------------------------------------------------------


@pytest.fixture(scope="module", params=[HALL, LAB], ids=lambda scene: scene.name)
def days(request):
    return survey_scene(request.param, FIVE_DAYS)


def test_the_last_day_is_located_with_what_the_others_taught(days):
    protocol = shipped_protocol(days[0].place.name)

    (tuned,) = protocol.targets(days, "validation")
    (target,) = protocol.targets(days, "test")

    assert (tuned.name, target.name) == ("d4", "d5")
    history = {
        role: [e.name for e in protocol.history_of(of, days, role)]
        for role, of in (("validation", tuned), ("test", target))
    }
    assert history == {
        "validation": ["d1", "d2", "d3"],
        "test": ["d1", "d2", "d3", "d4"],
    }


def test_every_day_may_be_located_with_those_before_it(days):
    """As the comment of the protocol says."""
    shipped = shipped_protocol(days[0].place.name)
    protocol = replace(
        shipped, history=("d1",), validation=(), test=("d2..d5",), rolling=True
    )

    targets = protocol.targets(days, "test")

    assert [len(protocol.history_of(t, days, "test")) for t in targets] == [1, 2, 3, 4]


@pytest.mark.parametrize("regime", ["zero", "1shot", "3shot", "quarter", "five"])
def test_shots_are_of_the_first_visit_and_queries_of_the_second(days, regime):
    protocol = shipped_protocol(days[0].place.name)

    split = make_split(protocol, days, days[-1], "test", REGIMES[regime], 0)

    assert set(days[-1].visit_of[split.shots]) <= {0}
    assert set(days[-1].visit_of[split.queries]) == {1}
    assert not split.same_visit
    assert len(split.queries) == 90 * 3


def test_the_middle_of_the_map_is_as_far_as_on_the_authors_grids(days, rng):
    protocol = shipped_protocol(days[0].place.name)
    split = make_split(protocol, days, days[-1], "test", REGIMES["zero"], 0)
    episode = make_episode(split)

    locator = (
        Centre().learn(episode.history, rng).calibrate(episode.place, episode.shots)
    )
    fixes = locator.locate(episode.queries).locations

    error = np.linalg.norm(fixes - episode.truth.locations, axis=1).mean()
    expected = {"simhall": 2.54, "simlab": 3.26}[days[0].place.name]
    assert error == pytest.approx(expected, abs=0.005)
