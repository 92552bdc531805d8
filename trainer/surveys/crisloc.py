"""CRISLoc: Nexus 5 with Nexmon on dense grids (no licence stated: evaluate only).

    research_laboratory_AP<k>.mat      CSI, double (packets, 49 tones)
    research_laboratory_position.mat   position, double (packets, 2) [m]
    academic_building_AP<k>.mat, academic_building_position.mat

https://github.com/Fudan-MediaNET/CRISLoc
CSI is lg of the amplitude, scaled by the authors such that the squares of the 49 tones
sum to the received power in milliwatts (10 lg of the sum is a whole number of dBm in
all but 18 of 7,790 packets of the laboratory's first access point). -6 or less means
not heard.

Files are in order of recording, without times. The points are passed three times; a
visit is a pass.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer.surveys.compact import Arrays, check_shapes
from trainer.surveys.environment import Environment, Floats, Integers, Signals
from trainer.surveys.packets import cut, repeated, runs
from trainer.surveys.points import finite_rows, make_place
from trainer.surveys.power import ROOT_NANOWATT, power_dbm
from trainer.surveys.report import Skips, SurveyDataError

N_PACKETS = 10
"""Per image: a third of the points have no more."""

NOT_HEARD = -6.0
AREAS = ("lobby", "corridor", "office")
"""Of the academic building, by their numbers in compact copies."""


def from_compact(
    source: Path, arrays: Arrays, skips: Skips, *, n_packets: int = N_PACKETS
) -> list[Environment]:
    """Return one environment per area.

    Arrays, for lab and acad: _amp (n, 49, n_access_points), _pt (n,), _pass (n,),
    _xy (n_points, 2), _area (n_points,).

    Raises:
        SurveyDataError: Neither place is there, or arrays do not fit.
    """
    environments = []
    for prefix in ("lab", "acad"):
        if f"{prefix}_amp" not in arrays:
            continue
        check_shapes(
            source,
            arrays,
            {
                f"{prefix}_amp": ("n", "n_tones", "n_channels"),
                f"{prefix}_pt": ("n",),
                f"{prefix}_pass": ("n",),
                f"{prefix}_xy": ("n_points", 2),
                f"{prefix}_area": ("n_points",),
            },
        )
        amp, pt, visit, xy, area = (
            arrays[f"{prefix}_{name}"] for name in ("amp", "pt", "pass", "xy", "area")
        )
        if len(pt) and not 0 <= pt.min() <= pt.max() < len(xy):
            raise SurveyDataError(
                f"{source}: {prefix}_pt has a point that is none of the {len(xy)}"
            )
        channels = tuple(f"AP{k + 1}" for k in range(amp.shape[2]))
        for number in np.unique(area).tolist():
            name = "lab" if prefix == "lab" else _area_name(number)
            rows = np.flatnonzero(area[pt] == number)
            if len(rows):
                environments += area_environment(
                    name,
                    channels,
                    amp[rows],
                    xy[pt[rows]].astype(np.float64),
                    visit[rows].astype(np.intp),
                    skips,
                    n_packets=n_packets,
                )
    if not environments:
        raise SurveyDataError(
            f"{source} has neither lab_amp nor acad_amp with coordinates"
        )
    return environments


def _area_name(number: int) -> str:
    return AREAS[number] if 0 <= number < len(AREAS) else f"area{number}"


def area_environment(
    name: str,
    channels: tuple[str, ...],
    values: npt.NDArray[np.floating],
    positions: npt.NDArray[np.float64],
    visits: Integers,
    skips: Skips,
    *,
    n_packets: int = N_PACKETS,
) -> list[Environment]:
    """Return the environment of one area; none where no packet has coordinates.

    Args:
        name: Of the area.
        channels: Access points.
        values: lg amplitude [√mW], shape (n, n_tones, n_channels), in order of time.
        positions: [m], shape (n, 2).
        visits: Pass of each packet, shape (n,).
        skips: Counts what is left out.
        n_packets: Packets per image.
    """
    usable = finite_rows(positions, skips)
    finite = np.isfinite(values).all(axis=(1, 2))
    skips.count("packets that are not finite", int((usable & ~finite).sum()))
    rows = np.flatnonzero(usable & finite)
    if not len(rows):
        return []
    place, point_of = make_place(f"crisloc/{name}", positions[rows], channels)
    amplitudes, visits = _amplitudes(values[rows]), visits[rows]
    images, points, passes, counts = [], [], [], []
    for run in runs(np.column_stack([visits, point_of])):
        images.append(cut(amplitudes[run], n_packets, skips))
        points.append(int(point_of[run.start]))
        passes.append(int(visits[run.start]))
        counts.append(len(images[-1]))
    stacked = np.concatenate(images)
    environment = Environment(
        name,
        place,
        0,
        Signals(power_dbm(stacked), stacked),
        repeated(points, counts),
        repeated(passes, counts),
        np.zeros(len(stacked), np.bool_),
    )
    by_visit = np.argsort(environment.visit_of, kind="stable")
    return [environment.select(by_visit)]


def _amplitudes(values: npt.NDArray[np.floating]) -> Floats:
    """Return amplitudes whose mean square over tones is the power [√nW]."""
    scale = np.sqrt(values.shape[1]) * ROOT_NANOWATT
    heard = values > NOT_HEARD
    linear = np.power(10.0, values, dtype=np.float32) * np.float32(scale)
    return np.where(heard, linear, np.float32(0))
