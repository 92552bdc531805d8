"""Graphs in two runtimes, and problems for them of which the answer is known."""

from typing import NamedTuple

import numpy as np
import onnxruntime
import torch
from onnx.reference import ReferenceEvaluator

from edge_agent.learning.support import Support
from tests.trainer.builders import as_tensors, random_images, random_parameters
from trainer.network import forward, make_batch


def in_onnxruntime(model, feeds):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def in_reference(model, feeds):
    evaluator = ReferenceEvaluator(model)
    values = evaluator.run(None, feeds)
    return dict(zip(evaluator.output_names, values, strict=True))


class Problem(NamedTuple):
    """Parameters with a head, a support set and a step size."""

    architecture: object
    parameters: dict
    support: Support
    alpha: float

    def feeds(self, dtype=np.float32):
        """What an adaptation graph takes."""
        shots = self.support
        return {name: a.astype(dtype) for name, a in self.parameters.items()} | {
            "images": shots.images,
            "heard": shots.heard,
            "points": shots.points.astype(np.int64),
            "weights": shots.weights.astype(dtype),
            "alpha": np.array(self.alpha, dtype),
        }

    def answer(self):
        """What autograd makes of it in double precision, without the padding."""
        shots = self.support
        kept = shots.weights > 0
        theta = as_tensors(
            {name: a.astype(np.float64) for name, a in self.parameters.items()},
            requires_grad=True,
        )
        batch = make_batch(
            self.architecture,
            shots.images[kept],
            shots.heard[kept],
            shots.points[kept],
            shots.n_points,
            dtype=torch.float64,
        )
        moments = []
        logits = forward(theta, batch.inputs, collect=moments)
        each = torch.nn.functional.cross_entropy(logits, batch.points, reduction="none")
        loss = (each * torch.from_numpy(shots.weights[kept])).sum()
        slopes = torch.autograd.grad(loss, list(theta.values()))
        found = {"loss": loss.detach().numpy()}
        for (name, value), slope in zip(theta.items(), slopes, strict=True):
            found[f"new.{name}"] = (value - self.alpha * slope).detach().numpy()
        for i, (mean, variance) in enumerate(moments):
            found[f"norm{i}.mean"] = mean.detach().numpy()
            found[f"norm{i}.variance"] = variance.detach().numpy()
        return found


def problem(architecture, rng, *, n=6, n_points=3, n_padding=0, alpha=0.1):
    """Random shots in random order, some of them padding."""
    images, heard = random_images(architecture, rng, n + n_padding)
    points = rng.permutation(np.arange(n + n_padding) % n_points)
    weights = rng.uniform(0.1, 1, n + n_padding)
    weights[rng.permutation(n + n_padding)[:n_padding]] = 0
    parameters = random_parameters(architecture, rng, n_points=n_points)
    return Problem(
        architecture,
        parameters,
        Support(images, heard, points, n_points, weights),
        alpha,
    )


def assert_close(found, expected, tolerance):
    """Hold outputs by name together, relative to what is above 1."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].shape == value.shape, name
        np.testing.assert_allclose(
            found[name], value, rtol=tolerance, atol=tolerance, err_msg=name
        )
