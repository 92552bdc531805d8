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

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer.surveys.compact import Arrays, check_shapes, indices, whole_numbers
from trainer.surveys.environment import Environment, Floats, Integers, Signals
from trainer.surveys.matlab import read_matrix
from trainer.surveys.originals import refuse_doubles
from trainer.surveys.packets import are_finite, cut, repeated, runs
from trainer.surveys.points import (
    are_coordinates,
    finite_rows,
    make_place,
    millimetres,
)
from trainer.surveys.power import ROOT_NANOWATT, power_dbm
from trainer.surveys.report import Skips, SurveyDataError

N_PACKETS = 10
"""Per image: a third of the points have no more."""

N_TONES = 49
NOT_HEARD = -6.0
_CORRIDOR_STARTS_X = 11.5
_CORRIDOR_ENDS_Y = 1.3
AREAS = ("lobby", "corridor", "office")
"""Of the academic building, by their numbers in compact copies."""


def from_compact(
    source: Path, arrays: Arrays, skips: Skips, *, n_packets: int = N_PACKETS
) -> list[Environment]:
    """Return one environment per area.

    Arrays, for lab and acad: _amp (n, 49, n_access_points), _pt (n,), _pass (n,),
    _xy (n_points, 2); acad_area (n_points,).

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
                f"{prefix}_amp": ("n", N_TONES, "n_channels"),
                f"{prefix}_pt": ("n",),
                f"{prefix}_pass": ("n",),
                f"{prefix}_xy": ("n_points", 2),
            }
            | ({"acad_area": ("n_points",)} if prefix == "acad" else {}),
        )
        amp, xy = arrays[f"{prefix}_amp"], arrays[f"{prefix}_xy"]
        pt = indices(source, arrays, f"{prefix}_pt", len(xy), "points")
        visit = whole_numbers(source, arrays, f"{prefix}_pass")
        area = np.zeros(len(xy), np.int64)
        if prefix == "acad":
            area = whole_numbers(source, arrays, "acad_area")
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
                    visit[rows],
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


def from_original(
    root: Path, skips: Skips, *, n_packets: int = N_PACKETS
) -> list[Environment]:
    """Return one environment per area; channels are the access points that are there.

    Raises:
        SurveyDataError: A file is missing or damaged, or files do not fit together.
    """
    environments = []
    for prefix in ("research_laboratory", "academic_building"):
        points = root / f"{prefix}_position.mat"
        files = sorted(
            (int(match[1]), path)
            for path in root.glob(f"{prefix}_AP*.mat")
            if (match := re.fullmatch(rf"{prefix}_AP(\d+)\.mat", path.name))
        )
        if not files:
            continue
        refuse_doubles(files)
        positions = read_matrix(points, "position")
        if positions.shape[1] != 2:
            raise SurveyDataError(
                f"{points}: position has {positions.shape[1]} columns, not 2"
            )
        values = np.stack([_of_access_point(p, positions) for _, p in files], axis=2)
        visits = passes(positions)
        channels = tuple(f"AP{number}" for number, _ in files)
        for name, rows in _areas(prefix, positions).items():
            environments += area_environment(
                name,
                channels,
                values[rows],
                positions[rows],
                visits[rows],
                skips,
                n_packets=n_packets,
            )
    if not environments:
        raise SurveyDataError(
            f"{root} has neither research_laboratory_AP<k>.mat nor "
            "academic_building_AP<k>.mat with coordinates"
        )
    return environments


def _of_access_point(
    path: Path, positions: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    values = read_matrix(path, "CSI")
    if values.shape != (len(positions), N_TONES):
        raise SurveyDataError(
            f"{path}: CSI has shape {values.shape}, expected ({len(positions)}, "
            f"{N_TONES}) as there are {len(positions)} positions"
        )
    return values


def _areas(prefix: str, positions: npt.NDArray[np.float64]) -> dict[str, Integers]:
    """Return the rows of each area.

    The files do not name the areas. The corridor's points are known; points are
    numbered by x, then y, and the lobby's numbers come before the corridor's, the
    office's between them: hence the lobby is at smaller x, the office at larger y.
    """
    if prefix == "research_laboratory":
        return {"lab": np.arange(len(positions))}
    x, y = positions.T
    lobby = x < _CORRIDOR_STARTS_X
    corridor = ~lobby & (y <= _CORRIDOR_ENDS_Y)
    rows = {"lobby": lobby, "corridor": corridor, "office": ~lobby & ~corridor}
    return {name: np.flatnonzero(mask) for name, mask in rows.items() if mask.any()}


def passes(positions: npt.NDArray[np.float64]) -> Integers:
    """Return the pass in which each packet was recorded, shape (n,).

    A pass ends when a point comes up that it has already been to. A packet without a
    position is at no point: it is of the pass that goes on around it.
    """
    rows = np.flatnonzero(are_coordinates(positions))
    points = millimetres(positions[rows])
    begins = np.zeros(len(positions), np.intp)
    seen = set[tuple[int, ...]]()
    for run in runs(points):
        point = tuple(points[run.start].tolist())
        if point in seen:
            begins[rows[run.start]] = 1
            seen.clear()
        seen.add(point)
    return np.cumsum(begins)


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
    amplitudes = _amplitudes(values)
    finite = np.isfinite(values).all(axis=(1, 2)) & are_finite(amplitudes)
    skips.count("packets that are not finite", int((usable & ~finite).sum()))
    rows = np.flatnonzero(usable & finite)
    if not len(rows):
        return []
    place, point_of = make_place(f"crisloc/{name}", positions[rows], channels)
    amplitudes, visits = amplitudes[rows], visits[rows]
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
    with np.errstate(over="ignore"):
        linear = np.power(10.0, values, dtype=np.float32) * np.float32(scale)
    return np.where(heard, linear, np.float32(0))
