"""Models (a) to (e) of the paper's section IV-A, and TR 38.901 InH.

    (a)  log-distance, Eq. (1) of the paper: one law, n and σ of the task
    (b)  mall, never in sight, two slopes: dual ABG
    (c)  office, in sight or not, one slope each: TR 38.901 InH, mixed office
    (d)  office, in sight CI, out of sight CIF
    (e)  mall, in sight CI, out of sight dual CIF
    inh  TR 38.901 InH, open office: (c), much more often in sight

A carrier outside the range of a fit is extrapolated without a word: the paper itself
uses all of them at 2.44 GHz, below what malls were fitted on. The price is stated where
it shows: (b) has less loss than free space up to 10.9 m at 2.44 GHz (8.9 m at 5.18),
and its break point, at 147 m, never acts in a room. `clamp` ``"los"`` mends the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from trainer.simulate.pathloss.errors import PathLossError, between
from trainer.simulate.pathloss.laws import CloseIn, Floats, PathLossLaw
from trainer.simulate.pathloss.sight import (
    MIXED_OFFICE,
    OPEN_OFFICE,
    SightProbability,
)
from trainer.simulate.pathloss.tables import (
    INH_LOS,
    INH_NLOS,
    MALL_LOS,
    MALL_NLOS_DUAL_ABG,
    MALL_NLOS_DUAL_CIF,
    OFFICE_LOS,
    OFFICE_NLOS_CIF,
    Link,
)

Clamp = Literal["none", "los"]
"""Whether the mean loss may be below that in sight: ``"none"`` as the paper,
``"los"`` never."""

CLAMPS: tuple[Clamp, ...] = ("none", "los")


@dataclass(frozen=True, slots=True)
class PathLossModel:
    """A kind of place: laws in and out of sight, and how often each holds."""

    name: str
    """For the command line: ``a`` to ``e``, ``inh``."""

    title: str

    nlos: Link
    """Out of sight; of every link where ``los`` is None."""

    los: Link | None
    """In sight; None where the model does not know the difference."""

    sight: SightProbability | None
    """None just where ``los`` is."""

    floor: PathLossLaw
    """What ``clamp`` ``"los"`` holds the mean loss above."""

    valid_hz: tuple[float, float]
    """Frequencies of the measurements behind it."""

    def sight_probability(self, horizontal_m: npt.ArrayLike) -> Floats:
        """Return P_LOS, of the shape of the distances; 0 where there is one law."""
        if self.sight is None:
            return np.zeros(np.shape(horizontal_m))
        return self.sight.at(horizontal_m)

    def loss_db(
        self,
        distance_m: npt.ArrayLike,
        carrier_hz: float,
        in_sight: npt.ArrayLike = False,
        *,
        clamp: Clamp = "none",
    ) -> Floats:
        """Return the mean path loss [dB].

        Args:
            distance_m: Between the antennas, above 0.
            carrier_hz: Carrier frequency.
            in_sight: Of each link; of the shape of the distances, or one for all.
            clamp: Whether the loss is held above that in sight.
        """
        loss = self.nlos.law.loss_db(distance_m, carrier_hz)
        if self.los is not None:
            los = self.los.law.loss_db(distance_m, carrier_hz)
            loss = np.where(in_sight, los, loss)
        if clamp == "los":
            loss = np.maximum(loss, self.floor.loss_db(distance_m, carrier_hz))
        return loss

    def sigma_db(self, in_sight: npt.NDArray[np.bool_]) -> Floats:
        """Return σ of each link [dB], of the shape of ``in_sight``."""
        los = self.nlos if self.los is None else self.los
        return np.where(in_sight, los.sigma_db, self.nlos.sigma_db)

    def with_sigma(
        self, *, los_db: float | None = None, nlos_db: float | None = None
    ) -> Self:
        """Return the model with other σ; None keeps one.

        Raises:
            PathLossError: Negative or not finite, or one for links in sight of a model
                that has none.
        """
        los, nlos = self.los, self.nlos
        if los_db is not None:
            if los is None:
                raise PathLossError(
                    f"model {self.name} has no links in sight: its only σ is that out "
                    f"of sight; found {los_db} dB for those in sight"
                )
            los = replace(los, sigma_db=los_db)
        if nlos_db is not None:
            nlos = replace(nlos, sigma_db=nlos_db)
        return replace(self, los=los, nlos=nlos)


def log_distance_model(exponent: float, sigma_db: float) -> PathLossModel:
    """Return model (a).

    Args:
        exponent: n; typically above 2 where walls and doors block.
        sigma_db: σ; 3 to 20 dB in the paper.

    Raises:
        PathLossError: An exponent that is not 0 to 20, or a σ that is not 0 to 100 dB.
    """
    between("the path-loss exponent", exponent, 0, 20)
    law = CloseIn(exponent)
    return PathLossModel(
        name="a",
        title=f"log-distance, n = {exponent:g}",
        nlos=Link(law, sigma_db, "MetaLoc paper, Eq. (1)"),
        los=None,
        sight=None,
        floor=law,  # as free space is for n of 2 and more; a corridor's n is below 2
        valid_hz=(0.0, float("inf")),
    )


LOG_DISTANCE = log_distance_model(3.0, 5.0)
"""(a), with numbers from the middle of what the paper allows."""

MALL_DUAL_SLOPE = PathLossModel(
    name="b",
    title="mall, never in sight, two slopes",
    nlos=MALL_NLOS_DUAL_ABG,
    los=None,
    sight=None,
    floor=MALL_LOS.law,
    valid_hz=(6e9, 100e9),
)
OFFICE_MIXED = PathLossModel(
    name="c",
    title="mixed office, in sight or not, one slope each",
    nlos=INH_NLOS,
    los=INH_LOS,
    sight=MIXED_OFFICE,
    floor=INH_LOS.law,
    valid_hz=(0.5e9, 100e9),
)
OFFICE_FREQUENCY = PathLossModel(
    name="d",
    title="office, in sight or not, exponent depends on frequency",
    nlos=OFFICE_NLOS_CIF,
    los=OFFICE_LOS,
    sight=MIXED_OFFICE,
    floor=OFFICE_LOS.law,
    valid_hz=(2e9, 73e9),
)
MALL_MIXED = PathLossModel(
    name="e",
    title="mall, in sight or not, two slopes out of sight",
    nlos=MALL_NLOS_DUAL_CIF,
    los=MALL_LOS,
    sight=MIXED_OFFICE,
    floor=MALL_LOS.law,
    valid_hz=(6e9, 100e9),
)
INH_OPEN = PathLossModel(
    name="inh",
    title="TR 38.901 InH, open office",
    nlos=INH_NLOS,
    los=INH_LOS,
    sight=OPEN_OFFICE,
    floor=INH_LOS.law,
    valid_hz=(0.5e9, 100e9),
)

MODELS: Mapping[str, PathLossModel] = MappingProxyType(
    {
        model.name: model
        for model in (
            LOG_DISTANCE,
            MALL_DUAL_SLOPE,
            OFFICE_MIXED,
            OFFICE_FREQUENCY,
            MALL_MIXED,
            INH_OPEN,
        )
    }
)
"""By name, in the order of the paper."""


def model_named(name: str) -> PathLossModel:
    """Return a model by its name.

    Raises:
        PathLossError: There is none.
    """
    if name not in MODELS:
        raise PathLossError(f"no model {name!r}; there are {', '.join(MODELS)}")
    return MODELS[name]
