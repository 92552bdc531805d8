"""Running the units of a job: learn once, then calibrate and locate, unit by unit."""

import time
from collections.abc import Sequence
from typing import Protocol as Interface

import numpy as np

from trainer.benchmark.episodes import Episode, make_episode, make_history
from trainer.benchmark.leakage import check_images, image_digests
from trainer.benchmark.metrics import judge
from trainer.benchmark.plan import Job, Survey, Task
from trainer.benchmark.splits import Split
from trainer.benchmark.store import Effort, Unit, UnitStore
from trainer.errors import TrainerError
from trainer.methods.contract import Learnt, Method, Needs
from trainer.surveys.environment import Environment

_NEEDED_BY_NAME = {
    Needs.IMAGES: "needs CSI images",
    Needs.POWER: "needs received power",
    Needs.HISTORY: "needs history",
    Needs.SHOTS: "needs shots",
}


class OnUnit(Interface):
    """Told of every unit when it is stored."""

    def __call__(self) -> None:
        """One unit more."""


def run_job(
    job: Job, survey: Survey, method: Method, store: UnitStore, on_unit: OnUnit
) -> None:
    """Run and store the units of a job that the store does not have.

    A `TrainerError` of the method becomes the unit's reason; any other exception is a
    bug, and is not caught.

    Args:
        job: Of this survey and method.
        survey: Loaded.
        method: Of the job's name.
        store: Where units go.
        on_unit: Called after each.
    """
    learner = _Learner(method, job.learn_entropy)
    history: tuple[Environment, ...] | None = None
    seen: set[bytes] = set()
    for task in job.tasks:
        if task.key in store:
            continue
        split = survey.split(task.key.target, task.regime, task.key.seed)
        if history is None:
            history = make_history(split)
            seen = {d for e in history for d in image_digests(e.signals)}
        episode = make_episode(split, history)
        check_images({*seen, *image_digests(episode.shots.signals)}, episode.queries)
        store.save(_run(task, split, episode, learner))
        on_unit()


def missing_needs(method: Method, episode: Episode) -> str:
    """Return what an episode lacks for a method, empty if nothing."""
    lacking = [
        text
        for need, text in _NEEDED_BY_NAME.items()
        if need in method.needs and need not in offers(episode)
    ]
    return "; ".join(lacking)


def offers(episode: Episode) -> Needs:
    """Return what an episode has."""
    there = Needs.NOTHING
    known = [*episode.history, episode.shots]
    if episode.queries.is_csi:
        there |= Needs.IMAGES
    if np.isfinite(episode.queries.rss).any() and any(
        np.isfinite(e.signals.rss).any() for e in known
    ):
        there |= Needs.POWER
    if any(e.place.name == episode.place.name for e in episode.history):
        there |= Needs.HISTORY
    if len(episode.shots):
        there |= Needs.SHOTS
    return there


class _Learner:
    """A method that learns when it is first asked, and then remembers."""

    def __init__(self, method: Method, entropy: int) -> None:
        self.method = method
        self._entropy = entropy
        self._learnt: Learnt | None = None
        self._refusal: TrainerError | None = None
        self.seconds = 0.0

    def learnt(self, history: Sequence[Environment]) -> Learnt:
        if self._refusal is not None:
            raise self._refusal
        if self._learnt is None:
            started = time.perf_counter()
            try:
                rng = np.random.default_rng(self._entropy)
                self._learnt = self.method.learn(history, rng)
            except TrainerError as error:
                self._refusal = error
                raise
            self.seconds = time.perf_counter() - started
        return self._learnt


def _run(task: Task, split: Split, episode: Episode, learner: _Learner) -> Unit:
    def without(reason: str) -> Unit:
        return Unit(task.key, split.same_visit, None, None, reason)

    if lacking := missing_needs(learner.method, episode):
        return without(lacking)
    try:
        learnt = learner.learnt(episode.history)
        started = time.perf_counter()
        locator = learnt.calibrate(episode.place, episode.shots)
        calibrated = time.perf_counter()
        fixes = locator.locate(episode.queries)
        located = time.perf_counter()
    except TrainerError as error:
        return without(str(error))
    effort = Effort(
        images=len(split.shots),
        points=split.n_calibrated,
        learn_s=learner.seconds,
        calibrate_s=calibrated - started,
        locate_s=located - calibrated,
    )
    return Unit(task.key, split.same_visit, judge(fixes, episode), effort)
