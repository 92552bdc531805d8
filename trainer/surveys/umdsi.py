"""UM_DSI: a faculty building, twelve surveys over 26 months (CC BY 4.0).

    data/site_surveys/<date>/timestamps.csv    yyyymmddHHMMSSmmm per scan
    data/site_surveys/<date>/coordinates.csv   x,y,z [m] per scan
    data/site_surveys/<date>/rssis.csv         ap:rssi,ap:rssi,... per scan [dBm]
    data/site_surveys/<date>/channels.csv      not needed

https://doi.org/10.5281/zenodo.6646008
One environment per survey, one visit: all scans of a point were made in one stop. The
survey of 2019-09-11 hears twice as many access points as its neighbours. Heights
are not floors: all points are on one.

Not seen when this was written: an original file. The format is that of the authors'
read-me and parser.
"""

import re
from pathlib import Path

import numpy as np

from trainer.surveys.compact import Arrays, check_shapes, indices, scalar
from trainer.surveys.environment import Environment
from trainer.surveys.originals import refuse_doubles
from trainer.surveys.report import Skips, SurveyDataError
from trainer.surveys.rss import Occasion, RssTable, rss_environments, silent_table
from trainer.surveys.single import single
from trainer.surveys.text_tables import read_numbers, read_text

MISSING = -128.0
_DATE = re.compile(r"20\d\d-[01]\d-[0-3]\d")


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
        text={"dom_name", "ap"},
    )
    names = arrays["dom_name"].tolist()
    dom = indices(source, arrays, "dom", len(names), "surveys")
    table = RssTable(
        arrays["rss"],
        scalar(source, arrays, "missing", MISSING),
        arrays["xy"].astype(np.float64),
        dom,
        np.zeros(len(dom), np.int64),
        np.zeros(len(dom), np.bool_),
    )
    occasions = {k: Occasion(str(name), k) for k, name in enumerate(names)}
    channels = tuple(map(str, arrays["ap"].tolist()))
    return rss_environments("umdsi", channels, table, occasions, skips)


def from_original(root: Path, skips: Skips) -> list[Environment]:
    """Return one environment per survey; monitoring devices are left aside.

    Raises:
        SurveyDataError: There is no survey, one is there twice, or a file is missing or
            damaged; the message names the line.
    """
    folders = sorted(
        (path.parent for path in root.rglob("rssis.csv") if _is_survey(path.parent)),
        key=lambda folder: (folder.name, folder),
    )
    if not folders:
        raise SurveyDataError(f"{root} has no survey site_surveys/<date>/rssis.csv")
    refuse_doubles((folder.name, folder) for folder in folders)
    scans: list[dict[str, float]] = []
    coordinates, counts = [], []
    for folder in folders:
        of_survey = _scans(folder / "rssis.csv", skips)
        places = read_numbers(folder / "coordinates.csv")
        if len(places) != len(of_survey) or places.shape[1] < 2:
            raise SurveyDataError(
                f"{folder}: coordinates.csv has {len(places)} lines of "
                f"{places.shape[1]} numbers, rssis.csv {len(of_survey)} lines"
            )
        scans += of_survey
        coordinates.append(places[:, :2])
        counts.append(len(of_survey))
    channels = tuple(dict.fromkeys(ap for scan in scans for ap in scan))
    column_of = {ap: column for column, ap in enumerate(channels)}
    rss = silent_table(root, len(scans), len(channels))
    for row, scan in zip(rss, scans, strict=True):
        row[[column_of[ap] for ap in scan]] = single(np.array([*scan.values()]))
    survey_of = np.repeat(np.arange(len(folders)), counts)
    table = RssTable(
        rss,
        MISSING,
        np.concatenate(coordinates),
        survey_of,
        np.zeros(len(rss), np.int64),
        np.zeros(len(rss), np.bool_),
    )
    occasions = {k: Occasion(folder.name, k) for k, folder in enumerate(folders)}
    return rss_environments("umdsi", channels, table, occasions, skips)


def _is_survey(folder: Path) -> bool:
    return bool(_DATE.fullmatch(folder.name)) and folder.parent.name == "site_surveys"


def _scans(path: Path, skips: Skips) -> list[dict[str, float]]:
    """Return the power [dBm] by access point of each line, the first where it has two.

    Args:
        path: The list.
        skips: Counts the second powers.
    """
    scans = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        scan: dict[str, float] = {}
        for pair in filter(None, line.strip().split(",")):
            access_point, _, value = pair.partition(":")
            try:
                power = float(value)
            except ValueError:
                raise SurveyDataError(
                    f"{path}, line {number}: {pair[:40]!r} is not ap:rssi"
                ) from None
            if (name := access_point.strip()) in scan:
                skips.count("second powers of an access point in a scan")
            else:
                scan[name] = power
        scans.append(scan)
    return scans
