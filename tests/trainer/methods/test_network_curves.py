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


def curves(training, target=LAST, **options):
    method = NetworkMethod(training, replace(QUICK, n_epochs=15))
    rng = np.random.default_rng(0)
    sizes = {"n_steps": 4, "n_snapshots": 3, "n_draws": 4} | options
    return paper_curves(method, PAST, target, rng, **sizes)


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


def test_the_interval_is_around_the_mean():
    found = curves(Training.TL).against_steps

    assert (found.low < found.y).all()
    np.testing.assert_allclose(found.y - found.low, found.high - found.y)


def test_one_draw_has_no_interval():
    found = curves(Training.TL, n_draws=1).against_steps

    np.testing.assert_array_equal(found.low, found.y)


def test_a_day_that_cannot_be_replayed_is_refused():
    lone = LAST.select(np.unique(LAST.point_of, return_index=True)[1])

    with pytest.raises(TaskError, match="d2 has no two points"):
        curves(Training.MAML, target=lone)
