"""MTLocData: an office, 92 days and 24 weeks over 15 months (evaluate only).

https://github.com/WirelessGroupTJU/MTLocData
The licence file is BSD-3, the read-me adds "research only, no commercial use": results
may be published, data must not be redistributed with a product.

Reference points were surveyed anew on each day (visit 0), then test points beside them
(visit 1). Test fingerprints are averages of several scans.
"""

from datetime import datetime
from pathlib import Path

import numpy as np

from trainer.surveys.compact import Arrays, check_shapes
from trainer.surveys.environment import Environment
from trainer.surveys.report import Skips, SurveyDataError
from trainer.surveys.rss import Occasion, RssTable, rss_environments

MISSING_DBM = -100.0


def from_compact(source: Path, arrays: Arrays, skips: Skips) -> list[Environment]:
    """Return one environment per day of collection.

    Arrays: rss (n, n_channels), xy (n, 2) [m], dom (n,), role (n,), dom_name (yymmdd),
    bssid (n_channels,), missing.

    Raises:
        SurveyDataError: Arrays are missing or do not fit.
    """
    check_shapes(
        source,
        arrays,
        {
            "rss": ("n", "n_channels"),
            "xy": ("n", 2),
            "dom": ("n",),
            "role": ("n",),
            "dom_name": ("n_days",),
            "bssid": ("n_channels",),
        },
    )
    names = arrays["dom_name"].tolist()
    dom = arrays["dom"].astype(np.int64)
    if len(dom) and not 0 <= dom.min() <= dom.max() < len(names):
        raise SurveyDataError(f"{source}: dom has a day that is none of {len(names)}")
    is_test = arrays["role"] == 1
    table = RssTable(
        arrays["rss"],
        float(arrays.get("missing", np.array(MISSING_DBM))),
        arrays["xy"].astype(np.float64),
        dom,
        is_test.astype(np.int64),
        is_test,
    )
    occasions = {k: Occasion(day_name(name), k) for k, name in enumerate(names)}
    channels = tuple(map(str, arrays["bssid"].tolist()))
    return rss_environments("mtloc", channels, table, occasions, skips)


def day_name(text: str) -> str:
    """Return ``2020-09-25`` for ``200925``; any other text as it is."""
    try:
        day = datetime.strptime(text, "%y%m%d")  # noqa: DTZ007  (a day, no instant)
    except ValueError:
        return text
    return day.strftime("%Y-%m-%d")
