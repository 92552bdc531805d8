"""The estimator that locates at a calibrated site."""

from collections.abc import Callable

from edge_agent.bundles.bundle import Bundle
from edge_agent.calibration import Calibration
from edge_agent.errors import BundleError, CalibrationError
from edge_agent.estimators import Estimator
from edge_agent.learning.backends import Backend
from edge_agent.learning.predictor import Predictor, make_predictor
from edge_agent.neighbours.estimator import NeighboursPredictor


def chosen_estimator(bundle: Bundle, estimator: Estimator) -> Estimator:
    """Return what locates: what is wanted, or else what the bundle recommends.

    Args:
        bundle: The model.
        estimator: What is wanted.
    """
    return bundle.manifest.estimator if estimator is Estimator.AUTO else estimator


def make_site_predictor(
    bundle: Bundle,
    calibration: Calibration,
    estimator: Estimator = Estimator.AUTO,
    backend: Backend = Backend.AUTO,
    *,
    on_caution: Callable[[str], None] = lambda _caution: None,
) -> tuple[Estimator, Predictor]:
    """Return what locates, and which of the two it is.

    Args:
        bundle: The model.
        calibration: Of the site.
        estimator: What is wanted.
        backend: What computes the network; neighbours are NumPy's.
        on_caution: As of `edge_agent.learning.backends.for_predicting`; and where
            something was asked to compute that has nothing to do.

    Raises:
        BackendError: What was asked for is not there or cannot be used.
        BundleError: The bundle has no neighbours, or ONNX Runtime refuses its graph.
        CalibrationError: It was made without fingerprints for neighbours.
    """
    chosen = chosen_estimator(bundle, estimator)
    if chosen is Estimator.NETWORK:
        network = make_predictor(bundle, calibration, backend, on_caution=on_caution)
        return chosen, network
    if bundle.neighbours is None:
        raise BundleError(
            f"{bundle.manifest.name} has no neighbours to locate with: train and "
            "export it again, or choose the network (--estimator network)"
        )
    if calibration.fingerprints is None:
        raise CalibrationError(
            f"{calibration.identifier} has no fingerprints for neighbours: make it "
            "again (edge_agent adapt), or choose the network (--estimator network)"
        )
    if backend not in (Backend.AUTO, Backend.NUMPY):
        on_caution(
            f"{bundle.manifest.name} locates with neighbours, which are computed by "
            f"numpy; {backend} is for the network alone (--estimator network)"
        )
    spec = bundle.manifest.spec
    return chosen, NeighboursPredictor(
        bundle.neighbours, spec, calibration.fingerprints
    )
