"""MMD against double loops over the definition, and against two known Gaussians."""

import math

import numpy as np
import pytest

from edge_agent.task_similarity.mmd import (
    gaussian_gram,
    median_bandwidth,
    permutation_test,
    squared_distances,
    squared_mmd,
    standardize,
)


def kernel(a, b, bandwidth):
    return math.exp(-sum((a - b) ** 2) / (2 * bandwidth**2))


def by_definition(x, y, bandwidth):
    """The unbiased estimator, term by term."""
    m, n = len(x), len(y)
    within_x = sum(
        kernel(x[i], x[j], bandwidth) for i in range(m) for j in range(m) if i != j
    )
    within_y = sum(
        kernel(y[i], y[j], bandwidth) for i in range(n) for j in range(n) if i != j
    )
    across = sum(kernel(a, b, bandwidth) for a in x for b in y)
    return within_x / (m * (m - 1)) + within_y / (n * (n - 1)) - 2 * across / (m * n)


# -- the estimate ----------------------------------------------------------------------


@pytest.mark.parametrize(("m", "n"), [(2, 2), (5, 3), (4, 9)])
def test_estimate_is_the_sum_over_pairs(rng, m, n):
    x, y = rng.normal(size=(m, 3)), rng.normal(1, 2, size=(n, 3))

    found = squared_mmd(x, y, 1.3)

    assert found == pytest.approx(by_definition(x, y, 1.3), abs=1e-12)


def test_gram_is_the_kernel_of_every_pair(rng):
    x, y = rng.normal(size=(3, 2)), rng.normal(size=(4, 2))

    gram = gaussian_gram(x, y, 0.7)

    expected = [[kernel(a, b, 0.7) for b in y] for a in x]
    np.testing.assert_allclose(gram, expected, rtol=1e-12)


def test_estimate_is_without_bias(rng):
    """The mean of 400 estimates is MMD² within four standard errors.

    Between N(0, I) and N(d, I) in p dimensions E k = r exp(-|d|² / (2 (s² + 2))) with
    r = (s² / (s² + 2))^(p/2), so that MMD² = 2 r (1 - exp(-|d|² / (2 (s² + 2)))).
    """
    p, s = 2, 1.5
    for shift in (0.0, 1.0):
        estimates = [
            squared_mmd(rng.normal(size=(10, p)), rng.normal(shift, 1, (10, p)), s)
            for _ in range(400)
        ]

        r = (s**2 / (s**2 + 2)) ** (p / 2)
        expected = 2 * r * (1 - math.exp(-p * shift**2 / (2 * (s**2 + 2))))
        error = np.std(estimates) / math.sqrt(len(estimates))
        assert abs(np.mean(estimates) - expected) < 4 * error
        assert error < 0.01
        assert min(estimates) < 0


@pytest.mark.parametrize(("m", "n"), [(1, 5), (5, 1), (0, 2)])
def test_single_vectors_are_refused(rng, m, n):
    x, y = rng.normal(size=(m, 2)), rng.normal(size=(n, 2))

    for compare in (
        lambda: squared_mmd(x, y, 1.0),
        lambda: permutation_test(x, y, 1.0, rng),
    ):
        with pytest.raises(ValueError, match=f"samples of {m} and {n} vectors"):
            compare()


# -- bandwidth and scaling -------------------------------------------------------------


def test_bandwidth_is_the_median_distance_over_root_two():
    # Distances 1, 2, 3, 4, 6, 7.
    samples = [np.array([[0.0], [1.0]]), np.array([[3.0], [7.0]])]

    assert median_bandwidth(samples) == pytest.approx(math.sqrt(12.5 / 2))


def test_bandwidth_is_one_where_all_is_the_same():
    assert median_bandwidth([np.full((4, 2), 0.1)]) == 1.0
    assert median_bandwidth([np.zeros((1, 2))]) == 1.0


def test_bandwidth_of_very_many_is_about_that_of_all(rng):
    """Of differences of unit normals, N(0, 2): √2 · 0.6745 over √2."""
    assert median_bandwidth([rng.normal(size=(9000, 1))]) == pytest.approx(
        0.6745, rel=0.08
    )


def test_equal_vectors_have_no_distance(rng):
    x = rng.normal(1000, 1, size=(5, 20))

    distances = squared_distances(x, x)

    assert (np.diag(distances) == 0).all()
    expected = ((x[0] - x[1]) ** 2).sum()
    assert distances[0, 1] == pytest.approx(expected, rel=1e-6)


def test_features_are_standardized_over_all_samples(rng):
    x, y = rng.normal(5, 2, size=(30, 2)), rng.normal(9, 7, size=(20, 2))
    x[:, 1] = y[:, 1] = 3.0

    scaled = standardize([x, y])

    assert [len(sample) for sample in scaled] == [30, 20]
    pooled = np.concatenate(scaled)
    np.testing.assert_allclose(pooled.mean(axis=0), 0, atol=1e-12)
    assert pooled[:, 0].std() == pytest.approx(1)
    assert (pooled[:, 1] == 0).all()
    # One scale for both, so that they stay as far apart as they were.
    assert scaled[0][:, 0].mean() < scaled[1][:, 0].mean()


# -- the test --------------------------------------------------------------------------


def test_p_value_is_the_share_of_all_splits_that_are_as_far(rng):
    """Two pairs can be split in three ways; the one found is one of them.

    Each has a third of the permutations, give or take four standard deviations.
    """
    x, y = np.array([[0.0], [0.1]]), np.array([[5.0], [5.3]])

    found = permutation_test(x, y, 1.0, rng, n_permutations=2000)

    assert found.squared_mmd == pytest.approx(by_definition(x, y, 1.0), abs=1e-12)
    assert found.p_value == pytest.approx(1 / 3, abs=4 * math.sqrt(2 / 9 / 2000))


def test_level_is_the_one_that_was_asked_for(rng):
    """Of 200 tests of the same distribution, 5 % reject, give or take 4 deviations."""
    rejected = 0
    for _ in range(200):
        x, y = rng.normal(size=(2, 20, 3))
        s = median_bandwidth([x, y])
        rejected += permutation_test(x, y, s, rng).p_value <= 0.05

    assert 0 < rejected < 10 + 4 * math.sqrt(200 * 0.05 * 0.95)


def test_a_shift_is_found(rng):
    """By 0.6 deviations in each of five features; with 40 samples nearly always."""
    found = 0
    for _ in range(50):
        x, y = rng.normal(size=(40, 5)), rng.normal(0.6, 1, size=(40, 5))
        s = median_bandwidth([x, y])
        found += permutation_test(x, y, s, rng).p_value <= 0.05

    assert found >= 45


def test_the_smallest_p_value_is_one_of_all_permutations(rng):
    x, y = rng.normal(size=(20, 2)), rng.normal(9, 1, size=(20, 2))

    assert permutation_test(x, y, 2.0, rng, n_permutations=199).p_value == 1 / 200


def test_permutations_depend_on_the_generator_alone(rng):
    x, y = rng.normal(size=(2, 12, 2))

    first, again = (
        permutation_test(x, y, 1.0, np.random.default_rng(3)) for _ in range(2)
    )

    assert first == again
