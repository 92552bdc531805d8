"""MAML-DG against Eq. (19) written in NumPy, and against finite differences of it."""

import numpy as np
import pytest

from edge_agent.learning.network import Architecture
from tests.trainer.builders import as_tensors, random_batch, random_parameters
from tests.trainer.meta import small_models as by_hand
from tests.trainer.meta.small_models import (
    LabelledTask,
    Quadratic,
    QuadraticTask,
    SoftmaxRegression,
    assert_close,
    complex_step,
    finite_differences,
    random_theta,
)
from trainer.errors import ConfigError
from trainer.meta.config import MetaConfig
from trainer.meta.maml import Maml, maml_gradient
from trainer.meta.maml_dg import MamlDg, Variant, maml_dg_gradient
from trainer.models.classification import ClassificationModel
from trainer.tasks import Task, with_images_of

BETA = 0.4
SIZES = {"alpha": 0.3, "beta": BETA, "n_steps": 2, "weight": 0.7}
INNER = {"alpha": 0.3, "n_steps": 2}


@pytest.fixture
def problem(rng):
    """θ, and two tasks of each domain."""
    first, second = ([LabelledTask.random(rng) for _ in range(2)] for _ in range(2))
    return random_theta(rng), first, second


def dg(theta, first, second, **options):
    return maml_dg_gradient(
        SoftmaxRegression(), as_tensors(theta), first, second, **SIZES | options
    )


# -- second order ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("derivative", "tolerance"), [(finite_differences, 1e-8), (complex_step, 1e-10)]
)
def test_second_order_is_the_derivative_of_equation_19(problem, derivative, tolerance):
    theta, first, second = problem

    objective, gradient = dg(theta, first, second, second_order=True)

    def equation_19(at):
        return by_hand.dg_objective(at, first, second, **SIZES)

    assert objective == pytest.approx(equation_19(theta), rel=1e-12)
    assert_close(gradient, derivative(equation_19, theta), tolerance)


def test_second_order_of_a_quadratic_is_the_closed_form(rng):
    """∇F + w (I - β∇²F)ᵀ ∇G(θ'), with ∇F = Cᵀ B (θ_Q - q) and C = (I - αA)^Q."""
    one, two = QuadraticTask.random(rng), QuadraticTask.random(rng)
    theta = rng.normal(size=3)

    _, gradient = maml_dg_gradient(
        Quadratic(),
        as_tensors({"theta": theta}),
        [one],
        [two],
        **SIZES,
        second_order=True,
    )

    def slope(task, at):
        end = task.adapted(at, **INNER)
        return task.factor(**INNER).T @ task.B @ (end - task.q)

    factor = one.factor(**INNER)
    ahead = theta - SIZES["beta"] * slope(one, theta)
    through = np.eye(3) - SIZES["beta"] * factor.T @ one.B @ factor
    expected = slope(one, theta) + SIZES["weight"] * through.T @ slope(two, ahead)
    assert_close(gradient, {"theta": expected}, 1e-10)


def test_second_order_of_the_network_equals_finite_differences(rng):
    """Of Eq. (19) made from MAML's own gradient, which other tests hold to others."""
    tiny = Architecture((1, 4, 5), filters=(2, 2), pixel_mean=0.4, pixel_std=0.2)
    model, theta = ClassificationModel(tiny), random_parameters(tiny, rng)

    def task():
        support, query = (
            random_batch(tiny, rng, [0, 1, 2] * k, n_points=3) for k in (2, 1)
        )
        return Task(support, query, np.zeros((3, 2)))

    first, second = [task()], [task()]
    sizes = {"alpha": 0.1, "n_steps": 1}

    def equation_19(at):
        f, slope = maml_gradient(
            model, as_tensors(at), first, **sizes, second_order=True
        )
        ahead = {name: v - 0.2 * slope[name].numpy() for name, v in at.items()}
        g, _ = maml_gradient(model, as_tensors(ahead), second, **sizes)
        return f + 0.7 * g

    _, gradient = maml_dg_gradient(
        model,
        as_tensors(theta),
        first,
        second,
        beta=0.2,
        weight=0.7,
        second_order=True,
        **sizes,
    )

    assert_close(gradient, finite_differences(equation_19, theta), 1e-7)
    assert max(np.abs(value.numpy()).max() for value in gradient.values()) > 0.01


def test_second_order_of_line_10_is_that_of_both_domains_at_theta(problem):
    theta, first, second = problem

    _, gradient = dg(theta, first, second, second_order=True, starts_at_theta=True)

    expected = complex_step(
        lambda at: (
            by_hand.meta_loss(at, first, 0.3, 2)
            + 0.7 * by_hand.meta_loss(at, second, 0.3, 2)
        ),
        theta,
    )
    assert_close(gradient, expected, 1e-10)


# -- first order -----------------------------------------------------------------------


@pytest.mark.parametrize("starts_at_theta", [False, True], ids=["eq18", "alg3"])
def test_first_order_adds_the_gradients_of_both_domains(problem, starts_at_theta):
    theta, first, second = problem

    objective, gradient = dg(theta, first, second, starts_at_theta=starts_at_theta)

    g_one = by_hand.meta_gradient(theta, first, 0.3, 2, second_order=False)
    ahead = theta if starts_at_theta else by_hand.stepped(theta, g_one, 0.4)
    g_two = by_hand.meta_gradient(ahead, second, 0.3, 2, second_order=False)
    assert_close(gradient, {k: g_one[k] + 0.7 * g_two[k] for k in theta}, 1e-10)
    expected = by_hand.meta_loss(theta, first, 0.3, 2)
    expected += 0.7 * by_hand.meta_loss(ahead, second, 0.3, 2)
    assert objective == pytest.approx(expected, rel=1e-12)


def test_the_authors_code_is_reproduced(problem):
    """Virtual step of size α; first inner step from θ with the gradient of θ' on the
    first domain's samples and the second's labels; then as usual."""
    theta, first, second = problem

    def mix(one, two):
        return LabelledTask(one.xs, two.ys, two.xq, two.yq)

    config = MetaConfig(tasks_per_iteration=4, alpha=0.3, n_steps=2)
    domains = [Listed(first), Listed(second)]
    learner = MamlDg(
        SoftmaxRegression(), domains, config, 0.7, Variant.AUTHORS, mix=mix
    )

    _, gradient = learner.gradient(as_tensors(theta), In_order(), BETA)

    g_one = by_hand.meta_gradient(theta, first, 0.3, 2, second_order=False)
    ahead = by_hand.stepped(theta, g_one, 0.3)
    g_two = {name: 0.0 for name in theta}
    for one, two in zip(first, second, strict=True):
        at = by_hand.stepped(theta, by_hand.gradient(ahead, one.xs, two.ys), 0.3)
        at = by_hand.stepped(at, by_hand.gradient(at, two.xs, two.ys), 0.3)
        slope = by_hand.gradient(at, two.xq, two.yq)
        g_two = {name: value + slope[name] / 2 for name, value in g_two.items()}
    assert_close(gradient, {k: g_one[k] + 0.7 * g_two[k] for k in theta}, 1e-10)


class Listed:
    """A domain that gives its tasks in turn."""

    def __init__(self, tasks):
        self.tasks = iter(tasks)

    def draw(self, rng):
        return next(self.tasks)


class In_order:  # noqa: N801
    """A generator that chooses the first ones."""

    def choice(self, n, size, replace):
        return np.arange(size)


# -- one meta-iteration ----------------------------------------------------------------


@pytest.mark.parametrize("second_order", [False, True])
@pytest.mark.parametrize("variant", [Variant.EQ18, Variant.ALG3])
def test_algorithm_3_follows_its_settings(problem, variant, second_order):
    theta, first, second = problem
    config = MetaConfig(
        tasks_per_iteration=4,
        alpha=0.3,
        n_steps=2,
        second_order=second_order,
    )
    domains = [Listed(first), Listed(second)]
    learner = MamlDg(SoftmaxRegression(), domains, config, 0.7, variant)

    objective, gradient = learner.gradient(as_tensors(theta), In_order(), BETA)

    expected, expected_gradient = dg(
        theta,
        first,
        second,
        starts_at_theta=variant is Variant.ALG3,
        second_order=second_order,
    )
    assert objective == expected
    assert_close(gradient, expected_gradient, 0)


def test_two_different_domains_are_drawn_and_all_of_them_at_times(rng):
    drawn = []

    class Domain:
        def __init__(self, number):
            self.number = number

        def draw(self, rng):
            drawn.append(self.number)
            return QuadraticTask.random(rng)

    config = MetaConfig(tasks_per_iteration=4, n_steps=1)
    learner = MamlDg(Quadratic(), [Domain(i) for i in range(3)], config)
    for _ in range(60):
        learner.gradient(as_tensors({"theta": np.zeros(3)}), rng, BETA)

    pairs = np.array(drawn).reshape(60, 4)
    assert (pairs[:, 0] == pairs[:, 1]).all()
    assert (pairs[:, 2] == pairs[:, 3]).all()
    assert (pairs[:, 0] != pairs[:, 2]).all()
    assert len({tuple(pair) for pair in pairs.tolist()}) == 6


@pytest.mark.parametrize("n_tasks", [2, 4, 6])
def test_an_iteration_draws_as_many_tasks_as_one_of_algorithm_1(rng, n_tasks):
    class Counting:
        n_drawn = 0

        def draw(self, rng):
            self.n_drawn += 1
            return QuadraticTask.random(rng)

    config = MetaConfig(tasks_per_iteration=n_tasks, n_steps=1)
    theta = as_tensors({"theta": np.zeros(3)})
    pooled, domains = Counting(), [Counting() for _ in range(2)]

    Maml(Quadratic(), pooled, config).gradient(theta, rng, BETA)
    MamlDg(Quadratic(), domains, config).gradient(theta, rng, BETA)

    assert pooled.n_drawn == n_tasks
    assert [domain.n_drawn for domain in domains] == [n_tasks // 2] * 2


def test_labels_of_one_task_with_images_of_another(rng):
    network = Architecture((1, 2, 2), filters=(1,))
    one, two = (
        Task(
            random_batch(network, rng, points, n_points=3),
            random_batch(network, rng, [0, 1, 2], n_points=3),
            np.zeros((3, 2)),
        )
        for points in ([0, 0, 1, 1, 2], [2, 1, 0])
    )

    mixed = with_images_of(one, two)

    assert mixed.support.points.tolist() == [2, 1, 0]
    assert (mixed.support.inputs == one.support.inputs[:3]).all()
    assert mixed.query is two.query


# -- refusals --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_domains", "options", "reason"),
    [
        (1, {}, "needs two environments or more, there are 1"),
        (2, {"weight": -1.0}, "weight w is -1.0, not 0 or more"),
        (2, {"weight": float("nan")}, "weight w is nan"),
        (2, {"variant": Variant.AUTHORS}, "is of first order and mixes tasks"),
    ],
)
def test_settings_that_mean_nothing_are_refused(n_domains, options, reason):
    with pytest.raises(ConfigError, match=reason):
        MamlDg(Quadratic(), [Listed([])] * n_domains, MetaConfig(), **options)


def test_tasks_that_two_environments_cannot_share_are_refused():
    config = MetaConfig(tasks_per_iteration=3)

    with pytest.raises(ConfigError, match=r"tasks_per_iteration is 3; .* even number"):
        MamlDg(Quadratic(), [Listed([])] * 2, config)


def test_the_authors_code_has_no_second_order():
    with pytest.raises(ConfigError, match="is of first order"):
        MamlDg(
            Quadratic(),
            [Listed([])] * 2,
            MetaConfig(second_order=True),
            variant=Variant.AUTHORS,
            mix=lambda one, two: two,
        )
