"""EPIC-CSU as environments: one place and environment per access point and corridor.

What the files are is said in `trainer.surveys.csu`. Reference captures are visit 0;
test captures, minutes later and within a metre or so, are visit 1 and only test.

With the originals the level of each packet is restored from the received power, which
the authors tabulated as one number per capture. Compact copies have none: there images
are raw counts, whose level the gain control has removed.
"""

from pathlib import Path

import numpy as np

from trainer.surveys.compact import Arrays, check_shapes
from trainer.surveys.environment import Environment, Signals
from trainer.surveys.packets import cut, repeated, runs
from trainer.surveys.points import finite_rows, make_place
from trainer.surveys.report import Skips, SurveyDataError

N_PACKETS = 50
N_TONES = 52


def from_compact(source: Path, arrays: Arrays, skips: Skips) -> list[Environment]:
    """Return one environment per segment that has coordinates; no received power.

    Arrays: amp (n, 52), pt (n,), t (n,); per point pt_role, pt_xy, pt_env; env_name.

    Raises:
        SurveyDataError: Arrays are missing or do not fit, or no point has coordinates.
    """
    check_shapes(
        source,
        arrays,
        {
            "amp": ("n", N_TONES),
            "pt": ("n",),
            "pt_role": ("n_points",),
            "pt_xy": ("n_points", 2),
            "pt_env": ("n_points",),
            "env_name": ("n_segments",),
        },
    )
    pt, role, segment_of = arrays["pt"], arrays["pt_role"], arrays["pt_env"]
    names, xy = arrays["env_name"].tolist(), arrays["pt_xy"].astype(np.float64)
    if len(pt) and not 0 <= pt.min() <= pt.max() < len(xy):
        raise SurveyDataError(f"{source}: pt has a point that is none of the {len(xy)}")
    if len(xy) and not 0 <= segment_of.min() <= segment_of.max() < len(names):
        raise SurveyDataError(f"{source}: pt_env has a segment that has no name")
    usable = finite_rows(xy[pt], skips)
    environments = []
    for number, name in enumerate(names):
        rows = np.flatnonzero(usable & (segment_of[pt] == number))
        if not len(rows):
            continue
        rows = rows[np.lexsort([pt[rows], role[pt[rows]]])]
        mac = name.split()[1] if len(name.split()) > 1 else name
        place, point_of = make_place(f"csu/{name}", xy[pt[rows]], (mac,))
        amplitudes = arrays["amp"][rows].astype(np.float32)[:, :, None]
        images, points, roles, counts = [], [], [], []
        for run in runs(pt[rows].astype(np.int64)):
            images.append(cut(amplitudes[run], N_PACKETS, skips))
            points.append(int(point_of[run.start]))
            roles.append(int(role[pt[rows[run.start]]]))
            counts.append(len(images[-1]))
        stacked, visits = np.concatenate(images), repeated(roles, counts)
        rss = np.full((len(stacked), 1), np.nan, np.float32)
        environments.append(
            Environment(
                name,
                place,
                0,
                Signals(rss, stacked),
                repeated(points, counts),
                visits,
                visits == 1,
            )
        )
    if not environments:
        raise SurveyDataError(f"{source}: no capture has coordinates")
    return environments
