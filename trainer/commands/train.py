"""``trainer train``: surveyed captures -> checkpoint."""

import argparse
import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edge_agent.bundle import AdaptationDefaults
from edge_agent.console import Console
from edge_agent.csi.image import ImageSpec
from edge_agent.environment import Environment
from edge_agent.network import Architecture
from edge_agent.recording import record_environment
from edge_agent.survey import SurveyedCapture, read_survey
from edge_agent.version import version
from trainer.checkpoint import Checkpoint
from trainer.commands.options import seed
from trainer.errors import CheckpointError, TaskError
from trainer.meta.config import MetaConfig
from trainer.meta.maml import Maml
from trainer.meta.train import Progress, meta_train
from trainer.models.classification import ClassificationModel
from trainer.tasks import TaskConfig, TaskSampler

_EPILOG = """\
The survey is the CSV file that edge_agent adapt reads too (see its --help), with the
columns environment and visit filled in: tasks are drawn from one environment, and test
images from another visit than the images adapted to.

examples:
  trainer train out/rooms/survey.csv --out out/checkpoint.npz
  trainer train home.csv office.csv --out model.npz --iterations 4000 --seed 1
"""

_DEVICE_STEPS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("surveys", nargs="+", type=Path, metavar="SURVEY.csv")
    parser.add_argument("--out", type=Path, required=True, metavar="CHECKPOINT.npz")
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument(
        "--iterations", type=int, default=MetaConfig().n_iterations, metavar="N"
    )
    parser.add_argument(
        "--device-steps",
        type=int,
        default=_DEVICE_STEPS,
        metavar="Q",
        help=f"gradient steps on the device (default {_DEVICE_STEPS})",
    )
    parser.add_argument(
        "--threads", type=int, default=0, help="processor threads (default: all)"
    )
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Train and write the checkpoint.

    Raises:
        AgentError: A survey or a capture cannot be used.
        TrainerError: The surveys cannot serve the tasks.
    """
    if args.threads < 0:
        raise TaskError(f"--threads is {args.threads}, not 0 or more")
    if args.threads:
        torch.set_num_threads(args.threads)
    spec, meta, task = ImageSpec(), _meta_config(args.iterations), TaskConfig()
    adaptation = _adaptation(meta, args.device_steps)
    _check_writable(args.out)
    environments = _read_environments(args.surveys, spec, console)
    architecture = _architecture(spec, environments)
    sampler = TaskSampler(environments, architecture, task)
    model = ClassificationModel(architecture)
    generator = torch.Generator().manual_seed(args.seed)
    console.say(
        f"{len(environments)} environments, "
        f"{sum(len(e.points) for e in environments)} points, "
        f"{sum(len(e.images) for e in environments)} images"
    )
    last = Progress(0, meta.n_iterations, 0.0, 0.0)

    def show(progress: Progress) -> None:
        nonlocal last
        last = progress
        console.progress(str(progress))
        if progress.iteration % 100 == 0:
            console.say(str(progress))

    theta = meta_train(
        Maml(model, sampler, meta),
        model.initial(generator),
        meta,
        np.random.default_rng(args.seed),
        on_progress=show,
    )
    checkpoint = Checkpoint(
        spec,
        architecture,
        {name: value.detach().numpy() for name, value in theta.items()},
        adaptation,
        _provenance(args, environments, meta, task),
    )
    checkpoint.save(args.out)
    console.result(f"{args.out}: meta-loss {last.meta_loss:.3f}")
    return 0


def _meta_config(n_iterations: int) -> MetaConfig:
    if n_iterations < 1:
        raise TaskError(f"--iterations is {n_iterations}, not 1 or more")
    return MetaConfig(n_iterations=n_iterations)


def _adaptation(meta: MetaConfig, n_steps: int) -> AdaptationDefaults:
    try:
        return AdaptationDefaults(alpha=meta.alpha, n_steps=n_steps)
    except ValueError as error:
        raise TaskError(f"--device-steps: {error}") from error


def _check_writable(path: Path) -> None:
    """Find out now, not after training, whether the checkpoint can be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error.strerror}") from error
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise CheckpointError(
            f"cannot write {path}: it is a folder, or below one that is not writable"
        )


def _read_environments(
    paths: list[Path], spec: ImageSpec, console: Console
) -> list[Environment]:
    environments = []
    for path in paths:
        by_name: dict[str, list[SurveyedCapture]] = {}
        for capture in read_survey(path):
            by_name.setdefault(capture.environment, []).append(capture)
        for name, captures in by_name.items():
            console.progress(f"reading {path}: {name}, {len(captures)} captures")
            environments.append(record_environment(captures, spec))
    return environments


def _architecture(spec: ImageSpec, environments: list[Environment]) -> Architecture:
    """Return the paper's network, scaled to history's pixels."""
    heard = np.concatenate([e.images[e.heard].reshape(-1) for e in environments])
    pixels = heard.astype(np.float64) / 255
    return Architecture(
        spec.shape,
        pixel_mean=round(float(pixels.mean()), 4),
        pixel_std=round(max(float(pixels.std()), 1e-3), 4),
    )


def _provenance(
    args: argparse.Namespace,
    environments: list[Environment],
    meta: MetaConfig,
    task: TaskConfig,
) -> dict[str, Any]:
    """Return what somebody needs to know to judge the model, or to train it again."""
    task_values = {f.name: getattr(task, f.name) for f in fields(task)}
    return {
        "method": "MAML, first order",
        "seed": args.seed,
        "environments": len(environments),
        "points": sum(len(e.points) for e in environments),
        "images": sum(len(e.images) for e in environments),
        "simulated": any(e.is_simulated for e in environments),
        "meta": asdict(meta),
        "task": task_values,
        "versions": {"metaloc": version(), "torch": torch.__version__},
    }
