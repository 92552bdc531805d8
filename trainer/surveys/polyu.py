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
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer.surveys.compact import Arrays, check_shapes
from trainer.surveys.environment import Environment, Floats, Place, Signals
from trainer.surveys.intel5300 import read_reports
from trainer.surveys.packets import cut, repeated, runs
from trainer.surveys.points import make_place
from trainer.surveys.power import ROOT_NANOWATT, power_dbm
from trainer.surveys.report import Skips, SurveyDataError

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


def from_compact(source: Path, arrays: Arrays, skips: Skips) -> list[Environment]:
    """Return one environment per day.

    Arrays: amp (n, 30, 3), scale (n,) to √mW, day, period, loc (from 1), loc_xy.

    Raises:
        SurveyDataError: Arrays are missing or do not fit.
    """
    check_shapes(
        source,
        arrays,
        {name: ("n",) for name in ("scale", "day", "period", "loc")}
        | {"amp": ("n", 30, len(CHANNELS)), "loc_xy": ("n_locations", 2)},
    )
    keys = np.column_stack([arrays[k] for k in ("day", "period", "loc")]).astype(
        np.int64
    )
    locations = arrays["loc_xy"].astype(np.float64)
    place, point_of_spot = spots(locations)
    order = np.lexsort(keys.T[::-1])
    keys = keys[order]
    days = []
    for of_day in runs(keys[:, 0]):
        recordings = [
            (
                keys[of_day][run],
                _amplitudes(
                    arrays["amp"][rows := order[of_day][run]],
                    arrays["scale"][rows],
                    skips,
                ),
            )
            for run in runs(keys[of_day])
        ]
        days.append(
            day_environment(
                place,
                point_of_spot,
                [(int(k[0][0]), int(k[0][1]), int(k[0][2]), a) for k, a in recordings],
                skips,
            )
        )
    return [day for day in days if day is not None]


def from_original(root: Path, skips: Skips) -> list[Environment]:
    """Return one environment per day that has logs anywhere below a folder.

    Of the packets those sent in two streams are taken (98 %), as the shape of the
    channel differs with the number.

    Raises:
        SurveyDataError: There is no log, or one is damaged.
    """
    logs = sorted(
        (int(match[1]), int(match[2]), int(match[3]), path)
        for path in root.rglob("d*_p*_l*.dat")
        if (match := _LOG.fullmatch(path.name))
    )
    if not logs:
        raise SurveyDataError(f"{root} has no log d<day>_p<period>_l<location>.dat")
    place, point_of_spot = spots(np.array(LOCATIONS))
    days = []
    for _, of_day in groupby(logs, key=lambda log: log[0]):
        recordings = []
        for day, period, spot, path in of_day:
            reports = read_reports(path, skips)
            usual = reports.n_streams == N_STREAMS
            skips.count("packets not sent in two streams", int((~usual).sum()))
            recordings.append((day, period, spot, reports.amplitudes[usual]))
        days.append(day_environment(place, point_of_spot, recordings, skips))
    found = [day for day in days if day is not None]
    if not found:
        raise SurveyDataError(f"the logs below {root} fill not one image")
    return found


def spots(
    locations: npt.NDArray[np.float64],
) -> tuple[Place, npt.NDArray[np.intp]]:
    """Return the place, and the point of each spot (0 for spot 1)."""
    return make_place("polyu", locations, CHANNELS)


def day_environment(
    place: Place,
    point_of_spot: npt.NDArray[np.intp],
    recordings: list[tuple[int, int, int, Floats]],
    skips: Skips,
) -> Environment | None:
    """Return the environment of one day.

    Args:
        place: The spots.
        point_of_spot: From `spots`.
        recordings: Day, period, spot (from 1) and amplitudes [√nW] of each recording,
            shape (n, 30, 3), in order of period and spot.
        skips: Counts what has no place, and what fills no image.

    Returns:
        None where nothing is left.
    """
    day = recordings[0][0]
    images, points, visits, counts = [], [], [], []
    for _, period, spot, amplitudes in recordings:
        if day >= FIRST_BACKGROUND_DAY or not 1 <= spot <= len(point_of_spot):
            skips.count("packets of no surveyed spot", len(amplitudes))
            continue
        images.append(cut(amplitudes, N_PACKETS, skips))
        points.append(int(point_of_spot[spot - 1]))
        visits.append(period)
        counts.append(len(images[-1]))
    if not sum(counts):
        return None
    stacked = np.concatenate(images)
    return Environment(
        f"d{day:02d}",
        place,
        day,
        Signals(power_dbm(stacked), stacked),
        repeated(points, counts),
        repeated(visits, counts),
        np.zeros(len(stacked), np.bool_),
    )


def _amplitudes(
    raw: npt.NDArray[np.float16], scale: npt.NDArray[np.float32], skips: Skips
) -> Floats:
    """Return the finite packets, amplitudes in √nW."""
    amplitudes = raw.astype(np.float32)
    amplitudes *= (scale * np.float32(ROOT_NANOWATT))[:, None, None]
    finite = np.isfinite(amplitudes).all(axis=(1, 2))
    skips.count("packets that are not finite", int((~finite).sum()))
    return amplitudes[finite]
