"""A layer in C against torch: two implementations, one result."""

import shutil

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from tests.trainer.builders import (
    PAPER_NETWORK,
    SMALL_NETWORK,
    as_tensors,
    random_batch,
    random_parameters,
)
from trainer import operations
from trainer.errors import CompilerError
from trainer.layer_kernel import compile_layer
from trainer.meta.maml import maml_gradient
from trainer.models.classification import ClassificationModel
from trainer.network import forward
from trainer.tasks import Task

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")

SHAPES = pytest.mark.parametrize(
    ("n_in", "n_out", "size"),
    [
        (1, 1, (1, 1)),
        (2, 3, (5, 7)),
        (3, 10, (6, 25)),
        (10, 5, (12, 12)),
        (4, 16, (4, 30)),
        (16, 24, (2, 15)),
        (5, 14, (3, 50)),
        (3, 20, (50, 3)),
    ],
)
HALVE = pytest.mark.parametrize("halve", [False, True])
DTYPES = pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)]
)


@pytest.fixture(scope="module")
def layer():
    return compile_layer()


def random(shape, rng, dtype=torch.float64):
    return torch.from_numpy(rng.normal(size=shape)).to(dtype)


def make_inputs(rng, n_in=2, n_out=3, size=(4, 4), *, n=3, dtype=torch.float64):
    return (
        random((n, n_in, *size), rng, dtype),
        random((n_out, n_in, 3, 3), rng, dtype),
        random(n_out, rng, dtype),
    )


PLAIN = {"halve": True, "frozen": None}


def with_gradients(function, inputs, *, halve):
    """Values, moments, and gradients of a random combination of all of them."""
    rng = np.random.default_rng(7)
    leaves = [tensor.clone().requires_grad_() for tensor in inputs]
    output = function(*leaves, halve=halve, frozen=None)
    weights = [random(part.shape, rng, part.dtype) for part in output]
    loss = sum((w * part).sum() for w, part in zip(weights, output, strict=True))
    return (*output, *torch.autograd.grad(loss, leaves))


@SHAPES
@HALVE
@DTYPES
def test_results_and_gradients_are_those_of_torch(
    layer, n_in, n_out, size, halve, dtype, tolerance, rng
):
    inputs = make_inputs(rng, n_in, n_out, size, dtype=dtype)

    ours = with_gradients(layer, inputs, halve=halve)
    theirs = with_gradients(operations.layer, inputs, halve=halve)

    for a, b in zip(ours, theirs, strict=True):
        largest = max(1.0, b.abs().max().item() if b.numel() else 0.0)
        torch.testing.assert_close(a, b, rtol=0, atol=tolerance * largest)


def test_gradients_of_ties_go_where_torch_sends_them(layer, rng):
    # Sums of small whole numbers are exact, and often equal.
    x, weight, bias = (tensor.sign() for tensor in make_inputs(rng, size=(9, 8)))

    ours = with_gradients(layer, (x, weight, bias), halve=True)
    theirs = with_gradients(operations.layer, (x, weight, bias), halve=True)

    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-11)


def test_images_that_need_no_gradient_get_none(layer, rng):
    x, weight, bias = make_inputs(rng)
    weight.requires_grad_()

    output = layer(x, weight, bias, **PLAIN)

    # What backpropagation calls, which would ignore a gradient that is not needed.
    of_x, of_weight, *_ = output.values.grad_fn.apply(*map(torch.ones_like, output))
    assert of_x is None
    total = sum(part.sum() for part in operations.layer(x, weight, bias, **PLAIN))
    torch.testing.assert_close(of_weight, torch.autograd.grad(total, weight)[0])


def passed_on(image):
    """Images, and a filter and bias that leave them as they are where finite."""
    middle = torch.zeros(1, 1, 3, 3, dtype=image.dtype)
    middle[..., 1, 1] = 1
    return image, middle, torch.zeros(1, dtype=image.dtype)


@HALVE
@DTYPES
def test_what_is_not_a_number_stays_so(layer, halve, dtype, tolerance, rng):
    """Wherever it is in a cell; it spreads to its neighbours, through their zeros."""
    image = random((12, 1, 9, 40), rng, dtype)
    for number, (row, column) in enumerate(np.ndindex(3, 4)):
        image[number, 0, row + 3, column + 20] = [torch.nan, -torch.inf][number % 2]
    inputs = passed_on(image)

    found = layer(*inputs, halve=halve, frozen=None)

    expected = F.relu(F.conv2d(*inputs, padding=1))
    values = F.max_pool2d(expected, 2) if halve else expected
    torch.testing.assert_close(
        found.values, values, rtol=0, atol=tolerance, equal_nan=True
    )
    assert values.isnan().any()
    assert not values.isnan().all()
    assert found.mean.isnan().all()
    assert found.variance.isnan().all()


@HALVE
def test_gradients_through_what_is_not_a_number_are_none_either(layer, halve, rng):
    x, weight, bias = make_inputs(rng, size=(9, 8))
    x[1, 0, 4, 3] = torch.nan

    ours = with_gradients(layer, (x, weight, bias), halve=halve)
    theirs = with_gradients(operations.layer, (x, weight, bias), halve=halve)

    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a.isnan(), b.isnan())


def test_any_layout_is_understood(layer, rng):
    x, weight, bias = make_inputs(rng)
    other = x.contiguous(memory_format=torch.channels_last)

    assert torch.equal(
        layer(other, weight, bias, **PLAIN).values,
        layer(x, weight, bias, **PLAIN).values,
    )


def test_frozen_moments_are_handed_through(layer, rng):
    frozen = (torch.ones(3), torch.full((3,), 2.0))

    result = layer(*make_inputs(rng), halve=True, frozen=frozen)

    assert (result.mean, result.variance) == frozen


def test_moments_survive_a_large_mean(layer):
    x = torch.from_numpy(np.tile(np.float32([4096, 4096.5]), (2, 1, 8, 4)))
    middle = torch.zeros(1, 1, 3, 3)
    middle[..., 1, 1] = 1

    result = layer(x, middle, torch.zeros(1), **PLAIN)

    assert result.mean.item() == 4096.25
    assert result.variance.item() == 0.0625


def test_no_image_is_no_work(layer, rng):
    _, weight, bias = make_inputs(rng)

    assert layer(
        torch.zeros(0, 2, 4, 4).double(), weight, bias, **PLAIN
    ).values.shape == (
        0,
        3,
        2,
        2,
    )


def test_the_network_is_the_same_with_it(layer, rng):
    theta = as_tensors(random_parameters(PAPER_NETWORK, rng, n_points=3))
    batch = random_batch(PAPER_NETWORK, rng, [0, 1, 2], n_points=3)

    logits = forward(theta, batch.inputs, layer=layer)

    torch.testing.assert_close(logits, forward(theta, batch.inputs), rtol=0, atol=1e-10)


def test_the_meta_gradient_is_the_same_with_it(layer, rng):
    shots = random_batch(SMALL_NETWORK, rng, [0, 1, 2], n_points=3)
    queries = random_batch(SMALL_NETWORK, rng, [2, 1, 0, 0], n_points=3)
    task = Task(shots, queries, np.zeros((3, 2)))
    theta = as_tensors(random_parameters(SMALL_NETWORK, rng))
    compiled = ClassificationModel(SMALL_NETWORK, layer=layer)

    loss, ours = maml_gradient(compiled, theta, [task], alpha=0.01, n_steps=3)

    plain = ClassificationModel(SMALL_NETWORK)
    expected, theirs = maml_gradient(plain, theta, [task], alpha=0.01, n_steps=3)
    assert loss == pytest.approx(expected, rel=1e-10)
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=0, atol=1e-9, msg=name)


def test_a_second_derivative_is_refused(layer, rng):
    x, weight, bias = make_inputs(rng)
    x.requires_grad_()
    values = layer(x, weight, bias, **PLAIN).values
    (gradient,) = torch.autograd.grad(values.square().sum(), x, create_graph=True)

    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_other_precisions_are_refused(layer, rng):
    with pytest.raises(TypeError, match="float16 on cpu"):
        layer(*make_inputs(rng, dtype=torch.float16), **PLAIN)


def test_what_does_not_fit_together_is_refused(layer, rng):
    x, weight, bias = make_inputs(rng)

    for inputs in (
        (x, weight[:, :1], bias),
        (x, weight, bias[:2]),
        (x, weight.float(), bias),
        (x[0], weight, bias),
        (x, weight[..., :2], bias),
    ):
        with pytest.raises(ValueError, match="do not fit"):
            layer(*inputs, **PLAIN)


def test_a_missing_compiler_is_named():
    with pytest.raises(CompilerError, match="'no-such-compiler' is not a command"):
        compile_layer("no-such-compiler")


def test_a_compiler_that_fails_is_quoted():
    with pytest.raises(CompilerError, match=r"cc -no-such-option .* failed: .*option"):
        compile_layer("cc -no-such-option")


@pytest.mark.parametrize(
    ("compiler", "found"),
    [
        ("cc 'x", r"\"cc 'x\" is not a command \(No closing quotation\)"),
        ("true", r"true .* made nothing that can be loaded \(.*layer_kernel.so"),
    ],
    ids=["a quotation that does not end", "no file is made"],
)
def test_what_is_no_compiler_is_refused_and_the_remedy_named(compiler, found):
    with pytest.raises(CompilerError, match=f"{found}.*; name a C compiler in CC, or"):
        compile_layer(compiler)


def test_a_program_that_cannot_be_run_is_no_compiler(tmp_path):
    (tmp_path / "cc").write_bytes(b"\0")
    (tmp_path / "cc").chmod(0o755)

    with pytest.raises(CompilerError, match=r"made nothing that can be loaded .*Exec"):
        compile_layer(str(tmp_path / "cc"))


def test_the_compiler_is_that_of_the_environment(monkeypatch):
    monkeypatch.setenv("CC", "not-this-one")

    with pytest.raises(CompilerError, match="not-this-one"):
        compile_layer()
