"""Broad learning against direct solutions of what its formulas solve step by step."""

import numpy as np
import pytest

from trainer.methods.broad_learning import (
    BroadLearning,
    BroadLearningConfig,
    append_nodes,
    orthonormal,
    ridge_inverse,
    sparse_autoencoder,
)

RIDGE = 2.0**-10
SMALL = BroadLearningConfig(
    n_windows=2, n_feature_nodes=4, n_enhancement_nodes=6, n_steps=3
)


def direct_ridge_inverse(a, ridge):
    """The other form, Aᵀ (A Aᵀ + C I)⁻¹, by the normal equations of the rows."""
    return a.T @ np.linalg.inv(a @ a.T + ridge * np.eye(len(a)))


@pytest.mark.parametrize("n", [5, 40], ids=["more nodes", "more samples"])
def test_the_ridge_inverse_is_that_of_the_rows_normal_equations(rng, n):
    a = rng.normal(size=(n, 12))

    found = ridge_inverse(a, RIDGE)

    np.testing.assert_allclose(found, direct_ridge_inverse(a, RIDGE), atol=1e-9)


@pytest.mark.parametrize("n", [9, 60], ids=["more nodes", "more samples"])
@pytest.mark.parametrize("ridge", [2.0**-15, 2.0**-10, 1.0])
def test_nodes_that_are_added_give_the_inverse_from_scratch(rng, n, ridge):
    nodes = rng.normal(size=(n, 8))
    inverse = ridge_inverse(nodes, ridge)

    for _ in range(4):
        new = rng.normal(size=(n, 5))
        inverse = append_nodes(nodes, inverse, new, ridge)
        nodes = np.hstack([nodes, new])

    expected = direct_ridge_inverse(nodes, ridge)
    np.testing.assert_allclose(inverse, expected, rtol=0, atol=1e-8)


def test_nodes_that_repeat_others_give_the_inverse_from_scratch(rng):
    # Greville's formula would divide by the residual, which is zero.
    nodes = rng.normal(size=(20, 6))

    found = append_nodes(nodes, ridge_inverse(nodes, RIDGE), nodes[:, :3], RIDGE)

    expected = direct_ridge_inverse(np.hstack([nodes, nodes[:, :3]]), RIDGE)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


def test_without_a_ridge_it_is_grevilles_formula(rng):
    nodes, new = rng.normal(size=(30, 6)), rng.normal(size=(30, 4))
    pseudo_inverse = np.linalg.pinv(nodes)

    found = append_nodes(nodes, ridge_inverse(nodes, 1e-12), new, 1e-12)

    d = pseudo_inverse @ new
    b = np.linalg.pinv(new - nodes @ d)
    greville = np.vstack([pseudo_inverse - d @ b, b])
    np.testing.assert_allclose(greville, np.linalg.pinv(np.hstack([nodes, new])))
    np.testing.assert_allclose(found, greville, rtol=0, atol=1e-9)


def test_the_sparse_autoencoder_is_at_the_minimum(rng):
    features, targets = rng.normal(size=(30, 5)), rng.normal(size=(30, 7))
    penalty = 4.0

    w = sparse_autoencoder(features, targets, penalty=penalty, n_iterations=2000)

    # Subgradient of λ|w| where w is zero: anything within ±λ.
    slope = features.T @ (features @ w - targets)
    zero = w == 0
    assert 0 < zero.sum() < w.size
    assert (np.abs(slope[zero]) <= penalty + 1e-6).all()
    np.testing.assert_allclose(slope[~zero], -penalty * np.sign(w[~zero]), atol=1e-6)


@pytest.mark.parametrize("shape", [(7, 3), (3, 7), (4, 4)])
def test_orthonormal_vectors_are_some(rng, shape):
    found = orthonormal(rng.normal(size=shape))

    assert found.shape == shape
    gram = found.T @ found if shape[0] >= shape[1] else found @ found.T
    np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-12)


def test_it_tells_classes_apart_that_no_line_separates(rng):
    angles = rng.uniform(0, 2 * np.pi, 200)
    labels = np.arange(200) % 2
    radii = np.where(labels, 2.0, 1.0) + rng.normal(0, 0.05, 200)
    points = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    config = BroadLearningConfig(n_feature_nodes=10, n_enhancement_nodes=30, n_steps=2)

    trained = BroadLearning(points[:100], np.eye(2)[labels[:100]], config, rng)

    found = trained.predict(points[100:]).argmax(axis=1)
    assert (found == labels[100:]).mean() > 0.95


def test_outputs_of_training_samples_are_the_ridge_solution(rng):
    inputs, targets = rng.normal(size=(25, 6)), rng.normal(size=(25, 3))

    trained = BroadLearning(inputs, targets, SMALL, rng)

    # New samples pass the same nodes in the same order as those of training.
    biased = np.hstack([inputs, np.full((25, 1), 0.1)])
    nodes = trained._nodes(biased)
    assert nodes.shape == (25, 2 * 4 + 6 + 3 * (4 + 6 + 6))
    solution = direct_ridge_inverse(nodes, SMALL.ridge) @ targets
    np.testing.assert_allclose(trained.predict(inputs), nodes @ solution, atol=1e-6)


def test_feature_nodes_of_training_span_zero_to_one(rng):
    inputs = rng.normal(size=(25, 6))
    trained = BroadLearning(inputs, np.ones((25, 1)), SMALL, rng)

    biased = np.hstack([inputs, np.full((25, 1), 0.1)])
    first_windows = trained._nodes(biased)[:, : 2 * 4]

    np.testing.assert_allclose(first_windows.min(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(first_windows.max(axis=0), 1, atol=1e-12)


def test_enhancement_nodes_stay_below_the_shrinkage(rng):
    inputs = rng.normal(size=(25, 6))
    trained = BroadLearning(inputs, np.ones((25, 1)), SMALL, rng)

    biased = np.hstack([inputs, np.full((25, 1), 0.1)])
    enhancement = trained._nodes(biased)[:, 2 * 4 : 2 * 4 + 6]

    assert np.abs(enhancement).max() == pytest.approx(np.tanh(SMALL.shrinkage))


def test_equal_samples_are_no_division_by_zero(rng):
    trained = BroadLearning(np.ones((4, 3)), np.ones((4, 1)), SMALL, rng)

    np.testing.assert_allclose(trained.predict(np.ones((2, 3))), 1, atol=0.01)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"n_windows": 0}, r"\(0, 30, 50\) nodes and 10 steps"),
        ({"n_feature_nodes": 0}, r"\(5, 0, 50\) nodes"),
        ({"n_enhancement_nodes": 0}, r"\(5, 30, 0\) nodes"),
        ({"n_steps": -1}, "-1 steps; at least 1 and 0"),
        ({"ridge": 0.0}, "ridge 0.0, shrinkage 0.9; both are above zero"),
        ({"ridge": float("nan")}, "ridge nan"),
        ({"shrinkage": 0.0}, "shrinkage 0.0"),
    ],
    ids=str,
)
def test_sizes_that_make_no_system_are_refused(fields, found):
    with pytest.raises(ValueError, match=found):
        BroadLearningConfig(**fields)
