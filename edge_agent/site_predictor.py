"""The estimator that locates at a calibrated site: the one that won its replay."""

from collections.abc import Callable, Sequence

from edge_agent.bundles.bundle import Bundle
from edge_agent.calibration import Calibration
from edge_agent.errors import BundleError, CalibrationError
from edge_agent.estimators import Estimator
from edge_agent.learning.backends import Backend
from edge_agent.learning.predictor import Predictor, make_predictor
from edge_agent.neighbours.bent_map_predictor import BentMapPredictor
from edge_agent.neighbours.estimator import NeighboursPredictor
from edge_agent.trust.learners import EnsemblePredictor
from edge_agent.trust.record import Trust


def chosen_estimator(
    bundle: Bundle, estimator: Estimator, trusts: Sequence[Trust] = ()
) -> Estimator:
    """Return what locates: what is wanted, else what won the site's replay.

    Where nothing was replayed, it is what the bundle recommends.

    Args:
        bundle: The model.
        estimator: What is wanted.
        trusts: In the estimators at the site, what locates first; none where nobody
            asked its past.
    """
    if estimator is not Estimator.AUTO:
        return estimator
    return trusts[0].estimator if trusts else bundle.manifest.estimator


def make_site_predictor(
    bundle: Bundle,
    calibration: Calibration,
    estimator: Estimator = Estimator.AUTO,
    backend: Backend = Backend.AUTO,
    *,
    on_caution: Callable[[str], None] = lambda _caution: None,
) -> tuple[Estimator, Predictor]:
    """Return what locates, and which estimator it is.

    Args:
        bundle: The model.
        calibration: Of the site.
        estimator: What is wanted.
        backend: What computes the network; the rest is NumPy's.
        on_caution: As of `edge_agent.learning.backends.for_predicting`; and where
            something was asked to compute that has nothing to do.

    Raises:
        BackendError: What was asked for is not there or cannot be used.
        BundleError: The bundle has no neighbours, or ONNX Runtime refuses its graph.
        CalibrationError: It was made without what the estimator compares with.
    """
    chosen = chosen_estimator(bundle, estimator, calibration.trusts)
    if chosen is Estimator.NETWORK:
        network = make_predictor(bundle, calibration, backend, on_caution=on_caution)
        return chosen, network
    neighbours = _neighbours_predictor(bundle, calibration)
    if chosen is Estimator.ENSEMBLE:
        network = make_predictor(bundle, calibration, backend, on_caution=on_caution)
        return chosen, EnsemblePredictor(network, neighbours)
    if backend not in (Backend.AUTO, Backend.NUMPY):
        on_caution(
            f"{bundle.manifest.name} locates with {_words(chosen)} computed by "
            f"numpy; {backend} is for the network alone (--estimator network)"
        )
    if chosen is Estimator.NEIGHBOURS:
        return chosen, neighbours
    if calibration.bent_map is None:
        raise CalibrationError(
            f"{calibration.identifier} has no map: one is drawn where a site was "
            "walked before. Walk again (edge_agent calibrate), or choose neighbours "
            "(--estimator neighbours)"
        )
    assert bundle.neighbours is not None  # or there were no predictor of theirs
    spec = bundle.manifest.spec
    return chosen, BentMapPredictor(bundle.neighbours, spec, calibration.bent_map)


def _words(estimator: Estimator) -> str:
    return "neighbours, which are" if estimator is Estimator.NEIGHBOURS else "a map,"


def _neighbours_predictor(
    bundle: Bundle, calibration: Calibration
) -> NeighboursPredictor:
    """Return the neighbours of a site.

    Raises:
        BundleError: The bundle has none.
        CalibrationError: It was made without fingerprints.
    """
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
    return NeighboursPredictor(
        bundle.neighbours, bundle.manifest.spec, calibration.fingerprints
    )
