"""Fig. 13 and Fig. 14 of a small survey."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trainer.surveyed import csi_episode
from trainer.errors import TaskError
from trainer.methods.network_curves import paper_curves
from trainer.methods.networks import QUICK, NetworkMethod, Training

EPISODE = csi_episode(n_history=3, n_shots=5)
PAST, LAST = EPISODE.history[:-1], EPISODE.history[-1]


def curves(training, target=LAST, rng=None, n_epochs=15, **options):
    method = NetworkMethod(training, replace(QUICK, n_epochs=n_epochs))
    sizes = {"n_steps": 4, "n_snapshots": 3, "n_draws": 4, "n_seeds": 1} | options
    return paper_curves(method, PAST, target, rng or np.random.default_rng(0), **sizes)


def test_meta_training_lowers_the_error_of_a_day_it_has_not_seen():
    found = curves(Training.MAML)

    iterations = found.against_iterations
    assert iterations.x[0] == 0
    assert iterations.y[-1] < iterations.y[0]
    assert found.against_steps.x.tolist() == [0, 1, 2, 3, 4]
    assert found.against_steps.y[-1] < found.against_steps.y[0]
    assert found.against_steps.y[-1] == iterations.y[-1]


def test_a_head_of_zeros_starts_at_the_centre_of_the_map():
    found = curves(Training.RI)

    locations = EPISODE.place.locations
    centre = np.linalg.norm(locations - locations.mean(axis=0), axis=1).mean()
    assert found.against_steps.y[0] == pytest.approx(centre)
    assert found.against_iterations.y[0] == found.against_iterations.y[-1]


def test_the_interval_is_that_of_the_mean_over_trainings():
    """Three of them; Student's t of two degrees of freedom is 4.302653."""
    numbers, brief = [], {"n_epochs": 3, "n_draws": 2}
    one_by_one = np.random.default_rng(0)

    found = curves(Training.TL, n_seeds=3, on_seed=numbers.append, **brief)
    each = [curves(Training.TL, rng=one_by_one, **brief) for _ in range(3)]

    assert numbers == [0, 1, 2]
    for figure in ("against_iterations", "against_steps"):
        curve = getattr(found, figure)
        errors = np.array([getattr(single, figure).y for single in each])
        assert (np.ptp(errors[:, -1]) > 0.001).all()
        mean = errors.sum(axis=0) / 3
        deviation = np.sqrt(np.square(errors - mean).sum(axis=0) / 2)
        half = 4.302653 * deviation / np.sqrt(3)
        np.testing.assert_allclose(curve.y, mean)
        np.testing.assert_allclose(curve.low, mean - half, rtol=1e-6)
        np.testing.assert_allclose(curve.high, mean + half, rtol=1e-6)


def test_one_training_has_no_interval():
    found = curves(Training.RI).against_steps

    assert (found.low, found.high) == (None, None)


def test_no_training_is_refused():
    with pytest.raises(ValueError, match="n_seeds is 0, not 1 or more"):
        curves(Training.RI, n_seeds=0)


def test_a_day_that_cannot_be_replayed_is_refused():
    lone = LAST.select(np.unique(LAST.point_of, return_index=True)[1])

    with pytest.raises(TaskError, match="d2 has no two points"):
        curves(Training.MAML, target=lone)
