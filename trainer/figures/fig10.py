"""Fig. 10: task similarity by MMD, and RMSE from environment-specific parameters."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from trainer.figures.contract import Results, Seeds, stacked
from trainer.figures.environments import Environments
from trainer.figures.panels import (
    Comparison,
    Fact,
    Level,
    Line,
    Panel,
    Report,
    compared,
    count,
    measured,
)
from trainer.figures.reconstruction import TABLE_TWO
from trainer.figures.statistics import Floats, over_seeds
from trainer.figures.units import Unit

_THETAS: Final = {
    "theta-One": "θ1 (One)",
    "theta-Two": "θ2 (Two)",
    "theta-total": "θtotal (all)",
}
_FLOORS: Final = {
    "centre": "middle of the room",
    "wknn_same": "WKNN (reference points, same 124 samples)",
}
_LIKE_ONE: Final = ("T1", "T2")
"""Test tasks on which the paper has θ1 best, for their likeness to One."""

_STEPS: Final = 10
"""After which starting points are compared."""


@dataclass(frozen=True, slots=True)
class Fig10:
    """The figure."""

    unit: Environments
    n_seeds: int
    name: str = "fig10"
    title: str = "Fig. 10: task similarity and environment-specific meta-parameters"
    missing: str = ""
    about: str = (
        "Is it worth choosing what a network was meta-trained on? A task is a place "
        "and how signals fade there; an environment (One, Two, Three) is a group of "
        "training tasks. MMD (maximum mean discrepancy) says how far the signals of a "
        "test task (T1, T2, T3) are from those of an environment: 0 for the same "
        "distribution. θ1 was meta-trained on One, θ2 on Two, θtotal on all three. "
        "RMSE is the root of the mean squared error of positions at the test task, "
        "from each of them, with 124 samples: signal strengths whose positions are "
        "known. WKNN needs no training: it answers the weighted mean of the nearest "
        "reference points (spots with signal strengths on record) and of these 124 "
        "samples. Algorithm 2 of the paper chooses an environment by p-values, the "
        "probability of such an MMD by chance, and by MMD."
    )
    paper: str = (
        "MMD of three test tasks to training environments, and RMSE against gradient "
        "steps from θ1 (Environment One), θ2 (Two) and θtotal (all three). Smaller MMD "
        "goes with smaller RMSE; for T1 and T2, of shopping malls with common noise, "
        "θ1 is better than θ2 and θtotal; for T3, with a deviation of 15 dB, it is "
        "not."
    )

    @property
    def units(self) -> tuple[Unit, ...]:
        """See `Figure`."""
        return (self.unit,)

    @property
    def differs(self) -> tuple[str, ...]:
        """See `Figure`."""
        return (
            *TABLE_TWO,
            "The paper leaves kernel, bandwidth, estimator, features and aggregation "
            "open. Here: unbiased MMD² of network inputs with a Gaussian kernel, one "
            "bandwidth for all, tasks of an environment pooled; negative estimates are "
            "drawn as 0. The order of environments may depend on these choices.",
            f"p-values are of {self.unit.n_permutations} permutations. They say "
            "whether task and environment differ at all, not by how much.",
        )

    def report(self, results: Results) -> Report:
        """See `Figure`."""
        seeds = results[self.unit.name]
        tests = [task.name for task in self.unit.table.test]
        environments = self.unit.table.environments
        return Report(
            panels=(
                *(_similarity(seeds, test, environments) for test in tests),
                *(_descent(seeds, test) for test in tests),
            ),
            facts=tuple(
                fact for test in tests for fact in _facts(seeds, test, environments)
            ),
            comparisons=tuple(
                c for test in tests for c in _comparisons(seeds, test, environments)
            ),
            n_columns=3,
            details={
                f"{test}-{what}": stacked(seeds, f"{test}-{what}").tolist()
                for test in tests
                for what in ("p", "choice", "within")
            },
        )


def _similarity(seeds: Seeds, test: str, environments: tuple[str, ...]) -> Panel:
    mmd = _mmd(seeds, test)
    return Panel(
        f"{test}: distance to environments",
        "environment",
        "MMD",
        points=tuple(
            Level(name, measured(mmd[:, i])) for i, name in enumerate(environments)
        ),
        y_limits=(0, 1),
    )


def _descent(seeds: Seeds, test: str) -> Panel:
    steps = seeds[0]["steps"].astype(np.float64)
    return Panel(
        f"{test}: RMSE",
        "gradient steps",
        "RMSE [m]",
        lines=tuple(
            Line(label, steps, over_seeds(stacked(seeds, f"{test}-{key}"), least=0.0))
            for key, label in _THETAS.items()
        ),
        floors=tuple(
            Level(label, measured(stacked(seeds, f"{test}-{key}")))
            for key, label in _FLOORS.items()
        ),
        x_scale="symlog",
    )


def _facts(seeds: Seeds, test: str, environments: tuple[str, ...]) -> tuple[Fact, ...]:
    mmd, p = _mmd(seeds, test), stacked(seeds, f"{test}-p")
    choice = stacked(seeds, f"{test}-choice")
    n = len(p)
    every = list(enumerate(environments))
    return (
        *(Fact(f"MMD to {name}", test, "", measured(mmd[:, i])) for i, name in every),
        *(
            count(f"p ≤ 0.05 for {name}", test, int((p[:, i] <= 0.05).sum()), n)
            for i, name in every
        ),
        *(
            count(f"Algorithm 2 chooses {name}", test, int((choice == i).sum()), n)
            for i, name in (*every, (-1, "none"))
        ),
        *(
            Fact(f"RMSE from {label} after {step} steps", test, "m", measured(values))
            for key, label in _THETAS.items()
            for step, values in [_after(seeds, test, key)]
        ),
        *(
            Fact(f"RMSE of {label}", test, "m", measured(values))
            for key, label in _FLOORS.items()
            for values in [stacked(seeds, f"{test}-{key}")]
        ),
    )


def _comparisons(
    seeds: Seeds, test: str, environments: tuple[str, ...]
) -> tuple[Comparison, ...]:
    mmd = _mmd(seeds, test)
    first, *others = environments
    step, one = _after(seeds, test, "theta-One")
    rivals = {
        **{
            _THETAS[key]: _after(seeds, test, key)[1]
            for key in ("theta-Two", "theta-total")
        },
        _FLOORS["wknn_same"]: stacked(seeds, f"{test}-wknn_same"),
    }
    return (
        *(
            compared(
                f"MMD of {test} to an environment",
                "",
                (first, mmd[:, 0]),
                (name, mmd[:, i]),
                in_summary=test in _LIKE_ONE,
            )
            for i, name in enumerate(others, 1)
        ),
        *(
            compared(
                f"RMSE on {test} after {step} gradient steps",
                "m",
                (_THETAS["theta-One"], one),
                rival,
                in_summary=True,
            )
            for rival in rivals.items()
        ),
    )


def _mmd(seeds: Seeds, test: str) -> Floats:
    """Return MMD to each environment, shape (n_seeds, n_environments)."""
    return np.sqrt(np.maximum(stacked(seeds, f"{test}-mmd2"), 0))


def _after(seeds: Seeds, test: str, key: str) -> tuple[int, Floats]:
    """Return the step at which parameters are compared, and the RMSE there [m]."""
    steps = seeds[0]["steps"]
    i = int(np.searchsorted(steps, _STEPS, side="right")) - 1
    return int(steps[i]), stacked(seeds, f"{test}-{key}")[:, i]
