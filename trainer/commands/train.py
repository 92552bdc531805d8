"""``trainer train``: surveyed captures -> checkpoint."""

import argparse
import hashlib
import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edge_agent.arrays import Arrays
from edge_agent.bundles.bundle import AdaptationDefaults
from edge_agent.console import Console
from edge_agent.csi.image import ImageSpec
from edge_agent.environment import Environment
from edge_agent.learning.network import Architecture
from edge_agent.recording import record_environment
from edge_agent.survey import SurveyedCapture, read_survey
from edge_agent.version import version
from trainer import operations
from trainer.checkpoint import Checkpoint
from trainer.commands.options import check_writable, seed
from trainer.errors import ConfigError, ResumeError, UsageError
from trainer.interrupts import stop_on_interrupt
from trainer.layer_kernel import compile_layer
from trainer.meta.config import MetaConfig, Optimizer
from trainer.meta.inner_loop import Parameters
from trainer.meta.learner import Learner
from trainer.meta.maml import Maml
from trainer.meta.maml_dg import MamlDg, Variant
from trainer.meta.maml_ts import train_environments
from trainer.meta.resume import ResumeFile
from trainer.meta.task_attachments import task_attachments, tasks_of
from trainer.meta.train import Progress, meta_train
from trainer.models.classification import ClassificationModel
from trainer.neighbours.attachments import with_neighbours
from trainer.neighbours.learn import Learnt, learn_neighbours
from trainer.neighbours.trust import with_priors
from trainer.tasks import TaskConfig, TaskSampler, with_images_of

_EPILOG = """\
The survey is the CSV file that edge_agent adapt reads too (see its --help), with the
columns environment and visit filled in: tasks are drawn from one environment, and test
images from other visits than the images adapted to. Points of one visit take no part
where others have several.

maml learns from all environments together, maml-dg from two different ones in every
iteration. maml-ts learns one set of parameters for each and one for all: --out is then
a folder, with a checkpoint per environment and total.npz. Exported together, the
device chooses among them by its own shots.

Ctrl-C stops after the current iteration. The same command goes on where it stopped:
beside --out is a file that ends in .resume, written at least once a minute and removed
at the end.

Beside the network it learns whitened neighbours (docs/estimators.md), replays some of
the places with both, and recommends to the device what was better there.

The checkpoint becomes a model for the device with python -m export.

examples:
  trainer train out/lab/survey.csv --out out/checkpoint.npz --iterations 100
  trainer train out/rooms/survey.csv --out out/checkpoint.npz
  trainer train home.csv office.csv --out model.npz --iterations 4000 --seed 1
  trainer train rooms.csv --out model.npz --method maml-dg --second-order
  trainer train rooms.csv --out models --method maml-ts
"""

_METHODS = {"maml": "MAML", "maml-ts": "MAML-TS", "maml-dg": "MAML-DG"}
_OF = {
    "maml": "point",
    "maml-ts": "point, of total.npz",
    "maml-dg": "point, of two environments by Eq. (19)",
}
"""What the meta-loss is of."""

_DEVICE_STEPS = 10
_WEIGHT = 1.0
_TOTAL = "total"
_SECONDS_BETWEEN_LINES = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    default = MetaConfig()
    add = parser.add_argument
    add("surveys", nargs="+", type=Path, metavar="SURVEY.csv")
    add(
        "--out",
        type=Path,
        required=True,
        metavar="CHECKPOINT.npz",
        help="file to write; of maml-ts a folder",
    )
    add("--method", choices=_METHODS, default="maml", help="algorithm (default maml)")
    add("--seed", type=seed, default=0)
    add(
        "--iterations",
        type=int,
        default=default.n_iterations,
        metavar="N",
        help=f"of the outer loop (default {default.n_iterations}: ten to twenty "
        "minutes on a processor; the first one is said with the time that is left)",
    )
    add(
        "--second-order",
        action="store_true",
        help="differentiate through the inner steps; three times slower",
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
        default=default.beta,
        help=f"step size of the outer loop (default {default.beta})",
    )
    add(
        "--outer",
        choices=[o.value for o in Optimizer],
        default=default.optimizer.value,
        help="optimizer of the outer loop (default adam; sgd is the paper's)",
    )
    add("--cosine", action="store_true", help="let beta fall to zero")
    add("--clip-norm", type=float, metavar="L", help="longest meta-gradient")
    add(
        "--weight",
        type=float,
        metavar="W",
        help=f"maml-dg: weight of the second environment (default {_WEIGHT:g})",
    )
    add(
        "--variant",
        choices=[v.value for v in Variant],
        help="maml-dg: where the inner loop in the second environment starts "
        "(default eq18)",
    )
    add(
        "--resume",
        type=Path,
        metavar="FILE",
        help="go on from this file, and keep it up to date (default: CHECKPOINT.npz"
        ".resume, if there is one)",
    )
    add("--device", choices=["auto", "cpu", "cuda"], default="auto")
    add("--threads", type=int, default=0, help="processor threads (default: all)")
    add(
        "--compile",
        action="store_true",
        help="compile the layers with this machine's C compiler: twice as fast on one "
        "processor core, not for GPUs or --second-order",
    )
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Train and write the checkpoint, or for maml-ts the checkpoints.

    Raises:
        AgentError: A survey or a capture cannot be used.
        TrainerError: The surveys cannot serve the tasks; an option means nothing;
            training was stopped.
    """
    spec, meta, task = ImageSpec(), _meta_config(args), TaskConfig()
    adaptation = _adaptation(meta, args.device_steps)
    device = _device(args.device)
    _set_threads(args.threads)
    _check_method(args)
    _check_resume(args)
    check_writable(_checkpoint_path(args, _TOTAL))
    if _checkpoint_path(args, _TOTAL).exists():
        console.say(f"caution: {_checkpoint_path(args, _TOTAL)} will be replaced")
    environments = _read_environments(args.surveys, spec, console)
    architecture = _architecture(spec, environments)
    pooled, *single = (
        TaskSampler(some, architecture, task, device=device)
        for some in (environments, *([environment] for environment in environments))
    )
    console.say(
        f"{len(environments)} environments, "
        f"{sum(len(e.points) for e in environments)} points, "
        f"{sum(len(e.images) for e in environments)} images"
    )
    model = ClassificationModel(architecture, layer=_layer(args, device))
    initial = model.initial(torch.Generator().manual_seed(args.seed))
    training = _Training(
        args,
        console,
        {name: value.to(device) for name, value in initial.items()},
        meta,
        blank=Checkpoint(
            spec,
            architecture,
            {},
            adaptation,
            _provenance(args, environments, meta, task),
        ),
        data=_digest(environments),
        learnt=learn_neighbours(
            environments,
            lambda done, n: console.progress(f"neighbours: {done}/{n} folds"),
        ),
        tasks=_task_attachments(args, environments),
        own_facts={
            name: _amounts([environment])
            for name, environment in zip(
                _file_names(environments), environments, strict=True
            )
        },
    )
    rng = np.random.default_rng(args.seed)
    if args.method == "maml-dg":
        variant = Variant(args.variant or Variant.EQ18)
        training.run(
            _TOTAL,
            MamlDg(model, single, meta, _weight(args), variant, mix=with_images_of),
            rng,
        )
    else:
        training.run(_TOTAL, Maml(model, pooled, meta), rng)
    if args.method == "maml-ts":
        names = _file_names(environments)
        by_name = dict(zip(names, single, strict=True))
        train_environments(model, by_name, meta, args.seed, training.run)
    training.tidy_up()
    console.result(
        f"{args.out}: meta-loss {training.losses[_TOTAL]:.3f} per {_OF[args.method]}"
    )
    console.say(f"next: python -m export {shlex.quote(str(args.out))} BUNDLE")
    return 0


class _Training:
    """Runs outer loops from one θ, and writes a checkpoint after each."""

    def __init__(
        self,
        args: argparse.Namespace,
        console: Console,
        theta: Parameters,
        meta: MetaConfig,
        *,
        blank: Checkpoint,
        data: str,
        learnt: Learnt | None,
        tasks: Mapping[str, Arrays],
        own_facts: Mapping[str, dict[str, Any]],
    ) -> None:
        self._args, self._console, self._learnt = args, console, learnt
        self._surveys, self._tasks, self._own_facts = data, tasks, own_facts
        self._theta, self._meta, self._blank = theta, meta, blank
        facts = {
            "method": blank.training["method"],
            "seed": args.seed,
            "task": blank.training["task"],
            "meta": asdict(meta),
            "architecture": asdict(blank.architecture),
            "surveys": data,
        }
        if not meta.cosine:  # Then more iterations are the same ones, and more.
            del facts["meta"]["n_iterations"]
        self._settings = facts
        self._resumes: list[ResumeFile] = []
        self.losses: dict[str, float] = {}
        """Meta-loss per point at the end, by name."""

    def run(self, name: str, learner: Learner, rng: np.random.Generator) -> Parameters:
        """Return θ*; go on where there is a file to resume from."""
        path = _checkpoint_path(self._args, name)
        resume = ResumeFile(
            self._args.resume or path.with_name(f"{path.name}.resume"),
            self._settings | {"environment": name},
            {key: tuple(value.shape) for key, value in self._theta.items()},
        )
        if (state := resume.load()) is not None:
            self.losses[name] = state.loss
            self._console.say(
                f"going on from {resume.path}: iteration {state.iteration}"
            )
        title = f"{name}: " if self._args.method == "maml-ts" else ""

        said = -math.inf

        def show(progress: Progress) -> None:
            nonlocal said
            self.losses[name] = progress.meta_loss
            self._console.progress(f"{title}{progress}")
            # The first at once: it tells how long all of it will take.
            if progress.seconds - said >= _SECONDS_BETWEEN_LINES:
                said = progress.seconds
                self._console.say(f"{title}{progress}")

        with stop_on_interrupt(
            lambda: self._console.say("stopping after this iteration")
        ) as should_stop:
            theta = meta_train(
                learner,
                self._theta,
                self._meta,
                rng,
                on_progress=show,
                resume=resume,
                should_stop=should_stop,
            )
        self._resumes.append(resume)
        facts = self._blank.training
        if self._args.method == "maml-ts":
            facts = facts | {"environment": name, "surveys": self._surveys}
            facts |= self._own_facts.get(name, {})
        trained = replace(
            self._blank,
            parameters={key: value.cpu().numpy() for key, value in theta.items()},
            training=facts,
            attachments=dict(self._tasks.get(name, {})),
        )
        trained = with_priors(with_neighbours(trained, self._learnt), self._learnt)
        trained.save(path)
        compared = trained.training.get("neighbours")
        if compared is not None and name == _TOTAL:  # what is recommended to the device
            off = compared["mean_error_m"]
            self._console.say(
                f"{title}places replayed: network {off['network']:.2f} m, neighbours "
                f"{off['neighbours']:.2f} m (the better one is recommended)"
            )
        return theta

    def tidy_up(self) -> None:
        """Remove what only an interrupted training needs."""
        for resume in self._resumes:
            resume.discard()


def _checkpoint_path(args: argparse.Namespace, name: str) -> Path:
    """Return --out, or for maml-ts a file in that folder."""
    out: Path = args.out
    return out / f"{name}.npz" if args.method == "maml-ts" else out


def _file_names(environments: list[Environment]) -> list[str]:
    """Return a name per environment that every file system takes, all different."""
    plain = [re.sub(r"[^A-Za-z0-9._-]+", "_", e.name)[:80] for e in environments]
    return [f"{number:03}-{name}" for number, name in enumerate(plain)]


def _task_attachments(
    args: argparse.Namespace, environments: list[Environment]
) -> dict[str, Arrays]:
    """Return what a device compares itself with, by `_file_names`; for maml-ts."""
    if args.method != "maml-ts":
        return {}
    rng = np.random.default_rng(args.seed)
    return {
        name: task_attachments(tasks_of(environment, rng))
        for name, environment in zip(
            _file_names(environments), environments, strict=True
        )
    }


def _meta_config(args: argparse.Namespace) -> MetaConfig:
    if args.iterations < 1:
        raise ConfigError(f"--iterations is {args.iterations}, not 1 or more")
    return MetaConfig(
        n_iterations=args.iterations,
        alpha=args.alpha,
        beta=args.beta,
        n_steps=args.inner_steps,
        second_order=args.second_order,
        optimizer=Optimizer(args.outer),
        cosine=args.cosine,
        clip_norm=args.clip_norm,
    )


def _adaptation(meta: MetaConfig, n_steps: int) -> AdaptationDefaults:
    try:
        return AdaptationDefaults(alpha=meta.alpha, n_steps=n_steps)
    except ValueError as error:
        raise ConfigError(f"--device-steps: {error}") from error


def _device(name: str) -> torch.device:
    """Return where to compute.

    Raises:
        ConfigError: CUDA was asked for, and there is none.
    """
    has_cuda = torch.cuda.is_available()
    if name == "cuda" and not has_cuda:
        raise ConfigError("--device is cuda, but torch finds none; use auto or cpu")
    if name == "cpu" or not has_cuda:
        return torch.device("cpu")
    torch.backends.cudnn.deterministic = True  # the seed decides
    return torch.device("cuda")


def _layer(args: argparse.Namespace, device: torch.device) -> operations.Layer:
    if not args.compile:
        return operations.layer
    if device.type != "cpu" or args.second_order:
        raise ConfigError(
            "--compile is for processors and the first order; do without it, or add "
            "--device cpu and leave out --second-order"
        )
    return compile_layer()


def _set_threads(n: int) -> None:
    if n < 0:
        raise ConfigError(f"--threads is {n}, not 0 or more")
    if n:
        torch.set_num_threads(n)


def _check_method(args: argparse.Namespace) -> None:
    """Find out what the method would do nothing with, or write to another place.

    Raises:
        UsageError: There is such an option.
    """
    for option in ("weight", "variant"):
        if args.method != "maml-dg" and getattr(args, option) is not None:
            raise UsageError(f"--{option} is for --method maml-dg, not {args.method}")
    if args.method == "maml-ts" and args.out.suffix == ".npz":
        raise UsageError(
            f"--out is {args.out}, but maml-ts writes a folder of checkpoints: name "
            f"one, for example {args.out.with_suffix('')}"
        )


def _check_resume(args: argparse.Namespace) -> None:
    if args.resume is None:
        return
    if args.method == "maml-ts":
        raise ResumeError(
            "--resume is one file, maml-ts has one per environment: leave it away, and "
            "training goes on from those in --out"
        )
    if not args.resume.is_file():
        raise ResumeError(f"--resume: there is no file {args.resume}")


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


def _digest(environments: list[Environment]) -> str:
    """Return a checksum of all that tasks are drawn from."""
    digest = hashlib.sha256()
    for environment in environments:
        for array in (
            environment.images,
            environment.heard,
            environment.point_of,
            environment.visit_of,
        ):
            digest.update(str((array.shape, array.dtype.str)).encode())
            digest.update(array.tobytes())
    return digest.hexdigest()


def _weight(args: argparse.Namespace) -> float:
    """Return w of Eq. (19)."""
    return _WEIGHT if args.weight is None else float(args.weight)


def _method(args: argparse.Namespace) -> str:
    """Return for example ``MAML-DG eq18, w = 1, first order``."""
    order = "second order" if args.second_order else "first order"
    title = _METHODS[args.method]
    if args.method == "maml-dg":
        title = f"{title} {args.variant or Variant.EQ18}, w = {_weight(args):g}"
    return f"{title}, {order}"


def _amounts(environments: list[Environment]) -> dict[str, Any]:
    """Return how much of what parameters were learnt from."""
    return {
        "environments": len(environments),
        "points": sum(len(e.points) for e in environments),
        "images": sum(len(e.images) for e in environments),
        "simulated": any(e.is_simulated for e in environments),
    }


def _provenance(
    args: argparse.Namespace,
    environments: list[Environment],
    meta: MetaConfig,
    task: TaskConfig,
) -> dict[str, Any]:
    """Return what somebody needs to know to judge the model, or to train it again."""
    return {
        "method": _method(args),
        "seed": args.seed,
        **_amounts(environments),
        "meta": asdict(meta),
        "task": asdict(task),
        "versions": {"metaloc": version(), "torch": torch.__version__},
    }
