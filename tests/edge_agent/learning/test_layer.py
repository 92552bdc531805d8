"""A layer in NumPy and in C, for each kind of processor, against scipy and torch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from scipy.signal import correlate2d

from edge_agent.learning import layer as layer_module
from edge_agent.learning.layer import NumpyLayer, halved, spread
from tests.edge_agent.layers import each_layer

SHAPES = pytest.mark.parametrize(
    ("n_in", "n_out", "size"),
    [
        (1, 1, (1, 1)),
        (2, 3, (5, 7)),
        (3, 10, (6, 35)),
        (10, 5, (12, 12)),
        (4, 16, (4, 30)),
        (16, 24, (2, 15)),
        (5, 14, (3, 50)),
        (3, 20, (20, 3)),
    ],
)
HALVE = pytest.mark.parametrize("halve", [False, True])
PRECISIONS = pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)]
)


@pytest.fixture(autouse=True)
def one_torch_thread():
    torch.set_num_threads(1)


def make_inputs(rng, n_in=2, n_out=3, size=(4, 6), *, n=3, dtype=np.float64):
    """Images, weights and bias."""
    shapes = ((n, n_in, *size), (n_out, n_in, 3, 3), (n_out,))
    return tuple(rng.normal(size=shape).astype(dtype) for shape in shapes)


def passed_on(images):
    """Images, and a filter and bias that leave them as they are."""
    middle = np.zeros((1, 1, 3, 3), images.dtype)
    middle[..., 1, 1] = 1
    return images, middle, np.zeros(1, images.dtype)


def assert_close(found, expected, tolerance):
    largest = max(1.0, np.abs(expected).max(initial=0))
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * largest)


def convolution(x, weight, bias):
    return np.stack(
        [
            [
                b + sum(map(lambda a, w: correlate2d(a, w, "same"), image, filters))
                for filters, b in zip(weight, bias, strict=True)
            ]
            for image in x
        ]
    )


def cells(x):
    """The four pixels of every cell, on the last axis, in reading order."""
    n, n_filters, height, width = x.shape
    cut = x[:, :, : height // 2 * 2, : width // 2 * 2]
    rows = cut.reshape(n, n_filters, height // 2, 2, width // 2, 2)
    return rows.transpose(0, 1, 2, 4, 3, 5).reshape(
        n, n_filters, height // 2, width // 2, 4
    )


# -- forwards --------------------------------------------------------------------------


@SHAPES
@HALVE
@PRECISIONS
@each_layer
def test_values_and_moments_are_those_of_their_definition(
    layer, n_in, n_out, size, halve, dtype, tolerance, rng
):
    inputs = make_inputs(rng, n_in, n_out, size, dtype=dtype)

    found = layer.forward(*inputs, halve=halve)

    y = convolution(*inputs)
    rectified = np.maximum(y, 0)
    assert_close(found.y, y, tolerance)
    values = cells(rectified).max(axis=4) if halve else rectified
    assert_close(found.values, values, tolerance)
    assert_close(found.mean, rectified.mean(axis=(0, 2, 3)), tolerance)
    assert_close(found.variance, rectified.var(axis=(0, 2, 3)), tolerance)


@each_layer
def test_moments_survive_a_large_mean(layer):
    x = np.tile(np.float32([4096, 4096.5]), (2, 1, 8, 4))

    result = layer.forward(*passed_on(x), halve=True)

    assert result.mean.tolist() == [4096.25]
    assert result.variance.tolist() == [0.0625]


@each_layer
def test_moments_of_many_pixels_keep_single_precision(layer, rng):
    """Where sums one after the other err in the fourth digit."""
    x = np.maximum(rng.normal(1, 1, (30, 1, 50, 50)), 0).astype(np.float32)

    result = layer.forward(*passed_on(x), halve=False)

    exact = x.astype(np.float64)
    np.testing.assert_allclose(result.mean, exact.mean(), rtol=3e-7)
    np.testing.assert_allclose(result.variance, exact.var(), rtol=1e-6)


@HALVE
@PRECISIONS
@each_layer
def test_a_frozen_layer_scales_and_shifts_the_same_values(
    layer, halve, dtype, tolerance, rng
):
    inputs = make_inputs(rng, 3, 14, (9, 37), dtype=dtype)
    gain, offset = rng.normal(size=(2, 14)).astype(dtype)

    frozen = layer.frozen(*inputs[1:], gain, offset, halve=halve)

    values = layer.forward(*inputs, halve=halve).values
    expected = values * gain[:, None, None] + offset[:, None, None]
    assert_close(frozen(inputs[0]), expected, tolerance)
    assert_close(frozen(inputs[0][1:2]), expected[1:2], tolerance)


@each_layer
def test_what_was_frozen_does_not_follow_the_caller_s_images(layer, rng):
    x, weight, bias = make_inputs(rng)
    frozen = layer.frozen(weight, bias, np.ones(3), np.zeros(3), halve=True)
    before = frozen(x)
    kept = before.copy()

    frozen(-x)

    np.testing.assert_array_equal(before, kept)


# -- backwards -------------------------------------------------------------------------


def gradients(layer, inputs, *, halve, needs_x=True):
    """Gradients of Σ of_values p + Σ level r + Σ slope r²/2, and the three factors."""
    x, weight, _ = inputs
    rng = np.random.default_rng(7)
    output = layer.forward(*inputs, halve=halve)
    of_values = rng.normal(size=output.values.shape).astype(x.dtype)
    level, slope = rng.normal(size=(2, len(weight))).astype(x.dtype)
    found = layer.backward(
        *(x, weight, output.y, of_values, level, slope), halve=halve, needs_x=needs_x
    )
    return found, (of_values, level, slope)


def gradients_in_torch(inputs, factors, *, halve):
    """The same, by automatic differentiation."""
    leaves = [torch.from_numpy(array).requires_grad_() for array in inputs]
    of_values, level, slope = map(torch.from_numpy, factors)
    rectified = F.relu(F.conv2d(*leaves, padding=1))
    empty = min(rectified.shape[2:]) < 2
    values = F.max_pool2d(rectified, 2) if halve and not empty else rectified
    loss = (rectified.sum((0, 2, 3)) * level).sum()
    loss += (rectified.square().sum((0, 2, 3)) * slope).sum() / 2
    if not (halve and empty):
        loss += (of_values * values).sum()
    return [part.numpy() for part in torch.autograd.grad(loss, leaves)]


@SHAPES
@HALVE
@PRECISIONS
@each_layer
def test_gradients_are_those_of_torch(
    layer, n_in, n_out, size, halve, dtype, tolerance, rng
):
    inputs = make_inputs(rng, n_in, n_out, size, dtype=dtype)

    found, factors = gradients(layer, inputs, halve=halve)

    expected = gradients_in_torch(inputs, factors, halve=halve)
    for ours, theirs in zip(found, expected, strict=True):
        assert_close(ours, theirs, tolerance)


@HALVE
@each_layer
def test_gradients_are_those_of_finite_differences(layer, halve, rng):
    inputs = make_inputs(rng, size=(5, 4), n=2)
    found, (of_values, level, slope) = gradients(layer, inputs, halve=halve)

    def loss(*moved):
        rectified = np.maximum(convolution(*moved), 0)
        values = cells(rectified).max(axis=4) if halve else rectified
        powers = level * rectified.sum((0, 2, 3))
        powers += slope * np.square(rectified).sum((0, 2, 3)) / 2
        return (of_values * values).sum() + powers.sum()

    step = 1e-6
    for which, gradient in enumerate(found):
        for index in np.ndindex(gradient.shape):
            ends = []
            for sign in (1, -1):
                moved = [array.copy() for array in inputs]
                moved[which][index] += sign * step
                ends.append(loss(*moved))
            slope_here = (ends[0] - ends[1]) / (2 * step)
            assert gradient[index] == pytest.approx(slope_here, rel=1e-6, abs=1e-6)


@each_layer
def test_gradients_of_ties_go_where_torch_sends_them(layer, rng):
    # Sums of small whole numbers are exact, and often equal.
    inputs = tuple(np.sign(array) for array in make_inputs(rng, size=(9, 40)))

    found, factors = gradients(layer, inputs, halve=True)

    expected = gradients_in_torch(inputs, factors, halve=True)
    for ours, theirs in zip(found, expected, strict=True):
        assert_close(ours, theirs, 1e-13)


@each_layer
def test_images_that_need_no_gradient_get_none(layer, rng):
    inputs = make_inputs(rng)

    with_x, _ = gradients(layer, inputs, halve=True)
    without_x, _ = gradients(layer, inputs, halve=True, needs_x=False)

    assert without_x.of_x is None
    np.testing.assert_array_equal(without_x.of_weight, with_x.of_weight)
    np.testing.assert_array_equal(without_x.of_bias, with_x.of_bias)


# -- what is not a number --------------------------------------------------------------


@HALVE
@PRECISIONS
@each_layer
def test_what_is_not_a_number_stays_so(layer, halve, dtype, tolerance, rng):
    """Wherever it is in a cell; it spreads to its neighbours, through their zeros."""
    images = rng.normal(size=(12, 1, 9, 40)).astype(dtype)
    for number, (row, column) in enumerate(np.ndindex(3, 4)):
        images[number, 0, row + 3, column + 20] = np.nan
    inputs = passed_on(images)

    found = layer.forward(*inputs, halve=halve)

    expected = F.relu(F.conv2d(*map(torch.from_numpy, inputs), padding=1))
    values = (F.max_pool2d(expected, 2) if halve else expected).numpy()
    np.testing.assert_allclose(found.values, values, rtol=0, atol=tolerance)
    assert np.isnan(values).any()
    assert not np.isnan(values).all()
    assert np.isnan(found.mean).all()
    assert np.isnan(found.variance).all()
    frozen = layer.frozen(*inputs[1:], *np.ones((2, 1), dtype), halve=halve)
    np.testing.assert_array_equal(np.isnan(frozen(images)), np.isnan(values))


@HALVE
@each_layer
def test_gradients_through_what_is_not_a_number_are_none_either(layer, halve, rng):
    inputs = make_inputs(rng, size=(9, 8))
    inputs[0][1, 0, 4, 3] = np.nan

    found, factors = gradients(layer, inputs, halve=halve)

    expected = gradients_in_torch(inputs, factors, halve=halve)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))


# -- NumPy's own -----------------------------------------------------------------------


def test_images_may_be_computed_in_any_number_of_passes(rng, monkeypatch):
    inputs = make_inputs(rng, n=7)
    at_once, _ = gradients(NumpyLayer(), inputs, halve=True)
    together = NumpyLayer().forward(*inputs, halve=True)

    monkeypatch.setattr(layer_module, "_BYTES_PER_PASS", 3 * 9 * inputs[0][0].nbytes)
    in_passes, _ = gradients(NumpyLayer(), inputs, halve=True)
    one_by_one = NumpyLayer().forward(*inputs, halve=True)

    for one, other in zip(at_once, in_passes, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
    for one, other in zip(together, one_by_one, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (2, 2), (1, 3)])
def test_maxima_and_their_gradient_are_those_of_cells(size, rng):
    x = rng.normal(size=(2, 3, *size))
    of_maxima = rng.normal(size=(2, 3, size[0] // 2, size[1] // 2))

    maxima, of_x = halved(x), spread(x, of_maxima)

    np.testing.assert_array_equal(maxima, cells(x).max(axis=4))
    expected = np.zeros(cells(x).shape)
    chosen = cells(x).argmax(axis=4)[..., None]
    np.put_along_axis(expected, chosen, of_maxima[..., None], axis=4)
    np.testing.assert_array_equal(cells(of_x), expected)
    assert np.count_nonzero(of_x) == of_maxima.size
