"""Parameter distances and empirical excess risk: what Theorem 1 is about.

    ER(Q) = E [L(θ_T(Q)) - L(θ_T*)]                        L on samples of its own

    ER ≤ 2 G² (ρ^Q - 1) / (k W) + E [L(θ_T(Q); D^s) - L(θ_T*)]             bound 1
       ≤ 2 G² (ρ^Q - 1) / (k W) + E ‖θ - θ_T*‖² / (2 α),  ρ = 1 + 2 α W    bound 2

G and W are not known for this network. The largest gradient and the largest change of
a gradient per distance that were met on the way are taken, and are less than G and W:
bounds with them are the least that the theorem could promise.

θ_T* is the best that Adam passes on many samples of the test place, by samples that it
is not fitted to; by Eq. (15) it would be where descent on the support ends, which is
measured as well. L(θ_T*) is that of the better of both starts.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from edge_agent.rss.fingerprints import LENGTH_M
from trainer.figures.descent import descend, descend_adam
from trainer.figures.meta_training import (
    MODEL,
    MetaTraining,
    from_arrays,
    initial,
)
from trainer.figures.radio import PathLossPlace, draw_problem
from trainer.figures.units import Arrays, Needed, Tell, Unit, chance
from trainer.meta.inner_loop import Parameters, as_leaves
from trainer.models.rss_regression import RssBatch
from trainer.models.rss_regression import RssTask as Task
from trainer.simulate.pathloss.tasks import RssTask

_PLACE, _DRAW = 51, 52
"""What a stream of chance is for."""

_EVERY = 10
"""Steps of Adam between two candidates for θ_T*."""


@dataclass(frozen=True, slots=True)
class Distances:
    """θ* and a random start, at one test place."""

    theta: MetaTraining
    test: RssTask
    n_steps: int = 30
    """Largest Q."""

    n_support: int = 124
    n_supports: int = 8
    """Support sets that the expectation is over."""

    n_own: int = 1000
    """Gradient steps on one support set after which Eq. (15) is taken to hold."""

    n_many: int = 8000
    """Samples that θ_T* is fitted to."""

    n_chosen: int = 2000
    """Samples by which it is chosen."""

    n_adam: int = 800
    n_query: int = 4000
    """Samples that L is measured on."""

    n_references: int = 30

    @property
    def name(self) -> str:
        """See `Unit`."""
        return "distances"

    @property
    def needs(self) -> tuple[Unit, ...]:
        """θ*."""
        return (self.theta,)

    @property
    def weight(self) -> float:
        """See `Unit`."""
        return 6e-6 * self.n_adam * self.n_many + 0.01 * self.n_steps * self.n_supports

    def run(self, seed: int, needed: Needed, tell: Tell) -> Arrays:
        """Return distances and risks of the starts ``meta`` and ``ri``.

        ``<start>-distance`` to the best that Adam passes from it, ``<start>-own``
        to where descent on a support set ends, ``<start>-other`` to the best that Adam
        passes from the other start; per Q: ``<start>-risk``, ``<start>-bound1`` and
        ``<start>-bound2`` [m]; ``<start>-alpha_w``, the largest α W that was met.
        """
        place = PathLossPlace(self.test.draw_site(chance(seed, _PLACE)))
        problem = draw_problem(
            place,
            chance(seed, _DRAW),
            n_references=self.n_references,
            n_support=self.n_many + self.n_chosen + self.n_supports * self.n_support,
            n_query=self.n_query,
        )
        many = problem.first(self.n_many).task
        chosen_by = _part(problem.task, self.n_many, self.n_chosen)
        used = self.n_many + self.n_chosen
        supports = [
            _part(problem.task, used + i * self.n_support, self.n_support)
            for i in range(self.n_supports)
        ]
        starts = {"meta": from_arrays(needed[self.theta.name]), "ri": initial(seed)}
        ends = {}
        for key, start in starts.items():
            tell(f"{key}: Adam on {self.n_many} samples")
            ends[key] = self._best(start, many, chosen_by)
        least = min(_loss(end, many) for end in ends.values())
        found: Arrays = {"steps": np.arange(self.n_steps + 1)}
        for key, start in starts.items():
            tell(f"{key}: descent on {self.n_supports} support sets")
            other = ends["ri" if key == "meta" else "meta"]
            found[f"{key}-distance"] = np.array(_apart(start, ends[key]))
            found[f"{key}-other"] = np.array(_apart(start, other))
            found[f"{key}-own"] = np.array(_apart(start, self._own(start, supports[0])))
            for what, values in self._risks(start, ends[key], least, supports).items():
                found[f"{key}-{what}"] = values
        return found

    def _best(self, start: Parameters, task: Task, chosen_by: Task) -> Parameters:
        """Return θ_T*."""
        beta, best, least = self.theta.learning.beta, start, math.inf
        for step, at in descend_adam(start, task, beta=beta, n_steps=self.n_adam):
            if step % _EVERY:
                continue
            with torch.no_grad():
                loss = float(MODEL.support_loss(at, chosen_by))
            if loss < least:
                best = {name: value.detach().clone() for name, value in at.items()}
                least = loss
        return best

    def _own(self, start: Parameters, task: Task) -> Parameters:
        """Return θ_T(Q) for a Q so large that it counts as Eq. (15)."""
        alpha = self.theta.learning.alpha
        *_, (_, end) = descend(start, task, alpha=alpha, n_steps=self.n_own)
        return end

    def _risks(
        self,
        start: Parameters,
        end: Parameters,
        least: float,
        supports: list[Task],
    ) -> Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
        """Return ER and both bounds against Q [m], and α W."""
        alpha, k = self.theta.learning.alpha, self.n_support
        risks, gaps, slopes, bends = [], [], [0.0], [0.0]
        for task in supports:
            risk, gap, before = [], [], None
            for _, at in descend(start, task, alpha=alpha, n_steps=self.n_steps):
                risk.append(_loss(at, task) - least)
                gap.append(float(MODEL.support_loss(at, task).detach()) - least)
                here = (_flat(at), _slope(at, task))
                slopes.append(float(here[1].norm()))
                if before is not None and (
                    moved := float((here[0] - before[0]).norm())
                ):
                    bends.append(float((here[1] - before[1]).norm()) / moved)
                before = here
            risks.append(risk)
            gaps.append(gap)
        g, w = max(slopes), max(bends)
        q = np.arange(self.n_steps + 1)
        stability = 2 * g**2 * ((1 + 2 * alpha * w) ** q - 1) / (k * w)
        apart = _apart(start, end) ** 2 / (2 * alpha)
        return {
            "risk": np.mean(risks, axis=0) * LENGTH_M,
            "bound1": (stability + np.mean(gaps, axis=0)) * LENGTH_M,
            "bound2": (stability + apart) * LENGTH_M,
            "alpha_w": np.array(alpha * w),
        }


def _part(task: Task, start: int, n: int) -> Task:
    """Return a task with some samples of its support."""
    some = slice(start, start + n)
    return Task(
        RssBatch(task.support.inputs[some], task.support.targets[some]), task.query
    )


def _loss(theta: Parameters, task: Task) -> float:
    """Return L on samples that nothing was fitted to."""
    with torch.no_grad():
        return float(MODEL.query_loss(theta, task))


def _slope(theta: Parameters, task: Task) -> torch.Tensor:
    """Return ∇L on the support set, as one vector."""
    leaves = as_leaves(theta)
    loss = MODEL.support_loss(leaves, task)
    return _flat(
        dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))
    )


def _flat(theta: Parameters) -> torch.Tensor:
    return torch.cat([value.detach().flatten() for value in theta.values()])


def _apart(a: Parameters, b: Parameters) -> float:
    """Return ‖a - b‖ over all parameters."""
    return float((_flat(a) - _flat(b)).norm())
