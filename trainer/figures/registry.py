"""All figures, as the paper has them and as far as a computer has time."""

from functools import partial
from types import MappingProxyType
from typing import Final

from trainer.figures.contract import Figure

NAMES: Final = (
    "fig8",
    "fig9",
    "fig10",
    "fig11",
    "fig12",
    "fig13",
    "fig14",
    "theorem1",
)
"""In the order of the paper; Theorem 1 last."""

_SEEDS: Final = 10
_QUICK_SEEDS: Final = 3
_SEEDS_OF_PLACES: Final = 5
"""Of the simulated hall and laboratory, where networks of images are trained."""

_QUICK_SEEDS_OF_ERRORS: Final = 2
"""Of Fig. 12, whose intervals are over points as well."""


def figures(*, quick: bool = False) -> dict[str, Figure]:
    """Return all figures by name.

    Torch is imported here, not with the module.

    Args:
        quick: Short training and few seeds.
    """
    made = [*_of_models(quick), *_of_places(quick)]
    by_name = {figure.name: figure for figure in made}
    return {name: by_name[name] for name in NAMES}


def _of_models(quick: bool) -> list[Figure]:
    """Return the figures of path-loss models and traced rooms."""
    from trainer.figures.distances import Distances
    from trainer.figures.environments import Environments
    from trainer.figures.fig8 import Fig8
    from trainer.figures.fig9 import Fig9
    from trainer.figures.fig10 import Fig10
    from trainer.figures.fig11 import Fig11
    from trainer.figures.meta_training import Learning, MetaTraining
    from trainer.figures.reference_numbers import ReferenceNumbers
    from trainer.figures.scenarios import Scenarios
    from trainer.figures.steps_and_samples import StepsAndSamples
    from trainer.figures.theorem1 import Theorem1
    from trainer.figures.traced import traced_digest
    from trainer.simulate.pathloss.tasks import TABLE_1, TABLE_2
    from trainer.simulate.raytrace.scenarios import TEST, TRAINING

    learning = Learning(n_iterations=200) if quick else Learning()
    one = MetaTraining("theta-table1", TABLE_1.training, learning)
    total = MetaTraining("theta-total", TABLE_2.training, learning)
    special = [
        MetaTraining(f"theta-{name}", TABLE_2.of_environment(name), learning)
        for name in ("One", "Two")
    ]
    (test,) = TABLE_1.test
    n = _QUICK_SEEDS if quick else _SEEDS
    if quick:
        steps = StepsAndSamples(one, test, n_steps=100)
        distances = Distances(one, test, n_own=200, n_adam=100, n_supports=3)
    else:
        steps, distances = StepsAndSamples(one, test), Distances(one, test)
    return [
        Fig8(steps, n),
        Fig9(ReferenceNumbers(one, test), n),
        Fig10(Environments(TABLE_2, (*special, total)), n),
        Fig11(Scenarios(total, learning, TRAINING, TEST, traced_digest()), n),
        Theorem1(distances, n),
    ]


def _of_places(quick: bool) -> list[Figure]:
    """Return the figures of the simulated hall and laboratory."""
    from trainer.benchmark.protocol import shipped_protocol
    from trainer.figures.convergence import Convergence
    from trainer.figures.fig12 import Fig12
    from trainer.figures.fig13 import FigConvergence
    from trainer.figures.paper_methods import METHOD_TITLES, paper_methods
    from trainer.figures.surveyed import SurveyedErrors
    from trainer.methods.networks import QUICK, Budget

    budget = Budget(n_epochs=5, max_iterations=30, max_steps=10) if quick else QUICK
    n = _QUICK_SEEDS if quick else _SEEDS_OF_PLACES
    seconds = 1.2 * budget.max_iterations
    places = {
        place: shipped_protocol(survey)
        for place, survey in (("hall", "simhall"), ("lab", "simlab"))
    }
    make = partial(paper_methods, budget)
    errors = {
        place: SurveyedErrors(protocol, make, tuple(METHOD_TITLES), seconds)
        for place, protocol in places.items()
    }
    watched = {
        place: Convergence(protocol, budget, 1.5 * seconds, is_brief=quick)
        for place, protocol in places.items()
    }
    return [
        Fig12(
            MappingProxyType(errors),
            METHOD_TITLES,
            budget.max_iterations,
            _QUICK_SEEDS_OF_ERRORS if quick else n,
        ),
        FigConvergence("fig13", MappingProxyType(watched), n),
        FigConvergence("fig14", MappingProxyType(watched), n),
    ]
