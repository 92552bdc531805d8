"""What working with a model takes, and whether that is allowed.

A device computes it from sizes that it has checked itself, and before it allocates
anything.
"""

from edge_agent.bundles.files import BundleFiles
from edge_agent.bundles.terms import Terms
from edge_agent.errors import BundleError, CalibrationError
from edge_agent.learning.adaptation import adaptation_bytes
from edge_agent.learning.backends import Backend
from edge_agent.learning.network import Architecture

_MB = 1_000_000
_GRAPH = 3
"""How much more a graph takes than what is computed layer by layer."""

_FEWEST = 2
"""Points of a site, with one shot each."""


def check_model(architecture: Architecture, files: BundleFiles) -> None:
    """Check that a network can be adapted to the smallest site there is.

    Raises:
        BundleError: That takes more memory than is allowed.
    """
    needed = adaptation_bytes(architecture, _FEWEST, _FEWEST)
    if needed > files.terms.max_memory:
        raise BundleError(
            f"{files.directory}: adapting to two shots needs about "
            f"{needed / _MB:.0f} MB, allowed are {files.terms.max_memory_mb} "
            "(model.max_memory_mb)"
        )


def check_shots(
    architecture: Architecture,
    terms: Terms,
    backend: Backend,
    *,
    n_shots: int,
    n_points: int,
) -> None:
    """Check that a network can be adapted to so many shots.

    Args:
        architecture: Of the network.
        terms: What is allowed.
        backend: What computes; not AUTO.
        n_shots: Images.
        n_points: Points.

    Raises:
        CalibrationError: That takes more memory than is allowed.
    """
    needed = adaptation_bytes(architecture, n_shots, n_points)
    if backend is Backend.ONNXRUNTIME:
        needed *= _GRAPH
    if needed > terms.max_memory:
        raise CalibrationError(
            f"{n_shots} shots of {n_points} points need about {needed / _MB:.0f} MB, "
            f"allowed are {terms.max_memory_mb} (model.max_memory_mb): fewer shots per "
            "point (--shots), or more memory"
        )
