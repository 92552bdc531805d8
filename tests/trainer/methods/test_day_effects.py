"""Today's means against one large Gaussian over all points at once.

Everything that the model says is jointly Gaussian: the effects of the day at all points
and the means of the shots. The oracle stacks them into one covariance, and conditions.
"""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from tests.trainer.days import NAN, day, hall, located, nothing
from trainer.methods.contract import Needs
from trainer.methods.day_effects import (
    _DOUBT,
    _MAX_DIRECTIONS,
    _SHRINKAGE,
    _TEMPER,
    _VISIT_SHARE,
    DayEffects,
    _moved,
    _Past,
    _Today,
)
from trainer.methods.references import References
from trainer.methods.rows import group_means
from trainer.methods.wccn import Wccn, neighbour_posterior
from trainer.methods.whitening import Whitening

N_POINTS, D = 6, 3
PLACE = hall([(3.0 * i, i % 2) for i in range(N_POINTS)], D)


def covariance(rng, scale):
    root = rng.normal(0, scale, (D, D))
    return root @ root.T + 0.1 * np.eye(D)


def past(rng, *, unknown=()):
    """A past whose moments are given; whitening does nothing."""
    means = rng.normal(-60, 4, (N_POINTS, D))
    means[list(unknown)] = NAN
    points = np.array([p for p in range(N_POINTS) if p not in unknown])
    samples = References(means[points] + rng.normal(0, 1, (len(points), D)), points)
    return _Past(
        Whitening(-500.0, np.zeros(D), np.eye(D)),
        np.eye(D),
        samples,
        means,
        covariance(rng, 2.0),
        covariance(rng, 0.7),
    )


def shots_of(rng, counts, change=5.0):
    """So many shots at each point."""
    points = np.repeat(np.arange(N_POINTS), counts)
    rss = rng.normal(-60 + change, 4, (len(points), D))
    return day(PLACE, rss, points)


def conditioned(given, shots):
    """Means and covariances of z at every point, by one Gaussian of all effects.

    The unknowns are the day's whole effect at each point, a + b_p, stacked point by
    point: covariance kron(ones, A) + kron(I, B).
    """
    counts = np.bincount(shots.point_of, minlength=N_POINTS)
    prior = np.kron(np.ones((N_POINTS, N_POINTS)), given.of_day)
    prior += np.kron(np.eye(N_POINTS), given.of_point)
    known = np.isfinite(given.means[:, 0])
    shown = [p for p in range(N_POINTS) if counts[p] and known[p]]
    rows = np.array([p * D + c for p in shown for c in range(D)], int)
    rss = shots.signals.rss.astype(float)
    seen = np.array([rss[shots.point_of == p].mean(axis=0) for p in shown])
    gap = (seen.reshape(-1, D) - given.means[shown]).ravel()
    # Shots of a point share the visit; what else they have is their own.
    noise = np.repeat([_VISIT_SHARE + (1 - _VISIT_SHARE) / counts[p] for p in shown], D)
    inverse = np.linalg.inv(prior[np.ix_(rows, rows)] + np.diag(noise))
    gain = prior[:, rows] @ inverse
    means = np.nan_to_num(given.means).ravel() + gain @ gap
    left = prior - gain @ prior[rows]
    covariances = [
        left[p * D : (p + 1) * D, p * D : (p + 1) * D] + np.eye(D)
        for p in range(N_POINTS)
    ]
    return means.reshape(N_POINTS, D), np.array(covariances)


# -- the model -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "counts",
    [
        [3, 3, 3, 3, 3, 3],
        [3, 0, 3, 0, 0, 3],
        [1, 0, 0, 0, 0, 0],
        [1, 2, 0, 5, 0, 1],
        [0, 0, 0, 20, 0, 0],
    ],
    ids=str,
)
def test_shots_move_all_points_as_one_large_gaussian_says(rng, counts):
    given, shots = past(rng), shots_of(rng, counts)

    means, factors, n_shots = _moved(given, shots)

    expected_means, expected_covariances = conditioned(given, shots)
    np.testing.assert_allclose(means, expected_means, rtol=0, atol=1e-8)
    np.testing.assert_allclose(
        factors @ factors.transpose(0, 2, 1), expected_covariances, rtol=0, atol=1e-8
    )
    assert n_shots.tolist() == counts
    np.testing.assert_array_equal(factors, np.tril(factors))


def test_without_shots_points_are_where_history_has_them(rng):
    given = past(rng)

    means, factors, _ = _moved(given, nothing(PLACE))

    np.testing.assert_array_equal(means, given.means)
    everything = given.of_day + given.of_point + np.eye(D)
    np.testing.assert_allclose(factors[4] @ factors[4].T, everything)


def test_a_point_that_history_does_not_have_is_where_its_shots_are(rng):
    given, shots = past(rng, unknown=[1, 4]), shots_of(rng, [3, 3, 0, 1, 0, 0])

    means, factors, _ = _moved(given, shots)

    rss = shots.signals.rss.astype(float)
    np.testing.assert_allclose(means[1], rss[shots.point_of == 1].mean(axis=0))
    # It tells nothing of the others, as nobody knows where it was.
    expected_means, expected_covariances = conditioned(given, shots)
    known = [0, 2, 3, 5]
    np.testing.assert_allclose(means[known], expected_means[known], atol=1e-8)
    np.testing.assert_allclose(
        (factors @ factors.transpose(0, 2, 1))[known],
        expected_covariances[known],
        atol=1e-8,
    )


def by_density(given, shots, signals):
    """The posterior of the docstring, with scipy's Gaussian."""
    means, covariances = conditioned(given, shots)
    counts = np.bincount(shots.point_of, minlength=N_POINTS)
    z = signals.rss.astype(float)
    log_p = np.transpose(
        [
            multivariate_normal.logpdf(z, m, c)
            for m, c in zip(means, covariances, strict=True)
        ]
    )
    near = neighbour_posterior(z, given.samples, N_POINTS)
    known = np.isfinite(given.means[:, 0])
    weights = np.exp(_TEMPER * log_p) * known
    weights *= (near + _DOUBT) ** np.mean(counts[known] == 0)
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("counts", "unknown"),
    [([3] * 6, []), ([3, 0, 3, 0, 0, 3], []), ([0] * 6, []), ([3, 0, 3, 0, 0, 3], [1])],
    ids=["all", "some", "none", "some-unknown"],
)
def test_the_posterior_is_the_tempered_density_and_historys_neighbours(
    rng, counts, unknown
):
    given, shots = past(rng, unknown=unknown), shots_of(rng, counts)
    queries = shots_of(rng, [4] * 6).signals

    found = _Today(PLACE, given, *_moved(given, shots)).locate(queries)

    expected = by_density(given, shots, queries)
    np.testing.assert_allclose(found.posterior, expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.locations, expected @ PLACE.locations, atol=1e-8)


# -- moments ---------------------------------------------------------------------------


def daily(rng, n_days, *, points=None, place=PLACE, n=4, day_db=4.0, point_db=1.0):
    """Days that move all points alike by one offset, and each by a smaller one."""
    d = len(place.channels)
    base = np.random.default_rng(7).normal(-60, 8, (place.n_points, d))
    days = []
    for number in range(n_days):
        shown = range(place.n_points) if points is None else points[number]
        rows = np.tile(list(shown), 2 * n)
        moved = base + rng.normal(0, day_db, d)
        moved = moved + rng.normal(0, point_db, moved.shape)
        rss = moved[rows] + rng.normal(0, 1, (len(rows), d))
        visits = np.repeat([0, 1], len(rows) // 2)
        days.append(day(place, rss, rows, visits=visits, name=f"d{number}"))
    return days


def shrunk(covariance):
    level = np.trace(covariance) / len(covariance)
    return (1 - _SHRINKAGE) * covariance + _SHRINKAGE * level * np.eye(len(covariance))


@pytest.mark.parametrize(
    "points",
    [
        [range(6), range(6), range(6)],
        [range(5), range(1, 5), [0, 2, 4]],
        [range(4), range(4), range(4)],
    ],
    ids=["complete", "gaps", "points-without-history"],
)
def test_moments_are_those_of_days_and_of_points_on_days(rng, points):
    days = daily(rng, 3, points=points)

    found = _Past.of(days, PLACE)

    whitening = Whitening.learn(days)
    table = {
        (number, p): whitening(e.signals)[e.point_of == p].mean(axis=0)
        for number, e in enumerate(days)
        for p in points[number]
    }
    known = sorted({p for _, p in table})
    means = {
        p: np.mean([table[n, q] for n, q in table if q == p], axis=0) for p in known
    }
    offsets = np.array(
        [
            np.mean([table[m, p] - means[p] for m, p in table if m == n], axis=0)
            for n in range(3)
        ]
    )
    rest = np.array([table[n, p] - means[p] - offsets[n] for n, p in table])
    for p in range(N_POINTS):
        np.testing.assert_allclose(found.means[p], means.get(p, [NAN] * D))
    np.testing.assert_allclose(found.of_day, shrunk(offsets.T @ offsets / 2))
    # Two-way analysis of variance: as many means as points and days, less one, are
    # taken off.
    freedom = len(table) - len(known) - 2
    np.testing.assert_allclose(found.of_point, shrunk(rest.T @ rest / freedom))


@pytest.mark.parametrize(
    "points",
    [[[0, 0, 0, *range(6)]], [[0, 1, 2, 2], [3, 4, 5]]],
    ids=["one-day", "no-point-twice"],
)
def test_days_that_cannot_be_compared_may_move_points_as_far_as_they_are_apart(
    rng, points
):
    found = _Past.of(daily(rng, len(points), points=points), PLACE)

    expected = shrunk(np.cov(found.means, rowvar=False))
    np.testing.assert_allclose(found.of_day, expected)
    np.testing.assert_allclose(found.of_point, expected)


def test_a_history_of_one_point_is_enough_to_go_on(rng):
    history = daily(rng, 1, points=[[2]])
    shots, queries = shots_of(rng, [3, 0, 0, 0, 0, 0]), shots_of(rng, [1] * 6)

    found = located(DayEffects(), history, shots, queries.signals)

    assert (found.posterior[:, [1, 3, 4, 5]] == 0).all()
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1)


# -- many directions -------------------------------------------------------------------


def test_of_many_directions_those_are_kept_in_which_points_and_days_differ_most(rng):
    place = hall([(3.0 * i, 0) for i in range(90)], 200)
    days = daily(rng, 2, points=[[*range(90), *[5] * 80]] * 2, place=place, n=1)

    found = _Past.of(days, place)

    kept = found.directions
    assert kept.shape == (200, _MAX_DIRECTIONS)
    np.testing.assert_allclose(kept.T @ kept, np.eye(_MAX_DIRECTIONS), atol=1e-9)
    rows = np.concatenate(
        [group_means(found.whitening(e.signals), e.point_of, 90) for e in days]
    )
    spread = np.cov(rows, rowvar=False)
    largest = np.linalg.eigvalsh(spread)[::-1][:_MAX_DIRECTIONS]
    captured = np.trace(kept.T @ spread @ kept)
    np.testing.assert_allclose(captured, largest.sum(), rtol=1e-11)
    assert found.of_day.shape == found.of_point.shape == (160, 160)
    z = found.whitening(days[0].signals) @ kept
    np.testing.assert_allclose(found(days[0].signals), z)
    np.testing.assert_allclose(found.samples.features[: len(z)], z)


def test_few_points_have_no_more_directions_than_they_differ_in(rng):
    place = hall([(3.0 * i, 0) for i in range(4)], 200)

    days = daily(rng, 2, place=place)
    shots, queries = daily(rng, 2, place=place)

    assert _Past.of(days, place).directions.shape == (200, 8)
    found = located(DayEffects(), days, shots, queries.signals)
    assert (found.posterior.argmax(axis=1) == queries.point_of).mean() > 0.9


# -- the method ------------------------------------------------------------------------


def test_five_of_eight_points_tell_where_the_others_are(rng):
    place = hall([(3.0 * (i % 4), 3.0 * (i // 4)) for i in range(8)], 6)
    *history, today = daily(rng, 6, place=place, day_db=12.0)
    shown = [0, 2, 3, 5, 6]
    shots = today.select(
        np.concatenate([np.flatnonzero(today.point_of == p)[:3] for p in shown])
    )
    queries = today.select(np.flatnonzero(today.visit_of == 1))
    hidden = ~np.isin(queries.point_of, shown)

    def right(method, shots):
        posterior = located(method, history, shots, queries.signals).posterior
        return posterior.argmax(axis=1) == queries.point_of

    moved = right(DayEffects(), shots)
    assert moved.mean() > 0.95
    assert moved[hidden].mean() > 0.9
    # Neighbours cannot see points without shots, and history alone is of other days.
    assert right(Wccn(), shots)[hidden].mean() == 0
    assert right(DayEffects(), nothing(place))[hidden].mean() < 0.8


def test_one_day_of_history_does_not_outweigh_the_shots(rng):
    history, today = daily(rng, 2, day_db=12.0)
    shots = today.select(np.flatnonzero(today.visit_of == 0))
    queries = today.select(np.flatnonzero(today.visit_of == 1))

    found = located(DayEffects(), [history], shots, queries.signals)

    assert (found.posterior.argmax(axis=1) == queries.point_of).mean() > 0.9


def test_points_that_neither_history_nor_shots_know_have_no_probability(rng):
    history = daily(rng, 3, points=[range(4)] * 3)
    shots = shots_of(rng, [1, 0, 0, 0, 1, 0])

    found = located(DayEffects(), history, shots, shots_of(rng, [2] * 6).signals)

    assert (found.posterior[:, 5] == 0).all()
    assert (found.posterior[:, 4] > 0).any()
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1)


def test_days_without_samples_and_other_places_say_nothing(rng):
    days, queries = daily(rng, 3), shots_of(rng, [2] * 6).signals
    shots = shots_of(rng, [1, 1, 0, 0, 0, 0])
    elsewhere = daily(rng, 1, place=hall([(9, 9)], 2, name="elsewhere"))
    more = [*elsewhere, days[0], nothing(PLACE), *days[1:]]

    found = located(DayEffects(), more, shots, queries)

    expected = located(DayEffects(), days, shots, queries)
    np.testing.assert_array_equal(found.posterior, expected.posterior)


def test_it_needs_history():
    assert DayEffects().needs == Needs.HISTORY
