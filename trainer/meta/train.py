"""The outer loop, the same for every algorithm: θ <- θ - β ∇, Eq. (8).

    learner = Maml(model, tasks, config)          or MamlDg(...)
    theta = meta_train(learner, theta, config, rng)

Departure from the paper: Adam unless ``config.optimizer`` says otherwise, as in the
authors' code. One generator is the only source of chance, so that its state, θ and the
optimizer's are all that must be kept to go on after an interruption
(`trainer.meta.resume`) as if there had been none, to the last bit.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from trainer.errors import DivergedError, ResumeError, Stopped
from trainer.meta.config import MetaConfig, Optimizer
from trainer.meta.inner_loop import Parameters
from trainer.meta.learner import Learner
from trainer.meta.resume import ResumeFile, TrainingState

_SMOOTHING = 0.02
_SECONDS_BETWEEN_SAVES = 30.0
"""Half a minute, so that a slow iteration on top does not cost more than one."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training stands."""

    iteration: int
    n_iterations: int
    meta_loss: float
    """Smoothed over about 50 iterations; ln N is what guessing gives."""

    seconds: float
    """Spent on the iterations so far, those before an interruption included."""

    unit: str = ""
    """Of the loss; per point where it has none."""

    def __str__(self) -> str:
        """Return for example ``120/2000  loss 0.812  3.1/s  10 min left``."""
        rate = self.iteration / self.seconds if self.seconds > 0 else 0.0
        left = (self.n_iterations - self.iteration) / rate if rate else 0.0
        return (
            f"{self.iteration}/{self.n_iterations}  loss {self.meta_loss:.3f}"
            f"{self.unit and ' '}{self.unit}  "
            f"{rate:.1f}/s  {left / 60:.0f} min left"
        )


@dataclass(frozen=True, slots=True)
class Snapshots:
    """θ along the way, for curves such as Fig. 13."""

    every: int
    """Iterations between two; the last one is always taken, and that at the start."""

    keep: Callable[[int, Parameters], None]
    """Receives the iteration and a copy of θ."""


def meta_train(
    learner: Learner,
    theta: Parameters,
    config: MetaConfig,
    rng: np.random.Generator,
    *,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    snapshots: Snapshots | None = None,
    resume: ResumeFile | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Parameters:
    """Return θ* after meta-training.

    Args:
        learner: The algorithm.
        theta: Initial θ, on the device that computes; not modified.
        config: Step size, optimizer, number of iterations.
        rng: The only source of chance; its state moves on.
        on_progress: Called after every iteration.
        snapshots: Where copies of θ go. After an interruption they begin where it was.
        resume: Gone on from where it holds a state, and written at least once a minute
            and before this function returns or stops.
        should_stop: Asked after every iteration.
        clock: Seconds.

    Raises:
        ResumeError: The file is damaged, of another training, or cannot be written.
        DivergedError: The meta-loss is not a number any more.
        Stopped: ``should_stop`` said so.
    """
    loop = _OuterLoop(theta, config, rng)
    if resume is not None and (state := resume.load()) is not None:
        if state.iteration > config.n_iterations:
            raise ResumeError(
                f"{resume.path} holds iteration {state.iteration}, more than the "
                f"{config.n_iterations} that were asked for"
            )
        loop.restore(state)
    if snapshots is not None and loop.iteration == 0:
        snapshots.keep(0, loop.theta())
    started = saved = clock()
    before, saved_at = loop.seconds, loop.iteration
    while loop.iteration < config.n_iterations:
        loop.iterate(learner)
        now = clock()
        loop.seconds = before + now - started
        is_last = loop.iteration == config.n_iterations
        on_progress(
            Progress(loop.iteration, config.n_iterations, loop.loss, loop.seconds)
        )
        if snapshots is not None and (is_last or loop.iteration % snapshots.every == 0):
            snapshots.keep(loop.iteration, loop.theta())
        stopping = not is_last and should_stop()
        if resume is not None and (
            is_last or stopping or now - saved >= _SECONDS_BETWEEN_SAVES
        ):
            resume.save(loop.state())
            saved, saved_at = now, loop.iteration
        if stopping:
            where = f"; {resume.path} holds iteration {saved_at}" if resume else ""
            raise Stopped(
                f"stopped after {loop.iteration} of {config.n_iterations} iterations"
                f"{where}"
            )
    return loop.theta()


class _OuterLoop:
    """θ, the optimizer, and where they stand."""

    def __init__(
        self, theta: Parameters, config: MetaConfig, rng: np.random.Generator
    ) -> None:
        self._theta = {name: value.detach().clone() for name, value in theta.items()}
        self._config, self._rng = config, rng
        values = list(self._theta.values())
        self._optimizer: torch.optim.Optimizer = (
            torch.optim.SGD(values, lr=config.beta)  # Eq. (8)
            if config.optimizer is Optimizer.SGD
            else torch.optim.Adam(values, lr=config.beta)
        )
        self.iteration, self.loss, self.seconds = 0, 0.0, 0.0

    def iterate(self, learner: Learner) -> None:
        """Draw tasks and follow their meta-gradient."""
        beta = _beta(self._config, self.iteration)
        loss, gradient = learner.gradient(self._theta, self._rng, beta)
        if not math.isfinite(loss):
            raise DivergedError(
                f"the meta-loss is {loss} in iteration {self.iteration + 1}: choose a "
                "smaller alpha or beta, or clip the meta-gradient"
            )
        scale = _shortening(gradient, self._config.clip_norm)
        for name, value in self._theta.items():
            value.grad = gradient[name] * scale if scale < 1 else gradient[name]
        for group in self._optimizer.param_groups:
            group["lr"] = beta
        self._optimizer.step()
        change = loss - self.loss
        self.loss = self.loss + _SMOOTHING * change if self.iteration else loss
        self.iteration += 1

    def theta(self) -> Parameters:
        """Return a copy of θ."""
        return {name: value.detach().clone() for name, value in self._theta.items()}

    def state(self) -> TrainingState:
        """Return all that `restore` needs."""
        of_parameter = self._optimizer.state_dict()["state"]
        return TrainingState(
            self.iteration,
            self.loss,
            self.seconds,
            self._rng.bit_generator.state,
            {name: value.detach().cpu().numpy() for name, value in self._theta.items()},
            {
                name: {
                    key: tensor.cpu().numpy()
                    for key, tensor in of_parameter.get(number, {}).items()
                }
                for number, name in enumerate(self._theta)
            },
        )

    def restore(self, state: TrainingState) -> None:
        """Go on from a state."""
        self.iteration, self.loss, self.seconds = (
            state.iteration,
            state.loss,
            state.seconds,
        )
        self._rng.bit_generator.state = state.rng
        with torch.no_grad():
            for name, value in self._theta.items():
                value.copy_(torch.from_numpy(state.theta[name]))
        document = self._optimizer.state_dict()
        document["state"] = {
            number: {
                key: torch.from_numpy(array)
                for key, array in state.optimizer[name].items()
            }
            for number, name in enumerate(self._theta)
            if state.optimizer[name]
        }
        self._optimizer.load_state_dict(document)


def _beta(config: MetaConfig, iteration: int) -> float:
    """Return the step size of an iteration, counted from 0."""
    if not config.cosine:
        return config.beta
    return config.beta * (1 + math.cos(math.pi * iteration / config.n_iterations)) / 2


def _shortening(gradient: Parameters, longest: float | None) -> float:
    """Return the factor, at most 1, that makes a gradient no longer than allowed."""
    if longest is None:
        return 1.0
    squares = [value.square().sum() for value in gradient.values()]
    length = float(torch.stack(squares).sum().sqrt())
    return longest / length if length > longest else 1.0
