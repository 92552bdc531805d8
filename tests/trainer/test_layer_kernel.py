"""What follows a convolution, in C against torch: two implementations, one result."""

import shutil

import numpy as np
import pytest
import torch

from trainer import operations
from trainer.errors import CompilerError
from trainer.layer_kernel import compile_rectify

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")

SHAPES = pytest.mark.parametrize(
    "shape", [(3, 2, 4, 6), (2, 3, 5, 7), (1, 1, 3, 2), (2, 10, 25, 25), (1, 4, 1, 1)]
)
HALVE = pytest.mark.parametrize("halve", [False, True])
DTYPES = pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)]
)


@pytest.fixture(scope="module")
def rectify():
    return compile_rectify()


def random(shape, rng, dtype=torch.float64):
    return torch.from_numpy(rng.normal(size=shape)).to(dtype)


def with_gradient(function, y, rng, *, halve):
    """Values, moments, and the gradient of a random combination of all of them."""
    y = y.clone().requires_grad_()
    rectified = function(y * 1, halve=halve, frozen=None)
    weights = [random(part.shape, rng, y.dtype) for part in rectified]
    loss = sum((w * part).sum() for w, part in zip(weights, rectified, strict=True))
    (gradient,) = torch.autograd.grad(loss, y)
    return (*rectified, gradient)


@SHAPES
@HALVE
@DTYPES
def test_results_and_gradients_are_those_of_torch(
    rectify, shape, halve, dtype, tolerance, rng
):
    y = random(shape, rng, dtype)
    seeds = (np.random.default_rng(7) for _ in range(2))

    ours = with_gradient(rectify, y, next(seeds), halve=halve)
    theirs = with_gradient(operations.rectify, y, next(seeds), halve=halve)

    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


def test_gradient_of_ties_goes_where_torch_sends_it(rectify, rng):
    y = torch.from_numpy(rng.integers(1, 4, (4, 3, 9, 8))).double()
    seeds = (np.random.default_rng(7) for _ in range(2))

    ours = with_gradient(rectify, y, next(seeds), halve=True)[-1]
    theirs = with_gradient(operations.rectify, y, next(seeds), halve=True)[-1]

    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_any_layout_is_understood(rectify, rng):
    y = random((2, 3, 6, 5), rng)

    other = rectify(y.contiguous(memory_format=torch.channels_last), **PLAIN)

    assert torch.equal(other.values, rectify(y, **PLAIN).values)


PLAIN = {"halve": True, "frozen": None}


def test_frozen_moments_are_handed_through(rectify, rng):
    frozen = (torch.ones(3), torch.full((3,), 2.0))

    result = rectify(random((2, 3, 4, 4), rng), halve=True, frozen=frozen)

    assert (result.mean, result.variance) == frozen


def test_moments_survive_a_large_mean(rectify):
    values = np.tile(np.float32([4096, 4096.5]), (2, 1, 8, 4))

    result = rectify(torch.from_numpy(values), **PLAIN)

    assert result.mean.item() == 4096.25
    assert result.variance.item() == 0.0625


def test_a_second_derivative_is_refused(rectify, rng):
    y = random((1, 1, 4, 4), rng).requires_grad_()
    values = rectify(y, **PLAIN).values
    (gradient,) = torch.autograd.grad(values.square().sum(), y, create_graph=True)

    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_other_precisions_are_refused(rectify, rng):
    with pytest.raises(TypeError, match="float16 on cpu"):
        rectify(random((1, 1, 4, 4), rng, torch.float16), **PLAIN)


def test_a_missing_compiler_is_named():
    with pytest.raises(CompilerError, match="'no-such-compiler' is not a command"):
        compile_rectify("no-such-compiler")


def test_a_compiler_that_fails_is_quoted():
    with pytest.raises(CompilerError, match=r"cc -no-such-option .* failed: .*option"):
        compile_rectify("cc -no-such-option")


def test_the_compiler_is_that_of_the_environment(monkeypatch):
    monkeypatch.setenv("CC", "not-this-one")

    with pytest.raises(CompilerError, match="not-this-one"):
        compile_rectify()
