"""Neural networks, all alike but for where their parameters come from.

    ri         random                                        fine-tuned on the shots
    tl         pooled supervised training on history         fine-tuned on the shots
    confi      the same                                      as they are
    maml       Algorithm 1                                   fine-tuned on the shots
    maml_ts    Algorithm 2                                   fine-tuned on the shots
    maml_dg    Algorithm 3                                   fine-tuned on the shots
    protonet   cross-visit episodes of a metric              prototypes from the shots

Network, input, step sizes, number of iterations, tasks per iteration and images per
task are the same for all that have them; MAML-TS trains θ_total so, and its θ_i* with
as many iterations again, which they share. The number of steps of the fine-tuning is
chosen in one way, too: by what would have been best on the latest day of history.

In CSI surveys they classify images by `trainer.network`, in RSS surveys they are the
regression of Fig. 3 (`trainer.models.rss_regression`); ConFi and prototypes are for
images alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from trainer.methods.contract import Learnt, Needs
from trainer.surveys.environment import Environment


class Training(StrEnum):
    """Where the parameters come from; see the module."""

    RI = "ri"
    TL = "tl"
    CONFI = "confi"
    MAML = "maml"
    MAML_TS = "maml_ts"
    MAML_DG = "maml_dg"
    PROTONET = "protonet"


_TITLES = {
    Training.RI: "RI",
    Training.TL: "TL",
    Training.CONFI: "ConFi",
    Training.MAML: "MAML",
    Training.MAML_TS: "MAML-TS",
    Training.MAML_DG: "MAML-DG",
    Training.PROTONET: "prototypes",
}

_NEEDS = {
    Training.RI: Needs.SHOTS,
    Training.TL: Needs.HISTORY,
    Training.CONFI: Needs.HISTORY | Needs.IMAGES,
    Training.MAML: Needs.HISTORY | Needs.SHOTS,
    Training.MAML_TS: Needs.HISTORY | Needs.SHOTS,
    Training.MAML_DG: Needs.HISTORY | Needs.SHOTS,
    Training.PROTONET: Needs.HISTORY | Needs.IMAGES,
}


@dataclass(frozen=True, slots=True)
class Budget:
    """How long is trained."""

    n_epochs: int = 100
    """Times that an image of history is seen, about."""

    max_iterations: int = 1000

    max_steps: int = 50
    """Of fine-tuning, that are tried on the past."""


QUICK = Budget(n_epochs=15, max_iterations=100, max_steps=20)
"""Seconds, not minutes."""


@dataclass(frozen=True, slots=True)
class NetworkMethod:
    """The method; see the module."""

    training: Training
    budget: Budget = Budget()

    filters: tuple[int, ...] = (16, 24, 32)
    """Of each convolution; all but the last halve the image. The paper has five,
    `trainer.models.csi_tasks.PAPER_FILTERS`, the authors' published code four,
    ``AUTHORS_FILTERS``: with either goes an ``n_rows`` of 50."""

    n_rows: int = 4
    """Packets of an image, averaged in groups to so many; the paper has 50."""

    @property
    def name(self) -> str:
        """That of the training."""
        return self.training.value

    @property
    def title(self) -> str:
        """As in the paper."""
        return _TITLES[self.training]

    @property
    def needs(self) -> Needs:
        """Fine-tuning takes shots, training takes history."""
        return _NEEDS[self.training]

    @property
    def is_stochastic(self) -> bool:
        """Parameters start at random."""
        return True

    def learn(self, history: Sequence[Environment], rng: np.random.Generator) -> Learnt:
        """Train a network for every place."""
        # Only here, so that a benchmark without networks starts without torch.
        from trainer.methods.network_learning import learn

        return learn(self, history, rng)
