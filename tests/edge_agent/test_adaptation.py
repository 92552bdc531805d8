"""The inner loop in NumPy, against finite differences of the loss it descends."""

import math
from itertools import pairwise

import numpy as np
import pytest

from edge_agent.adaptation import adapt, with_head
from edge_agent.layer_step import LayerStep, backward
from edge_agent.network import Architecture, forward, scale_input
from edge_agent.support import Support
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


def test_the_gradient_is_right_for_any_parameters_and_any_loss(rng, shots):
    theta = random_parameters(rng, TINY, n_points=N_POINTS, dtype=np.float64)
    weights = rng.normal(size=(len(POINTS), N_POINTS))
    inputs = scale_input(TINY, *shots, np.float64)

    computed = backward(theta, forward(theta, inputs), weights)

    expected = central_differences(
        lambda moved: float((weights * forward(moved, inputs).logits).sum()), theta
    )
    assert_gradients_agree(computed, expected)


def test_more_shots_than_fit_in_one_pass_have_the_same_gradient(rng):
    theta = random_parameters(rng, TINY, n_points=1, dtype=np.float64)
    images = rng.integers(0, 256, (35, *TINY.image_shape), np.uint8)
    inputs = scale_input(TINY, images, np.ones((35, 2), np.bool_), np.float64)
    weights = rng.normal(size=(35, 1))

    computed = backward(theta, forward(theta, inputs), weights)

    names = ("conv0.bias", "conv1.bias", "conv2.bias", "norm0.scale", "norm1.shift")
    expected = central_differences(
        lambda moved: float((weights * forward(theta | moved, inputs).logits).sum()),
        {name: theta[name] for name in names},
    )
    assert_gradients_agree({name: computed[name] for name in names}, expected)
    # A convolution's kernel moves with every image; one tap stands for all.
    tap = (1, 0, 2, 1)
    sides = []
    for step in (STEP, -STEP):
        weight = theta["conv1.weight"].copy()
        weight[tap] += step
        moved = forward(theta | {"conv1.weight": weight}, inputs).logits
        sides.append(float((weights * moved).sum()))
    slope = (sides[0] - sides[1]) / (2 * STEP)
    assert computed["conv1.weight"][tap] == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize(
    ("winner", "is_chosen"),
    [((0, 0), True), ((0, 1), False), ((1, 0), False), ((1, 1), False)],
)
def test_of_equal_pixels_the_first_gets_the_gradient(rng, winner, is_chosen):
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
        backward(theta, forward(theta, inputs), weights)["conv0.weight"]
        for inputs in (tied, broken)
    ]

    agree = np.allclose(*gradients, rtol=1e-6, atol=1e-9)
    assert agree == is_chosen


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


def test_without_shots_there_is_nothing_to_adapt_to(parameters):
    none = np.zeros((0, *TINY.image_shape), np.uint8), np.ones((0, 2), np.bool_)

    with pytest.raises(ValueError, match="no shots to adapt to"):
        run(parameters, none, points=np.empty(0, np.intp))


@pytest.mark.parametrize("stranger", [-1, 3])
def test_a_point_that_does_not_exist_is_refused(parameters, shots, stranger):
    points = np.array([0, 1, 0, 2, stranger])

    with pytest.raises(ValueError, match=r"a shot's point is outside 0\.\.2"):
        run(parameters, shots, points=points)


def test_shots_of_another_shape_are_refused(parameters, shots):
    images, heard = shots

    with pytest.raises(ValueError, match="images of shape"):
        run(parameters, (images[:, :, :-1], heard))


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

    assert rejected.losses[1:] == half.losses
    for name, array in half.parameters.items():
        np.testing.assert_array_equal(rejected.parameters[name], array)


def test_a_step_too_large_is_an_error_and_not_a_model(parameters, shots):
    with pytest.raises(ValueError, match=r"none of 5 steps lowered the loss 1\.1: eit"):
        run(parameters, shots, alpha=1e200, n_steps=5)


def test_shots_that_are_all_the_same_are_an_error_and_not_a_model(parameters):
    same = np.full((5, *TINY.image_shape), 99, np.uint8), np.ones((5, 2), np.bool_)
    points = np.array([0, 1, 2, 0, 1])

    with pytest.raises(ValueError, match="shots of different points are the same"):
        run(parameters, same, points=points, n_steps=1)
