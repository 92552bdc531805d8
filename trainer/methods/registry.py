"""All methods, in the order of the table."""

from collections.abc import Iterator

from trainer.methods.contract import Method
from trainer.methods.day_effects import DayEffects
from trainer.methods.ensemble import Ensemble
from trainer.methods.floors import Centre, PowerOnly, RandomPoints
from trainer.methods.head import HistoryHead
from trainer.methods.histogram_neighbours import HistogramNeighbours
from trainer.methods.horus import Horus
from trainer.methods.ilcl import Ilcl
from trainer.methods.neighbours import NearestNeighbours
from trainer.methods.networks import QUICK, Budget, NetworkMethod, Training
from trainer.methods.product import Product
from trainer.methods.residual_field import ResidualField
from trainer.methods.wccn import Wccn


def methods(*, quick: bool = False) -> dict[str, Method]:
    """Return all methods by name: floors, baselines, the paper's, ours.

    Nothing heavy is imported before a method that needs it learns.

    Args:
        quick: Fewer iterations where training takes long.
    """
    everything = [*_floors(), *_baselines(quick), *_papers(quick), *_ours(quick)]
    return {method.name: method for method in everything}


def _floors() -> Iterator[Method]:
    yield Centre()
    yield RandomPoints()
    wknn = NearestNeighbours("wknn", "WKNN", k=5, is_weighted=True)
    yield PowerOnly(wknn, "rssi", "WKNN, power alone")


def _baselines(quick: bool) -> Iterator[Method]:
    yield NearestNeighbours("1nn", "1-NN", k=1, of_samples=True)
    yield NearestNeighbours("knn", "KNN", k=5)
    yield NearestNeighbours("knn_samples", "KNN of samples", k=5, of_samples=True)
    yield NearestNeighbours("wknn", "WKNN", k=5, is_weighted=True)
    yield NearestNeighbours(
        "1nn_linear", "1-NN, linear amplitude", k=1, of_samples=True, is_linear=True
    )
    yield NearestNeighbours(
        "wknn_linear", "WKNN, linear amplitude", k=5, is_weighted=True, is_linear=True
    )
    yield HistogramNeighbours()
    yield Horus()
    yield Ilcl(n_epochs=15 if quick else 100)


def _papers(quick: bool) -> Iterator[Method]:
    for training in Training:
        yield NetworkMethod(training, QUICK if quick else Budget())


def _ours(quick: bool) -> Iterator[Method]:
    yield Wccn()
    yield HistoryHead()
    yield Ensemble("wccn_head", "WCCN + head", (Wccn(), HistoryHead()))
    cnn = NetworkMethod(Training.MAML, QUICK if quick else Budget())
    together = (Wccn(), HistoryHead(), cnn)
    yield Ensemble("wccn_head_cnn", "WCCN + head + adapted CNN", together)
    yield DayEffects()
    yield ResidualField()
    yield Product()
