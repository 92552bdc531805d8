"""``trainer train-rss``: received power at surveyed points -> checkpoint."""

import argparse
import math
import shlex
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edge_agent.bundles.bundle import AdaptationDefaults
from edge_agent.console import Console
from edge_agent.rss.fingerprints import LENGTH_M
from edge_agent.rss.network import RssArchitecture
from edge_agent.rss.window import RssSpec
from edge_agent.version import version
from trainer.commands.options import check_writable, seed
from trainer.commands.rss_environments import (
    able_environments,
    count_points,
    digest_of,
    read_environments,
)
from trainer.errors import ConfigError, ResumeError
from trainer.interrupts import stop_on_interrupt
from trainer.meta.config import MetaConfig
from trainer.meta.learner import Learner
from trainer.meta.maml import Maml
from trainer.meta.maml_dg import MamlDg
from trainer.meta.resume import ResumeFile
from trainer.meta.train import Progress, meta_train
from trainer.models.rss_regression import (
    RssRegressionModel,
    RssTaskConfig,
    RssTaskSampler,
    silenced,
)
from trainer.rss_checkpoint import RssCheckpoint
from trainer.surveys.environment import Environment

_EPILOG = """\
The network of Fig. 3 learns to correct the nearest points of a radio map; it knows no
access point by name, so any survey of received power teaches it: captures listed in the
CSV file that edge_agent adapt reads too, of CSI or of 802.11 frames with radiotap
headers, and public or simulated surveys by name (trainer surveys).

maml learns from all environments together, maml-dg from two different ones in every
iteration. A thousand iterations take about half a minute. After Ctrl-C, the same
command goes on where it was: until training is done, a file that ends in .resume is
beside --out.

The checkpoint becomes a model for the device with python -m export.

examples:
  trainer train-rss home.csv office.csv --out rss.npz
  trainer train-rss --survey mtloc --data ../data --out rss.npz
  trainer train-rss --survey pathloss --data out/site --out rss.npz --method maml-dg

The last learns from what trainer simulate rss out/site has written.
"""

_METHODS = {"maml": "MAML", "maml-dg": "MAML-DG"}
_OF = {"maml": "", "maml-dg": ", of two environments by Eq. (19)"}
"""What the meta-loss is of."""

_ITERATIONS = 1000
_BETA = 0.002
_DEVICE_STEPS = 10
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
    add(
        "--resume",
        type=Path,
        metavar="FILE",
        help="go on from this file, and keep it up to date (default: CHECKPOINT.npz"
        ".resume, if there is one)",
    )
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Train and write the checkpoint.

    Raises:
        AgentError: A survey or a capture cannot be used.
        TrainerError: The surveys cannot serve the tasks, an option means nothing, or
            training was stopped, or cannot go on from the file it was to.
    """
    meta, task = _meta_config(args), RssTaskConfig()
    try:
        adaptation = AdaptationDefaults(alpha=args.alpha, n_steps=args.device_steps)
    except ValueError as error:
        raise ConfigError(f"--device-steps: {error}") from error
    check_writable(args.out)
    if args.resume is not None and not args.resume.is_file():
        raise ResumeError(f"--resume: there is no file {args.resume}")
    if args.out.exists():
        console.say(f"caution: {args.out} will be replaced")
    torch.set_num_threads(1)  # for so small a network others would only wait
    spec = RssSpec()
    read = read_environments(args.lists, args.survey, args.data, spec, console)
    able = able_environments(list(read), task, console)
    console.say(
        f"{len(able)} environments, {count_points(able)} points, "
        f"{sum(map(len, able))} samples"
    )
    model = RssRegressionModel(task.k)
    start = silenced(model.initial(torch.Generator().manual_seed(args.seed)))
    resume = ResumeFile(
        args.resume or args.out.with_name(f"{args.out.name}.resume"),
        _settings(args, able, meta, task),
        {name: tuple(value.shape) for name, value in start.items()},
    )
    loss = math.nan
    if (state := resume.load()) is not None:
        loss = state.loss * LENGTH_M
        console.say(f"going on from {resume.path}: iteration {state.iteration}")
    said = -math.inf

    def show(progress: Progress) -> None:
        nonlocal loss, said
        loss = progress.meta_loss * LENGTH_M
        progress = replace(progress, meta_loss=loss, unit="m")
        console.progress(str(progress))
        if progress.seconds - said >= _SECONDS_BETWEEN_LINES:
            said = progress.seconds
            console.say(str(progress))

    with stop_on_interrupt(
        lambda: console.say("stopping after this iteration")
    ) as should_stop:
        theta = meta_train(
            _learner(args, model, able, task, meta),
            start,
            meta,
            np.random.default_rng(args.seed),
            on_progress=show,
            resume=resume,
            should_stop=should_stop,
        )
    RssCheckpoint(
        spec,
        RssArchitecture(model.k, model.hidden),
        {name: value.numpy() for name, value in theta.items()},
        adaptation,
        _provenance(args, able, meta, task),
    ).save(args.out)
    resume.discard()
    console.result(f"{args.out}: meta-loss {loss:.2f} m{_OF[args.method]}")
    console.say(f"next: python -m export {shlex.quote(str(args.out))} BUNDLE")
    return 0


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


def _settings(
    args: argparse.Namespace,
    environments: list[Environment],
    meta: MetaConfig,
    task: RssTaskConfig,
) -> dict[str, Any]:
    """Return all that decides how training goes on; further iterations do not."""
    loop = asdict(meta)
    del loop["n_iterations"]
    return {
        "method": args.method,
        "seed": args.seed,
        "meta": loop,
        "task": asdict(task),
        "data": digest_of(environments),
    }


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
        "points": count_points(environments),
        "samples": sum(map(len, environments)),
        "simulated": any(e.is_simulated for e in environments),
        "meta": asdict(meta),
        "task": asdict(task),
        "versions": {"metaloc": version(), "torch": torch.__version__},
    }
