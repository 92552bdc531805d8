"""The gradient step, in NumPy and in C, against torch and finite differences."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from edge_agent.learning.adaptation import adapt, with_head
from edge_agent.learning.layer_step import LayerStep, backward
from edge_agent.learning.network import NORM_EPSILON, Architecture, forward, scale_input
from edge_agent.learning.support import Support
from tests.edge_agent.layers import each_layer
from tests.edge_agent.sites import random_parameters

TINY = Architecture((2, 6, 7), filters=(2, 3, 2), pixel_mean=0.4, pixel_std=0.2)
PAPER = Architecture((3, 26, 25))
POINTS = np.array([0, 1, 0, 2, 0])
"""Of five shots; not equally many per point."""

N_POINTS = 3
EXACT = 1e-10
STEP = 1e-5
"""Of central differences in double precision: truncation and rounding are both near
1e-10 of the loss, so 1e-6 of a gradient of ordinary size."""


@pytest.fixture(autouse=True)
def one_torch_thread():
    torch.set_num_threads(1)


def make_support(rng, architecture=TINY, points=POINTS, n_points=N_POINTS):
    images = rng.integers(0, 256, (len(points), *architecture.image_shape), np.uint8)
    heard = rng.random((len(points), architecture.image_shape[0])) < 0.8
    return Support.of(images, heard, points, n_points)


def loss_in_torch(architecture, theta, support):
    """L(θ; D^s) of torch's own layers, shots of weight 0 left out."""
    counted = support.weights > 0
    dtype = theta["head.bias"].numpy(force=True).dtype
    inputs = scale_input(
        architecture, support.images[counted], support.heard[counted], dtype
    )
    x = torch.from_numpy(inputs)
    last = len(architecture.filters) - 1
    for number in range(last + 1):
        weight, bias = theta[f"conv{number}.weight"], theta[f"conv{number}.bias"]
        scale, shift = theta[f"norm{number}.scale"], theta[f"norm{number}.shift"]
        x = F.relu(F.conv2d(x, weight, bias, padding=1))
        x = F.batch_norm(x, None, None, scale, shift, training=True, eps=NORM_EPSILON)
        if number < last:
            x = F.max_pool2d(x, 2)
    logits = x.flatten(1) @ theta["head.weight"].T + theta["head.bias"]
    points = torch.from_numpy(support.points[counted].astype(np.int64))
    losses = F.cross_entropy(logits, points, reduction="none")
    return (losses * torch.from_numpy(support.weights[counted].astype(dtype))).sum()


def in_torch(architecture, theta, support, alpha):
    """Loss, and parameters after a step."""
    leaves = {n: torch.from_numpy(a).requires_grad_() for n, a in theta.items()}
    loss = loss_in_torch(architecture, leaves, support)
    slopes = torch.autograd.grad(loss, list(leaves.values()))
    after = {
        name: (leaf - alpha * slope).numpy(force=True)
        for (name, leaf), slope in zip(leaves.items(), slopes, strict=True)
    }
    return loss.item(), after


def assert_same_step(architecture, theta, support, layer, *, tolerance):
    """Loss and gradient, which is what a step of size 1 takes away."""
    stepped = LayerStep(architecture, support, layer)(theta, 1.0)

    loss, after = in_torch(architecture, theta, support, 1.0)
    assert stepped.loss == pytest.approx(loss, rel=tolerance)
    assert stepped.after.keys() == after.keys()
    for name, expected in after.items():
        assert stepped.after[name].dtype == expected.dtype
        largest = max(1.0, np.abs(expected - theta[name]).max())
        np.testing.assert_allclose(
            stepped.after[name],
            expected,
            rtol=0,
            atol=tolerance * largest,
            err_msg=name,
        )


# -- against torch ---------------------------------------------------------------------


@pytest.mark.parametrize("architecture", [TINY, PAPER], ids=["tiny", "paper"])
@each_layer
def test_the_gradient_is_that_of_torch_to_ten_digits(layer, architecture, rng):
    theta = random_parameters(rng, architecture, n_points=N_POINTS, dtype=np.float64)
    support = make_support(rng, architecture)

    assert_same_step(architecture, theta, support, layer, tolerance=EXACT)


@each_layer
def test_scales_that_are_not_positive_make_no_difference(layer, rng):
    """The maximum then comes after the normalisation, which falls."""
    theta = random_parameters(rng, TINY, n_points=N_POINTS, dtype=np.float64)
    theta["norm0.scale"][0] *= -1
    theta["norm1.scale"][[0, 2]] = [-0.7, 0.0]
    theta["norm2.scale"][1] *= -1

    assert_same_step(TINY, theta, make_support(rng), layer, tolerance=EXACT)


@each_layer
def test_a_step_in_single_precision_is_that_of_torch(layer):
    """On a seed where no maximum is so near a tie that rounding decides it."""
    rng = np.random.default_rng(8)
    theta = random_parameters(rng, PAPER, n_points=N_POINTS)
    support = make_support(rng, PAPER)

    assert_same_step(PAPER, theta, support, layer, tolerance=1e-5)


@each_layer
def test_ten_steps_in_single_precision_end_like_those_of_torch(layer, rng):
    """Losses and predictions, not parameters: ties and ReLUs flip, and paths part."""
    architecture, n_points = replace(PAPER, filters=(10, 20, 20, 32)), 5
    points = np.arange(15) % n_points
    patterns = rng.integers(60, 190, (n_points, *architecture.image_shape))
    noise = rng.normal(0, 30, (15, *architecture.image_shape))
    images = np.clip(patterns[points] + noise, 0, 255).astype(np.uint8)
    support = Support.of(images, np.ones((15, 3), np.bool_), points, n_points)
    start = random_parameters(rng, architecture)

    adapted = adapt(
        start,
        LayerStep(architecture, support, layer),
        support,
        architecture=architecture,
        alpha=0.02,
        n_steps=10,
    )

    theta, losses = with_head(architecture, start, n_points), []
    for _ in range(11):
        loss, after = in_torch(architecture, theta, support, 0.02)
        losses.append(loss / n_points)
        last, theta = theta, after
    assert losses[-1] < 0.5 * losses[0]
    assert adapted.losses == pytest.approx(losses, rel=0.03)
    inputs = scale_input(architecture, support.images, support.heard)
    ours, theirs = (
        forward(parameters, inputs).logits.argmax(axis=1)
        for parameters in (adapted.parameters, last)
    )
    np.testing.assert_array_equal(ours, theirs)


@each_layer
def test_a_loss_that_is_not_a_number_is_told(layer, rng):
    theta = random_parameters(rng, TINY, n_points=N_POINTS)
    theta["conv1.weight"][0, 0, 1, 1] = np.nan

    stepped = LayerStep(TINY, make_support(rng), layer)(theta, 0.1)

    assert math.isnan(stepped.loss)
    assert np.isnan(stepped.after["conv0.weight"]).all()


# -- against finite differences --------------------------------------------------------


@each_layer
def test_the_gradient_is_right_for_any_parameters_and_any_loss(layer, rng):
    theta = random_parameters(rng, TINY, n_points=N_POINTS, dtype=np.float64)
    support = make_support(rng)
    weights = rng.normal(size=(len(POINTS), N_POINTS))
    inputs = scale_input(TINY, support.images, support.heard, np.float64)

    trace = forward(theta, inputs, layer=layer)
    computed = backward(theta, trace, weights, layer=layer)

    def loss(moved):
        return float((weights * forward(moved, inputs, layer=layer).logits).sum())

    largest = max(np.abs(array).max() for array in computed.values())
    assert computed.keys() == theta.keys()
    for name, array in theta.items():
        for index in np.ndindex(array.shape):
            ends = []
            for step in (STEP, -STEP):
                moved = array.copy()
                moved[index] += step
                ends.append(loss(theta | {name: moved}))
            assert computed[name][index] == pytest.approx(
                (ends[0] - ends[1]) / (2 * STEP), rel=1e-6, abs=1e-6 * largest
            )


@pytest.mark.parametrize(
    ("winner", "is_chosen"),
    [((0, 0), True), ((0, 1), False), ((1, 0), False), ((1, 1), False)],
)
@each_layer
def test_of_equal_pixels_the_first_gets_the_gradient(layer, rng, winner, is_chosen):
    architecture = Architecture((1, 4, 4), filters=(1, 1))
    theta = random_parameters(rng, architecture, n_points=2, dtype=np.float64)
    theta["conv0.weight"] = np.zeros((1, 1, 3, 3))
    theta["conv0.weight"][..., 1, 1] = 1.0  # the pixel itself, so cells stay tied
    theta["norm0.scale"] = np.ones(1)
    cells = rng.uniform(1, 2, (3, 1, 2, 2))
    tied = np.kron(cells, np.ones((2, 2)))  # (3, 1, 4, 4)
    broken = tied.copy()
    broken[..., winner[0] :: 2, winner[1] :: 2] += 1e-12
    weights = rng.normal(size=(3, 2))

    gradients = [
        backward(theta, forward(theta, inputs, layer=layer), weights, layer=layer)
        for inputs in (tied, broken)
    ]

    first, second = (gradient["conv0.weight"] for gradient in gradients)
    assert np.allclose(first, second, rtol=1e-6, atol=1e-9) == is_chosen


# -- padding and weights ---------------------------------------------------------------


@each_layer
def test_a_shot_of_weight_zero_is_not_there(layer, rng):
    theta = random_parameters(rng, TINY, n_points=N_POINTS, dtype=np.float64)
    support = make_support(rng)
    padding = rng.integers(0, 256, (2, *TINY.image_shape), np.uint8)
    padded = Support(
        np.concatenate([padding, support.images]),
        np.concatenate([np.ones((2, 2), np.bool_), support.heard]),
        np.concatenate([[0, 2], support.points]),
        N_POINTS,
        np.concatenate([[0.0, 0.0], support.weights]),
    )

    plain = LayerStep(TINY, support, layer)(theta, 0.1)
    other = LayerStep(TINY, padded, layer)(theta, 0.1)

    assert other.loss == plain.loss
    for one, two in zip(plain.statistics, other.statistics, strict=True):
        np.testing.assert_array_equal(one, two)
    for name, array in plain.after.items():
        np.testing.assert_array_equal(other.after[name], array)


def test_a_shot_counts_as_much_as_it_weighs(rng):
    theta = random_parameters(rng, TINY, n_points=N_POINTS, dtype=np.float64)
    support = make_support(rng)
    weights = rng.uniform(0.1, 2, len(POINTS))
    weighed = replace(support, weights=weights)

    loss = LayerStep(TINY, weighed)(theta, 0.0).loss

    inputs = scale_input(TINY, support.images, support.heard, np.float64)
    expected = 0.0
    logits = forward(theta, inputs).logits
    for row, point, weight in zip(logits, POINTS, weights, strict=True):
        likelihood = math.exp(row[point]) / sum(math.exp(value) for value in row)
        expected -= weight * math.log(likelihood)
    assert loss == pytest.approx(expected, rel=1e-12)
    assert_same_step(TINY, theta, weighed, None, tolerance=EXACT)


# -- what it returns -------------------------------------------------------------------


@each_layer
def test_statistics_are_those_of_the_shots_under_the_parameters_given(layer, rng):
    theta = random_parameters(rng, TINY, n_points=N_POINTS, dtype=np.float64)
    support = make_support(rng)

    stepped = LayerStep(TINY, support, layer)(theta, 0.1)

    inputs = scale_input(TINY, support.images, support.heard, np.float64)
    trace = forward(theta, inputs, layer=layer)
    assert len(stepped.statistics) == 3
    for found, traced in zip(stepped.statistics, trace.layers, strict=True):
        np.testing.assert_array_equal(found, traced.statistics)


def test_a_step_of_size_zero_goes_nowhere(rng):
    theta = random_parameters(rng, TINY, n_points=N_POINTS)

    stepped = LayerStep(TINY, make_support(rng))(theta, 0.0)

    assert math.isfinite(stepped.loss)
    for name, array in theta.items():
        assert stepped.after[name] is array  # nothing was computed


def test_what_the_way_back_has_used_makes_room(rng):
    theta = random_parameters(rng, TINY, n_points=N_POINTS)
    support = make_support(rng)
    trace = forward(theta, scale_input(TINY, support.images, support.heard))
    assert len(trace.layers) == 3

    backward(theta, trace, np.ones((len(POINTS), N_POINTS), np.float32))

    assert trace.layers == []


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@each_layer
def test_the_precision_is_that_of_the_parameters_and_they_stay(layer, dtype, rng):
    theta = random_parameters(rng, TINY, n_points=N_POINTS, dtype=dtype)
    before = {name: array.copy() for name, array in theta.items()}

    stepped = LayerStep(TINY, make_support(rng), layer)(theta, 0.1)

    assert {array.dtype for array in stepped.after.values()} == {np.dtype(dtype)}
    assert {s.mean.dtype for s in stepped.statistics} == {np.dtype(dtype)}
    for name, array in before.items():
        np.testing.assert_array_equal(theta[name], array)


@each_layer
def test_the_same_step_has_the_same_bytes(layer, rng):
    theta = random_parameters(rng, TINY, n_points=N_POINTS)
    support = make_support(rng)

    one, two = (LayerStep(TINY, support, layer)(theta, 0.1) for _ in range(2))

    assert one.loss == two.loss
    for name, array in one.after.items():
        assert array.tobytes() == two.after[name].tobytes()


def test_shots_of_another_shape_are_refused(rng):
    with pytest.raises(ValueError, match=r"expected \(n, \*\(2, 6, 7\)\)"):
        LayerStep(TINY, make_support(rng, replace(TINY, image_shape=(2, 6, 8))))
