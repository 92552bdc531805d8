"""UM_DSI: a faculty building, twelve surveys over 26 months (CC BY 4.0).

https://doi.org/10.5281/zenodo.6646008
One environment per survey, one visit: all scans of a point were made in one stop. The
survey of 2019-09-11 hears twice as many access points as its neighbours.
"""

from pathlib import Path

import numpy as np

from trainer.surveys.compact import Arrays, check_shapes
from trainer.surveys.environment import Environment
from trainer.surveys.report import Skips, SurveyDataError
from trainer.surveys.rss import Occasion, RssTable, rss_environments

MISSING = -128.0


def from_compact(source: Path, arrays: Arrays, skips: Skips) -> list[Environment]:
    """Return one environment per survey.

    Arrays: rss (n, n_channels), xy (n, 2) [m], dom (n,), t (n,), dom_name, ap, missing.

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
            "dom_name": ("n_surveys",),
            "ap": ("n_channels",),
        },
    )
    names = arrays["dom_name"].tolist()
    dom = arrays["dom"].astype(np.int64)
    if len(dom) and not 0 <= dom.min() <= dom.max() < len(names):
        raise SurveyDataError(f"{source}: dom has a day that is none of {len(names)}")
    table = RssTable(
        arrays["rss"],
        float(arrays.get("missing", np.array(MISSING))),
        arrays["xy"].astype(np.float64),
        dom,
        np.zeros(len(dom), np.int64),
        np.zeros(len(dom), np.bool_),
    )
    occasions = {k: Occasion(str(name), k) for k, name in enumerate(names)}
    channels = tuple(map(str, arrays["ap"].tolist()))
    return rss_environments("umdsi", channels, table, occasions, skips)
