"""What the trainer knows of trust before a site has a past: ``trust.npz`` of a bundle.

    header                 schema, temperature by estimator
    <estimator>.scores     quantiles of s (`edge_agent.trust.radii`), float32 (199,)

The scores are those of replays at the places that taught the model: shots of one visit,
or of several, and queries from later visits of the same day. Quantile k is that of
(k + 1/2) / 199. A bundle without this file leaves the device with a cautious guess.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from edge_agent.arrays import ArraysError, pack_arrays, unpack_arrays
from edge_agent.estimators import Estimator
from edge_agent.trust.radii import Scores

TRUST: Final = "trust.npz"
TRUST_SCHEMA: Final = "metaloc.trust/1"

N_QUANTILES: Final = 199
_MAX_ARRAYS: Final = 1 << 20
_SUFFIX: Final = ".scores"
LARGEST: Final = 1e3
"""Of scores and temperatures."""

_UNREPLAYED: Final = 5.0
"""T where nothing was ever replayed, here or elsewhere."""

_CAUTION: Final = 2.0
"""How much larger than the model's own spread errors are then taken to be."""

_AGEING: Final = 2.0
"""By which temperature and scores grow from one day to another, where no walk tells. On
PolyU's days r95 then held 98 % a day later with shots of one walk, neighbours."""


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """What is expected of an estimator at a site without a past."""

    temperature: float
    """T_0 beside replays of the site itself."""

    alone: float
    """T where there are none."""

    quantiles: npt.NDArray[np.float64]
    """Of the scores s, evenly, rising, shape (n,)."""

    def __post_init__(self) -> None:
        for name in ("temperature", "alone"):
            value = getattr(self, name)
            if not 1 / LARGEST <= value <= LARGEST:  # nor may it be NaN
                raise ValueError(f"{name} is {value}, not {1 / LARGEST} to {LARGEST}")
        q = self.quantiles
        if q.ndim != 1 or len(q) == 0 or not np.isfinite(q).all():
            raise ValueError(f"scores of shape {q.shape} are not finite numbers (n,)")
        if (q < 0).any() or (q > LARGEST).any() or (np.diff(q) < 0).any():
            raise ValueError(f"scores do not rise from 0 to {LARGEST:g} at most")

    def scores(self, weight: float) -> Scores:
        """Return the scores, weighing so much together."""
        n = len(self.quantiles)
        return Scores(self.quantiles, np.full(n, weight / n))

    def aged(self) -> Self:
        """Return what is expected on another day.

        On the same day most answers are right and a few are far off. On another day
        nobody can say how many are right: below their 95 % quantile, scores are at
        least those of a normal distribution with the same one.
        """
        grown = self.quantiles * _AGEING
        normal, most = _normal_scores(len(grown)), float(np.quantile(grown, 0.95))
        normal *= most / float(np.quantile(normal, 0.95))
        return type(self)(
            self.temperature * _AGEING,
            self.alone if self.alone > self.temperature else self.alone * _AGEING,
            np.maximum(grown, np.minimum(normal, most)),
        )

    @classmethod
    def of(cls, temperature: float, scores: npt.NDArray[np.float64]) -> Self:
        """Return what replays elsewhere teach.

        Args:
            temperature: That fits them.
            scores: s of their queries, shape (n,), at least one.
        """
        at = (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES
        return cls(temperature, temperature, np.quantile(scores, at))


def cautious() -> Prior:
    """Return what is expected where the bundle brings nothing.

    Twice the error of a normal distribution in the plane whose second moment is b², so
    that r95 is about three and a half times b.
    """
    return Prior(1.0, _UNREPLAYED, _CAUTION * _normal_scores(N_QUANTILES))


def _normal_scores(n: int) -> npt.NDArray[np.float64]:
    """Return quantiles of distances whose second moment is 1, in the plane."""
    at = (np.arange(n) + 0.5) / n
    return np.sqrt(-np.log1p(-at))


def prior_for(priors: Mapping[Estimator, Prior] | None, estimator: Estimator) -> Prior:
    """Return what is expected of an estimator; caution where nobody knows.

    A map is one of neighbours; of it alone no trainer knows, as it needs a history.

    Args:
        priors: Of the bundle; None: it has none.
        estimator: That locates.
    """
    known = Estimator.NEIGHBOURS if estimator is Estimator.MAP else estimator
    return (priors or {}).get(known) or cautious()


def pack_priors(priors: Mapping[Estimator, Prior]) -> bytes:
    """Return the file, in single precision."""
    return pack_arrays(
        {
            "schema": TRUST_SCHEMA,
            "temperature": {str(e): prior.temperature for e, prior in priors.items()},
        },
        {
            f"{estimator}{_SUFFIX}": prior.quantiles.astype(np.float32)
            for estimator, prior in priors.items()
        },
    )


def unpack_priors(data: bytes) -> dict[Estimator, Prior]:
    """Return what the trainer knows, by estimator.

    Args:
        data: The file.

    Raises:
        ValueError: It is damaged, of another schema, or holds values that make no
            sense.
    """
    header, arrays = unpack_arrays(data, schema=TRUST_SCHEMA, max_bytes=_MAX_ARRAYS)
    found = header.get("temperature")
    if not isinstance(found, dict):
        raise ArraysError(f"temperature is {found!r}, not an object")
    if {f"{name}{_SUFFIX}" for name in found} != arrays.keys():
        raise ArraysError(f"holds {sorted(arrays)}, temperatures of {sorted(found)}")
    priors = {}
    for name, value in found.items():
        if type(value) not in (int, float) or not math.isfinite(value):
            raise ArraysError(f"temperature of {name} is {value!r}, not a number")
        scores = arrays[f"{name}{_SUFFIX}"]
        if scores.dtype != np.float32:
            raise ArraysError(f"scores of {name} are {scores.dtype}, not float32")
        priors[Estimator(name)] = Prior(
            float(value), float(value), scores.astype(np.float64)
        )
    return priors
