"""The network in torch against the device's in NumPy, and against hand-made sums."""

import math

import numpy as np
import pytest
import torch

from edge_agent.learning import adaptation, network
from edge_agent.learning.layer_step import LayerStep
from edge_agent.learning.network import Architecture, scale_input
from edge_agent.learning.support import Support
from tests.trainer.builders import (
    PAPER_NETWORK,
    SMALL_NETWORK,
    as_tensors,
    random_batch,
    random_images,
    random_parameters,
)
from trainer.meta import inner_loop
from trainer.network import (
    Batch,
    cross_entropy,
    forward,
    initial_parameters,
    make_batch,
    query_loss,
    support_loss,
    with_head,
)

EXACT = 1e-10
"""Double precision; the order of summation differs."""

# 13x11 pixels become 6x5 and 3x2: an edge drops each time.
ODD_NETWORK = Architecture((3, 13, 11), filters=(4, 3, 5), pixel_mean=0.3)
NETWORKS = pytest.mark.parametrize(
    "architecture",
    [SMALL_NETWORK, ODD_NETWORK, PAPER_NETWORK],
    ids=["small", "odd", "paper"],
)
N_POINTS = 3
POINTS = np.arange(7) % N_POINTS


class Shots:
    """Random labelled images for both implementations, some channels masked."""

    def __init__(self, architecture, rng, dtype=np.float64):
        self.images, self.heard = random_images(architecture, rng, len(POINTS))
        self.inputs = scale_input(architecture, self.images, self.heard, dtype)
        torch_dtype = torch.float64 if dtype is np.float64 else torch.float32
        self.batch = make_batch(
            architecture, self.images, self.heard, POINTS, N_POINTS, dtype=torch_dtype
        )


def gradient_of(loss, theta):
    values = torch.autograd.grad(loss, list(theta.values()))
    return dict(zip(theta, values, strict=True))


def on_device(architecture, theta, shots, *, alpha, n_steps):
    support = Support.of(shots.images, shots.heard, POINTS, N_POINTS)
    return adaptation.adapt(
        theta,
        LayerStep(architecture, support),
        support,
        architecture=architecture,
        alpha=alpha,
        n_steps=n_steps,
    )


def device_gradient(architecture, theta, shots):
    """θ_1 on the device, and ∇L there: what a second step takes away.

    Not at θ_0: while all rows of the head are alike, nothing before it has a gradient.
    """
    alpha = 0.02
    once, twice = (
        on_device(architecture, theta, shots, alpha=alpha, n_steps=n).parameters
        for n in (1, 2)
    )
    return once, {name: (once[name] - twice[name]) / alpha for name in once}


def leaves(architecture, theta):
    """θ with a head, to be differentiated."""
    return inner_loop.as_leaves(with_head(architecture, as_tensors(theta), N_POINTS))


# -- the same network as on the device -------------------------------------------------


@NETWORKS
def test_logits_are_those_of_the_device(architecture, rng):
    theta = random_parameters(architecture, rng, n_points=N_POINTS)
    shots = Shots(architecture, rng)

    logits = forward(as_tensors(theta), shots.batch.inputs)

    expected = network.forward(theta, shots.inputs).logits
    np.testing.assert_allclose(logits.numpy(), expected, rtol=0, atol=EXACT)


@NETWORKS
def test_logits_with_frozen_statistics_are_those_of_the_device(architecture, rng):
    theta = random_parameters(architecture, rng, n_points=N_POINTS)
    support, query = Shots(architecture, rng), Shots(architecture, rng)
    frozen = []

    forward(as_tensors(theta), support.batch.inputs, collect=frozen)
    logits = forward(as_tensors(theta), query.batch.inputs, frozen)

    layers = network.forward(theta, support.inputs).layers
    statistics = [layer.statistics for layer in layers]
    for ours, theirs in zip(frozen, statistics, strict=True):
        np.testing.assert_allclose(ours[0].numpy(), theirs.mean, rtol=0, atol=EXACT)
        np.testing.assert_allclose(ours[1].numpy(), theirs.variance, rtol=0, atol=EXACT)
    expected = network.forward(theta, query.inputs, statistics).logits
    np.testing.assert_allclose(logits.numpy(), expected, rtol=0, atol=EXACT)


def assert_same_gradient(architecture, theta, shots):
    """torch's gradient at the device's θ_1 is the device's, and no part of it is zero.

    Elements to 1e-10 of the parameter's largest.
    """
    once, expected = device_gradient(architecture, theta, shots)
    start = inner_loop.as_leaves(as_tensors(once))

    gradient = gradient_of(support_loss(start, shots.batch), start)

    assert gradient.keys() == expected.keys()
    for name, value in expected.items():
        largest = np.abs(value).max()
        assert largest > 1e-6, name
        np.testing.assert_allclose(
            gradient[name].numpy(),
            value,
            rtol=0,
            atol=EXACT * max(1, largest),
            err_msg=name,
        )


@NETWORKS
def test_gradient_is_that_of_the_device(architecture, rng):
    theta, shots = random_parameters(architecture, rng), Shots(architecture, rng)

    assert_same_gradient(architecture, theta, shots)


def test_gradient_is_that_of_the_device_where_all_pixels_tie(rng):
    """Constant images: both pass the gradient of a 2x2 cell to its first pixel."""
    theta, shots = random_parameters(ODD_NETWORK, rng), Shots(ODD_NETWORK, rng)
    theta["conv0.bias"] += 1  # survives the ReLU
    shots.images[:4] = 200
    shots.heard[:2] = False
    shots.inputs = scale_input(ODD_NETWORK, shots.images, shots.heard, np.float64)
    shots.batch = make_batch(
        ODD_NETWORK,
        shots.images,
        shots.heard,
        POINTS,
        N_POINTS,
        dtype=torch.float64,
    )

    assert_same_gradient(ODD_NETWORK, theta, shots)


def test_first_step_moves_the_weights_of_the_head_alone(rng):
    """Its rows are alike, so that no feature speaks for one point against another."""
    theta = random_parameters(SMALL_NETWORK, rng)
    shots = Shots(SMALL_NETWORK, rng)
    start = leaves(SMALL_NETWORK, theta)

    gradient = gradient_of(support_loss(start, shots.batch), start)

    for name, value in gradient.items():
        largest = value.abs().max().item()
        assert largest > 0.1 if name == "head.weight" else largest < EXACT


@NETWORKS
def test_ten_steps_in_single_precision_end_at_the_same_losses(architecture, rng):
    """Losses and predictions, not parameters.

    The last bit of a sum decides whether a ReLU passes, or which of two nearly equal
    pixels a maximum takes its gradient to; from then on the two trajectories part, each
    as good as the other.
    """
    theta = random_parameters(architecture, rng, dtype=np.float32)
    shots = Shots(architecture, rng, np.float32)

    parameters, losses = leaves(architecture, theta), []
    for _ in range(10):
        losses.append(support_loss(parameters, shots.batch).item() / N_POINTS)
        parameters = inner_loop.inner_step(support_loss, parameters, shots.batch, 0.02)
    losses.append(support_loss(parameters, shots.batch).item() / N_POINTS)
    adapted = on_device(architecture, theta, shots, alpha=0.02, n_steps=10)

    assert losses[0] == pytest.approx(math.log(N_POINTS), rel=1e-5)
    assert losses[-1] < 0.8 * losses[0]
    assert adapted.losses == pytest.approx(losses, rel=0.03)
    ours = forward(parameters, shots.batch.inputs).detach().numpy()
    theirs = network.forward(adapted.parameters, shots.inputs).logits
    np.testing.assert_array_equal(ours.argmax(axis=1), theirs.argmax(axis=1))


# -- batches ---------------------------------------------------------------------------


def test_a_batch_holds_pixels_scaled_and_masked():
    images = np.zeros((1, *SMALL_NETWORK.image_shape), np.uint8)
    images[0, 0], images[0, 1], images[0, 0, 2, 5] = 255, 51, 102

    batch = make_batch(
        SMALL_NETWORK,
        images,
        np.array([[True, False]]),
        np.array([4]),
        6,
        dtype=torch.float64,
    )

    # (pixel / 255 - 0.4) / 0.2
    assert batch.inputs.shape == (1, 2, 7, 9)
    assert batch.inputs[0, 0, 2, 5].item() == pytest.approx(0.0, abs=1e-15)
    assert batch.inputs[0, 0, 0, 0].item() == pytest.approx(3.0)
    assert batch.inputs[0, 1].abs().max().item() == 0
    assert batch.points.tolist() == [4]
    assert batch.points.dtype is torch.int64
    assert batch.n_points == 6


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_batch_is_scaled_as_on_the_device_to_the_last_bit(rng, dtype):
    images, heard = random_images(ODD_NETWORK, rng, 7)

    batch = make_batch(ODD_NETWORK, images, heard, POINTS, N_POINTS, dtype=dtype)

    precision = np.float64 if dtype is torch.float64 else np.float32
    expected = scale_input(ODD_NETWORK, images, heard, precision)
    assert np.array_equal(batch.inputs.numpy(), expected)


def test_a_batch_of_other_images_is_refused(rng):
    images, heard = random_images(ODD_NETWORK, rng, 7)

    for some, mask in ((images, heard[:, :1]), (images[:, :1], heard)):
        with pytest.raises(ValueError, match=r"expected \(n, \*\(3, 13, 11\)\)"):
            make_batch(ODD_NETWORK, some, mask, POINTS, N_POINTS)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_batch_has_the_precision_that_was_asked_for(rng, dtype):
    batch = random_batch(SMALL_NETWORK, rng, [0, 1], n_points=2, dtype=dtype)

    assert batch.inputs.dtype is dtype


# -- parameters ------------------------------------------------------------------------


def test_initial_parameters_fit_the_architecture():
    theta = initial_parameters(PAPER_NETWORK, torch.Generator().manual_seed(0))

    network.check_parameters(
        PAPER_NETWORK, {name: value.numpy() for name, value in theta.items()}
    )
    assert {value.dtype for value in theta.values()} == {torch.float32}


def test_initial_weights_keep_the_variance():
    """He: variance 2 / fan-in; the estimate from n weights is good to sqrt(2 / n)."""
    theta = initial_parameters(PAPER_NETWORK, torch.Generator().manual_seed(0))

    for layer, fan_in in enumerate([3 * 9, 10 * 9, 16 * 9, 24 * 9, 32 * 9]):
        weight = theta[f"conv{layer}.weight"]
        accuracy = 4 * (2 / weight.numel()) ** 0.5
        assert weight.var().item() == pytest.approx(2 / fan_in, rel=accuracy)
        assert torch.equal(theta[f"norm{layer}.scale"], torch.ones(len(weight)))
        for name in (f"conv{layer}.bias", f"norm{layer}.shift"):
            assert torch.equal(theta[name], torch.zeros(len(weight)))


def test_initial_parameters_depend_on_the_generator_alone():
    first, again, other = (
        initial_parameters(SMALL_NETWORK, torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    )

    for name, value in first.items():
        assert torch.equal(value, again[name])
    assert not torch.equal(first["conv0.weight"], other["conv0.weight"])


def test_a_task_starts_where_the_device_starts(rng):
    theta = random_parameters(SMALL_NETWORK, rng)

    start = with_head(SMALL_NETWORK, as_tensors(theta), 4)

    expected = adaptation.with_head(SMALL_NETWORK, theta, 4)
    assert start.keys() == expected.keys()
    for name, value in expected.items():
        assert start[name].dtype is torch.float64
        np.testing.assert_array_equal(start[name].numpy(), value)


# -- losses ----------------------------------------------------------------------------


def test_cross_entropy_adds_points_and_averages_their_images():
    logits = torch.tensor([[0.0, 0.0], [math.log(3), 0.0], [0.0, math.log(3)]])
    batch = Batch(torch.empty(3, 0), torch.tensor([0, 0, 1]), 2)

    loss = cross_entropy(logits, batch)

    # Point 0: -ln 1/2 and -ln 3/4. Point 1: -ln 3/4.
    expected = (math.log(2) + math.log(4 / 3)) / 2 + math.log(4 / 3)
    assert loss.item() == pytest.approx(expected)


def test_cross_entropy_counts_points_without_images_as_nothing():
    logits = torch.tensor([[0.0, 0.0, 0.0]])

    loss = cross_entropy(logits, Batch(torch.empty(1, 0), torch.tensor([1]), 3))

    assert loss.item() == pytest.approx(math.log(3))


def test_query_loss_of_an_image_does_not_depend_on_those_beside_it(rng):
    theta = as_tensors(random_parameters(SMALL_NETWORK, rng, n_points=2))
    support = random_batch(SMALL_NETWORK, rng, [0, 1], n_points=2)
    query = random_batch(SMALL_NETWORK, rng, [0, 1], n_points=2)

    together = query_loss(theta, support, query)
    alone = [
        query_loss(
            theta, support, Batch(query.inputs[i : i + 1], query.points[i : i + 1], 2)
        )
        for i in range(2)
    ]

    assert together.item() == pytest.approx(sum(alone).item(), rel=1e-12)


def test_query_loss_depends_on_the_support_set(rng):
    theta = as_tensors(random_parameters(SMALL_NETWORK, rng, n_points=2))
    query = random_batch(SMALL_NETWORK, rng, [0, 1], n_points=2)
    others = [random_batch(SMALL_NETWORK, rng, [0, 1], n_points=2) for _ in range(2)]

    losses = [query_loss(theta, support, query).item() for support in others]

    assert abs(losses[0] - losses[1]) > 1e-3


def test_query_loss_on_the_support_set_is_the_support_loss(rng):
    theta = as_tensors(random_parameters(SMALL_NETWORK, rng, n_points=2))
    support = random_batch(SMALL_NETWORK, rng, [0, 1, 1], n_points=2)

    loss = query_loss(theta, support, support)

    assert loss.item() == pytest.approx(support_loss(theta, support).item(), rel=1e-12)
