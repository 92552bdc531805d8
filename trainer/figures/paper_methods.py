"""The methods of Table III and Fig. 12, and ours beside them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from trainer.methods.contract import Method
from trainer.methods.ilcl import Ilcl
from trainer.methods.neighbours import NearestNeighbours
from trainer.methods.networks import Budget, NetworkMethod, Training
from trainer.methods.product import Product
from trainer.methods.wccn import Wccn

_NETWORKS: Final = {
    Training.MAML: "MAML",
    Training.MAML_DG: "MAML-DG",
    Training.MAML_TS: "MAML-TS",
    Training.TL: "TL",
    Training.RI: "RI",
    Training.CONFI: "ConFi",
}

METHOD_TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{training.value: title for training, title in _NETWORKS.items()},
        "ilcl": "ILCL",
        "knn": "KNN",
        "wccn": "WCCN",
        "ours": "ours",
    }
)
"""By name, in the order of Table III."""


def paper_methods(budget: Budget) -> dict[str, Method]:
    """Return the methods by name.

    Args:
        budget: How long networks are trained.
    """
    methods: list[Method] = [
        *(NetworkMethod(training, budget) for training in _NETWORKS),
        Ilcl(n_epochs=budget.n_epochs),
        NearestNeighbours("knn", "KNN", k=5),
        Wccn(),
        Product(),
    ]
    return {method.name: method for method in methods}
