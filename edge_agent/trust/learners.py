"""Everything that can locate at a site, as learners of its shots.

    network       the bundle's parameters, adapted to the shots by gradient steps
    neighbours    the shots themselves, whitened
    map           history's map, bent by the shots
    ensemble      P ∝ sqrt(P_network P_neighbours)

The geometric mean, not the arithmetic one: that doubles the candidates wherever the two
disagree, and is further off than the better of them (docs/estimators.md).
"""

from datetime import UTC, datetime
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from edge_agent.bundles.bundle import Bundle
from edge_agent.calibration import Calibration
from edge_agent.environment import Environment
from edge_agent.errors import BundleError
from edge_agent.estimators import Estimator
from edge_agent.history import pooled
from edge_agent.learning.backends import Backend
from edge_agent.learning.predictor import Predictor, make_predictor
from edge_agent.neighbours.bent_map import BentMap
from edge_agent.neighbours.bent_map_predictor import BentMapPredictor
from edge_agent.neighbours.estimator import NeighboursPredictor

_LEAST: Final = 1e-12
"""No point is impossible to an ensemble because one of the two says so."""

_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Of calibrations that are made to be asked once and forgotten."""


class Learner(Protocol):
    """Makes a predictor of shots."""

    estimator: Estimator

    def learn(self, shots: Environment, history: Environment | None) -> Predictor:
        """Return what locates at a site.

        Args:
            shots: What it is calibrated with.
            history: Earlier shots, aligned (`edge_agent.history`); None: none are
                known. Every point has a shot in one of them.

        Raises:
            CalibrationError: Nothing can be learnt of these shots.
        """


def with_newest(shots: Environment, history: Environment | None) -> Environment:
    """Return the shots, and of points without any the newest of history."""
    return shots if history is None else pooled(shots, history)


class NetworkLearner:
    """The paper's network."""

    estimator = Estimator.NETWORK

    def __init__(
        self,
        bundle: Bundle,
        backend: Backend = Backend.AUTO,
        parameter_set: str | None = None,
    ) -> None:
        """Take a model.

        Args:
            bundle: The model.
            backend: What computes.
            parameter_set: As of `Bundle.choose_set`.
        """
        self._bundle, self._backend = bundle, backend
        self._parameter_set = parameter_set

    def learn(self, shots: Environment, history: Environment | None) -> Predictor:
        """See `Learner`; of points without a shot, the newest of history."""
        calibration = Calibration.from_shots(
            self._bundle,
            with_newest(shots, history),
            now=_ANY_TIME,
            backend=self._backend,
            parameter_set=self._parameter_set,
        )
        return make_predictor(self._bundle, calibration, self._backend)


class NeighboursLearner:
    """Whitened neighbours."""

    estimator = Estimator.NEIGHBOURS

    def __init__(self, bundle: Bundle) -> None:
        """Take a model.

        Raises:
            BundleError: It has no neighbours.
        """
        if bundle.neighbours is None:
            raise BundleError(
                f"{bundle.manifest.name} has no neighbours to locate with: train and "
                "export it again, or choose the network (--estimator network)"
            )
        self.neighbours = bundle.neighbours

    def learn(self, shots: Environment, history: Environment | None) -> Predictor:
        """See `Learner`; of points without a shot, the newest of history."""
        shots = with_newest(shots, history)
        kept = self.neighbours.fingerprints(
            shots.spec, shots.images, shots.heard, shots.point_of, len(shots.points)
        )
        return NeighboursPredictor(self.neighbours, shots.spec, kept)


class MapLearner:
    """History's map, bent by the shots; without a history, the neighbours."""

    estimator = Estimator.MAP

    def __init__(self, bundle: Bundle) -> None:
        """Take a model.

        Raises:
            BundleError: It has no neighbours.
        """
        self._plain = NeighboursLearner(bundle)
        self._neighbours = self._plain.neighbours

    def learn(self, shots: Environment, history: Environment | None) -> Predictor:
        """See `Learner`."""
        if history is None or not history.heard.any():
            return self._plain.learn(shots, None)
        bent = BentMap.bend(self._neighbours, shots.spec, history, shots)
        return BentMapPredictor(self._neighbours, shots.spec, bent)


class EnsemblePredictor:
    """The geometric mean of two; an `edge_agent.learning.predictor.Predictor`."""

    def __init__(self, first: Predictor, second: Predictor) -> None:
        """Take two predictors of the same points.

        Args:
            first: Its back end is said to be that of both.
            second: .
        """
        self._both = first, second
        self.backend = first.backend

    def predict(
        self, images: npt.NDArray[np.uint8], heard: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.float64]:
        """Return the probability of every point, shape (n, n_points)."""
        first, second = (predictor.predict(images, heard) for predictor in self._both)
        return geometric_mean(np.asarray(first), np.asarray(second))


def geometric_mean(
    first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    """Return the geometric mean of two posteriors, normalised, shape (n, n_points).

    Args:
        first: Shape (n, n_points).
        second: The same.
    """
    roots = np.sqrt(
        np.maximum(first.astype(np.float64), _LEAST)
        * np.maximum(second.astype(np.float64), _LEAST)
    )
    return np.asarray(roots / roots.sum(axis=1, keepdims=True))
