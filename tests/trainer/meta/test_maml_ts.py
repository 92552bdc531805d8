"""Algorithm 2 on quadratics, whose best meta-parameters are known."""

import numpy as np
import pytest
import torch

from edge_agent.task_similarity.choice import Choice
from tests.trainer.builders import as_tensors
from tests.trainer.meta.small_models import Quadratic, QuadraticTask
from trainer.meta.config import MetaConfig
from trainer.meta.maml_ts import chosen_parameters, train_environments
from trainer.meta.train import meta_train

CONFIG = MetaConfig(
    n_iterations=400, tasks_per_iteration=2, alpha=0.2, beta=0.05, n_steps=1
)
EYE = np.eye(2)


class Around:
    """Tasks whose support and query pull to one centre."""

    def __init__(self, *centre):
        self.centre = np.array(centre)

    def draw(self, rng):
        c = self.centre + rng.normal(scale=0.01, size=2)
        return QuadraticTask(EYE, c, EYE, c)


def trained(environments, seed=0):
    start = as_tensors({"theta": np.zeros(2)})

    def train(name, learner, rng):
        return meta_train(learner, start, CONFIG, rng)

    return train_environments(Quadratic(), environments, CONFIG, seed, train)


def test_every_environment_has_parameters_of_its_own():
    """On a quadratic MAML ends at the centre of the tasks."""
    found = trained({"hall": Around(1.0, 2.0), "lab": Around(-3.0, 0.5)})

    assert list(found) == ["hall", "lab"]
    np.testing.assert_allclose(found["hall"]["theta"], [1.0, 2.0], atol=0.05)
    np.testing.assert_allclose(found["lab"]["theta"], [-3.0, 0.5], atol=0.05)


def test_what_one_learns_does_not_depend_on_the_others():
    both = trained({"hall": Around(1.0, 2.0), "lab": Around(-3.0, 0.5)})
    alone = trained({"hall": Around(1.0, 2.0)})
    other = trained({"hall": Around(1.0, 2.0)}, seed=1)

    assert torch.equal(both["hall"]["theta"], alone["hall"]["theta"])
    assert not torch.equal(other["hall"]["theta"], alone["hall"]["theta"])


@pytest.mark.parametrize("chosen", ["hall", "lab", None])
def test_the_task_starts_from_the_chosen_parameters_or_from_those_of_all(chosen):
    choice = Choice(chosen, "hall", {"hall": 0.0, "lab": 0.0}, 0.0, 1.0)
    theta = {name: as_tensors({"theta": np.zeros(3)}) for name in ("hall", "lab")}
    total = as_tensors({"theta": np.zeros(3)})

    found = chosen_parameters(theta, total, choice)

    assert found is (theta[chosen] if chosen else total)
