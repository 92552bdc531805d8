"""The paper's Fig. 13 and Fig. 14, on the latest target of a survey.

fig13-<survey>.png    error against meta-iterations
fig14-<survey>.png    error against gradient steps
curves.json           what is drawn, and of how many trainings the mean is

Bands are 95 % intervals of the mean over trainings with different seeds.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from trainer.benchmark.episodes import labelled_target, make_history
from trainer.benchmark.errors import BenchmarkError, EpisodeError
from trainer.benchmark.plan import Survey
from trainer.benchmark.plots import Curve, plot_curves
from trainer.benchmark.regimes import REGIMES
from trainer.methods.contract import Method
from trainer.methods.networks import NetworkMethod, Training

_DRAWN: Final = (
    Training.RI,
    Training.TL,
    Training.MAML,
    Training.MAML_TS,
    Training.MAML_DG,
)
"""Those that take gradient steps."""


def write_paper_figures(
    out: Path,
    surveys: Sequence[Survey],
    methods: Sequence[Method],
    *,
    n_seeds: int,
    seed: int = 0,
    on_method: Callable[[str], None] = lambda _what: None,
) -> list[Path]:
    """Train the networks anew, watching, and draw what was seen.

    Surveys without images, or whose latest target has no history, are passed over.

    Args:
        out: Folder, which is there.
        surveys: With their protocols.
        methods: Those that take gradient steps are drawn.
        n_seeds: Trainings per method, 1 or more; title and JSON say how many. With
            one there is no band.
        seed: Of everything.
        on_method: Called with survey, method and number before each training.

    Returns:
        What was written.

    Raises:
        BenchmarkError: A file cannot be written.
    """
    from trainer.methods.network_curves import paper_curves  # torch, only if asked for

    networks = [
        method
        for method in methods
        if isinstance(method, NetworkMethod) and method.training in _DRAWN
    ]
    written: list[Path] = []
    drawn: dict[str, dict[str, Any]] = {}
    for survey in surveys:
        target = survey.targets[-1]
        try:
            split = survey.split(target.name, REGIMES["zero"], seed)
        except EpisodeError:
            continue
        if not target.signals.is_csi or not networks:
            continue
        history = make_history(split)
        day = labelled_target(split)
        name = survey.protocol.survey
        found = []
        for method in networks:

            def tell(number: int, what: str = f"{name}: {method.title}") -> None:
                on_method(f"{what}, training {number + 1} of {n_seeds}")

            rng = np.random.default_rng(seed)
            found.append(
                paper_curves(method, history, day, rng, n_seeds=n_seeds, on_seed=tell)
            )
        title = f"{name}, {target.name} ({_of_trainings(n_seeds)})"
        drawn[name] = {"seeds": n_seeds}
        figures = {
            "fig13": ("meta-iterations", [c.against_iterations for c in found]),
            "fig14": ("gradient steps", [c.against_steps for c in found]),
        }
        for figure, (x_label, curves) in figures.items():
            path = out / f"{figure}-{name}.png"
            plot_curves(path, title, x_label, curves)
            written.append(path)
            drawn[name][figure] = [_to_json(c) for c in curves]
    if drawn:
        path = out / "curves.json"
        try:
            path.write_text(json.dumps(drawn), encoding="utf-8")
        except OSError as error:
            raise BenchmarkError(f"cannot write {path}: {error.strerror}") from error
        written.append(path)
    return written


def _of_trainings(n_seeds: int) -> str:
    if n_seeds == 1:
        return "a single training"
    return f"mean of {n_seeds} trainings, 95 %"


def _to_json(curve: Curve) -> dict[str, Any]:
    low, high = curve.low, curve.high
    return {
        "label": curve.label,
        "x": curve.x.tolist(),
        "mean_m": curve.y.tolist(),
        "low_m": None if low is None else low.tolist(),
        "high_m": None if high is None else high.tolist(),
    }
