"""PolyU: 27 days of Intel 5300 CSI at eight spots (MIT).

    01_rawdata/d<day>/d<day>_p<period>_l<location>.dat, see
    `trainer.surveys.intel5300`

https://github.com/iVANET-PolyU/CSI_IPS_2020-21
One environment per day, one visit per period: the antennas were put down anew at each
spot in each period. Days from 90 on recorded the background, not a place.

Channels are the three receive antennas, of the first transmit stream. Coordinates of
the spots were read off the authors' drawing: 0.2 m within the two groups of four, whose
distance is uncertain by about 0.1 m.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.surveys.compact import Arrays, check_shapes, whole_numbers
from trainer.surveys.environment import Environment, Floats, Signals
from trainer.surveys.intel5300 import read_reports
from trainer.surveys.originals import refuse_doubles
from trainer.surveys.packets import cut, finite_packets, repeated, runs
from trainer.surveys.points import are_coordinates, make_place
from trainer.surveys.power import ROOT_NANOWATT, power_dbm
from trainer.surveys.report import Skips, SurveyDataError
from trainer.surveys.single import single

N_PACKETS = 50
N_STREAMS = 2
CHANNELS = ("rx1", "rx2", "rx3")
FIRST_BACKGROUND_DAY = 90

_LOG = re.compile(r"d(\d{1,4})_p(\d{1,4})_l(\d{1,4})\.dat")

LOCATIONS = (
    (0.0, 0.0),
    (0.0, 0.2),
    (0.2, 0.2),
    (0.2, 0.0),
    (0.25, 1.4),
    (0.05, 1.4),
    (0.05, 1.6),
    (0.25, 1.6),
)
"""Of spots 1 to 8 [m]."""


@dataclass(frozen=True, slots=True, eq=False)
class _Recording:
    """One log: the antennas stood at one spot."""

    day: int
    period: int

    spot: int
    """From 1."""

    amplitudes: Floats
    """[√nW], shape (n_packets, 30, 3)."""


def from_compact(source: Path, arrays: Arrays, skips: Skips) -> list[Environment]:
    """Return one environment per day.

    Arrays: amp (n, 30, 3), scale (n,) to √mW, day, period, loc (from 1);
    perhaps loc_xy.

    Raises:
        SurveyDataError: Arrays are missing or do not fit.
    """
    check_shapes(
        source,
        arrays,
        {name: ("n",) for name in ("scale", "day", "period", "loc")}
        | {"amp": ("n", 30, len(CHANNELS))},
    )
    keys = np.column_stack(
        [whole_numbers(source, arrays, k) for k in ("day", "period", "loc")]
    )
    order = np.lexsort(keys.T[::-1])
    keys = keys[order]
    locations = _locations(source, arrays)
    return _environments(
        (
            _Recording(
                day,
                period,
                spot,
                _amplitudes(
                    arrays["amp"][order[run]], arrays["scale"][order[run]], skips
                ),
            )
            for run in runs(keys)
            for day, period, spot in [keys[run.start].tolist()]
        ),
        locations,
        source,
        skips,
    )


def _locations(source: Path, arrays: Arrays) -> npt.NDArray[np.float64]:
    """Return where the spots are [m], shape (n_spots, 2)."""
    if "loc_xy" not in arrays:
        return np.array(LOCATIONS)
    check_shapes(source, arrays, {"loc_xy": ("n_spots", 2)})
    locations = arrays["loc_xy"].astype(np.float64)
    if not are_coordinates(locations).all():
        raise SurveyDataError(f"{source}: a spot in loc_xy has no coordinates")
    return locations


def from_original(root: Path, skips: Skips) -> list[Environment]:
    """Return one environment per day that has logs anywhere below a folder.

    Of the packets those sent in two streams are taken (98 %), as the shape of the
    channel differs with the number.

    Raises:
        SurveyDataError: There is no log, one is damaged, or one is there twice.
    """
    logs = sorted(
        (int(match[1]), int(match[2]), int(match[3]), path)
        for path in root.rglob("d*_p*_l*.dat")
        if (match := _LOG.fullmatch(path.name))
    )
    if not logs:
        raise SurveyDataError(f"{root} has no log d<day>_p<period>_l<location>.dat")
    refuse_doubles((log[:3], log[3]) for log in logs)
    return _environments(
        (_read(*log, skips) for log in logs), np.array(LOCATIONS), root, skips
    )


def _read(day: int, period: int, spot: int, path: Path, skips: Skips) -> _Recording:
    reports = read_reports(path, skips)
    usual = reports.n_streams == N_STREAMS
    skips.count("packets not sent in two streams", int((~usual).sum()))
    return _Recording(day, period, spot, reports.amplitudes[usual])


def _environments(
    recordings: Iterable[_Recording],
    locations: npt.NDArray[np.float64],
    source: Path,
    skips: Skips,
) -> list[Environment]:
    """Return one environment per day.

    Args:
        recordings: In order of day, period and spot.
        locations: Of spots 1, 2, ... [m], shape (n_spots, 2).
        source: Named in the error.
        skips: Counts what has no place, and what fills no image.
    """
    place, point_of_spot = make_place("polyu", locations, CHANNELS)
    days = []
    for number, of_day in groupby(recordings, key=lambda recording: recording.day):
        images, points, periods = [], [], []
        for recording in of_day:
            if number >= FIRST_BACKGROUND_DAY or not (
                1 <= recording.spot <= len(point_of_spot)
            ):
                skips.count("packets of no surveyed spot", len(recording.amplitudes))
                continue
            images.append(cut(recording.amplitudes, N_PACKETS, skips))
            points.append(int(point_of_spot[recording.spot - 1]))
            periods.append(recording.period)
        counts = [len(part) for part in images]
        if not sum(counts):
            continue
        stacked = np.concatenate(images)
        days.append(
            Environment(
                f"d{number:02d}",
                place,
                number,
                Signals(power_dbm(stacked), stacked),
                repeated(points, counts),
                repeated(periods, counts),
                np.zeros(len(stacked), np.bool_),
            )
        )
    if not days:
        raise SurveyDataError(
            f"{source}: no recording of a spot fills an image of {N_PACKETS} packets"
        )
    return days


def _amplitudes(raw: npt.NDArray[Any], scale: npt.NDArray[Any], skips: Skips) -> Floats:
    """Return the finite packets, amplitudes in √nW."""
    amplitudes = single(raw)
    with np.errstate(over="ignore", invalid="ignore"):
        amplitudes *= (single(scale) * np.float32(ROOT_NANOWATT))[:, None, None]
    return finite_packets(amplitudes, skips)
