"""How close the decisions of a network on a task are: of ReLUs and of maxima."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812  (torch's own name for it)
from torch import Tensor

from edge_agent.bundles.golden_file import Task
from edge_agent.learning.network import Architecture
from edge_agent.learning.network import Parameters as Arrays
from export.golden_autograd import TorchTask
from trainer import operations
from trainer.network import forward
from trainer.operations import LayerOutput


def clearance_of(architecture: Architecture, parameters: Arrays, task: Task) -> float:
    """Return how far the closest decision is from one that rounding could turn.

    Returns:
        The least distance of an activation from zero, or of a 2x2 maximum from the
        second largest, as a multiple of the largest error of its filter in single
        precision.
    """
    double, single = (
        _layers(TorchTask(architecture, parameters, task, dtype))
        for dtype in (torch.float64, torch.float32)
    )
    ratios = []
    for exact, rounded in zip(double, single, strict=True):
        error = (exact.before_relu - rounded.before_relu).abs().amax((0, 2, 3))
        ratios.append((exact.distance() / error.clamp_min(1e-30)).min())
    return float(torch.stack(ratios).min())


@dataclass(frozen=True, slots=True, eq=False)
class _LayerDecisions:
    before_relu: Tensor
    """In double precision, shape (n, n_filters, height, width)."""

    is_last: bool
    rises: bool
    """Whether the maximum is of the ReLU; otherwise its sign is each filter's own."""

    def distance(self) -> Tensor:
        """Return the closest decision of each filter, (n_filters,).

        What is zero exactly, or not positive in a maximum, decides nothing: such pixels
        have no gradient.
        """
        x = self.before_relu
        closest = _smallest(x.abs(), where=x != 0)
        if self.is_last:
            return closest
        height, width = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
        cells = x[:, :, :height, :width].relu().unfold(2, 2, 2).unfold(3, 2, 2)
        ordered = cells.flatten(4).sort(-1).values
        largest, second = ordered[..., 3], ordered[..., 2]
        closest = closest.minimum(_smallest(largest - second, where=largest > 0))
        if not self.rises:
            smallest, next_one = ordered[..., 0], ordered[..., 1]
            gap = _smallest(next_one - smallest, where=smallest > 0)
            closest = closest.minimum(gap)
        return closest


def _smallest(x: Tensor, *, where: Tensor) -> Tensor:
    return torch.where(where, x, float("inf")).amin((0, 2, 3))


def _layers(network: TorchTask) -> list[_LayerDecisions]:
    """Run the network on its shots and return what each layer decides on."""
    n_layers = len(network.architecture.filters)
    layers: list[_LayerDecisions] = []

    def watched(
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        *,
        halve: bool,
        frozen: tuple[Tensor, Tensor] | None,
    ) -> LayerOutput:
        before_relu = F.conv2d(x, weight, bias, padding=1).double()
        is_last = len(layers) == n_layers - 1
        layers.append(_LayerDecisions(before_relu, is_last, halve))
        return operations.layer(x, weight, bias, halve=halve, frozen=frozen)

    with torch.no_grad():
        forward(network.start(), network.shots().inputs, layer=watched)
    return layers
