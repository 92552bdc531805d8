"""``trainer simulate rss``: a survey of a place that a path-loss model describes."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from edge_agent.arrays import write_atomically
from edge_agent.console import Console
from edge_agent.version import version
from trainer.commands.options import seed
from trainer.errors import TrainerError, UsageError
from trainer.simulate.pathloss.errors import NumberError, between
from trainer.simulate.pathloss.laws import Floats
from trainer.simulate.pathloss.models import MODELS, log_distance_model, model_named
from trainer.simulate.pathloss.site import (
    CARRIER_RANGE_HZ,
    PAPER_CARRIER_HZ,
    PAPER_N_APS,
    RssSite,
    draw_site,
)
from trainer.simulate.pathloss.survey import SPACING_M, choose_points
from trainer.surveys.environment import Environment
from trainer.surveys.pathloss import (
    FILE,
    NO_CHANGE,
    SurveyPlan,
    survey_days,
    write_days,
)
from trainer.surveys.pathloss_kept import is_kept

_PLAN = SurveyPlan()
_PROTOCOL = "pathloss.toml"
_ABOUT = (
    *("model", "exponent", "sigma", "aps", "side", "power", "mhz"),
    *("points", "test_points", "spacing", "samples", "visits", "days"),
    *("correlated", "paper", "seed"),
)
"""Flags that go into the file, for people."""

_FLAG_OF = {
    "n_aps": "--aps",
    "spacing_m": "--spacing",
    "the length of the site [m]": "--side",
    "the number of points": "--points",
    "n_samples": "--samples",
    "n_visits": "--visits",
    "n_days": "--days",
    "power_dbm": "--power",
    "the path-loss exponent": "--exponent",
    "sigma_db": "--sigma",
}
"""What a number is called here, by its name in `trainer.simulate.pathloss`."""

_NOISE_DB = 1.3
"""Spread of the power of packets of one capture in the public survey `polyu`."""

_SENSITIVITY_DBM = -95.0
_HEIGHT_M = 2.0
"""TR 38.901 Table 7.2-2: access points at 3 m, receivers at 1 m."""

_EPILOG = f"""\
OUT is a file that ends with .npz, or a folder: then it is FOLDER/{FILE}, where
trainer surveys and trainer benchmark look for it, and a protocol beside it. What
is there is kept if the same flags made it, and otherwise refused: nothing is replaced.

Without --paper: shadowing belongs to places, days and visits differ as in
recordings, no mean loss is below that in sight, and what is below
{_SENSITIVITY_DBM:g} dBm is not heard.
With it, as in the paper: a plane, shadowing anew in every sample, and nothing else.
docs/simulation.md has more. The same seed gives the same bytes.

examples:
  trainer simulate rss out/mall --model e --correlated
  trainer simulate rss out/office.npz --model c --side 12 --points 40 --days 3
  trainer simulate rss out/paper --model b --paper --side 10 --seed 7
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("out", type=Path, metavar="OUT", help="FILE.npz or a folder")
    parser.add_argument(
        "--model", choices=list(MODELS), default="c", help="of the paper, or TR 38.901"
    )
    parser.add_argument("--aps", type=int, default=PAPER_N_APS, metavar="N")
    parser.add_argument("--side", type=float, default=20.0, metavar="M", help="[m]")
    parser.add_argument(
        "--points", type=int, default=54, metavar="N", help="of a grid; to calibrate"
    )
    parser.add_argument(
        "--test-points",
        type=int,
        default=50,
        metavar="N",
        help="anywhere; only to test; with 0 the grid's are located again",
    )
    parser.add_argument(
        "--spacing", type=float, default=SPACING_M, metavar="M", help="of the grid [m]"
    )
    parser.add_argument(
        "--samples",
        type=int,
        default=_PLAN.n_samples,
        metavar="N",
        help="per point and visit",
    )
    parser.add_argument("--visits", type=int, default=_PLAN.n_visits, metavar="N")
    parser.add_argument("--days", type=int, default=_PLAN.n_days, metavar="N")
    parser.add_argument(
        "--power", type=float, default=17.0, metavar="DBM", help="of access points"
    )
    parser.add_argument(
        "--mhz", type=float, default=PAPER_CARRIER_HZ / 1e6, help="carrier frequency"
    )
    parser.add_argument(
        "--exponent", type=float, metavar="N", help="of model a; default 3"
    )
    parser.add_argument(
        "--sigma", type=float, metavar="DB", help="out of sight, instead of the model's"
    )
    parser.add_argument(
        "--correlated", action="store_true", help="shadowing of neighbours is alike"
    )
    parser.add_argument(
        "--paper", action="store_true", help="as the paper's synthetic data"
    )
    parser.add_argument("--seed", type=seed, default=0)
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Simulate and write.

    Raises:
        TrainerError: Numbers that no place can have, flags that contradict each other,
            or a file that cannot be written.
    """
    if args.paper and args.correlated:
        raise UsageError("--correlated and --paper: the paper's shadowing is noise")
    if args.test_points < 0:
        raise UsageError(f"--test-points is {args.test_points}, not 0 or more")
    between("--mhz", args.mhz, *(hertz / 1e6 for hertz in CARRIER_RANGE_HZ))
    path = args.out if args.out.suffix == ".npz" else args.out / FILE
    protocol = None if path == args.out else args.out / _PROTOCOL
    about = _about(args)
    with _writing(args.out):
        is_there = is_kept(path, about)
    if is_there:
        console.say(f"{path} is kept: these settings made it")
        if protocol is None or protocol.exists():
            return 0
    else:
        if protocol is not None:
            _check_is_ours(protocol, _protocol(args))
        try:
            environments = _survey(args)
        except NumberError as error:
            name = _FLAG_OF.get(error.name, error.name)
            raise UsageError(f"{name} {error.complaint}") from error
        with _writing(args.out):
            write_days(path, environments, about)
        console.result(str(path))
    if protocol is not None:
        with _writing(args.out):
            write_atomically(protocol, _protocol(args).encode())
        console.result(str(protocol))
    return 0


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TrainerError(f"cannot write {out}: {error.strerror}") from error


def _check_is_ours(protocol: Path, text: str) -> None:
    """Refuse a protocol of another survey: it would not fit this one."""
    try:
        is_other = protocol.exists() and protocol.read_bytes() != text.encode()
    except OSError as error:
        raise TrainerError(f"cannot read {protocol}: {error.strerror}") from error
    if is_other:
        raise UsageError(
            f"{protocol} is of another survey: delete it, or choose a new folder"
        )


def _survey(args: argparse.Namespace) -> list[Environment]:
    """Return the days that the flags describe.

    Raises:
        PathLossError: No place can have these numbers.
    """
    rng = np.random.default_rng(args.seed)
    site = _site(args, rng)
    plan = SurveyPlan(args.days, args.visits, args.samples)
    if args.paper:
        plan = SurveyPlan(args.days, args.visits, args.samples, 0.0, NO_CHANGE)
    plan.check_size(args.points + args.test_points, args.aps)
    points = choose_points(rng, site.size_m, args.points, spacing_m=args.spacing)
    return survey_days(
        site, points, plan, rng, test_points=_test_points(args, site, rng)
    )


def _site(args: argparse.Namespace, rng: np.random.Generator) -> RssSite:
    model = model_named(args.model)
    if args.exponent is not None:
        if args.model != "a":
            raise UsageError(f"--exponent is for model a, not for {args.model}")
        model = log_distance_model(args.exponent, model.nlos.sigma_db)
    if args.sigma is not None:
        model = model.with_sigma(nlos_db=args.sigma)
    as_paper = args.paper
    return draw_site(
        rng,
        model,
        args.side,
        power_dbm=args.power,
        n_aps=args.aps,
        carrier_hz=args.mhz * 1e6,
        height_m=0.0 if as_paper else _HEIGHT_M,
        shadowing="sample"
        if as_paper
        else "correlated"
        if args.correlated
        else "independent",
        noise_db=0.0 if as_paper else _NOISE_DB,
        clamp="none" if as_paper else "los",
        sensitivity_dbm=None if as_paper else _SENSITIVITY_DBM,
    )


def _test_points(
    args: argparse.Namespace, site: RssSite, rng: np.random.Generator
) -> Floats:
    return np.asarray(rng.uniform(0, 1, (args.test_points, 2)) * site.size_m)


def _about(args: argparse.Namespace) -> dict[str, Any]:
    """Return the flags, as they were understood, and the version that did."""
    return {"simulated": True, "version": version()} | {
        name: getattr(args, name) for name in _ABOUT
    }


def _protocol(args: argparse.Namespace) -> str:
    """Return the benchmark's protocol: the last day, from those before it, if any."""
    days = [f"d{day}" for day in range(1, args.days + 1)]
    history, validation = days[:-1], []
    if len(history) > 1:
        history, validation = history[:-1], history[-1:]
    listed = {"history": history, "validation": validation, "test": days[-1:]}
    query = "test" if args.test_points else "reference"
    lines = [
        f"# Simulated with path-loss model {args.model}, seed {args.seed}.",
        'survey = "pathloss"',
        *(f"{name} = {names}".replace("'", '"') for name, names in listed.items()),
        f'query = "{query}"',
        'calibration_visits = "first"',
        'query_visits = "later"',
    ]
    return "\n".join(lines) + "\n"
