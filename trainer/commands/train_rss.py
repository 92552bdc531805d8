"""``trainer train-rss``: received power at surveyed points -> checkpoint."""

import argparse
import math
import shlex
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edge_agent.bundle import AdaptationDefaults
from edge_agent.console import Console
from edge_agent.rss.network import RssArchitecture
from edge_agent.rss.recording import record_shots
from edge_agent.rss.shots import RssShots
from edge_agent.rss.window import RssSpec
from edge_agent.survey import SurveyedCapture, read_survey
from edge_agent.version import version
from trainer.commands.options import check_writable, seed
from trainer.errors import ConfigError, TaskError, UsageError
from trainer.meta.config import MetaConfig
from trainer.meta.learner import Learner
from trainer.meta.maml import Maml
from trainer.meta.maml_dg import MamlDg
from trainer.meta.train import Progress, meta_train
from trainer.models.rss_regression import (
    RssRegressionModel,
    RssTaskConfig,
    RssTaskSampler,
    count_usable,
    silenced,
)
from trainer.rss_channels import as_device_hears
from trainer.rss_checkpoint import RssCheckpoint
from trainer.surveys.environment import Environment, Place, Signals
from trainer.surveys.registry import load_survey

_EPILOG = """\
The network of Fig. 3 learns to correct the nearest points of a radio map; it knows no
access point by name, so any survey of received power teaches it: captures listed in the
CSV file that edge_agent adapt reads too, of CSI or of 802.11 frames with radiotap
headers, and public or simulated surveys by name (trainer surveys).

maml learns from all environments together, maml-dg from two different ones in every
iteration. A thousand iterations take about half a minute.

The checkpoint becomes a model for the device with python -m export.

examples:
  trainer train-rss home.csv office.csv --out rss.npz
  trainer train-rss --survey mtloc --data ../data --out rss.npz
  trainer train-rss --survey pathloss --data out/site --out rss.npz --method maml-dg

The last learns from what trainer simulate rss out/site has written.
"""

_METHODS = {"maml": "MAML", "maml-dg": "MAML-DG"}
_ITERATIONS = 1000
_BETA = 0.002
_DEVICE_STEPS = 10
_MAX_WINDOWS = 64
"""Of one capture."""

_SECONDS_BETWEEN_LINES = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    default = MetaConfig()
    add = parser.add_argument
    add("lists", nargs="*", type=Path, metavar="SURVEY.csv")
    add(
        "--survey",
        action="append",
        default=[],
        metavar="NAME",
        help="public or simulated survey; may be given several times",
    )
    add("--data", type=Path, metavar="DIR", help="folder of the surveys' data")
    add("--out", type=Path, required=True, metavar="CHECKPOINT.npz")
    add("--method", choices=_METHODS, default="maml", help="algorithm (default maml)")
    add("--seed", type=seed, default=0)
    add(
        "--iterations",
        type=int,
        default=_ITERATIONS,
        metavar="N",
        help=f"of the outer loop (default {_ITERATIONS})",
    )
    add(
        "--second-order",
        action="store_true",
        help="differentiate through the inner steps",
    )
    add(
        "--inner-steps",
        type=int,
        default=default.n_steps,
        metavar="Q",
        help=f"gradient steps while training (default {default.n_steps})",
    )
    add(
        "--device-steps",
        type=int,
        default=_DEVICE_STEPS,
        metavar="Q",
        help=f"gradient steps on the device (default {_DEVICE_STEPS})",
    )
    add(
        "--alpha",
        type=float,
        default=default.alpha,
        help=f"step size of both of them (default {default.alpha})",
    )
    add(
        "--beta",
        type=float,
        default=_BETA,
        help=f"step size of the outer loop (default {_BETA})",
    )
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Train and write the checkpoint.

    Raises:
        AgentError: A survey or a capture cannot be used.
        TrainerError: The surveys cannot serve the tasks, or an option means nothing.
    """
    meta, task = _meta_config(args), RssTaskConfig()
    try:
        adaptation = AdaptationDefaults(alpha=args.alpha, n_steps=args.device_steps)
    except ValueError as error:
        raise ConfigError(f"--device-steps: {error}") from error
    check_writable(args.out)
    if args.out.exists():
        console.say(f"caution: {args.out} will be replaced")
    torch.set_num_threads(1)  # for so small a network others would only wait
    spec = RssSpec()
    able = _able(list(_environments(args, spec, console)), task, console)
    console.say(
        f"{len(able)} environments, {sum(_n_points(e) for e in able)} points, "
        f"{sum(map(len, able))} samples"
    )
    model = RssRegressionModel(task.k)
    start = silenced(model.initial(torch.Generator().manual_seed(args.seed)))
    loss = math.nan
    said = -math.inf

    def show(progress: Progress) -> None:
        nonlocal loss, said
        loss = progress.meta_loss
        console.progress(str(progress))
        if progress.seconds - said >= _SECONDS_BETWEEN_LINES:
            said = progress.seconds
            console.say(str(progress))

    theta = meta_train(
        _learner(args, model, able, task, meta),
        start,
        meta,
        np.random.default_rng(args.seed),
        on_progress=show,
    )
    RssCheckpoint(
        spec,
        RssArchitecture(model.k, model.hidden),
        {name: value.numpy() for name, value in theta.items()},
        adaptation,
        _provenance(args, able, meta, task),
    ).save(args.out)
    console.result(f"{args.out}: meta-loss {loss:.3f}")
    console.say(f"next: python -m export {shlex.quote(str(args.out))} BUNDLE")
    return 0


def environment_of(shots: RssShots) -> Environment:
    """Return what a device recorded as the laboratory sees it.

    Args:
        shots: Of one place.
    """
    floors = np.array([point.floor for point in shots.points], np.intp)
    place = Place(shots.name, shots.locations, floors, shots.transmitters)
    _, visit_of = np.unique(shots.visit_of, return_inverse=True)
    return Environment(
        shots.name,
        place,
        0,
        Signals(shots.rss),
        shots.point_of,
        visit_of.astype(np.intp),
        np.zeros(len(shots), np.bool_),
        shots.is_simulated,
    )


def _environments(
    args: argparse.Namespace, spec: RssSpec, console: Console
) -> Iterator[Environment]:
    if not args.lists and not args.survey:
        raise UsageError("nothing to learn from: name a SURVEY.csv or a --survey")
    if args.survey and args.data is None:
        raise UsageError("--survey needs --data, the folder where its data is")
    for path in args.lists:
        by_name: dict[str, list[SurveyedCapture]] = {}
        for capture in read_survey(path):
            by_name.setdefault(capture.environment, []).append(capture)
        for name, captures in by_name.items():
            console.progress(f"reading {path}: {name}, {len(captures)} captures")
            yield environment_of(
                record_shots(captures, spec, max_per_capture=_MAX_WINDOWS)
            )
    for name in args.survey:
        for environment in load_survey(name, args.data):
            yield as_device_hears(environment, spec)


def _able(
    environments: list[Environment], task: RssTaskConfig, console: Console
) -> list[Environment]:
    """Return those with points enough for a task.

    Raises:
        TaskError: There is none.
    """
    able = [
        environment
        for environment in environments
        if count_usable(
            environment.select(np.flatnonzero(~environment.is_test)), task.k
        )
        > task.k
    ]
    if not able:
        raise TaskError(
            f"no environment has {task.k + 1} points with two samples of received power"
        )
    if left_out := len(environments) - len(able):
        console.say(
            f"caution: {left_out} of {len(environments)} environments have fewer than "
            f"{task.k + 1} points with two samples, and are left out"
        )
    return able


def _learner(
    args: argparse.Namespace,
    model: RssRegressionModel,
    environments: list[Environment],
    task: RssTaskConfig,
    meta: MetaConfig,
) -> Learner:
    if args.method == "maml-dg":
        single = [RssTaskSampler([environment], task) for environment in environments]
        return MamlDg(model, single, meta)
    return Maml(model, RssTaskSampler(environments, task), meta)


def _meta_config(args: argparse.Namespace) -> MetaConfig:
    if args.iterations < 1:
        raise ConfigError(f"--iterations is {args.iterations}, not 1 or more")
    return MetaConfig(
        n_iterations=args.iterations,
        alpha=args.alpha,
        beta=args.beta,
        n_steps=args.inner_steps,
        second_order=args.second_order,
    )


def _n_points(environment: Environment) -> int:
    return len(np.unique(environment.point_of))


def _provenance(
    args: argparse.Namespace,
    environments: list[Environment],
    meta: MetaConfig,
    task: RssTaskConfig,
) -> dict[str, Any]:
    """Return what somebody needs to know to judge the model, or to train it again."""
    order = "second order" if args.second_order else "first order"
    return {
        "method": f"{_METHODS[args.method]}, {order}",
        "seed": args.seed,
        "surveys": args.survey,
        "environments": len(environments),
        "points": sum(_n_points(e) for e in environments),
        "samples": sum(map(len, environments)),
        "simulated": any(e.is_simulated for e in environments),
        "meta": asdict(meta),
        "task": asdict(task),
        "versions": {"metaloc": version(), "torch": torch.__version__},
    }
