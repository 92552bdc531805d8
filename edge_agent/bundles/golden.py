"""Whether this machine computes what a bundle's author computed.

One step, in single precision, must agree to 1e-5: the loss, the statistics, and a
digest of every parameter after it. After all steps of an adaptation no parameter can:
one activation that crosses zero the other way, and trajectories part. There the loss
must agree, and where the queries are.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.golden_file import GOLDEN, Doubles, GoldenFile, Outcome, digest
from edge_agent.calibration import Calibration
from edge_agent.learning.adaptation import adapt
from edge_agent.learning.backends import Backend, for_adapting
from edge_agent.learning.network import Array, Parameters, Statistics
from edge_agent.learning.predictor import make_predictor
from edge_agent.learning.steps import make_step
from edge_agent.survey import Point

STEP_TOLERANCE = 1e-5
"""Of the single step; relative where a value is larger than 1."""

LOSS_TOLERANCE = 0.03
"""Of the losses of an adaptation, relative to the loss, or to a tenth of the first."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far one quantity is from what it should be."""

    quantity: str
    found: float
    allowed: float

    @property
    def is_allowed(self) -> bool:
        """Whether it is small enough; what is not a number is not."""
        return self.found <= self.allowed

    def __str__(self) -> str:
        return f"{self.quantity}: off by {self.found:.2g}, allowed {self.allowed:g}"


@dataclass(frozen=True, slots=True)
class GoldenReport:
    """What came out."""

    backend: Backend
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        """Whether everything is as it should be."""
        return not self.failures

    @property
    def failures(self) -> list[Difference]:
        """What is not."""
        return [d for d in self.differences if not d.is_allowed]


def has_golden(bundle: Bundle) -> bool:
    """Tell whether a bundle brings what `check` needs."""
    return GOLDEN in bundle.files.contents


def check(
    bundle: Bundle,
    backend: Backend,
    *,
    on_stage: Callable[[str], None] = lambda _stage: None,
) -> GoldenReport:
    """Repeat a bundle's golden task and compare.

    Args:
        bundle: With a golden file.
        backend: What computes steps and predictions; where it is AUTO, the report
            names the one that was chosen for the steps.
        on_stage: Called with what is done next.

    Raises:
        BackendError: The back end is not there.
        BundleError: There is no golden file, it is damaged or of another network, or
            the back end refuses a graph.
    """
    architecture = bundle.manifest.architecture
    golden = GoldenFile.from_bytes(bundle.files.content(GOLDEN), architecture)
    outcome = _outcome(bundle, golden, backend, on_stage)
    return GoldenReport(for_adapting(backend), compare(outcome, golden.expected))


def compare(outcome: Outcome, expected: Outcome) -> tuple[Difference, ...]:
    """Return how far an outcome is from the expected one, quantity by quantity."""
    return (
        Difference("loss", _off(outcome.loss, expected.loss), STEP_TOLERANCE),
        Difference(
            "statistics",
            _largest(
                _off(a, b)
                for ours, theirs in zip(
                    outcome.statistics, expected.statistics, strict=True
                )
                for a, b in zip(ours, theirs, strict=True)
            ),
            STEP_TOLERANCE,
        ),
        Difference(
            "parameters after a step",
            _largest(_off(outcome.after[k], v) for k, v in expected.after.items()),
            STEP_TOLERANCE,
        ),
        Difference(
            "probabilities after a step",
            _off(outcome.stepped, expected.stepped),
            STEP_TOLERANCE,
        ),
        Difference(
            "losses while adapting",
            _loss_off(outcome.losses, expected.losses),
            LOSS_TOLERANCE,
        ),
        Difference(
            "locations after adapting",
            _n_elsewhere(outcome.adapted, expected.adapted),
            0,
        ),
    )


def _off(value: Doubles | Array | float, expected: Doubles | Array | float) -> float:
    scale = np.maximum(np.abs(expected), 1)
    return float(np.max(np.abs(value - expected) / scale))


def _loss_off(losses: Doubles, expected: Doubles) -> float:
    scale = np.maximum(expected, expected[0] / 10)
    return float(np.max(np.abs(losses - expected) / scale))


def _n_elsewhere(answers: Doubles, expected: Doubles) -> int:
    """Return how many queries are at another point, or nowhere."""
    elsewhere = answers.argmax(axis=1) != expected.argmax(axis=1)
    return int((elsewhere | ~np.isfinite(answers).all(axis=1)).sum())


def _largest(values: Iterable[float]) -> float:
    return float(np.max(list(values)))  # other than max(), says so of what is no number


@np.errstate(all="ignore")  # what it leads to is compared
def _outcome(
    bundle: Bundle,
    golden: GoldenFile,
    backend: Backend,
    on_stage: Callable[[str], None],
) -> Outcome:
    task = golden.task
    step = make_step(bundle, task.shots, backend)

    def predict(parameters: Parameters, statistics: list[Statistics]) -> Doubles:
        site = nameless_site(bundle, parameters, statistics)
        predictor = make_predictor(bundle, site, backend)
        answers = predictor.predict(task.query_images, task.query_heard)
        return answers.astype(np.float64)

    on_stage("a step")
    first = step(bundle.parameters | task.head, task.alpha)
    second = step(first.after, 0.0)
    stepped = predict(first.after, second.statistics)
    on_stage("an adaptation")
    try:
        site = adapt(
            bundle.parameters,
            step,
            task.shots,
            architecture=bundle.manifest.architecture,
            alpha=task.adapt_alpha,
            n_steps=task.n_steps,
        )
    except ValueError:  # its loss does not fall
        losses = np.full(task.n_steps + 1, np.nan)
        adapted = np.full(stepped.shape, np.nan)
    else:
        losses = np.array(site.losses)
        adapted = predict(site.parameters, site.statistics)
    return Outcome(
        first.loss,
        [
            Statistics(s.mean.astype(np.float64), s.variance.astype(np.float64))
            for s in first.statistics
        ],
        {name: digest(array) for name, array in first.after.items()},
        stepped,
        losses,
        adapted,
    )


def nameless_site(
    bundle: Bundle, parameters: Parameters, statistics: list[Statistics]
) -> Calibration:
    """Return what a predictor takes: a site of which nothing else is known."""
    n_points = len(parameters["head.bias"])
    return Calibration(
        bundle.digest,
        datetime.fromtimestamp(0, UTC).isoformat(),
        tuple(Point(str(i), i, 0) for i in range(n_points)),
        (),
        parameters,
        statistics,
        (),
        0,
        is_simulated=True,
    )
