"""How like recordings simulated rooms are: the figures of docs/simulation.md.

    METALOC_DATA=../shared/data python benchmarks/realism.py

Simulated rooms are recorded as the public surveys were (trainer/simulate/likeness.py),
and both are described by the same code (trainer/simulate/statistics.py). Without the
compact copies of `polyu` and `csu` below METALOC_DATA their columns stay empty.
"""

import os
import sys
from dataclasses import asdict
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.command_line import only_help  # noqa: E402
from trainer.simulate.likeness import (  # noqa: E402
    figures_like_csu,
    mean_figures,
    one_antenna,
    visits_like_polyu,
)
from trainer.simulate.scenes import SCENES  # noqa: E402
from trainer.simulate.statistics import (  # noqa: E402
    Visit,
    compare_visits,
    cut_visits,
    describe_capture,
    median_figures,
)

DATA = Path(os.environ.get("METALOC_DATA", ROOT.parent / "shared" / "data"))
N_PLACES = 6


def main() -> None:
    """Print three tables."""
    only_help(__doc__)
    recorded = polyu_visits()
    rooms = {
        name: [visits_like_polyu(scene, place) for place in range(N_PLACES)]
        for name, scene in SCENES.items()
    }
    for title, reduced in (
        ("three antennas, 40 MHz", lambda visits: visits),
        ("one antenna, 20 MHz", one_antenna),
    ):
        columns = {}
        if recorded is not None:
            columns["polyu"] = asdict(compare_visits(reduced(recorded)))
        for name, places in rooms.items():
            figures = [compare_visits(reduced(visits)) for visits in places]
            columns[name] = asdict(mean_figures(figures))
        show(title, columns)
    columns = {} if (csu := csu_figures()) is None else {"csu": csu}
    for name, scene in SCENES.items():
        figures, missing = figures_like_csu(scene, n_points=30, n_packets=3500)
        columns[name] = asdict(figures) | {"missing": missing}
    show("one receiver, beacons", columns)


def polyu_visits() -> list[Visit] | None:
    """Return PolyU's visits, or None where they are not at hand."""
    path = DATA / "surveys" / "polyu_csi.npz"
    if not path.exists():
        return None
    with np.load(path) as file:
        names = ("amp", "scale", "day", "period", "loc")
        return cut_visits(*(file[name] for name in names))


def csu_figures() -> dict[str, float] | None:
    """Return medians over EPIC-CSU's reference captures, or None."""
    path = DATA / "surveys" / "csu_csi.npz"
    if not path.exists():
        return None
    with np.load(path) as file:
        amplitude, point, role = file["amp"], file["pt"], file["pt_role"]
        time_s = file["t"]
    captures, missing = [], []
    for number in np.flatnonzero(role == 0):
        rows = point == number
        if not rows.any():
            continue
        captures.append(describe_capture(amplitude[rows]))
        gaps = np.diff(time_s[rows])
        beacons = np.rint(gaps / np.median(gaps))
        lost = np.maximum(beacons - 1, 0).sum()  # some came twice
        missing.append(lost / (len(beacons) + lost))
    return asdict(median_figures(captures)) | {"missing": float(np.median(missing))}


def show(title: str, columns: dict[str, dict[str, float]]) -> None:
    """Print one table, a figure to a row."""
    names = list(next(iter(columns.values())))
    print(f"{title:24}" + "".join(f"{name:>10}" for name in columns))
    for name in names:
        row = "".join(f"{column[name]:10.4g}" for column in columns.values())
        print(f"{name:24}{row}")
    print()


if __name__ == "__main__":
    main()
