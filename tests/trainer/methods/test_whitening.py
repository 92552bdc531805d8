"""Whitening: covariances by hand, and the choice of shrinkage written down again."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import sqrtm

from tests.trainer.days import NAN, day, hall, images, power
from trainer.methods.whitening import SHRINKAGES, Whitening, shape_and_level

N_CHANNELS = 5
PLACE = hall([(0, 0), (4, 0), (0, 4), (4, 4)], N_CHANNELS)
FLOOR = -100.0


def survey(rng, mixing, *, n=30, visits=(0, 1), name="d0", order=0, spread=10.0):
    """A day: every point has its mean, every sample its mixture of noises."""
    n_points = PLACE.n_points
    points = np.tile(np.arange(n_points), n * len(visits))
    means = np.random.default_rng(5).normal(-60, spread, (n_points, N_CHANNELS))
    rss = means[points] + rng.normal(0, 1, (len(points), N_CHANNELS)) @ mixing
    return day(
        PLACE,
        rss,
        points,
        visits=np.repeat(visits, n * n_points),
        name=name,
        order=order,
    )


def residuals(whitening, days, *, by_day):
    """Whitened rows less the mean of their point, of each day or of all days."""
    rows, groups = [], []
    for number, e in enumerate(days):
        rows.extend(whitening(e.signals))
        groups.extend((number if by_day else 0, point) for point in e.point_of)
    of_group = {
        g: np.mean([r for r, h in zip(rows, groups, strict=True) if h == g], 0)
        for g in set(groups)
    }
    return np.array([r - of_group[g] for r, g in zip(rows, groups, strict=True)])


# -- features --------------------------------------------------------------------------


def test_powers_are_whitened_as_they_are():
    found = shape_and_level(power([[-40, NAN], [-120, -60]]), FLOOR)

    assert found.tolist() == [[-40, FLOOR], [FLOOR, -60]]


def test_of_images_the_shape_and_the_level_of_every_channel_are_whitened():
    # Two packets of two tones; channel 1 is not heard.
    amplitudes = np.zeros((1, 2, 2, 2))
    amplitudes[0, :, :, 0] = [[3, 4], [6, 8]]

    found = shape_and_level(images(amplitudes), FLOOR)

    level = 10 * np.log10((9 + 16 + 36 + 64) / 4)
    np.testing.assert_allclose(found, [[0.6, 0, 0.8, 0, level, FLOOR]])


# -- the matrix ------------------------------------------------------------------------


@pytest.mark.parametrize("visits", [(0, 1), (3, 7, 8)])
def test_without_shrinkage_residuals_at_a_point_of_a_day_are_white(rng, visits):
    mixing = rng.normal(0, 2, (N_CHANNELS, N_CHANNELS))
    days = [
        survey(rng, mixing, visits=visits),
        survey(rng, 2 * mixing, visits=visits, spread=12),
    ]

    whitening = Whitening.learn(days, shrinkage=0.0)

    left = residuals(whitening, days, by_day=True)
    np.testing.assert_allclose(left.T @ left / len(left), np.eye(N_CHANNELS), atol=1e-8)


def test_where_days_have_one_visit_alone_the_days_show_what_means_nothing(rng):
    mixing = rng.normal(0, 2, (N_CHANNELS, N_CHANNELS))
    days = [survey(rng, mixing, visits=[0]), survey(rng, mixing, visits=[0], spread=15)]

    whitening = Whitening.learn(days, shrinkage=0.0)

    left = residuals(whitening, days, by_day=False)
    np.testing.assert_allclose(left.T @ left / len(left), np.eye(N_CHANNELS), atol=1e-8)


def test_one_day_with_two_visits_is_enough_not_to_need_the_days(rng):
    mixing = rng.normal(0, 2, (N_CHANNELS, N_CHANNELS))
    days = [
        survey(rng, mixing, visits=[0, 1]),
        survey(rng, mixing, visits=[0], spread=15),
    ]

    whitening = Whitening.learn(days, shrinkage=0.0)

    left = residuals(whitening, days, by_day=True)
    np.testing.assert_allclose(left.T @ left / len(left), np.eye(N_CHANNELS), atol=1e-8)


@pytest.mark.parametrize("shrinkage", [0.3, 0.01, 1.0])
def test_the_matrix_is_the_inverse_root_of_the_shrunk_covariance(rng, shrinkage):
    mixing = rng.normal(0, 2, (N_CHANNELS, N_CHANNELS)) * [1, 1, 1, 1, 9]
    past = survey(rng, mixing)
    rss = past.signals.rss.astype(float)

    found = Whitening.learn([past], shrinkage=shrinkage)

    sigma = rss.std(axis=0)
    left = rss / sigma
    for point in range(PLACE.n_points):
        left[past.point_of == point] -= left[past.point_of == point].mean(axis=0)
    scatter = left.T @ left / len(left)
    shrunk = (1 - shrinkage) * scatter
    shrunk += shrinkage * np.trace(scatter) / N_CHANNELS * np.eye(N_CHANNELS)
    expected = np.linalg.inv(sqrtm(shrunk).real)
    np.testing.assert_allclose(found.mean, rss.mean(axis=0))
    np.testing.assert_allclose(sigma[:, None] * found.matrix, expected, atol=1e-8)


def test_the_mean_of_history_becomes_zero(rng):
    past = survey(rng, np.eye(N_CHANNELS))

    found = Whitening.learn([past], shrinkage=0.3)(past.signals)

    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-9)


def test_the_floor_is_historys(rng):
    past = survey(rng, np.eye(N_CHANNELS))
    whitening = Whitening.learn([past], shrinkage=0.3)

    deaf, faint = (
        whitening(power(np.full((1, N_CHANNELS), level))) for level in (NAN, -300)
    )

    assert whitening.floor_db == past.signals.rss.min() - 5
    np.testing.assert_array_equal(deaf, faint)


def test_a_channel_that_never_changes_is_no_division_by_zero(rng):
    past = survey(rng, np.eye(N_CHANNELS))
    rss = past.signals.rss.copy()
    rss[:, 2] = NAN
    past = day(PLACE, rss, past.point_of, visits=past.visit_of)

    whitening = Whitening.learn([past], shrinkage=0.1)

    assert np.isfinite(whitening.matrix).all()
    np.testing.assert_allclose(whitening(past.signals)[:, 2], 0, atol=1e-9)


def test_a_sample_per_point_is_no_division_by_zero():
    past = day(PLACE, -50 - np.arange(20.0).reshape(4, 5), np.arange(4))

    whitening = Whitening.learn([past])

    assert np.isfinite(whitening(past.signals)).all()


def test_days_without_samples_say_nothing(rng):
    # Nor do they make it seem that a day had one visit alone.
    days = [survey(rng, np.eye(N_CHANNELS), spread=s) for s in (10, 15)]
    empty = days[0].select(np.arange(0))

    found = Whitening.learn([empty, *days, empty], shrinkage=0.1)

    expected = Whitening.learn(days, shrinkage=0.1)
    np.testing.assert_array_equal(found.matrix, expected.matrix)


# -- the choice of shrinkage -----------------------------------------------------------


def chosen(days):
    """The λ that was taken, by what came of it."""
    matrix = Whitening.learn(days).matrix
    alike = [
        shrinkage
        for shrinkage in SHRINKAGES
        if np.array_equal(matrix, Whitening.learn(days, shrinkage=shrinkage).matrix)
    ]
    assert len(alike) == 1
    return alike[0]


@pytest.mark.parametrize("visits", [(0, 1), (0,)])
def test_where_there_is_nothing_to_replay_the_strongest_is_taken(rng, visits):
    one = [survey(rng, np.eye(N_CHANNELS), visits=visits)]
    single_visits = [survey(rng, np.eye(N_CHANNELS), visits=[0]) for _ in range(3)]

    assert chosen(one) == chosen(single_visits) == SHRINKAGES[0] == max(SHRINKAGES)


WIDE = 30


def wide_day(rng, nuisance, *, n, signal, n_points=6):
    """Points differ in all channels; one mixture of them says nothing."""
    place = hall([(3.0 * i, 0) for i in range(n_points)], WIDE)
    means = np.random.default_rng(3).normal(0, signal, (n_points, WIDE))
    points = np.tile(np.arange(n_points), 2 * n)
    rss = means[points] + rng.normal(0, 1, (len(points), WIDE))
    rss += rng.normal(0, nuisance, (len(points), 1)) * np.sign(means[0]) - 300
    return day(place, rss, points, visits=np.repeat([0, 1], n * n_points))


def test_few_residuals_of_plain_noise_are_shrunk_strongly(rng):
    # Eleven residuals in thirty channels: most directions only seem to be quiet.
    days = [wide_day(rng, 0.0, n=1, signal=1.5)]
    days.append(wide_day(rng, 0.0, n=12, signal=1.5))

    assert chosen(days) == max(SHRINKAGES)


def test_a_strong_nuisance_that_many_residuals_show_is_hardly_shrunk(rng):
    days = [wide_day(rng, 40.0, n=40, signal=1.0) for _ in range(3)]

    assert chosen(days) == min(SHRINKAGES)


def replayed(days, n_known):
    """Errors of 1-NN for each λ, as the docstring says: a second implementation.

    Args:
        n_known: Of a day that is replayed, how many days may be known.
    """
    errors, floor_db = np.zeros(len(SHRINKAGES)), Whitening.learn(days).floor_db
    for target in range(max(1, len(days) - 4), len(days)):
        known = days[: n_known(target)]
        today = days[target]
        first = today.visit_of == today.visit_of.min()
        shots = np.concatenate(
            [np.flatnonzero(first & (today.point_of == p))[:3] for p in range(6)]
        )
        queries = np.flatnonzero(~first)
        where = today.place.locations[today.point_of]
        for number, shrinkage in enumerate(SHRINKAGES):
            whitening = Whitening.learn(known, shrinkage=shrinkage)
            z = replace(whitening, floor_db=floor_db)(today.signals)
            for query in queries:
                gaps = np.linalg.norm(z[shots] - z[query], axis=1)
                found = where[shots[gaps.argmin()]]
                errors[number] += np.linalg.norm(found - where[query]) / len(queries)
    return errors


def test_only_days_before_the_replayed_one_choose():
    choices = set()
    n_told_apart = 0
    for seed in range(25):
        rng = np.random.default_rng(seed)
        nuisance = rng.choice([0.0, 5.0, 20.0], 6)
        days = [wide_day(rng, s, n=2 + i, signal=1.0) for i, s in enumerate(nuisance)]
        errors = replayed(days, lambda target: target)
        best = SHRINKAGES[int(errors.argmin())]
        if np.sort(errors)[1] - errors.min() < 1e-9:
            continue  # a tie, which rounding would decide

        assert chosen(days) == best

        choices.add(best)
        cheating = replayed(days, lambda target: target + 1)
        n_told_apart += SHRINKAGES[int(cheating.argmin())] != best
    assert len(choices) >= 3
    assert n_told_apart >= 3
