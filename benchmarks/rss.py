"""What a bundle of received power is worth, in buildings that it was not trained on.

    METALOC_DATA=../shared/data python benchmarks/rss.py [--quick]

For each public survey networks are trained on others, as docs/rss.md says, with seeds 0
to 2; exported, and adapted to three shots of each point by the device's own code, which
then locates the queries (`benchmarks.rss_places`) and says how far it may be off.
Against: the same networks not adapted, nearest points, and guessing
(`benchmarks.rss_methods`).

Means over sites and trainings. Intervals are of 95 %: sites and trainings are drawn
with replacement, independently (they are crossed; three trainings say little of how
trainings differ). The paired difference is that to the best method without a network,
which is chosen for each survey by the very errors that are printed: in its favour.

Without the surveys below METALOC_DATA it measures nothing, and says so. --quick: fewer
sites and iterations, one training. Exit code 1: beyond a limit.
"""

import argparse
import os
import sys
import tempfile
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.rss_methods import (  # noqa: E402
    GUESSES,
    SIMPLE,
    errors_without_network,
)
from benchmarks.rss_places import Site, sites  # noqa: E402
from edge_agent.evaluation.resampling import (  # noqa: E402
    N_RESAMPLES,
    percentile_interval,
)
from edge_agent.metrics import localization_errors  # noqa: E402
from edge_agent.rss.bundle import RssBundle  # noqa: E402
from edge_agent.rss.calibration import RssCalibration  # noqa: E402
from edge_agent.rss.fingerprints import Fingerprints  # noqa: E402
from edge_agent.rss.localizer import RssLocalizer  # noqa: E402
from edge_agent.rss.network import regress  # noqa: E402
from edge_agent.rss.window import RssSample  # noqa: E402
from export.write_rss_bundle import write_rss_bundle  # noqa: E402
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

NETWORK = ("adapted", "not adapted")
RADII = ("within accuracy", "within r95")
COLUMNS = (*NETWORK, *SIMPLE, *GUESSES, *RADII)

AT_WORST = {"mtloc": 1.05, "uji": 1.05, "ncepu": 1.05, "umdsi": 1.30}
"""Most that the adapted networks' mean error may be, in that of the best method that
needs none. At umdsi queries are at surveyed points: the nearest is hard to beat."""

OF_NOT_ADAPTED = 1.05
"""Most that it may be in that of the same networks before adapting."""

WITHIN = {"within accuracy": 0.60, "within r95": 0.88}
"""Least share of queries that are within these radii, of every survey."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured."""

    seeds: tuple[int, ...] = (0, 1, 2)
    iterations: int = 1000
    sites: int | None = None
    """At most, of a survey; None: all."""


QUICK = Extent(seeds=(0,), iterations=300, sites=6)


def main() -> int:
    """Print a row per survey; return 1 where one is beyond a limit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    extent = QUICK if parser.parse_args().quick else Extent()
    try:
        surveys = {name: load_survey(name, DATA) for name in TRAINED_ON}
    except SurveyDataError as error:
        print(f"skipped: {error} (METALOC_DATA says where the surveys are)")
        return 0
    print(
        "| survey, sites | "
        + " | ".join((*NETWORK, *SIMPLE, *GUESSES))
        + " | adapted less the best without | within `accuracy`, `r95` |"
    )
    print("|---" * (len(COLUMNS) + 1) + "|")
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, environments in surveys.items():
            scores = measure(Path(folder) / name, name, environments, extent)
            print(f"| {name}, {scores.shape[1]} | {row(scores)} |", flush=True)
            means = dict(zip(COLUMNS, scores.mean(axis=(0, 1)).tolist(), strict=True))
            faults += [f"{name}: {fault}" for fault in beyond(means, AT_WORST[name])]
    for fault in faults:
        print(f"beyond the limit: {fault}", file=sys.stderr)
    return int(bool(faults))


def measure(
    folder: Path, survey: str, environments: list[Environment], extent: Extent
) -> Floats:
    """Return what `score` does of every training and site.

    Returns:
        Shape (n_seeds, n_sites, n_columns).
    """
    by_seed = []
    for seed in extent.seeds:
        bundle = trained(folder / str(seed), survey, seed, extent.iterations)
        found = chosen(list(sites(environments, bundle.manifest.spec)), extent.sites)
        by_seed.append([score(bundle, site) for site in found])
    return np.array([[[s[c] for c in COLUMNS] for s in of_seed] for of_seed in by_seed])


def trained(folder: Path, survey: str, seed: int, iterations: int) -> RssBundle:
    """Return a bundle for a survey that learnt from others."""
    folder.mkdir(parents=True)
    path = folder / "rss.npz"
    flags = [f"--survey={name}" for name in TRAINED_ON[survey]]
    with redirect_stdout(sys.stderr):
        code = trainer(
            [
                *("train-rss", *flags, "--data", str(DATA), "--out", str(path)),
                *("--iterations", str(iterations), "--seed", str(seed)),
            ]
        )
    if code:
        raise SystemExit(code)
    return write_rss_bundle(RssCheckpoint.load(path), folder / "bundle", name="rss")


def chosen(found: list[Site], at_most: int | None) -> list[Site]:
    """Return all sites, or so many from the first to the last."""
    if at_most is None or len(found) <= at_most:
        return found
    rows = np.linspace(0, len(found) - 1, at_most).round().astype(int)
    return [found[i] for i in rows.tolist()]


def score(bundle: RssBundle, site: Site) -> dict[str, float]:
    """Return mean errors [m] and shares within the radii at a site, by `COLUMNS`."""
    k = bundle.manifest.architecture.k
    calibration = RssCalibration.from_shots(bundle, site.shots, now=datetime.now(UTC))
    localizer = RssLocalizer(calibration, k)
    positions = [
        localizer.locate(RssSample(rss.astype(np.float64), 1, 1, 1)).position
        for rss in site.rss
    ]
    found = [position for position in positions if position is not None]
    located = np.array([(position.x, position.y) for position in found])
    errors = localization_errors(located, site.truth)
    asked = Fingerprints.of(site.rss, calibration.radio_map, k)
    raw = asked.place(regress(bundle.parameters, asked.inputs.astype(np.float32)))
    return errors_without_network(site, calibration.radio_map) | {
        "adapted": float(errors.mean()),
        "not adapted": float(localization_errors(raw, site.truth).mean()),
        "within accuracy": float(np.mean(errors <= found[0].r68)),
        "within r95": float(np.mean(errors <= found[0].r95)),
    }


def row(scores: Floats) -> str:
    """Return the cells of a survey.

    Args:
        scores: Shape (n_seeds, n_sites, n_columns).
    """
    of = dict(zip(COLUMNS, np.moveaxis(scores, 2, 0), strict=True))
    cells = [f"{of[name].mean():.2f}" for name in (*NETWORK, *SIMPLE, *GUESSES)]
    cells[0] += " ({:.2f} to {:.2f})".format(*interval(of["adapted"]))
    of_seeds = of["not adapted"].mean(axis=1)
    if len(of_seeds) > 1:
        cells[1] += f" ({', '.join(f'{mean:.2f}' for mean in of_seeds)})"
    best = best_of({name: float(of[name].mean()) for name in SIMPLE})
    gain = of["adapted"] - of[best]
    cells.append(
        "{:+.2f} ({:+.2f} to {:+.2f}), ".format(gain.mean(), *interval(gain)) + best
    )
    cells.append(", ".join(f"{of[name].mean():.0%}" for name in RADII))
    return " | ".join(cells)


def best_of(means: dict[str, float]) -> str:
    """Return which of `SIMPLE` has the least mean error."""
    return min(SIMPLE, key=means.__getitem__)


def interval(values: Floats) -> tuple[float, float]:
    """Return where 95 % of the means of resampled sites and trainings are.

    Args:
        values: Shape (n_seeds, n_sites).
    """
    rng = np.random.default_rng(0)
    seeds, drawn = (
        rng.multinomial(n, np.full(n, 1 / n), N_RESAMPLES) / n for n in values.shape
    )
    return percentile_interval(np.einsum("rs,st,rt->r", seeds, values, drawn))


def beyond(means: dict[str, float], at_worst: float) -> list[str]:
    """Return which limits a survey's means are beyond."""
    adapted, best = means["adapted"], best_of(means)
    faults = [
        f"{adapted:.2f} m, more than {limit} x {means[peer]:.2f} m, {peer}"
        for peer, limit in ((best, at_worst), ("not adapted", OF_NOT_ADAPTED))
        if not adapted <= limit * means[peer]
    ]
    faults += [
        f"{means[name]:.0%} {name}, expected at least {least:.0%}"
        for name, least in WITHIN.items()
        if not means[name] >= least
    ]
    return faults


if __name__ == "__main__":
    sys.exit(main())
