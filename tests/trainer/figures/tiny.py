"""Figures so small that they take a second; importable from other processes."""

from functools import partial
from types import MappingProxyType

from tests.trainer.benchmark.synthetic import environment, hall, rows_of
from trainer.benchmark.protocol import shipped_protocol
from trainer.figures.convergence import Convergence
from trainer.figures.distances import Distances
from trainer.figures.environments import Environments
from trainer.figures.fig8 import Fig8
from trainer.figures.fig9 import Fig9
from trainer.figures.fig10 import Fig10
from trainer.figures.fig11 import Fig11
from trainer.figures.fig12 import Fig12
from trainer.figures.fig13 import FigConvergence
from trainer.figures.meta_training import Learning, MetaTraining
from trainer.figures.paper_methods import METHOD_TITLES, paper_methods
from trainer.figures.reference_numbers import ReferenceNumbers
from trainer.figures.scenarios import Scenarios
from trainer.figures.steps_and_samples import StepsAndSamples
from trainer.figures.surveyed import SurveyedErrors
from trainer.figures.theorem1 import Theorem1
from trainer.methods.networks import Budget, Training
from trainer.simulate.pathloss.tasks import TABLE_1, TABLE_2, TaskTable

LEARNING = Learning(n_iterations=3, tasks_per_iteration=2)
ONE = MetaTraining("theta-table1", TABLE_1.training[:1], LEARNING)
SMALL_TABLE = TaskTable(
    tuple(TABLE_2.of_environment(name)[0] for name in TABLE_2.environments),
    TABLE_2.test,
)
"""One training task per environment."""

BUDGET = Budget(n_epochs=1, max_iterations=2, max_steps=1)


def five_days(name):
    """Five days of a small hall, as the simulated surveys name them."""
    place = hall(3, 2, name=name)
    return [
        environment(
            place,
            rows_of(range(6), (0, 1), 5),
            name=f"d{day}",
            order=day,
            is_csi=True,
        )
        for day in range(1, 6)
    ]


def figures():
    """Return all figures by name, in small."""
    (test,) = TABLE_1.test
    special = [
        MetaTraining(f"theta-{name}", SMALL_TABLE.of_environment(name), LEARNING)
        for name in ("One", "Two")
    ]
    total = MetaTraining("theta-total", SMALL_TABLE.training, LEARNING)
    errors = SurveyedErrors(
        shipped_protocol("simhall"),
        partial(paper_methods, BUDGET),
        tuple(METHOD_TITLES),
        1.0,
        five_days,
    )
    watched = Convergence(
        shipped_protocol("simhall"),
        BUDGET,
        1.0,
        True,
        five_days,
        (Training.MAML, Training.MAML_DG, Training.RI),
    )
    made = [
        Fig8(
            StepsAndSamples(ONE, test, n_steps=5, n_samples=(200, 300), n_query=50), 2
        ),
        Fig9(ReferenceNumbers(ONE, test, (10, 20), n_steps=2, n_query=50), 2),
        Fig10(Environments(SMALL_TABLE, (*special, total), n_steps=3, n_query=50), 2),
        Fig11(Scenarios(total, LEARNING, ("S1", "S2"), ("S3",), "", n_steps=3), 2),
        Fig12(MappingProxyType({"hall": errors}), METHOD_TITLES, 2, 2),
        FigConvergence("fig13", MappingProxyType({"hall": watched}), 2),
        FigConvergence("fig14", MappingProxyType({"hall": watched}), 2),
        Theorem1(
            Distances(
                ONE,
                test,
                n_steps=2,
                n_supports=2,
                n_own=3,
                n_many=200,
                n_chosen=50,
                n_adam=20,
                n_query=50,
            ),
            2,
        ),
    ]
    return {figure.name: figure for figure in made}
