"""Rest is told from motion, by formulas, on simulated walkers and on real captures."""

import numpy as np
import pytest

from edge_agent.csi.image import ImageSpec
from edge_agent.walking.plan import Stop, outside_point
from edge_agent.walking.shot import Shot
from edge_agent.walking.steadiness import WALKING, Motion, steadiness
from edge_agent.walking.verdict import CARRIED, UNSTEADY
from tests.edge_agent.walking.captures import packets_of_file
from trainer.simulate.listening import HEIGHT_M
from trainer.simulate.scenes import SCENES
from trainer.simulate.survey import START_US, capture_at

BEGIN_NS = START_US * 1000
MS = 1_000_000


def peak(shapes, interval_ms=100.0):
    motion = Motion()
    times = BEGIN_NS + (interval_ms * MS * np.arange(len(shapes))).astype(np.int64)
    motion.feed(times, np.asarray(shapes, float))
    return motion.peak


def swinging(n, by):
    """One tone that goes up and down by so much; the rms difference is known."""
    shapes = np.ones((n, 4))
    shapes[1::2, 0] += by
    return shapes


def test_motion_is_the_rms_difference_of_frames_that_follow_each_other():
    # sqrt(by² / 4 tones / 2)
    assert peak(swinging(20, 0.8)) == pytest.approx(0.8 / 8**0.5)


def test_a_device_that_never_changes_is_steady():
    assert peak(np.ones((20, 4))) == 0
    assert steadiness([0.0]) == 1


def test_single_jumps_are_no_motion():
    shapes = np.ones((40, 4))
    shapes[10] = 3
    shapes[20:] = 2
    shapes[30] = 0

    assert peak(shapes) == 0


def test_moving_for_four_frames_is_motion_and_for_two_is_not():
    still = np.ones((10, 4))

    assert peak(np.concatenate([still, swinging(4, 1.0), still])) > 0.1
    assert peak(np.concatenate([still, swinging(2, 1.0), still])) == 0


def test_frames_that_are_close_together_are_passed_over():
    # Alternates at every frame; every second frame is 50 ms after the last that counts.
    assert peak(swinging(80, 1.0), interval_ms=25) == 0
    assert peak(swinging(80, 1.0), interval_ms=50) > 0.1


def test_frames_that_are_far_apart_are_not_compared():
    assert peak(swinging(40, 1.0), interval_ms=501) is None


def test_too_few_frames_tell_nothing():
    assert peak(swinging(7, 1.0)) is None
    assert peak(swinging(8, 1.0)) is not None
    assert steadiness([]) is None


def test_a_clock_that_goes_back_begins_anew():
    motion = Motion()
    for start in (BEGIN_NS, BEGIN_NS - 3600 * 1000 * MS):
        times = start + 100 * MS * np.arange(5)
        motion.feed(times, swinging(5, 1.0))

    assert motion.peak == pytest.approx(1 / 8**0.5)  # four differences and four more


def test_of_several_access_points_the_middle_one_counts():
    assert steadiness([0.0, 0.0, 0.5]) == 1
    assert steadiness([WALKING / 2]) == pytest.approx(0.5)
    assert steadiness([0.5, 0.5, 0.0]) == 0


@pytest.mark.parametrize("interval_s", [0.1, 0.05])
def test_a_simulated_walker_is_told_from_a_device_at_rest(rng, interval_s):
    scene = SCENES["hall"]
    room = scene.on_day(1)
    n = 60
    way = np.linspace((2.0, 2.0), (2.0 + n * interval_s, 3.0), n)  # about 1 m/s
    places = {
        "rest": scene.place(rng, 40),
        "walk": np.column_stack([way, np.full(n, HEIGHT_M)]),
    }
    found = {}
    for kind, place in places.items():
        raw = capture_at(
            rng,
            room,
            place,
            site=3,
            n_packets=n,
            interval_s=interval_s,
            start_us=START_US,
        )
        found[kind] = steadiness_of(raw)

    assert found["rest"] > UNSTEADY
    assert found["walk"] < CARRIED


def steadiness_of(raw):
    shot = Shot(
        Stop(outside_point(), 1), ImageSpec(), now=0.0, expected=(), limit_s=20.0
    )
    shot.feed(raw, 0.0, float(raw.time_ns[-1] - raw.time_ns[0]) / 1e9)
    return shot.report.steadiness


def test_most_real_shots_at_rest_are_steady(shared_data):
    raw = packets_of_file(shared_data("raw/csu/data/ref/ref_216_1_3500.pcap"))

    shots = [steadiness_of(raw[start : start + 50]) for start in range(0, 800, 50)]

    assert np.mean(np.array(shots) > UNSTEADY) >= 0.9
