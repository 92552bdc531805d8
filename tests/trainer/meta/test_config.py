import pytest

from trainer.errors import ConfigError
from trainer.meta.config import MetaConfig, Optimizer


def test_defaults_are_those_of_the_paper_but_for_the_optimizer():
    config = MetaConfig()

    assert (config.alpha, config.beta, config.n_steps) == (0.01, 0.001, 5)
    assert not config.second_order
    assert config.optimizer is Optimizer.ADAM


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"n_iterations": -1}, "n_iterations is -1, not 0 or more"),
        ({"tasks_per_iteration": 0}, "tasks_per_iteration is 0, not 1 or more"),
        ({"n_steps": -1}, "n_steps is -1, not 0 or more"),
        ({"alpha": 0.0}, "alpha is 0.0, not a positive number"),
        ({"beta": float("inf")}, "beta is inf, not a positive number"),
        ({"clip_norm": float("nan")}, "clip_norm is nan, not a positive number"),
    ],
)
def test_settings_that_mean_nothing_are_refused(fields, reason):
    with pytest.raises(ConfigError, match=reason):
        MetaConfig(**fields)
