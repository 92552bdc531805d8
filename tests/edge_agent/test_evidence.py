"""Images beside shots, channel by channel; oracles are the kernel and closed forms."""

import math

import numpy as np
import pytest

from edge_agent.csi.image import ImageSpec
from edge_agent.evidence import Evidence, Examiner, restlessness_db
from edge_agent.neighbours.estimator import Fingerprints
from edge_agent.neighbours.whitening import channel_features
from tests.edge_agent.sites import SPEC
from tests.edge_agent.whitened import random_neighbours

N_SHOTS = 5


@pytest.fixture
def neighbours(rng):
    return random_neighbours(rng)


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (N_SHOTS + 1, *SPEC.shape), np.uint8)


@pytest.fixture
def heard(rng):
    heard = rng.random((N_SHOTS + 1, SPEC.n_channels)) < 0.7
    heard[:, 0] = True
    heard[2, 0], heard[2, 1] = False, True
    return heard


@pytest.fixture
def examiner(neighbours, images, heard):
    shots = neighbours.fingerprints(
        SPEC, images[1:], heard[1:], np.arange(N_SHOTS), N_SHOTS
    )
    return Examiner.of(neighbours, SPEC, shots)


def evidence_of(shares, **overrides):
    """Evidence whose shares are given; every channel is heard everywhere."""
    shares = np.array(shares, np.float64)
    values = {
        "heard": np.ones(shares.shape[1], np.bool_),
        "level_dbm": np.full(shares.shape[1], -50.0),
        "shares": shares,
        "offset_db": np.zeros(shares.shape),
        "shots_heard": np.ones(shares.shape, np.bool_),
        "restlessness_db": 1.0,
    }
    return Evidence(**(values | overrides))


def test_shares_add_up_to_the_distances_of_the_kernel(
    neighbours, examiner, images, heard
):
    evidence = examiner.examine(images[0], heard[0])

    z = neighbours.whitening(channel_features(images[:1], SPEC))
    expected = neighbours.kernel.distances(z, heard[:1], examiner.fingerprints)
    assert evidence.distances == pytest.approx(expected[0])
    assert evidence.nearest == expected[0].argmin()


def test_levels_of_shots_are_those_of_their_images(examiner, images, heard):
    levels = channel_features(images[1:], SPEC)[:, :, -1]

    assert examiner.levels_dbm[heard[1:]] == pytest.approx(levels[heard[1:]], abs=1e-3)


def test_an_offset_is_the_level_now_less_that_of_the_shot(examiner, images, heard):
    evidence = examiner.examine(images[0], heard[0])

    levels = channel_features(images, SPEC)[:, :, -1]
    in_both = heard[0] & heard[1:]
    expected = (levels[0] - levels[1:])[in_both]
    assert evidence.offset_db[in_both] == pytest.approx(expected, abs=1e-3)
    assert np.isnan(evidence.offset_db[~in_both]).all()


def test_a_channel_is_judged_at_the_shot_that_is_nearest_by_the_others():
    # By all, shot 0 is nearest; by channel 1 alone it is shot 1.
    evidence = evidence_of([[0.0, 3.0], [9.0, 1.0]])

    assert evidence.nearest == 0
    assert evidence.rivals.tolist() == [1, 0]


def test_a_single_channel_is_judged_where_it_says_itself():
    assert evidence_of([[3.0], [1.0]]).rivals.tolist() == [1]


def test_a_device_under_way_fades_as_rayleigh_has_it(rng):
    spec = ImageSpec(n_packets=4000, n_tones=8, n_channels=1)
    power = rng.exponential(1.0, (1, 4000, 8))
    dbm = -50 + 10 * np.log10(power)
    step_db = (spec.ceiling_dbm - spec.floor_dbm) / 255
    pixels = np.clip(np.rint((dbm - spec.floor_dbm) / step_db), 0, 255)

    measured = restlessness_db(pixels.astype(np.uint8), spec)

    closed_form = 10 / math.log(10) * math.pi / math.sqrt(6)
    assert measured == pytest.approx(closed_form, rel=0.02)


def test_what_never_changes_is_at_rest():
    assert restlessness_db(np.full((2, 8, 16), 77, np.uint8), SPEC) == 0


def test_without_a_channel_nothing_is_restless():
    assert restlessness_db(np.zeros((0, 8, 16), np.uint8), SPEC) == 0


def test_fingerprints_of_other_images_are_refused(neighbours):
    z = np.zeros((1, SPEC.n_channels, 5), np.float32)
    heard = np.ones((1, SPEC.n_channels), np.bool_)
    with pytest.raises(ValueError, match=r"fingerprints of shape \(1, 2, 5\), not"):
        Examiner.of(neighbours, SPEC, Fingerprints(z, heard, np.zeros(1, np.intp), 1))
