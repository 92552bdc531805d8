"""The inner loop on a problem that can be solved by hand.

With L(θ; s) = ½ |θ - s|², one step gives θ' = θ - α (θ - s), and Q of them

    θ_Q = s + (1 - α)^Q (θ - s),    d/dθ L(θ_Q; q) = (1 - α)^Q (θ_Q - q).
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.meta.inner_loop import adapt, as_leaves, inner_step

EXACT = 1e-12
"""Double precision, a few operations."""


def quadratic(theta, centre):
    """Half the squared distance of all parameters from one centre."""
    return sum(0.5 * (value - centre).square().sum() for value in theta.values())


def at(*values):
    return {"theta": torch.tensor(values, dtype=torch.float64, requires_grad=True)}


def solution(start, centre, alpha, n_steps):
    return centre + (1 - alpha) ** n_steps * (start - centre)


# -- one step --------------------------------------------------------------------------


def test_one_step_goes_down_the_gradient():
    stepped = inner_step(quadratic, at(2.0), 1.0, 0.25)

    assert stepped["theta"].item() == pytest.approx(2.0 - 0.25 * (2.0 - 1.0), rel=EXACT)


def test_every_parameter_follows_its_own_gradient():
    theta = at(2.0, -3.0) | {"bias": torch.tensor([[5.0]], requires_grad=True)}

    stepped = inner_step(quadratic, theta, 1.0, 0.5)

    assert list(stepped) == ["theta", "bias"]
    assert stepped["theta"].tolist() == [1.5, -1.0]
    assert stepped["bias"].tolist() == [[3.0]]


@pytest.mark.parametrize("second_order", [False, True])
def test_parameters_before_the_step_stay_as_they_are(second_order):
    theta = at(2.0)
    value = theta["theta"]

    inner_step(quadratic, theta, 1.0, 0.25, second_order=second_order)

    assert theta["theta"] is value
    assert value.item() == 2.0
    assert value.grad is None


# -- several steps ---------------------------------------------------------------------


@settings(deadline=None)
@given(
    start=st.floats(-10, 10),
    centre=st.floats(-10, 10),
    alpha=st.floats(0.001, 1.9),
    n_steps=st.integers(0, 8),
)
def test_several_steps_follow_the_closed_form(start, centre, alpha, n_steps):
    adapted = adapt(quadratic, at(start), centre, alpha=alpha, n_steps=n_steps)

    expected = solution(start, centre, alpha, n_steps)
    assert adapted["theta"].item() == pytest.approx(expected, rel=EXACT, abs=EXACT)


def test_several_steps_leave_their_start_alone():
    theta = at(2.0)

    adapt(quadratic, theta, 1.0, alpha=0.25, n_steps=3)

    assert theta["theta"].item() == 2.0


def test_no_step_changes_nothing():
    theta = at(2.0)

    assert adapt(quadratic, theta, 1.0, alpha=0.25, n_steps=0) == theta


# -- the graph -------------------------------------------------------------------------


@pytest.mark.parametrize("n_steps", [1, 2, 5])
def test_second_order_steps_keep_the_factor_of_every_step(n_steps):
    theta, alpha, s, q = at(2.0), 0.25, 1.0, -1.0

    adapted = adapt(
        quadratic, theta, s, alpha=alpha, n_steps=n_steps, second_order=True
    )
    (gradient,) = torch.autograd.grad(quadratic(adapted, q), theta["theta"])

    expected = (1 - alpha) ** n_steps * (solution(2.0, s, alpha, n_steps) - q)
    assert gradient.item() == pytest.approx(expected, rel=EXACT)


def test_first_order_steps_end_in_leaves():
    theta = at(2.0)

    adapted = adapt(quadratic, theta, 1.0, alpha=0.25, n_steps=2)
    (through,) = torch.autograd.grad(
        quadratic(adapted, -1.0), theta["theta"], allow_unused=True
    )

    assert adapted["theta"].is_leaf
    assert adapted["theta"].requires_grad
    assert through is None


def test_first_order_gradient_lacks_the_factor():
    alpha, s, q = 0.25, 1.0, -1.0

    adapted = adapt(quadratic, at(2.0), s, alpha=alpha, n_steps=2)
    (gradient,) = torch.autograd.grad(quadratic(adapted, q), adapted["theta"])

    expected = solution(2.0, s, alpha, 2) - q
    assert gradient.item() == pytest.approx(expected, rel=EXACT)


def test_leaves_have_values_but_no_history():
    theta = at(2.0)

    leaves = as_leaves({"theta": theta["theta"] * 3})

    assert leaves["theta"].item() == 6.0
    assert leaves["theta"].is_leaf
    assert leaves["theta"].requires_grad
