"""How fast meta-training is: against the loop structure of the authors' code.

    python benchmarks/meta_iteration.py

A first-order meta-iteration at the paper's sizes: 4 tasks, 10-way, 3 + 5 images per
point of 50x50x3, 5 inner steps, 4 convolutions of 10 filters, 90 outputs, Adam; one
thread, single precision. Ours is what `trainer train` runs: `meta_train`'s learner and
outer step, tasks drawn and scaled included. The peer is the structure that the authors
use, on the same network and the same tasks: plain torch layers, and after every inner
step the query set too, for monitoring. Its query set normalises with its own
statistics, which spares it the pass over the support set that ours makes.

They take turns in one run; what is printed is the median of the ratios of neighbouring
turns, of CPU time. Meta-gradients are compared with ours in double precision on twenty
random problems, those with torch's own layers too: printed are the median of the
relative errors, how many are below 1e-4, and the largest. Not all are: where the last
bit of a sum decides whether a ReLU passes, the trajectories of the inner loop part.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.command_line import only_help  # noqa: E402
from edge_agent.csi.image import Channel, ImageSpec  # noqa: E402
from edge_agent.csi.subcarriers import FrameFormat, Phy  # noqa: E402
from edge_agent.environment import Environment  # noqa: E402
from edge_agent.learning.network import NORM_EPSILON, Architecture  # noqa: E402
from edge_agent.survey import Point  # noqa: E402
from trainer import operations  # noqa: E402
from trainer.errors import CompilerError  # noqa: E402
from trainer.layer_kernel import compile_layer  # noqa: E402
from trainer.meta.config import MetaConfig  # noqa: E402
from trainer.meta.inner_loop import Parameters, as_leaves  # noqa: E402
from trainer.meta.maml import Maml, maml_gradient  # noqa: E402
from trainer.meta.train import meta_train  # noqa: E402
from trainer.models.classification import ClassificationModel  # noqa: E402
from trainer.network import Batch, with_head  # noqa: E402
from trainer.operations import Layer, LayerOutput  # noqa: E402
from trainer.tasks import Task, TaskConfig, TaskSampler  # noqa: E402

SPEC = ImageSpec(n_packets=50, n_tones=50, n_channels=3)
CHANNELS = tuple(
    Channel(f"02:00:00:00:00:0{i}", 0, FrameFormat(64, Phy.LEGACY, 1, False), False)
    for i in range(3)
)
N_POINTS, N_VISITS, N_IMAGES = 90, 2, 8
ARCHITECTURE = Architecture(SPEC.shape, filters=(10, 10, 10, 10))
TASKS = TaskConfig(n_way=10, k_support=3, k_query=5, channel_dropout=0.0)
CONFIG = MetaConfig(n_iterations=3, tasks_per_iteration=4, alpha=0.001, n_steps=5)
PEER_ALPHA = 0.01
"""The paper's, of a mean over images. Ours is of a sum over ten points' means: these
are the same steps."""
ROUNDS = 15
PROBLEMS = 20


def survey(seed: int) -> Environment:
    """Return images of 90 points, each with its own smooth pattern, two visits."""
    rng = np.random.default_rng(seed)
    shape = (N_POINTS, *SPEC.shape)
    pattern = rng.normal(0, 12, shape).cumsum(axis=3)
    pattern -= pattern.mean(axis=(2, 3), keepdims=True)
    points = np.repeat(np.arange(N_POINTS), N_VISITS * N_IMAGES)
    visits = np.tile(np.repeat([f"{v}" for v in range(N_VISITS)], N_IMAGES), N_POINTS)
    noise = rng.normal(128, 15, (len(points), *SPEC.shape))
    images = np.clip(pattern[points] + noise, 0, 255).astype(np.uint8)
    return Environment(
        "benchmark",
        SPEC,
        CHANNELS,
        tuple(Point(f"p{i}", float(i % 15), float(i // 15)) for i in range(N_POINTS)),
        images,
        np.ones((len(points), SPEC.n_channels), np.bool_),
        points,
        visits,
        True,
    )


class SiteTasks:
    """Tasks with ten of ninety labels, for a head of 90 outputs."""

    def __init__(self, sampler: TaskSampler) -> None:
        self._sampler = sampler

    def draw(self, rng: np.random.Generator) -> Task:
        """Return a task with ten of the ninety labels."""
        task = self._sampler.draw(rng)
        chosen = torch.from_numpy(rng.permutation(N_POINTS)[: task.support.n_points])
        support, query = (
            replace(batch, points=chosen[batch.points], n_points=N_POINTS)
            for batch in (task.support, task.query)
        )
        return Task(support, query, task.locations)


# -- the authors' loop structure -------------------------------------------------------


def plain_logits(theta: Parameters, inputs: Tensor) -> Tensor:
    """Return the logits with torch's own layers."""
    x = inputs
    for i in range(4):
        weight, bias = theta[f"conv{i}.weight"], theta[f"conv{i}.bias"]
        x = F.relu(F.conv2d(x, weight, bias, padding=1), inplace=True)
        scale, shift = theta[f"norm{i}.scale"], theta[f"norm{i}.shift"]
        x = F.batch_norm(x, None, None, scale, shift, True, 0.1, NORM_EPSILON)
        if i < 3:
            x = F.max_pool2d(x, 2)
    return x.flatten(1) @ theta["head.weight"].T + theta["head.bias"]


def plain_loss(theta: Parameters, batch: Batch) -> Tensor:
    """Return the mean cross-entropy."""
    return F.cross_entropy(plain_logits(theta, batch.inputs), batch.points)


def peer_gradient(theta: Parameters, tasks: list[Task]) -> Parameters:
    """Return the meta-gradient; every inner step also evaluates the query set."""
    theta = as_leaves(theta)
    last: list[Tensor] = []
    for task in tasks:
        with torch.no_grad():
            plain_loss(theta, task.query)  # monitoring, before the first step
        adapted = theta
        for _ in range(CONFIG.n_steps):
            loss = plain_loss(adapted, task.support)
            gradient = torch.autograd.grad(loss, list(adapted.values()))
            adapted = {
                name: value - PEER_ALPHA * slope
                for (name, value), slope in zip(adapted.items(), gradient, strict=True)
            }
            of_query = plain_loss(adapted, task.query)  # monitoring, but for the last
        last.append(of_query)
    total = torch.stack(last).mean()
    return dict(
        zip(theta, torch.autograd.grad(total, list(theta.values())), strict=True)
    )


# -- measuring -------------------------------------------------------------------------


def peer(theta: Parameters, tasks: list[list[Task]]) -> None:
    """Run meta-iterations as the authors do, on tasks that have been drawn."""
    values = as_leaves(with_head(ARCHITECTURE, theta, N_POINTS))
    optimizer = torch.optim.Adam(list(values.values()), lr=CONFIG.beta)
    for drawn in tasks:
        for name, slope in peer_gradient(values, drawn).items():
            values[name].grad = slope
        optimizer.step()


def ours(model: ClassificationModel, theta: Parameters, tasks: SiteTasks) -> None:
    """Run three meta-iterations of the product."""
    meta_train(Maml(model, tasks, CONFIG), theta, CONFIG, np.random.default_rng(0))


def cost(run: Callable[[], None]) -> float:
    """Return CPU seconds of this thread."""
    started = time.thread_time()
    run()
    return time.thread_time() - started


def plain_layer(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    *,
    halve: bool,
    frozen: tuple[Tensor, Tensor] | None,
) -> LayerOutput:
    """Do what `operations.layer` does with torch's own operations."""
    y = F.relu(F.conv2d(x, weight, bias, padding=1))
    moments = frozen or (y.mean((0, 2, 3)), y.var((0, 2, 3), unbiased=False))
    return LayerOutput(F.max_pool2d(y, 2) if halve else y, *moments)


def double(batch: Batch) -> Batch:
    """Return a batch in double precision."""
    return replace(batch, inputs=batch.inputs.double())


def gradient_errors(layer: Layer, tasks: SiteTasks) -> list[float]:
    """Return the relative error of the meta-gradient on several problems."""
    errors = []
    exact = ClassificationModel(ARCHITECTURE)
    model = ClassificationModel(ARCHITECTURE, layer=layer)
    for seed in range(PROBLEMS):
        rng = np.random.default_rng(seed)
        theta = model.initial(torch.Generator().manual_seed(seed))
        drawn = [tasks.draw(rng) for _ in range(4)]
        settings = {"alpha": CONFIG.alpha, "n_steps": CONFIG.n_steps}
        _, found = maml_gradient(model, theta, drawn, **settings)
        _, truth = maml_gradient(
            exact,
            {name: value.double() for name, value in theta.items()},
            [
                replace(t, support=double(t.support), query=double(t.query))
                for t in drawn
            ],
            **settings,
        )
        squares = [(found[n].double() - truth[n]).square().sum() for n in truth]
        length = sum(value.square().sum() for value in truth.values())
        errors.append(float((sum(squares) / length) ** 0.5))
    return errors


def main() -> None:
    """Measure plain and compiled."""
    only_help(__doc__)
    torch.set_num_threads(1)
    kernels: dict[str, Layer] = {"plain torch": operations.layer}
    try:
        kernels["compiled"] = compile_layer()
    except CompilerError as error:
        print(f"compiled: {error}")
    sampler = TaskSampler([survey(0)], ARCHITECTURE, TASKS)
    tasks = SiteTasks(sampler)
    theta = ClassificationModel(ARCHITECTURE).initial(torch.Generator().manual_seed(0))
    rng = np.random.default_rng(0)
    drawing = np.median(
        [cost(lambda: [tasks.draw(rng) for _ in range(4)]) for _ in range(ROUNDS)]
    )
    drawn = [[tasks.draw(rng) for _ in range(4)] for _ in range(CONFIG.n_iterations)]
    for name, layer in kernels.items():
        model = ClassificationModel(ARCHITECTURE, layer=layer)
        ours(model, theta, tasks)
        peer(theta, drawn)
        turns = [lambda: peer(theta, drawn), partial(ours, model, theta, tasks)]
        times = np.array([[cost(turn) for turn in turns] for _ in range(ROUNDS)])
        ratio = np.median(times[:, 0] / times[:, 1])
        each_ms = np.median(times[:, 1]) / CONFIG.n_iterations * 1e3
        errors = gradient_errors(layer, tasks)
        print(f"{name}: {each_ms:.0f} ms per meta-iteration")
        print(f"  authors' loop structure / ours = {ratio:.2f}")
        print(f"  drawing and scaling tasks = {drawing * 1e5 / each_ms:.1f} % of it")
        print(
            f"  gradient against float64: median {np.median(errors):.0e}, "
            f"{sum(e < 1e-4 for e in errors)} of {len(errors)} below 1e-4, "
            f"worst {max(errors):.0e}"
        )
    errors = gradient_errors(plain_layer, tasks)
    print(
        f"torch's own layers against float64: median {np.median(errors):.0e}, "
        f"{sum(e < 1e-4 for e in errors)} of {len(errors)} below 1e-4, "
        f"worst {max(errors):.0e}"
    )


if __name__ == "__main__":
    main()
