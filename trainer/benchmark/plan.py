"""What is to be run: units, gathered into jobs that share what is learnt."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trainer.benchmark.digest import CodeDigests, digest_of_survey, digest_of_text
from trainer.benchmark.errors import EpisodeError
from trainer.benchmark.protocol import Protocol, Role
from trainer.benchmark.regimes import Regime
from trainer.benchmark.splits import Split, make_split
from trainer.benchmark.store import UnitKey
from trainer.methods.contract import Method
from trainer.surveys.environment import Environment

_HARNESS: Final = ("trainer.benchmark.jobs", "trainer.benchmark.plan")
"""Modules whose source decides what a unit's result is."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is run."""

    methods: tuple[str, ...]
    regimes: tuple[Regime, ...]
    n_seeds: int
    role: Role = "test"
    max_targets: int | None = None
    """So many targets per survey, evenly over those there are; None for all."""

    against: str | None = None
    """Name of a method that the others are compared with, besides the best simple."""

    is_quick: bool = False
    """Whether history and training are shorter than they should be; results say so."""


@dataclass(frozen=True, slots=True)
class Task:
    """One unit to be run: a row of the split table, by name."""

    key: UnitKey
    regime: Regime


@dataclass(frozen=True, slots=True)
class Job:
    """Units of one method that learn from the same past, with the same chance."""

    survey: str
    method: str
    learn_entropy: int
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A target that cannot serve a regime."""

    target: str
    regime: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class SurveyPlan:
    """Everything to be run on one survey."""

    jobs: tuple[Job, ...]
    refusals: tuple[Refusal, ...]

    @property
    def keys(self) -> list[UnitKey]:
        """All units."""
        return [task.key for job in self.jobs for task in job.tasks]


class Survey:
    """A loaded survey with its protocol: where splits come from."""

    def __init__(
        self, protocol: Protocol, environments: Sequence[Environment], role: Role
    ) -> None:
        """Leave out what the protocol leaves out.

        Raises:
            ProtocolError: The protocol does not fit the survey.
        """
        self.protocol = protocol
        self.role = role
        self.environments = protocol.without_excluded(environments)
        self.targets = protocol.targets(self.environments, role)

    def some_targets(self, n: int | None) -> list[Environment]:
        """Return ``n`` targets, the last and evenly before it; all where n is None."""
        every = self.targets
        if n is None or n >= len(every):
            return every
        last = len(every) - 1
        return [every[last - round(i * len(every) / n)] for i in reversed(range(n))]

    def split(self, target: str, regime: Regime, seed: int) -> Split:
        """Return one split.

        Raises:
            EpisodeError: The target cannot serve the regime.
        """
        environment = next(e for e in self.targets if e.name == target)
        return make_split(
            self.protocol, self.environments, environment, self.role, regime, seed
        )


def method_digests(methods: Mapping[str, Method]) -> dict[str, str]:
    """Return a digest of each method's settings and source, and of the benchmark's."""
    digests = CodeDigests()
    return {name: digests.of(method, *_HARNESS) for name, method in methods.items()}


def plan_survey(
    survey: Survey,
    methods: Mapping[str, Method],
    extent: Extent,
    codes: Mapping[str, str],
) -> SurveyPlan:
    """Return the jobs of one survey, those that learn longest together.

    A method without chance learns once for all seeds; without shots, it has one seed.

    Args:
        survey: Loaded.
        methods: Those of the extent, at least.
        extent: What is to be run.
        codes: `method_digests` of the methods.
    """
    name = survey.protocol.survey
    data = digest_of_survey(survey.environments)
    protocol = digest_of_text(survey.protocol.digest, survey.role)
    gathered: dict[tuple[str, int], list[Task]] = {}
    refusals = []
    for target in survey.some_targets(extent.max_targets):
        for regime in extent.regimes:
            for seed in range(extent.n_seeds):
                try:
                    split = survey.split(target.name, regime, seed)
                except EpisodeError as error:
                    if not seed:
                        refusals.append(Refusal(target.name, regime.name, str(error)))
                    continue
                past = history_digest(split)
                for method in extent.methods:
                    stochastic = methods[method].is_stochastic
                    if seed and not regime.shots and not stochastic:
                        continue
                    entropy = learn_entropy(
                        name, method, past, seed if stochastic else None
                    )
                    key = UnitKey(
                        name,
                        protocol,
                        data,
                        target.name,
                        regime.name,
                        method,
                        seed,
                        codes[method],
                    )
                    gathered.setdefault((method, entropy), []).append(Task(key, regime))
    jobs = [
        Job(name, method, entropy, tuple(tasks))
        for (method, entropy), tasks in gathered.items()
    ]
    return SurveyPlan(tuple(jobs), tuple(refusals))


def history_digest(split: Split) -> str:
    """Return what tells one past from another: environments, and points known."""
    here = split.target.place.name
    past = [(e.place.name, e.name) for e in split.history]
    known = split.known.tolist() if split.has_history else []
    return digest_of_text(repr((here if known else "", past, known)))


def learn_entropy(survey: str, method: str, past: str, seed: int | None) -> int:
    """Return the seed of a method's chance: of nothing but what it learns from."""
    text = "\0".join(map(str, (survey, method, past, seed)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest())
