"""A network that corrects the nearest reference points of an RSS survey, Fig. 3.

Departure from the paper: the last layer starts at zero, as the head of the classifier
does. Before it has learnt anything the network is then KNN, and not noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from edge_agent.rss.fingerprints import Fingerprints, RadioMap, levels
from trainer.meta.curves import step_errors
from trainer.meta.inner_loop import Parameters
from trainer.meta.maml import adapted_to
from trainer.methods.contract import Fixes
from trainer.methods.features import Matrix
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
from trainer.methods.replay import replay
from trainer.models.rss_regression import (
    RssBatch,
    RssRegressionModel,
    RssTask,
    RssTaskConfig,
    RssTaskSampler,
    count_usable,
    radio_map_of,
    silenced,
    support_of,
)
from trainer.surveys.environment import Environment, Place, Signals

DEFAULT_STEPS = 10
_LEAST_ITERATIONS = 30
"""They take a hundredth of a second each."""

_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class RssSite:
    """A trained network and the radio map of history."""

    method: NetworkMethod
    config: RssTaskConfig
    model: RssRegressionModel
    trained: Trained
    n_steps: int
    days: tuple[Environment, ...]

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
        """
        config = RssTaskConfig()
        model = RssRegressionModel(config.k)
        theta = silenced(model.initial(generator_of(rng)))
        budget = method.budget
        heard = [
            day.select(np.flatnonzero(day.signals.heard.any(axis=1))) for day in days
        ]

        def train_on(some: Sequence[Environment], share: float) -> Trained:
            iterations = n_iterations(
                sum(map(len, some)), budget.n_epochs, budget.max_iterations
            )
            least = min(_LEAST_ITERATIONS, budget.max_iterations)
            n = max(least, round(share * iterations))
            tasks = _tasks(some, config)
            return train(method.training, model, theta, tasks, n, rng)

        n_steps = DEFAULT_STEPS
        if len(heard) > 1:
            task = _replayed(heard[-1], config.k, rng)
            if task is not None:
                past = train_on(heard[:-1], 0.5).theta
                errors = step_errors(
                    model, past, task, alpha=ALPHA, n_steps=budget.max_steps
                )
                n_steps = int(np.argmin(errors))
        return cls(method, config, model, train_on(heard, 1), n_steps, tuple(heard))

    def calibrate(
        self, place: Place, shots: Environment, rng: np.random.Generator
    ) -> "RssLocator":
        """Return the network, fine-tuned where there are shots enough.

        A shot needs K others around it. With fewer, what was meta-learnt to be
        fine-tuned is fine-tuned on the latest day of history; the others stay as they
        are.
        """
        fresh = shots.select(np.flatnonzero(shots.signals.heard.any(axis=1)))
        radio_map = _radio_map([*self.days, fresh] if self.days else [fresh], fresh)
        k = self.config.k
        if len(radio_map.points) < k:
            return RssLocator(place, radio_map, None, None)
        known = [fresh]
        if self.method.training not in (Training.RI, Training.TL):
            known += reversed(self.days)
        known = [e for e in known if len(np.unique(e.point_of)) > k]
        if not known:
            return RssLocator(place, radio_map, self.model, self.trained.theta)
        support = support_of(known[0], k, _CPU)
        theta = adapted_to(
            self.model,
            most_similar(self.trained, fresh, self.days, _vectors, rng),
            RssTask(support, support),
            alpha=ALPHA,
            n_steps=self.n_steps,
        )
        return RssLocator(place, radio_map, self.model, theta)


@dataclass(frozen=True, slots=True, eq=False)
class RssLocator:
    """A radio map and what corrects it."""

    place: Place
    radio_map: RadioMap
    model: RssRegressionModel | None
    """None where there are too few points for it: the nearest is the answer."""

    theta: Parameters | None

    def locate(self, signals: Signals) -> Fixes:
        """Return the network's locations; the centre of the map where nothing is heard.

        Those off the map are moved to its edge.
        """
        centre = self.place.locations.mean(axis=0)
        found = np.tile(centre, (len(signals), 1))
        heard = np.flatnonzero(signals.heard.any(axis=1))
        if not len(heard) or not len(self.radio_map.points):
            return Fixes(found)
        k = min(len(self.radio_map.points), self.model.k if self.model else 1)
        fingerprints = Fingerprints.of(signals.rss[heard], self.radio_map, k)
        if self.model is None or self.theta is None:
            found[heard] = fingerprints.origins
        else:
            found[heard] = self.model.locate(self.theta, fingerprints)
        low, high = self.place.locations.min(axis=0), self.place.locations.max(axis=0)
        return Fixes(np.clip(found, low, high))


def _radio_map(environments: Sequence[Environment], fresh: Environment) -> RadioMap:
    """Return today's points; those of history too where today has too few."""
    today = radio_map_of(fresh)
    if len(today.points) > RssTaskConfig().k or len(environments) == 1:
        return today
    maps = [radio_map_of(environment) for environment in environments[:-1]]
    sums: dict[int, list[Matrix]] = {}
    for radio_map in maps:
        for point, rss in zip(radio_map.points.tolist(), radio_map.rss, strict=True):
            sums.setdefault(point, []).append(rss)
    means = {point: np.mean(rows, axis=0) for point, rows in sums.items()}
    means |= dict(zip(today.points.tolist(), today.rss, strict=True))
    points = np.array(sorted(means), np.intp)
    return RadioMap(
        np.array([means[point] for point in points.tolist()]),
        fresh.place.locations[points],
        points,
    )


def _tasks(days: Sequence[Environment], config: RssTaskConfig) -> Tasks[RssTask] | None:
    able = [day for day in days if _is_able(day, config.k)]
    if not able:
        return None
    return Tasks(
        RssTaskSampler(able, config),
        {day.name: RssTaskSampler([day], config) for day in able},
    )


def _is_able(day: Environment, k: int) -> bool:
    return count_usable(day.select(np.flatnonzero(~day.is_test)), k) > k


def _replayed(day: Environment, k: int, rng: np.random.Generator) -> RssTask | None:
    """Return a day as a task: shots of first visits, queries of later ones."""
    rows = replay(day, rng)
    if rows is None:
        return None
    shots, queries = day.select(rows.shots), day.select(rows.queries)
    radio_map = radio_map_of(shots)
    if len(radio_map.points) <= k:
        return None
    asked = Fingerprints.of(queries.signals.rss, radio_map, k)
    return RssTask(
        support_of(shots, k, _CPU), RssBatch.of(asked, queries.locations, _CPU)
    )


def _vectors(day: Environment) -> Matrix:
    """Return what MMD compares, (n, n_channels)."""
    return levels(day.signals.rss)
