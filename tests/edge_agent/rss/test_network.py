"""The network and its step against torch's autograd, and against closed forms."""

import numpy as np
import pytest

from edge_agent.rss.network import (
    Examples,
    RssArchitecture,
    adapt,
    check_parameters,
    loss,
    loss_and_gradient,
    regress,
    step,
)

SMALL = RssArchitecture(k=2, hidden=(7, 5))


def theta_of(rng, architecture=SMALL, dtype=np.float64):
    return {
        name: rng.normal(0, 0.5, shape).astype(dtype)
        for name, shape in architecture.parameter_shapes().items()
    }


def examples_of(rng, n=9, architecture=SMALL, dtype=np.float64):
    return Examples(
        rng.normal(size=(n, architecture.n_inputs)).astype(dtype),
        rng.normal(size=(n, 2)).astype(dtype),
        rng.uniform(0.5, 2, n).astype(dtype),
    )


def test_the_network_has_the_layers_of_figure_3():
    shapes = RssArchitecture().parameter_shapes()

    weights = [shapes[f"layer{i}.weight"] for i in range(5)]
    assert weights == [(64, 15), (64, 64), (64, 64), (64, 64), (2, 64)]
    assert [shapes[f"layer{i}.bias"] for i in range(5)] == [(64,)] * 4 + [(2,)]
    assert len(shapes) == 10


def test_loss_and_gradient_are_those_of_autograd_in_float64(rng):
    torch = pytest.importorskip("torch")
    from trainer.models.rss_regression import RssBatch, RssRegressionModel, RssTask

    architecture = RssArchitecture()
    theta = theta_of(rng, architecture)
    inputs, targets = rng.normal(size=(9, 15)), rng.normal(size=(9, 2))
    batch = RssBatch(torch.from_numpy(inputs), torch.from_numpy(targets))
    leaves = {
        name: torch.from_numpy(array).requires_grad_() for name, array in theta.items()
    }
    expected = RssRegressionModel().support_loss(leaves, RssTask(batch, batch))
    expected.backward()

    value, gradient = loss_and_gradient(theta, Examples(inputs, targets, np.ones(9)))

    assert value == pytest.approx(expected.item(), abs=1e-10)
    assert list(gradient) == list(theta)
    for name, leaf in leaves.items():
        np.testing.assert_allclose(
            gradient[name], leaf.grad.numpy(), rtol=0, atol=1e-10, err_msg=name
        )


def test_the_gradient_is_the_slope_of_the_loss_whatever_the_weights(rng):
    theta, examples = theta_of(rng), examples_of(rng)
    _, gradient = loss_and_gradient(theta, examples)

    for name, array in theta.items():
        direction = rng.normal(size=array.shape)
        ahead, behind = (
            loss(theta | {name: array + h * direction}, examples) for h in (1e-6, -1e-6)
        )
        slope = (ahead - behind) / 2e-6
        assert slope == pytest.approx((gradient[name] * direction).sum(), abs=1e-7)


def test_the_loss_is_the_root_mean_square_of_distances(rng):
    theta, examples = theta_of(rng), examples_of(rng)
    apart = regress(theta, examples.inputs) - examples.targets
    squares = np.hypot(*apart.T) ** 2

    assert loss(theta, examples) == pytest.approx(
        np.sqrt(np.average(squares, weights=examples.weights))
    )


def test_padding_changes_nothing(rng):
    theta, examples = theta_of(rng), examples_of(rng)
    padded = Examples(
        np.concatenate([examples.inputs, np.ones((3, SMALL.n_inputs))]),
        np.concatenate([examples.targets, np.full((3, 2), 9.0)]),
        np.concatenate([examples.weights, np.zeros(3)]),
    )

    one, other = step(theta, examples, 0.1), step(theta, padded, 0.1)

    assert one[0] == pytest.approx(other[0], abs=1e-14)
    for name in theta:
        np.testing.assert_allclose(one[1][name], other[1][name], atol=1e-14)


def test_a_step_goes_down_the_gradient_and_keeps_the_precision(rng):
    theta = theta_of(rng, dtype=np.float32)
    before = {name: array.copy() for name, array in theta.items()}
    examples = examples_of(rng, dtype=np.float32)
    _, gradient = loss_and_gradient(theta, examples)

    value, stepped = step(theta, examples, 0.1)

    assert value == loss(theta, examples)
    for name, array in theta.items():
        assert stepped[name].dtype == np.float32
        np.testing.assert_array_equal(array, before[name])
        np.testing.assert_allclose(
            stepped[name], array - 0.1 * gradient[name], atol=1e-6
        )


def test_a_perfect_fit_stays_where_it_is(rng):
    theta, examples = theta_of(rng), examples_of(rng)
    fitted = Examples(
        examples.inputs, regress(theta, examples.inputs), examples.weights
    )

    value, stepped = step(theta, fitted, 0.1)

    assert value == pytest.approx(1e-6)  # the root of epsilon
    for name in theta:
        np.testing.assert_allclose(stepped[name], theta[name])


def test_steps_are_told_and_their_losses_kept(rng):
    theta, examples = theta_of(rng), examples_of(rng)
    told = []

    adapted, losses = adapt(
        theta,
        examples,
        alpha=0.05,
        n_steps=3,
        on_step=lambda number, value: told.append((number, value)),
    )

    by_hand = theta
    for _ in range(3):
        _, by_hand = step(by_hand, examples, 0.05)
    assert told == list(enumerate(losses))
    assert losses[-1] == loss(by_hand, examples)
    assert losses[-1] < losses[0]
    for name in theta:
        np.testing.assert_array_equal(adapted[name], by_hand[name])


def test_no_step_leaves_the_parameters_as_they_are(rng):
    theta = theta_of(rng)

    adapted, losses = adapt(theta, examples_of(rng), alpha=0.1, n_steps=0)

    assert adapted is theta
    assert len(losses) == 1


def test_steps_that_leave_the_numbers_are_refused(rng):
    theta = theta_of(rng, dtype=np.float32)

    with pytest.raises(ValueError, match=r"the loss is .* steps of size 1e"):
        adapt(theta, examples_of(rng, dtype=np.float32), alpha=1e38, n_steps=9)


def test_examples_of_a_survey_are_single_precision_and_count_alike(rng):
    examples = Examples.of(rng.normal(size=(4, 6)), rng.normal(size=(4, 2)))

    assert {a.dtype for a in (examples.inputs, examples.targets, examples.weights)} == {
        np.dtype(np.float32)
    }
    assert examples.weights.tolist() == [1, 1, 1, 1]
    assert len(examples.select(np.array([1, 3])).inputs) == 2


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"k": 0}, "K is 0, not 1 to 64"),
        ({"k": 65}, "K is 65"),
        ({"k": 5.0}, "K is 5.0"),
        ({"hidden": (64, 0)}, "widths .64, 0."),
        ({"hidden": (8,) * 17}, "at most 16"),
        ({"hidden": (2000,)}, "1 to 1024"),
        ({"hidden": (8.0,)}, "widths .8.0,."),
    ],
)
def test_networks_that_cannot_be_are_refused(settings, reason):
    with pytest.raises(ValueError, match=reason):
        RssArchitecture(**settings)


def test_parameters_of_another_network_are_refused(rng):
    theta = theta_of(rng)
    check_parameters(SMALL, theta)
    with pytest.raises(ValueError, match=r"layer0.weight has shape \(7, 6\), expected"):
        check_parameters(RssArchitecture(k=3, hidden=(7, 5)), theta)
    with pytest.raises(ValueError, match=r"layer2.bias has shape None"):
        check_parameters(SMALL, {k: v for k, v in theta.items() if k != "layer2.bias"})
    theta["layer1.bias"][2] = np.nan
    with pytest.raises(ValueError, match=r"layer1.bias holds values .* not finite"):
        check_parameters(SMALL, theta)
