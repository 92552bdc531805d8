"""How meta-parameters are trained; the defaults are section V-B of the paper."""

from dataclasses import dataclass
from enum import StrEnum

from trainer.errors import ConfigError


class Optimizer(StrEnum):
    """How the outer loop follows the meta-gradient."""

    ADAM = "adam"
    """The authors' code."""

    SGD = "sgd"
    """Eq. (8)."""


@dataclass(frozen=True, slots=True)
class MetaConfig:
    """Step sizes and counts of both loops."""

    n_iterations: int = 2000
    tasks_per_iteration: int = 4
    """M; of MAML-DG half in each of its two environments."""

    alpha: float = 0.01
    """Step size α of the inner loop. The paper's number, but the classifier's loss is a
    sum over points (`trainer.models.classification`): with N of them a step is N times
    as long as the authors'."""

    beta: float = 0.001
    """Step size β of the outer loop, and of MAML-DG's virtual step."""

    n_steps: int = 5
    """Q, inner steps while training."""

    second_order: bool = False
    """Differentiate through the inner steps, Eq. (9)-(10), not as in Eq. (11)-(13)."""

    optimizer: Optimizer = Optimizer.ADAM

    cosine: bool = False
    """Let β fall to zero along half a cosine."""

    clip_norm: float | None = None
    """Longest meta-gradient that is followed; longer ones are shortened to it."""

    def __post_init__(self) -> None:
        for name, least in (
            ("n_iterations", 0),
            ("tasks_per_iteration", 1),
            ("n_steps", 0),
        ):
            if getattr(self, name) < least:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}, not {least} or more"
                )
        for name in ("alpha", "beta", "clip_norm"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ConfigError(f"{name} is {value}, not a positive number")
