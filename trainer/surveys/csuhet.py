"""CSUIndoorLoc-Het: five buildings, each with six phones (no licence stated).

https://github.com/EPIC-CSU/heterogeneous-rssi-indoor-nav
An environment is a phone in a building. The scans that the authors call test were made
at the same points as their training scans: here they are another visit. Coordinates are
pixels of the floor plans; the scales are path length over number of points.
"""

from pathlib import Path

import numpy as np

from trainer.surveys.compact import Arrays, check_shapes, indices, scalar
from trainer.surveys.environment import Environment
from trainer.surveys.report import Skips, SurveyDataError
from trainer.surveys.rss import Occasion, RssTable, rss_environments

PIXELS_PER_METRE = (
    ("engr0", 14.2),
    ("engr1", 12.75),
    ("glover", 19.0),
    ("libstudy", 17.0),
    ("sciences", 13.0),
)
MISSING_DBM = -100.0


def from_compact(source: Path, arrays: Arrays, skips: Skips) -> list[Environment]:
    """Return one environment per phone in each building that is there.

    Arrays: phones; per building _rss (n, n_channels), _xy (n, 2) [pixels], _phone (n,),
    _role (n,), _bssid (n_channels,).

    Raises:
        SurveyDataError: Arrays are missing or do not fit, or there is no building.
    """
    check_shapes(source, arrays, {"phones": ("n_phones",)}, text={"phones"})
    phones = arrays["phones"].tolist()
    missing = scalar(source, arrays, "missing", MISSING_DBM)
    scales = dict(PIXELS_PER_METRE)
    unknown = [n for n in arrays if n.endswith("_rss") and n[:-4] not in scales]
    skips.count("buildings whose scale is not known", len(unknown))
    environments = []
    for building, scale in scales.items():
        if f"{building}_rss" not in arrays:
            continue
        check_shapes(
            source,
            arrays,
            {
                f"{building}_rss": ("n", "n_channels"),
                f"{building}_xy": ("n", 2),
                f"{building}_phone": ("n",),
                f"{building}_role": ("n",),
                f"{building}_bssid": ("n_channels",),
            },
            text={f"{building}_bssid"},
        )
        rss, xy, bssid = (arrays[f"{building}_{k}"] for k in ("rss", "xy", "bssid"))
        phone = indices(source, arrays, f"{building}_phone", len(phones), "phones")
        role = indices(source, arrays, f"{building}_role", 2, "roles")
        table = RssTable(
            rss,
            missing,
            xy.astype(np.float64) / scale,
            phone,
            role,
            np.zeros(len(role), np.bool_),
        )
        environments += rss_environments(
            f"csuhet/{building}",
            tuple(map(str, bssid.tolist())),
            table,
            {k: Occasion(f"{building}-{name}", 0) for k, name in enumerate(phones)},
            skips,
        )
    if not environments:
        raise SurveyDataError(
            f"{source} has none of the buildings "
            + ", ".join(name for name, _ in PIXELS_PER_METRE)
        )
    return environments
