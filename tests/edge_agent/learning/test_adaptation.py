"""The inner loop, against finite differences of the loss it descends."""

import math
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from edge_agent.learning.adaptation import Stepped, adapt, adaptation_bytes, with_head
from edge_agent.learning.layer_step import LayerStep
from edge_agent.learning.network import Architecture, forward, scale_input
from edge_agent.learning.support import Support
from tests.edge_agent.sites import random_parameters

TINY = Architecture((2, 6, 7), filters=(2, 3, 2), pixel_mean=0.4, pixel_std=0.2)
N_POINTS = 3
POINTS = np.array([0, 1, 0, 2, 0])
"""Of five shots; not equally many per point."""

STEP = 1e-5
"""Of central differences in double precision: truncation and rounding are both near
1e-10 of the loss, so 1e-6 of a gradient of ordinary size."""


@pytest.fixture
def parameters(rng):
    return random_parameters(rng, TINY, dtype=np.float64)


@pytest.fixture
def shots(rng):
    images = rng.integers(0, 256, (len(POINTS), *TINY.image_shape), np.uint8)
    heard = np.ones((len(POINTS), 2), np.bool_)
    heard[3, 1] = False
    return images, heard


def run(parameters, shots, *, points=POINTS, alpha=0.1, n_steps=1, **options):
    support = Support.of(*shots, points, N_POINTS)
    return adapt(
        parameters,
        LayerStep(TINY, support),
        support,
        architecture=TINY,
        alpha=alpha,
        n_steps=n_steps,
        **options,
    )


def loss_of(theta, shots):
    """Σ over points of the mean cross-entropy of its shots, shot by shot."""
    inputs = scale_input(TINY, *shots, np.float64)
    total = 0.0
    for row, point in zip(forward(theta, inputs).logits, POINTS, strict=True):
        likelihood = math.exp(row[point]) / sum(math.exp(value) for value in row)
        total -= math.log(likelihood) / np.count_nonzero(point == POINTS)
    return total


def central_differences(loss, theta):
    """∇ loss, one parameter at a time."""
    gradient = {}
    for name, array in theta.items():
        gradient[name] = np.empty_like(array)
        for index in np.ndindex(array.shape):
            sides = []
            for step in (STEP, -STEP):
                moved = array.copy()
                moved[index] += step
                sides.append(loss(theta | {name: moved}))
            gradient[name][index] = (sides[0] - sides[1]) / (2 * STEP)
    return gradient


def assert_gradients_agree(computed, expected):
    largest = max(np.abs(array).max() for array in expected.values())
    assert computed.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(
            computed[name], array, rtol=1e-6, atol=1e-6 * largest, err_msg=name
        )


def test_a_step_descends_the_gradient_of_the_loss(parameters, shots):
    alpha = 0.1
    start = with_head(TINY, parameters, N_POINTS)

    first = run(parameters, shots, alpha=alpha, n_steps=1).parameters
    second = run(parameters, shots, alpha=alpha, n_steps=2).parameters

    for before, after in ((start, first), (first, second)):
        taken = {name: (before[name] - after[name]) / alpha for name in before}
        expected = central_differences(lambda theta: loss_of(theta, shots), before)
        assert_gradients_agree(taken, expected)


def test_the_head_starts_at_zero_and_the_body_as_it_is(parameters):
    start = with_head(TINY, parameters, 3)

    assert start.keys() - parameters.keys() == {"head.weight", "head.bias"}
    np.testing.assert_array_equal(start["head.weight"], np.zeros((3, TINY.n_features)))
    np.testing.assert_array_equal(start["head.bias"], np.zeros(3))
    assert start["head.weight"].dtype == start["head.bias"].dtype == np.float64
    for name, value in parameters.items():
        assert start[name] is value
    assert "head.weight" not in parameters


def test_before_the_first_step_the_loss_is_that_of_guessing(parameters, shots):
    assert run(parameters, shots, n_steps=0).losses == (pytest.approx(math.log(3)),)


def test_the_losses_are_those_of_every_step_per_point(parameters, shots):
    adapted = run(parameters, shots, alpha=0.05, n_steps=4)

    assert len(adapted.losses) == 5
    final = loss_of(adapted.parameters, shots)
    assert adapted.losses[-1] == pytest.approx(final / N_POINTS)


def test_the_loss_falls(parameters, shots):
    losses = run(parameters, shots, alpha=0.02, n_steps=10).losses

    assert all(after < before for before, after in pairwise(losses))


def test_statistics_are_those_of_the_shots_in_the_adapted_network(parameters, shots):
    adapted = run(parameters, shots, n_steps=2)

    trace = forward(adapted.parameters, scale_input(TINY, *shots, np.float64))
    assert len(adapted.statistics) == 3
    for statistics, layer in zip(adapted.statistics, trace.layers, strict=True):
        np.testing.assert_array_equal(statistics.mean, layer.statistics.mean)
        np.testing.assert_array_equal(statistics.variance, layer.statistics.variance)


def test_the_model_itself_is_not_changed(parameters, shots):
    before = {name: array.copy() for name, array in parameters.items()}

    run(parameters, shots, n_steps=2)

    for name, array in before.items():
        np.testing.assert_array_equal(parameters[name], array)


def test_the_precision_is_that_of_the_model(rng, shots):
    adapted = run(random_parameters(rng, TINY, dtype=np.float32), shots, n_steps=2)

    assert {array.dtype for array in adapted.parameters.values()} == {
        np.dtype(np.float32)
    }


def test_every_step_is_reported_with_its_loss(parameters, shots):
    reported = []

    adapted = run(
        parameters,
        shots,
        n_steps=3,
        on_step=lambda step, loss: reported.append((step, loss)),
    )

    assert reported == list(enumerate(adapted.losses))


def test_the_order_of_the_shots_does_not_matter(parameters, shots):
    images, heard = shots
    order = np.array([4, 2, 0, 3, 1])

    adapted = run(parameters, shots)
    shuffled = run(parameters, (images[order], heard[order]), points=POINTS[order])

    for name, array in adapted.parameters.items():
        np.testing.assert_allclose(
            shuffled.parameters[name], array, rtol=1e-9, atol=1e-12
        )


def test_taking_every_shot_twice_changes_nothing(parameters, shots):
    images, heard = shots
    twice = np.repeat(np.arange(len(POINTS)), 2)

    once = run(parameters, shots, n_steps=2)
    doubled = run(
        parameters, (images[twice], heard[twice]), points=POINTS[twice], n_steps=2
    )

    assert doubled.losses == pytest.approx(once.losses)
    for name, array in once.parameters.items():
        np.testing.assert_allclose(doubled.parameters[name], array, rtol=1e-9)


@pytest.mark.parametrize("alpha", [0.05, 1.0, 20.0, 1e200])
def test_the_loss_never_rises(parameters, shots, alpha):
    losses = run(
        parameters, shots, alpha=alpha, n_steps=12 + 1000 * (alpha > 99)
    ).losses

    assert all(after <= before for before, after in pairwise(losses))
    assert losses[-1] < losses[0]


def test_a_step_that_would_raise_the_loss_is_halved(parameters, shots):
    alpha = 8.0
    rejected = run(parameters, shots, alpha=alpha, n_steps=3)
    assert rejected.losses[1] == rejected.losses[0]

    half = run(parameters, shots, alpha=alpha / 2, n_steps=2)

    assert rejected.losses[1:] == pytest.approx(half.losses, rel=1e-12)
    for name, array in half.parameters.items():
        np.testing.assert_allclose(rejected.parameters[name], array, rtol=1e-12)


def test_a_step_too_large_is_an_error_and_not_a_model(parameters, shots):
    with pytest.raises(ValueError, match=r"none of 5 steps lowered the loss 1\.1: eit"):
        run(parameters, shots, alpha=1e200, n_steps=5)


def test_shots_that_are_all_the_same_are_an_error_and_not_a_model(parameters):
    same = np.full((5, *TINY.image_shape), 99, np.uint8), np.ones((5, 2), np.bool_)
    points = np.array([0, 1, 2, 0, 1])

    with pytest.raises(ValueError, match="shots of different points are the same"):
        run(parameters, same, points=points, n_steps=1)


class Parabola:
    """A step on (θ - 3)² / 2, of one parameter, that counts its calls."""

    def __init__(self):
        self.sizes = []

    def __call__(self, parameters, alpha):
        self.sizes.append(alpha)
        (theta,) = parameters["head.bias"]
        gradient = np.array([theta - 3], np.float32)
        after = parameters["head.bias"] - alpha * gradient
        return Stepped((theta - 3) ** 2 / 2, [], parameters | {"head.bias": after})


def on_parabola(step, *, alpha, n_steps):
    """Start at 0."""
    one_point = Architecture((1, 1, 1), (1,))
    image = np.zeros((1, 1, 1, 1), np.uint8)
    support = Support.of(image, np.ones((1, 1), np.bool_), np.array([0]), 1)
    theta = {
        name: np.zeros(shape, np.float32)
        for name, shape in one_point.parameter_shapes().items()
    }
    return adapt(
        theta,
        step,
        support,
        architecture=one_point,
        alpha=alpha,
        n_steps=n_steps,
    )


def test_any_step_is_followed():
    step = Parabola()

    adapted = on_parabola(step, alpha=0.5, n_steps=3)

    # Each step goes half of the way to 3.
    assert adapted.losses == pytest.approx([4.5, 4.5 / 4, 4.5 / 16, 4.5 / 64])
    assert adapted.parameters["head.bias"].tolist() == [3 - 3 / 8]
    assert step.sizes == [0.5, 0.5, 0.5, 0.0]


def test_after_a_rejected_step_half_of_it_is_tried_and_no_gradient_computed_again():
    step = Parabola()

    adapted = on_parabola(step, alpha=5.0, n_steps=4)

    # From 0 to 15, to 7.5, to 3.75; then steps of 1.25 times the distance to 3.
    assert adapted.losses == pytest.approx([4.5, 4.5, 4.5, 0.75**2 / 2, 0.1875**2 / 2])
    assert step.sizes == [5.0, 5.0, 2.5, 1.25, 0.0]


def test_a_step_beyond_all_numbers_is_computed_again():
    """Half of infinity is no shorter."""
    step = Parabola()

    adapted = on_parabola(step, alpha=1e39, n_steps=140)

    assert float(np.finfo(np.float32).max) < 1e39
    assert adapted.losses[-1] < 1e-3
    assert np.isfinite(adapted.parameters["head.bias"]).all()


# -- memory ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "n_shots", "n_points"),
    [
        ((10, 20, 20, 32), 30, 10),
        ((32, 32, 32, 32), 30, 10),
        ((10, 16, 24, 32, 32), 90, 30),
    ],
)
def test_memory_is_foretold_to_a_third(filters, n_shots, n_points, rng):
    """What numpy allocates at most at a time; a process has some of its own besides."""
    architecture = Architecture((3, 50, 52), filters)
    theta = random_parameters(rng, architecture)
    images = rng.integers(0, 256, (n_shots, 3, 50, 52), np.uint8)
    heard = np.ones((n_shots, 3), np.bool_)
    points = np.arange(n_shots) % n_points
    support = Support.of(images, heard, points, n_points)

    tracemalloc.start()
    try:
        step = LayerStep(architecture, support)
        adapt(theta, step, support, architecture=architecture, alpha=1e-4, n_steps=1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    foretold = adaptation_bytes(architecture, n_shots, n_points)
    assert peak <= foretold <= 1.33 * peak + (3 << 20)


def test_memory_grows_with_shots_points_and_filters():
    small = Architecture((3, 50, 52), (4, 4))
    large = Architecture((3, 50, 52), (8, 4))

    assert (
        adaptation_bytes(small, 10, 5)
        < adaptation_bytes(small, 10, 500)
        < adaptation_bytes(small, 500, 500)
        < adaptation_bytes(large, 500, 500)
    )
