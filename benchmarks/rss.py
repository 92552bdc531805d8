"""What a bundle of received power is worth, in buildings that it was not trained on.

    METALOC_DATA=../shared/data python benchmarks/rss.py [--quick]

For each public survey a network is trained on others, as docs/rss.md says, exported,
and adapted to three shots of each point by the device's own code, which then locates
the queries (`benchmarks.rss_places`) and says how far it may be off. Against: the same
network not adapted, the mean of the five nearest points, the nearest, and the centre of
all points. Means over sites; intervals are of 95 %, sites being drawn with replacement,
and the difference is paired. Without the surveys below METALOC_DATA it measures
nothing, and says so. --quick: fewer sites and iterations. Exit code 1: beyond a limit.
"""

import argparse
import os
import sys
import tempfile
from contextlib import redirect_stdout
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.rss_places import Site, sites  # noqa: E402
from edge_agent.rss.bundle import RssBundle  # noqa: E402
from edge_agent.rss.calibration import RssCalibration  # noqa: E402
from edge_agent.rss.fingerprints import Fingerprints  # noqa: E402
from edge_agent.rss.localizer import RssLocalizer  # noqa: E402
from edge_agent.rss.network import regress  # noqa: E402
from edge_agent.rss.window import RssSample  # noqa: E402
from export.write_rss_bundle import write_rss_bundle  # noqa: E402
from trainer.benchmark.bootstrap import N_RESAMPLES, percentile_interval  # noqa: E402
from trainer.cli import main as trainer  # noqa: E402
from trainer.rss_checkpoint import RssCheckpoint  # noqa: E402
from trainer.surveys.environment import Environment  # noqa: E402
from trainer.surveys.registry import load_survey  # noqa: E402
from trainer.surveys.report import SurveyDataError  # noqa: E402

DATA = Path(os.environ.get("METALOC_DATA", ROOT.parent / "shared" / "data"))
TRAINED_ON = {
    "mtloc": ("umdsi", "uji"),
    "uji": ("mtloc", "ncepu", "csuhet"),
    "ncepu": ("mtloc", "umdsi", "uji"),
    "umdsi": ("mtloc", "ncepu", "csuhet"),
}
"""By the survey that is located."""

ITERATIONS, QUICK_ITERATIONS = 1000, 300
QUICK_SITES = 6

METHODS = ("adapted", "not adapted", "five nearest", "nearest", "centre")

AT_WORST = 1.05
"""Most that the adapted network's mean error may be, in that of the five nearest points
and in its own before adapting."""

WITHIN_R68, WITHIN_R95 = 0.60, 0.88
"""Least share of queries that are within these radii, of every survey."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Score:
    """Of one site."""

    adapted: float
    """Mean error [m]; the next four as well."""

    not_adapted: float
    five_nearest: float
    nearest: float
    centre: float
    within_r68: float
    """Share of the queries."""

    within_r95: float


def main() -> int:
    """Print a row per survey; return 1 where one is beyond a limit."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true")
    is_quick = parser.parse_args().quick
    try:
        surveys = {name: load_survey(name, DATA) for name in TRAINED_ON}
    except SurveyDataError as error:
        print(f"skipped: {error} (METALOC_DATA says where the surveys are)")
        return 0
    print(
        "| survey, sites | "
        + " | ".join(METHODS)
        + " | adapted less five nearest | within `accuracy`, `r95` |"
    )
    print("|---" * (len(METHODS) + 3) + "|")
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, environments in surveys.items():
            iterations = QUICK_ITERATIONS if is_quick else ITERATIONS
            bundle = trained(Path(folder) / name, TRAINED_ON[name], iterations)
            scores = [
                score(bundle, site) for site in chosen(bundle, environments, is_quick)
            ]
            values = np.array([astuple(s) for s in scores])
            print(f"| {name}, {len(scores)} | {row(values)} |", flush=True)
            faults += [f"{name}: {fault}" for fault in beyond(values.mean(axis=0))]
    for fault in faults:
        print(f"beyond the limit: {fault}", file=sys.stderr)
    return int(bool(faults))


def trained(folder: Path, surveys: tuple[str, ...], iterations: int) -> RssBundle:
    """Return a bundle that learnt from some surveys."""
    folder.mkdir()
    path = folder / "rss.npz"
    flags = [f"--survey={name}" for name in surveys]
    with redirect_stdout(sys.stderr):
        code = trainer(
            [
                *("train-rss", *flags, "--data", str(DATA), "--out", str(path)),
                *("--iterations", str(iterations)),
            ]
        )
    if code:
        raise SystemExit(code)
    return write_rss_bundle(RssCheckpoint.load(path), folder / "bundle", name="rss")


def chosen(
    bundle: RssBundle, environments: list[Environment], is_quick: bool
) -> list[Site]:
    """Return the sites of a survey, or some of them from its first to its last."""
    found = list(sites(environments, bundle.manifest.spec))
    if not is_quick or len(found) <= QUICK_SITES:
        return found
    rows = np.linspace(0, len(found) - 1, QUICK_SITES).round().astype(int)
    return [found[i] for i in rows.tolist()]


def score(bundle: RssBundle, site: Site) -> Score:
    """Return how far off the device is at one site, and how far it says that it is."""
    k = bundle.manifest.architecture.k
    calibration = RssCalibration.from_shots(bundle, site.shots, now=datetime.now(UTC))
    localizer = RssLocalizer(calibration, k)
    estimates = [
        localizer.locate(RssSample(rss.astype(np.float64), 1, 1, 1)) for rss in site.rss
    ]
    errors = distances(np.array([(e.x, e.y) for e in estimates]), site.truth)
    radio_map = calibration.radio_map
    asked = Fingerprints.of(site.rss, radio_map, k)
    raw = regress(bundle.parameters, asked.inputs.astype(np.float32))
    return Score(
        float(errors.mean()),
        mean_error(asked.place(raw), site),
        mean_error(asked.origins, site),
        mean_error(radio_map.locations[asked.nearest[:, 0]], site),
        mean_error(radio_map.locations.mean(axis=0), site),
        float(np.mean(errors <= estimates[0].r68)),
        float(np.mean(errors <= estimates[0].r95)),
    )


def mean_error(found: Floats, site: Site) -> float:
    """Return how far locations of the queries are off in the mean [m]."""
    return float(distances(found, site.truth).mean())


def distances(found: Floats, truth: Floats) -> Floats:
    """Return how far apart locations are [m], shape (n,)."""
    return np.asarray(np.linalg.norm(found - truth, axis=1))


def row(values: Floats) -> str:
    """Return the cells of a survey.

    Args:
        values: `Score` of each site, shape (n, 7).
    """
    means = values.mean(axis=0)
    gain = values[:, 0] - values[:, METHODS.index("five nearest")]
    cells = [f"{mean:.2f}" for mean in means[: len(METHODS)]]
    cells[0] += " ({:.2f} to {:.2f})".format(*interval(values[:, 0]))
    cells.append("{:+.2f} to {:+.2f}".format(*interval(gain)))
    cells.append(f"{means[-2]:.0%}, {means[-1]:.0%}")
    return " | ".join(cells)


def interval(values: Floats) -> tuple[float, float]:
    """Return where 95 % of the means of resampled sites are."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(values, (N_RESAMPLES, len(values))).mean(axis=1)
    return percentile_interval(drawn)


def beyond(means: Floats) -> list[str]:
    """Return which limits a survey's means, of `Score`, are beyond."""
    got = Score(*means.tolist())
    faults = []
    for peer, error in (
        ("not adapted", got.not_adapted),
        ("the mean of the five nearest points", got.five_nearest),
    ):
        if not got.adapted <= AT_WORST * error:
            faults.append(
                f"{got.adapted:.2f} m, more than {AT_WORST} x {error:.2f} m, {peer}"
            )
    for name, share, least in (
        ("accuracy", got.within_r68, WITHIN_R68),
        ("r95", got.within_r95, WITHIN_R95),
    ):
        if not share >= least:
            faults.append(f"{share:.0%} within {name}, expected at least {least:.0%}")
    return faults


if __name__ == "__main__":
    sys.exit(main())
