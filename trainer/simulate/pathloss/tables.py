"""Published fits: a law, the spread about it, and where it is printed.

"Haneda" is the indoor table of K. Haneda et al., "Indoor 5G 3GPP-like channel models
for office and shopping mall environments", ICC Workshops 2016, pp. 694-699, which the
5GCM white paper repeats; fitted from 2 to 73 GHz in offices and 6 to 100 GHz in malls.
"TR 38.901" is 3GPP TR 38.901, Table 7.4.1-1. Lower frequencies are extrapolation.

The sign of b1 in `MALL_NLOS_DUAL_CIF` differs between public copies of the table: -0.01
in a MATLAB script that has every row right otherwise, +0.01 in a Python one. -0.01 is
taken. At 2.44 GHz and 10 m the other sign means 0.46 dB less loss.
"""

from dataclasses import dataclass

from trainer.simulate.pathloss.errors import between
from trainer.simulate.pathloss.laws import (
    CloseIn,
    CloseInFrequency,
    DualCloseInFrequency,
    DualFloatingIntercept,
    FloatingIntercept,
    HigherOf,
    PathLossLaw,
)


@dataclass(frozen=True, slots=True)
class Link:
    """A law and the spread of X_σ about it."""

    law: PathLossLaw

    sigma_db: float
    """σ, 0 to 100."""

    source: str
    """Where law and σ are printed."""

    def __post_init__(self) -> None:
        between("sigma_db", self.sigma_db, 0, 100)


OFFICE_LOS = Link(CloseIn(1.73), 3.02, "Haneda, office LOS CI, Eq. (2)")
OFFICE_NLOS_CIF = Link(
    CloseInFrequency(3.19, 0.06, 24.2e9), 8.29, "Haneda, office NLOS CIF, Eq. (5)"
)
OFFICE_NLOS_ABG = Link(
    FloatingIntercept(3.83, 17.30, 2.49), 8.03, "Haneda, office NLOS ABG"
)
OFFICE_NLOS_DUAL_CIF = Link(
    DualCloseInFrequency(
        CloseInFrequency(2.51, 0.12, 24.1e9), CloseInFrequency(4.25, 0.04, 24.1e9), 7.8
    ),
    7.65,
    "Haneda, office NLOS dual CIF, Eq. (8)",
)
OFFICE_NLOS_DUAL_ABG = Link(
    DualFloatingIntercept(FloatingIntercept(1.7, 33.0, 2.49), 4.17, 6.9),
    7.78,
    "Haneda, office NLOS dual ABG, Eq. (7)",
)
MALL_LOS = Link(CloseIn(1.73), 2.01, "Haneda, mall LOS CI, Eq. (2)")
MALL_NLOS_CIF = Link(
    CloseInFrequency(2.59, 0.01, 39.5e9), 7.40, "Haneda, mall NLOS CIF, Eq. (5)"
)
MALL_NLOS_ABG = Link(
    FloatingIntercept(3.21, 18.09, 2.24), 6.97, "Haneda, mall NLOS ABG"
)
MALL_NLOS_DUAL_CIF = Link(
    DualCloseInFrequency(
        CloseInFrequency(2.43, -0.01, 39.5e9),
        CloseInFrequency(8.36, 0.39, 39.5e9),
        110.0,
    ),
    6.26,
    "Haneda, mall NLOS dual CIF, Eq. (8)",
)
MALL_NLOS_DUAL_ABG = Link(
    DualFloatingIntercept(FloatingIntercept(2.9, 22.17, 2.24), 11.47, 147.0),
    6.36,
    "Haneda, mall NLOS dual ABG, Eq. (7)",
)

_INH_LOS_LAW = FloatingIntercept(1.73, 32.4, 2.0)
INH_LOS = Link(_INH_LOS_LAW, 3.0, "TR 38.901 Table 7.4.1-1, InH LOS")
"""PL = 32.4 + 17.3 lg d + 20 lg(f / GHz)."""

INH_NLOS = Link(
    HigherOf(_INH_LOS_LAW, FloatingIntercept(3.83, 17.30, 2.49)),
    8.03,
    "TR 38.901 Table 7.4.1-1, InH NLOS",
)
"""PL = max(PL_LOS, 17.3 + 38.3 lg d + 24.9 lg(f / GHz)): the fit of
`OFFICE_NLOS_ABG`."""
