"""SODIndoorLoc: three buildings, surveyed once (no licence stated).

https://github.com/renwudao24/SODIndoorLoc
One place and environment per building; reference scans are visit 0, test scans at other
points visit 1.
"""

from pathlib import Path

import numpy as np

from trainer.surveys.compact import Arrays, check_shapes
from trainer.surveys.environment import Environment
from trainer.surveys.report import Skips, SurveyDataError
from trainer.surveys.rss import Occasion, RssTable, rss_environments

MISSING = -128.0


def from_compact(source: Path, arrays: Arrays, skips: Skips) -> list[Environment]:
    """Return one environment per building.

    Arrays per building: _rss (n, n_channels), _xyf (n, 3), _role (n,); perhaps missing.

    Raises:
        SurveyDataError: Arrays are missing or do not fit, or there is no building.
    """
    missing = float(arrays.get("missing", np.array(MISSING)))
    environments = []
    for name in sorted(arrays):
        if not name.endswith("_rss"):
            continue
        building = name.removesuffix("_rss")
        check_shapes(
            source,
            arrays,
            {
                name: ("n", "n_channels"),
                f"{building}_xyf": ("n", 3),
                f"{building}_role": ("n",),
            },
        )
        rss, role = arrays[name], arrays[f"{building}_role"]
        table = RssTable(
            rss,
            missing,
            arrays[f"{building}_xyf"].astype(np.float64),
            np.zeros(len(role), np.int64),
            role.astype(np.int64),
            role == 1,
        )
        environments += rss_environments(
            f"sod/{building}",
            tuple(f"ap{k + 1}" for k in range(rss.shape[1])),
            table,
            {0: Occasion(building, 0)},
            skips,
        )
    if not environments:
        raise SurveyDataError(f"{source} has no array <building>_rss")
    return environments
