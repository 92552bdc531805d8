"""Fast operations against torch's own, finite differences, and exact arithmetic."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch.autograd import gradcheck, gradgradcheck

from trainer.operations import affine, maxima, moments

SHAPES = pytest.mark.parametrize("shape", [(3, 2, 4, 6), (2, 3, 5, 7), (1, 1, 3, 2)])


def random(shape, rng, dtype=torch.float64):
    return torch.from_numpy(rng.normal(size=shape)).to(dtype).requires_grad_()


# -- values ----------------------------------------------------------------------------


@SHAPES
def test_moments_are_those_of_numpy(shape, rng):
    x = random(shape, rng)

    mean, variance = moments(x)

    values = x.detach().numpy()
    np.testing.assert_allclose(mean.detach(), values.mean((0, 2, 3)), atol=1e-14)
    np.testing.assert_allclose(variance.detach(), values.var((0, 2, 3)), atol=1e-14)


def test_moments_of_many_pixels_keep_single_precision(rng):
    """Where torch's batch_norm, channels last, errs in the fourth digit."""
    values = np.maximum(rng.normal(1, 1, (30, 4, 50, 50)), 0).astype(np.float32)

    mean, variance = moments(torch.from_numpy(values))

    exact = values.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean((0, 2, 3)), rtol=3e-7)
    np.testing.assert_allclose(variance, exact.var((0, 2, 3)), rtol=1e-6)


def test_variance_survives_a_large_mean():
    values = np.tile(np.float32([4096, 4096.5]), (2, 1, 8, 4))

    _, variance = moments(torch.from_numpy(values))

    assert variance.item() == 0.0625


@SHAPES
def test_affine_scales_and_shifts_filter_by_filter(shape, rng):
    x, gain, offset = random(shape, rng), random(shape[1], rng), random(shape[1], rng)

    y = affine(x, gain, offset)

    expected = x * gain[:, None, None] + offset[:, None, None]
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-14)


@SHAPES
def test_maxima_is_the_maximum_of_every_cell(shape, rng):
    x = random(shape, rng, torch.float32)

    assert torch.equal(maxima(x), F.max_pool2d(x, 2))


# -- gradients -------------------------------------------------------------------------


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@SHAPES
def test_gradients_are_those_of_finite_differences_twice(shape, layout, rng):
    x = random(shape, rng).detach().contiguous(memory_format=layout).requires_grad_()
    gain, offset = random(shape[1], rng), random(shape[1], rng)

    for operation, inputs in (
        (moments, (x,)),
        (affine, (x, gain, offset)),
        (maxima, (x,)),
    ):
        assert gradcheck(operation, inputs)
        assert gradgradcheck(operation, inputs)


def test_gradient_goes_to_the_first_of_equals_in_reading_order():
    cells = [[1, 1, 1, 1], [0, 1, 1, 0], [0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 2]]
    x = torch.tensor(cells, dtype=torch.float32).view(5, 1, 2, 2).requires_grad_()

    (gradient,) = torch.autograd.grad(maxima(x).sum(), x)

    assert gradient.view(5, 4).argmax(dim=1).tolist() == [0, 1, 2, 1, 3]
    assert gradient.sum(dim=(1, 2, 3)).tolist() == [1] * 5


def test_gradient_of_ties_is_that_of_torch(rng):
    x = torch.from_numpy(rng.integers(0, 3, (4, 3, 9, 8))).float().requires_grad_()
    g = torch.from_numpy(rng.normal(size=(4, 3, 4, 4))).float()

    (ours,) = torch.autograd.grad(maxima(x), x, g)
    (theirs,) = torch.autograd.grad(F.max_pool2d(x, 2), x, g)

    assert torch.equal(ours, theirs)
