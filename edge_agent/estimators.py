"""What locates at a site, and which of it is used.

    network       the paper's, adapted by gradient steps       `edge_agent.predictor`
    neighbours    whitened fingerprints of the shots           `edge_agent.neighbours`

docs/estimators.md says when which is better, by how much.
"""

from enum import StrEnum

from edge_agent.errors import BundleError


class Estimator(StrEnum):
    """What turns images into probabilities."""

    AUTO = "auto"
    """What the trainer recommends in the bundle."""

    NETWORK = "network"
    NEIGHBOURS = "neighbours"


def choose(
    wanted: Estimator, *, recommended: Estimator, has_neighbours: bool
) -> Estimator:
    """Return what locates.

    Args:
        wanted: By the configuration.
        recommended: By the bundle.
        has_neighbours: Whether the bundle has them.

    Raises:
        BundleError: Neighbours are wanted, and the bundle has none.
    """
    chosen = recommended if wanted is Estimator.AUTO else wanted
    if chosen is Estimator.NEIGHBOURS and not has_neighbours:
        raise BundleError(
            "the bundle has no neighbours.npz, so no neighbours to locate with: train "
            "and export it again, or choose the network (--estimator network)"
        )
    return chosen
