"""A network that classifies CSI images over the points of one place.

The location is the mean of the points under the network's probabilities, never the
point of the largest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from trainer.episodes import TaskConfig, usable_points
from trainer.meta.inner_loop import Parameters, as_leaves, inner_step
from trainer.meta.maml import adapted_to
from trainer.methods.contract import Fixes
from trainer.methods.csi_front import CsiFront, SilenceError
from trainer.methods.features import Matrix, mean_amplitude
from trainer.methods.network_training import (
    ALPHA,
    Tasks,
    Trained,
    generator_of,
    most_similar,
    n_iterations,
    train,
)
from trainer.methods.networks import NetworkMethod, Training
from trainer.methods.posterior import Unsure, expectation, keep_best
from trainer.methods.replay import replay
from trainer.models.classification import ClassificationModel
from trainer.models.csi_tasks import CsiTaskSampler, amplitude_inputs
from trainer.models.prototypes import PrototypeModel, logits, mean_per_point
from trainer.network import Batch, Statistics, features, forward
from trainer.surveys.environment import Environment, Integers, Place, Signals
from trainer.tasks import Task

Model = ClassificationModel | PrototypeModel

_TEMPERATURES = (1.0, 0.5, 0.25, 0.1, 0.05)
_N_REPLAYS = 3
_N_BEST = 5
"""Classes that ConFi's centroid is of."""

_N_REFERENCES = 256
"""Images of history that stand for all of it."""

_N_PER_PASS = 256


@dataclass(frozen=True, slots=True)
class Tuning:
    """What is chosen by replaying the past; the defaults are without any."""

    n_steps: int = 10
    """Of fine-tuning; the authors' number."""

    temperature: float = 1.0
    """Logits are divided by it."""


@dataclass(frozen=True, slots=True)
class CsiSite:
    """A trained network, and what it needs to start on a new day."""

    method: NetworkMethod
    front: CsiFront | None
    """None where nothing has ever been heard."""

    model: Model | None
    trained: Trained
    tuning: "Tuning"
    days: tuple[Environment, ...]
    """History as the network sees it."""

    @classmethod
    def learn(
        cls,
        method: NetworkMethod,
        place: Place,
        days: Sequence[Environment],
        rng: np.random.Generator,
    ) -> Self:
        """Train on the days of a place.

        Args:
            method: Which training, and how long.
            place: With the points.
            days: Oldest first, none empty; or the shots alone.
            rng: The only source of chance.

        Raises:
            TaskError: The method's filters do not fit the images.
        """
        try:
            front = CsiFront.learn(days, method.filters, n_rows=method.n_rows)
        except SilenceError:
            return cls(method, None, None, Trained({}, {}), Tuning(), ())
        seen = [day for day in map(front.of, days) if len(day)]
        model = make_model(method.training, front, place)
        theta = model.initial(generator_of(rng))
        budget = method.budget

        def train_on(some: Sequence[Environment], share: float) -> Trained:
            iterations = n_iterations(
                sum(map(len, some)), budget.n_epochs, budget.max_iterations
            )
            tasks = tasks_of(method.training, front, some)
            n = max(1, round(share * iterations))
            return train(method.training, model, theta, tasks, n, rng)

        tuning = Tuning()
        if len(seen) > 1 and method.training is not Training.CONFI:
            past = train_on(seen[:-1], 0.5).theta
            tasks = replayed_tasks(front, seen[-1], rng, _N_REPLAYS)
            tuning = tune(model, past, tasks, budget.max_steps)
        return cls(method, front, model, train_on(seen, 1), tuning, tuple(seen))

    def calibrate(
        self, place: Place, shots: Environment, rng: np.random.Generator
    ) -> "CsiLocator | Unsure":
        """Return the network, fine-tuned where there are shots and it is to be."""
        if self.front is None or self.model is None:
            return Unsure(place)
        seen = self.front.of(shots) if len(shots) else shots
        history = _some(self.days, rng)
        fixed = self.method.training is Training.CONFI or not len(seen)
        if fixed and history is None:
            return Unsure(place)
        reference = history if fixed and history is not None else seen
        support = make_batch(self.front, reference)
        task = Task(support, support, place.locations)
        theta = most_similar(self.trained, seen, self.days, _vectors, rng)
        if isinstance(self.model, PrototypeModel):
            prototypes = _prototypes(theta, support)
            if history is not None:  # for points without a shot
                older = _prototypes(theta, make_batch(self.front, history))
                prototypes = torch.where(prototypes.isfinite(), prototypes, older)
            return CsiLocator(
                place,
                self.front,
                theta,
                support,
                self.tuning.temperature,
                prototypes=prototypes,
            )
        if not fixed:
            theta = adapted_to(
                self.model, theta, task, alpha=ALPHA, n_steps=self.tuning.n_steps
            )
        elif self.model.site_points is None:
            theta = self.model.start(theta, task)
        n_best = _N_BEST if self.method.training is Training.CONFI else None
        return CsiLocator(
            place, self.front, theta, support, self.tuning.temperature, n_best=n_best
        )


@dataclass(frozen=True, slots=True, eq=False)
class CsiLocator:
    """Fine-tuned parameters, statistics frozen."""

    place: Place
    front: CsiFront
    theta: Parameters
    support: Batch
    """Whose statistics normalise."""

    temperature: float
    prototypes: Tensor | None = None
    n_best: int | None = None
    """Points that the location is the mean of; all when None."""

    def locate(self, signals: Signals) -> Fixes:
        """Return the mean location under the network's probabilities."""
        seen = self.front(signals)
        posterior = np.zeros((len(signals), self.place.n_points))
        statistics: Statistics = []
        with torch.no_grad():
            features(self.theta, self.support.inputs, collect=statistics)
            for start in range(0, len(signals), _N_PER_PASS):
                part = slice(start, start + _N_PER_PASS)
                inputs = amplitude_inputs(self.front.architecture, seen.select(part))
                scores = self._logits(torch.from_numpy(inputs), statistics)
                scores = scores.double() / self.temperature
                posterior[part] = scores.softmax(dim=1).numpy()
        if self.n_best is not None:
            posterior = keep_best(posterior, self.n_best)
        return expectation(self.place, posterior, signals)

    def _logits(self, inputs: Tensor, statistics: Statistics) -> Tensor:
        if self.prototypes is None:
            return forward(self.theta, inputs, statistics)
        embedded = features(self.theta, inputs, statistics)
        return logits(self.theta, embedded, self.prototypes)


def make_model(training: Training, front: CsiFront, place: Place) -> Model:
    """Return the network; supervised training needs a head for the place's points."""
    if training is Training.PROTONET:
        return PrototypeModel(front.architecture)
    supervised = training in (Training.TL, Training.CONFI)
    return ClassificationModel(
        front.architecture, site_points=place.n_points if supervised else None
    )


def tasks_of(
    training: Training, front: CsiFront, days: Sequence[Environment]
) -> Tasks[Task] | None:
    """Return the tasks of days that can serve any; None where none can.

    Args:
        training: Supervised training labels with the points of the place.
        front: Of the network.
        days: As `CsiFront.of` returns them.
    """
    able = [day for day in days if _is_able(day)]
    if not able:
        return None

    def sampler(some: Sequence[Environment]) -> CsiTaskSampler:
        return CsiTaskSampler(
            some,
            front.architecture,
            TaskConfig(channel_dropout=0.0),
            site_labels=training in (Training.TL, Training.CONFI),
        )

    return Tasks(sampler(able), {day.name: sampler([day]) for day in able})


def tune(model: Model, theta: Parameters, tasks: Sequence[Task], most: int) -> Tuning:
    """Return what would have been best on tasks of the past: the smallest mean error.

    Args:
        model: f, its losses and its locations.
        theta: Trained on earlier days.
        tasks: Of a later day.
        most: Largest number of steps that is tried.
    """
    if not tasks:
        return Tuning()
    n_steps = 0 if isinstance(model, PrototypeModel) else most
    errors = np.mean([_tried(model, theta, task, n_steps) for task in tasks], axis=0)
    step, number = np.unravel_index(np.argmin(errors), errors.shape)
    return Tuning(int(step), _TEMPERATURES[number])


def _tried(model: Model, theta: Parameters, task: Task, most: int) -> Matrix:
    """Return the mean error of a task [m], (most + 1, n_temperatures)."""
    adapted = as_leaves(model.start(theta, task))
    truth = task.locations[task.query.points.numpy()]
    errors = np.empty((most + 1, len(_TEMPERATURES)))
    for step in range(most + 1):
        if step:
            adapted = inner_step(model.support_loss, adapted, task, ALPHA)
        scores = model.query_logits(adapted, task).double()
        for number, temperature in enumerate(_TEMPERATURES):
            posterior = (scores / temperature).softmax(dim=1).numpy()
            missed = posterior @ task.locations - truth
            errors[step, number] = np.linalg.norm(missed, axis=1).mean()
    return errors


def replayed_tasks(
    front: CsiFront, day: Environment, rng: np.random.Generator, n: int
) -> list[Task]:
    """Return a day as tasks: shots of first visits, queries of later ones."""
    tasks = []
    for _ in range(n):
        rows = replay(day, rng)
        if rows is None:
            break
        tasks.append(
            Task(
                make_batch(front, day.select(rows.shots)),
                make_batch(front, day.select(rows.queries)),
                day.place.locations,
            )
        )
    return tasks


def make_batch(front: CsiFront, seen: Environment) -> Batch:
    """Return samples that `CsiFront.of` returned, labelled with the place's points."""
    inputs = amplitude_inputs(front.architecture, seen.signals)
    return Batch(
        torch.from_numpy(inputs), torch.from_numpy(seen.point_of), seen.n_points
    )


def _prototypes(theta: Parameters, batch: Batch) -> Tensor:
    with torch.no_grad():
        embedded = features(theta, batch.inputs)
    return mean_per_point(embedded, batch.points, batch.n_points)


def _is_able(day: Environment) -> bool:
    shots = ~day.is_test
    return len(usable_points(day.point_of[shots], day.visit_of[shots])) >= 2


def _some(days: Sequence[Environment], rng: np.random.Generator) -> Environment | None:
    """Return a few images of all days as one environment."""
    if not days:
        return None
    each = max(1, _N_REFERENCES // len(days))
    parts = [day.select(np.sort(rng.permutation(len(day))[:each])) for day in days]
    images = [part.signals.images for part in parts if part.signals.images is not None]
    return replace(
        parts[0],
        signals=Signals(
            np.concatenate([part.signals.rss for part in parts]),
            np.concatenate(images),
        ),
        point_of=_joined([part.point_of for part in parts]),
        visit_of=_joined([part.visit_of for part in parts]),
        is_test=np.concatenate([part.is_test for part in parts]),
    )


def _joined(parts: Sequence[Integers]) -> Integers:
    return np.concatenate(parts)


def _vectors(seen: Environment) -> Matrix:
    """Return the mean over packets, what MMD compares, (n, n_tones * n_channels)."""
    return mean_amplitude(seen.signals)
