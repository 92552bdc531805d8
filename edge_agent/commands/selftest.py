"""``edge_agent selftest``: does this machine compute what the bundle's author did?"""

import argparse
import functools
import json
import math
from typing import Any

from edge_agent.bundles.files import BundleFiles, Kind
from edge_agent.bundles.model_in_use import load_files
from edge_agent.commands.options import add_config, configuration
from edge_agent.config import ModelConfig
from edge_agent.console import Console
from edge_agent.errors import BackendError, BundleError, UsageError
from edge_agent.estimators import Estimator
from edge_agent.learning import backends
from edge_agent.learning.backends import Backend
from edge_agent.selftest.machine import built, machine, versions
from edge_agent.selftest.measurement import N_SHOTS
from edge_agent.selftest.processes import Result, run_backend
from edge_agent.selftest.report import faults_of, report, without_home

_ORDER = (Backend.KERNEL, Backend.ONNXRUNTIME, Backend.NUMPY)
_TIMEOUT_S = 300.0

_EPILOG = f"""\
For each back end that is installed, in a process of its own: the golden task of the
bundle, that is some shots and images, and what a network in double precision made of
them; then the time of adapting to {N_SHOTS} shots, and in the median of locating one
image; and the most memory that the process took. What is tried is the network: where
neighbours locate (docs/estimators.md), which are plain NumPy, the output says so, and
nothing here repeats them. Exit code 0: all is as it should be;
1: it is not, and the output says what to do.

The output can go into a bug report as it is: it holds no name of a host or user, no
address, and no path below the home directory.

examples:
  edge_agent selftest
  edge_agent selftest --quick
  edge_agent selftest --backend numpy --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    add_config(parser)
    parser.add_argument(
        "--bundle", metavar="DIR", help="model bundle (default: the one in use)"
    )
    parser.add_argument(
        "--state", metavar="DIR", help="where calibrations and bundles are kept"
    )
    parser.add_argument(
        "--backend",
        choices=[str(backend) for backend in _ORDER],
        help="try this one alone (default: all that are installed)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="repeat the golden task, without timing"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=_TIMEOUT_S,
        metavar="SECONDS",
        help=f"longest that a back end may take (default {_TIMEOUT_S:g})",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Try every back end, or the one that was named, and say what came out.

    Raises:
        ConfigError: The configuration makes no sense.
        UsageError: The time-out is no time.
    """
    if not 0 < args.timeout < math.inf:
        raise UsageError(f"--timeout is {args.timeout:g}; it must be above 0")
    model = configuration(_without_backend(args)).model
    facts: dict[str, Any] = {
        "versions": versions(),
        "machine": machine(),
        "built": built(),
    }
    results: list[Result] = []
    try:
        files = load_files(model, on_caution=lambda text: _caution(console, text))
    except BundleError as error:
        facts["bundle"] = {"error": without_home(str(error))}
    else:
        facts["bundle"] = {
            "name": files.name,
            "kind": str(files.kind),
            "digest": files.digest,
            "estimator": _estimator(model, files),
        }
        wanted = _wanted(args.backend, files.kind)
        results = _results(args, console, files, wanted)
    facts["used"] = _used(model, facts["bundle"], console)
    facts["backends"] = {str(r.backend): _anonymous(r.to_json()) for r in results}
    faults = faults_of(facts["bundle"], results, asked=args.backend)
    facts["passed"] = not faults
    if args.json:
        console.result(json.dumps(facts))
        return 1 if faults else 0
    for line in report(facts, results, faults):
        console.result(line)
    return 1 if faults else 0


def _without_backend(args: argparse.Namespace) -> argparse.Namespace:
    """Return the flags that are as in other commands: here it is the one to try."""
    return argparse.Namespace(**vars(args) | {"backend": None})


def _caution(console: Console, text: str) -> None:
    console.caution(without_home(text))


def _wanted(asked: str | None, kind: Kind) -> tuple[Backend, ...]:
    if asked:
        return (Backend(asked),)
    # The network of received power takes microseconds, and is computed in NumPy alone.
    return (Backend.NUMPY,) if kind is Kind.RSS else _ORDER


def _results(
    args: argparse.Namespace,
    console: Console,
    bundle: BundleFiles,
    wanted: tuple[Backend, ...],
) -> list[Result]:
    results = []
    for number, backend in enumerate(wanted, 1):
        where = f"{number}/{len(wanted)} {backend}"
        console.progress(f"{where}: starting")
        results.append(
            run_backend(
                bundle,
                backend,
                quick=args.quick,
                timeout_s=args.timeout,
                on_stage=functools.partial(_progress, console, where),
            )
        )
    return results


def _progress(console: Console, where: str, stage: str) -> None:
    console.progress(f"{where}: {stage}")


def _estimator(model: ModelConfig, files: BundleFiles) -> str:
    """Return what locates, as far as configuration and manifest tell."""
    if model.estimator != Estimator.AUTO or files.kind is Kind.RSS:
        return str(Estimator.NETWORK if files.kind is Kind.RSS else model.estimator)
    recommended = files.document.get("estimator")
    is_neighbours = recommended == Estimator.NEIGHBOURS
    return str(Estimator.NEIGHBOURS if is_neighbours else Estimator.NETWORK)


def _used(
    model: ModelConfig, bundle: dict[str, str], console: Console
) -> dict[str, str | None]:
    """Return which back end the agent uses for what; None: it cannot."""
    is_numpy = bundle.get("kind") == Kind.RSS
    adapting = Backend.NUMPY if is_numpy else Backend(model.backend)
    is_numpy |= bundle.get("estimator") == Estimator.NEIGHBOURS
    predicting = Backend.NUMPY if is_numpy else Backend(model.backend)
    used: dict[str, str | None] = {}
    for purpose, choose, wanted in (
        ("adapting", backends.for_adapting, adapting),
        ("predicting", backends.for_predicting, predicting),
    ):
        try:
            used[purpose] = str(choose(wanted, lambda text: _caution(console, text)))
        except BackendError:
            used[purpose] = None
    return used


def _anonymous(document: dict[str, Any]) -> dict[str, Any]:
    reason = document["reason"]
    return document | {"reason": without_home(reason) if reason else None}
