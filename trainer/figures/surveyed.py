"""Every method on the last day of a simulated hall or laboratory: for Fig. 12.

The split, the shots and the judging are the benchmark's: history are the days before,
three images of a first visit at every point calibrate, the queries are of the second.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from trainer.benchmark.episodes import make_episode, make_history
from trainer.benchmark.leakage import check_images, image_digests
from trainer.benchmark.metrics import judge
from trainer.benchmark.plan import Survey
from trainer.benchmark.protocol import Protocol
from trainer.benchmark.regimes import REGIMES
from trainer.figures.units import Arrays, Needed, Tell, Unit, chance
from trainer.methods.contract import Method
from trainer.surveys.environment import Environment
from trainer.surveys.simulated import simulate

MakeMethods: TypeAlias = Callable[[], dict[str, Method]]
LoadDays: TypeAlias = Callable[[str], list[Environment]]

POINT, CENTRE = "point", "centre"


@dataclass(frozen=True, slots=True)
class SurveyedErrors:
    """Errors of all methods with one seed: of shots and of networks."""

    protocol: Protocol
    methods: MakeMethods
    """A function of a module, or a partial of one."""

    chosen: tuple[str, ...]
    """Names of methods."""

    weight: float
    load: LoadDays = simulate
    """Not by way of the registry of surveys, so that the source of the simulation is
    among what the unit depends on."""

    regime: str = "3shot"

    @property
    def name(self) -> str:
        """Of the survey."""
        return f"errors-{self.protocol.survey}"

    @property
    def needs(self) -> tuple[Unit, ...]:
        """None."""
        return ()

    def run(self, seed: int, needed: Needed, tell: Tell) -> Arrays:
        """Return each query's point, and its error with each method [m], by name."""
        tell("loading")
        survey = Survey(self.protocol, self.load(self.protocol.survey), "test")
        target = survey.targets[-1]
        split = survey.split(target.name, REGIMES[self.regime], seed)
        history = make_history(split)
        episode = make_episode(split, history)
        seen = [digest for e in history for digest in image_digests(e.signals)]
        seen += image_digests(episode.shots.signals)
        check_images(set(seen), episode.queries)
        methods = self.methods()
        found: Arrays = {}
        for number, name in enumerate(self.chosen):
            method = methods[name]
            tell(f"{method.title}, {number + 1} of {len(self.chosen)}")
            # The same chance for all: networks that are alike start alike.
            learnt = method.learn(history, chance(seed))
            locator = learnt.calibrate(episode.place, episode.shots)
            outcome = judge(locator.locate(episode.queries), episode)
            found[name] = outcome.error_m.astype(np.float64)
            found[POINT], found[CENTRE] = outcome.point, outcome.centre_error_m
        return found
