"""Sites: what is received where, on which day, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.simulate.pathloss.errors import PathLossError
from trainer.simulate.pathloss.models import (
    LOG_DISTANCE,
    MALL_DUAL_SLOPE,
    MALL_MIXED,
    MODELS,
    OFFICE_FREQUENCY,
    OFFICE_MIXED,
    log_distance_model,
)
from trainer.simulate.pathloss.shadowing import SHADOWINGS, DayChange
from trainer.simulate.pathloss.site import draw_site

SIDE_M = 20.0
WITHOUT_SPREAD = OFFICE_MIXED.with_sigma(los_db=0, nlos_db=0)
FIXED = pytest.mark.parametrize("shadowing", ["independent", "correlated"])


def site_of(seed=1, model=OFFICE_MIXED, **options):
    options = {"power_dbm": 10.0, "n_aps": 24} | options
    return draw_site(np.random.default_rng(seed), model, SIDE_M, **options)


def points_of(n, seed=5):
    return np.random.default_rng(seed).uniform(0, SIDE_M, (n, 2))


def excess_db(site, points):
    """What shadowing takes away, shape (n, n_aps)."""
    plain = replace(site, model=site.model.with_sigma(**no_spread(site.model)))
    return plain.mean_rss(points) - site.mean_rss(points)


def no_spread(model):
    return {"nlos_db": 0} | ({} if model.los is None else {"los_db": 0})


# -- the mean --------------------------------------------------------------------------


def test_the_link_budget_is_equation_1():
    """By hand: 12 + 3 - (40.1956 + 35 lg 5 = 24.4640) = -49.66 dBm at 3-4-5 metres."""
    site = site_of(
        model=log_distance_model(3.5, 0.0), power_dbm=12.0, gain_db=3.0, n_aps=1
    )
    site = replace(site, access_points=np.array([[4.0, 6.0]]))

    (rss,) = site.rss(np.array([[7.0, 10.0]]), 2, np.random.default_rng(0))

    np.testing.assert_allclose(rss, -49.6596, atol=0.0002)


def test_access_points_may_hang_above_the_plane():
    flat = replace(
        site_of(model=log_distance_model(2.0, 0.0), n_aps=1),
        access_points=np.array([[4.0, 6.0]]),
    )
    high = replace(flat, height_m=12.0)

    # 5 m on the map, 13 m in space; and 12 m on the map below it.
    (far,) = high.mean_rss(np.array([[7.0, 10.0]]))
    (below,) = high.mean_rss(np.array([[4.0, 6.0]]))
    (twelve,) = flat.mean_rss(np.array([[16.0, 6.0]]))

    assert far == pytest.approx(10 - 40.1956 - 20 * np.log10(13), abs=0.001)
    assert below == pytest.approx(twelve)


def test_nothing_is_nearer_than_a_metre():
    site = replace(
        site_of(model=log_distance_model(3.0, 0.0), n_aps=1),
        access_points=np.array([[5.0, 5.0]]),
    )

    at_it, beside, at_a_metre = site.mean_rss(np.array([[5.0, 5], [5, 5.4], [6, 5]]))

    assert at_it == beside == at_a_metre == pytest.approx(10 - 40.1956, abs=0.001)


def test_the_clamp_takes_away_what_no_link_in_sight_has():
    site = site_of(model=MALL_DUAL_SLOPE.with_sigma(nlos_db=0))
    points = points_of(30)

    free = site.mean_rss(points)
    held = replace(site, clamp="los").mean_rss(points)

    assert (held <= free).all()
    assert (held < free).any()


def test_access_points_are_in_the_site():
    site = draw_site(
        np.random.default_rng(3), LOG_DISTANCE, (30.0, 2.0), power_dbm=10, n_aps=500
    )

    assert site.n_aps == 500
    assert (site.access_points >= 0).all()
    assert (site.access_points <= (30, 2)).all()
    assert site.access_points[:, 0].mean() == pytest.approx(15, abs=1.5)
    assert site.access_points[:, 0].max() > 28


# -- sight -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["c", "inh"])
def test_the_share_of_links_in_sight_is_p_los(name):
    """Of 12000 access points about one place, in rings of two metres."""
    site = site_of(model=MODELS[name], n_aps=12_000)
    middle = np.array([[SIDE_M / 2, SIDE_M / 2]])

    distance, sees = site.horizontal_m(middle)[0], site.in_sight(middle)[0]

    probability = MODELS[name].sight.at(distance)
    for ring in range(7):
        links = (distance >= 2 * ring) & (distance < 2 * ring + 2)
        expected = probability[links].mean()
        error = np.sqrt(expected * (1 - expected) / links.sum())
        assert sees[links].mean() == pytest.approx(expected, abs=4 * error + 1e-9)


@pytest.mark.parametrize("name", ["a", "b"])
def test_models_without_sight_see_nothing(name):
    assert not site_of(model=MODELS[name]).in_sight(points_of(20)).any()


def test_sight_belongs_to_the_place():
    site, points = site_of(), points_of(40)

    first = site.in_sight(points)
    site.rss(points, 3, np.random.default_rng(0))

    np.testing.assert_array_equal(site.in_sight(points), first)
    np.testing.assert_array_equal(site.in_sight(points[::-1]), first[::-1])
    assert 0 < first.mean() < 1


def test_neighbours_mostly_agree_and_strangers_less():
    site = site_of(n_aps=400)
    here = points_of(20) * 0.4

    agree = {
        apart: (
            site.in_sight(here) == site.in_sight(here + np.array([apart, 0]))
        ).mean()
        for apart in (0.1, 1.0, 10.0)
    }

    assert agree[0.1] > 0.9
    assert agree[0.1] > agree[1.0] > agree[10.0]


# -- shadowing -------------------------------------------------------------------------


def test_each_sample_has_shadowing_of_its_own_as_in_the_paper():
    site = site_of(model=MALL_MIXED, shadowing="sample")
    points = points_of(12)

    samples = site.rss(points, 600, np.random.default_rng(2))

    sees = site.in_sight(points)
    spread = samples.std(axis=1, ddof=1)
    assert spread[sees].mean() == pytest.approx(2.01, abs=0.05)
    assert spread[~sees].mean() == pytest.approx(6.26, abs=0.1)
    error = (samples.mean(axis=1) - site.mean_rss(points)) / spread * np.sqrt(600)
    assert error.std() == pytest.approx(1, abs=0.2)
    np.testing.assert_array_equal(excess_db(site, points), 0)


@FIXED
def test_shadowing_of_places_has_the_spread_of_the_table(shadowing):
    site = site_of(model=MALL_MIXED, shadowing=shadowing, n_aps=3000)
    points = points_of(2)

    excess, sees = excess_db(site, points), site.in_sight(points)

    assert excess[sees].std() == pytest.approx(2.01, rel=0.06)
    assert excess[~sees].std() == pytest.approx(6.26, rel=0.06)
    assert excess[~sees].mean() == pytest.approx(0, abs=0.4)


@FIXED
def test_shadowing_of_places_is_the_same_in_every_sample(shadowing):
    site, points = site_of(shadowing=shadowing), points_of(6)

    samples = site.rss(points, 4, np.random.default_rng(0))

    for sample in range(4):
        np.testing.assert_array_equal(samples[:, sample], site.mean_rss(points))


@pytest.mark.parametrize(
    ("model", "distance_m"),
    [(OFFICE_FREQUENCY, 6.0), (log_distance_model(3, 8), 6.0)],
)
@pytest.mark.parametrize("apart_m", [1.0, 6.0])
def test_correlation_out_of_sight_falls_over_six_metres(model, distance_m, apart_m):
    site = site_of(model=model, shadowing="correlated", n_aps=4000)
    points = np.array([[3.0, 4.0], [3.0 + apart_m, 4.0]])

    here, there = excess_db(site, points)

    both = ~site.in_sight(points).any(axis=0)
    assert np.corrcoef(here[both], there[both])[0, 1] == pytest.approx(
        np.exp(-apart_m / distance_m), abs=0.08
    )


def test_correlation_in_sight_falls_over_ten_metres():
    site = site_of(model=MODELS["inh"], shadowing="correlated", n_aps=4000)
    points = np.array([[3.0, 4.0], [3.0, 9.0]])

    here, there = excess_db(site, points)

    both = site.in_sight(points).all(axis=0)
    assert np.corrcoef(here[both], there[both])[0, 1] == pytest.approx(
        np.exp(-0.5), abs=0.08
    )


def test_independent_places_share_nothing():
    site = site_of(model=log_distance_model(3, 8), n_aps=4000)

    here, there = excess_db(site, np.array([[3.0, 4.0], [3.1, 4.0]]))

    assert abs(np.corrcoef(here, there)[0, 1]) < 0.07


@FIXED
def test_noise_comes_on_top(shadowing):
    site = site_of(shadowing=shadowing, noise_db=1.5)

    samples = site.rss(points_of(20), 100, np.random.default_rng(0))

    assert samples.std(axis=1, ddof=1).mean() == pytest.approx(1.5, rel=0.02)


# -- what is not heard -----------------------------------------------------------------


def test_what_is_too_weak_is_not_heard():
    site = site_of(noise_db=2.0)
    points = points_of(30)
    deaf = replace(site, sensitivity_dbm=-60.0)

    everything = site.rss(points, 3, np.random.default_rng(0))
    heard = deaf.rss(points, 3, np.random.default_rng(0))

    assert 0.1 < np.isnan(heard).mean() < 0.9
    np.testing.assert_array_equal(np.isnan(heard), everything < -60)
    np.testing.assert_array_equal(
        heard[everything >= -60], everything[everything >= -60]
    )


# -- days ------------------------------------------------------------------------------


@FIXED
def test_days_share_walls_access_points_and_most_of_the_shadowing(shadowing):
    usual = site_of(model=log_distance_model(3, 8), shadowing=shadowing, n_aps=4000)
    points = points_of(1)
    change = DayChange(own_share=0.2, power_db=0.0)

    days = [usual.on_day(np.random.default_rng(seed), change) for seed in (1, 2)]

    np.testing.assert_array_equal(days[0].access_points, usual.access_points)
    np.testing.assert_array_equal(days[0].in_sight(points), usual.in_sight(points))
    first, second = (excess_db(day, points)[0] for day in days)
    before = excess_db(usual, points)[0]
    assert first.std() == pytest.approx(8, rel=0.05)
    assert np.corrcoef(before, first)[0, 1] == pytest.approx(np.sqrt(0.8), abs=0.03)
    # Days differ from what they have in common, not from each other's.
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("shadowing", "expected"), [("independent", 0), ("correlated", 1)]
)
@pytest.mark.parametrize("name", ["inh", "b"])
def test_what_a_day_draws_anew_is_of_the_same_kind(name, shadowing, expected):
    """All of it anew, in sight (inh) and out of it (b): 10 cm apart, alike or not."""
    usual = site_of(model=MODELS[name], shadowing=shadowing, n_aps=3000)
    points = np.array([[3.0, 4.0], [3.1, 4.0]])

    today = usual.on_day(np.random.default_rng(1), DayChange(1.0, power_db=0.0))

    links = usual.in_sight(points).all(axis=0) | (name == "b")
    (here, there), before = excess_db(today, points), excess_db(usual, points)[0]
    assert links.sum() > 1000
    assert np.corrcoef(here[links], there[links])[0, 1] == pytest.approx(
        expected, abs=0.1
    )
    assert abs(np.corrcoef(here[links], before[links])[0, 1]) < 0.1


@pytest.mark.parametrize("shadowing", SHADOWINGS)
def test_the_power_of_an_access_point_differs_between_days(shadowing):
    usual = site_of(model=log_distance_model(3, 0), shadowing=shadowing, n_aps=3000)
    points = points_of(2)

    today = usual.on_day(np.random.default_rng(1), DayChange(power_db=2.0))

    change = today.mean_rss(points) - usual.mean_rss(points)
    assert change.std() == pytest.approx(2, rel=0.06)
    np.testing.assert_allclose(change[0], change[1])


def test_days_are_by_default_as_far_apart_as_in_recordings():
    """2.5 dB at a point, where points differ by some five to nine."""
    rng = np.random.default_rng(4)
    usual = site_of(model=OFFICE_MIXED, shadowing="correlated", clamp="los")
    points = points_of(20)

    days = np.array([usual.on_day(rng).mean_rss(points) for _ in range(20)])

    assert 2 < days.std(axis=0, ddof=1).mean() < 3
    assert days.mean(axis=0).std(axis=0).mean() > 5


# -- seeds -----------------------------------------------------------------------------


@pytest.mark.parametrize("shadowing", SHADOWINGS)
def test_the_same_seed_gives_the_same_bytes(shadowing):
    first, again, other = (
        site_of(seed, shadowing=shadowing)
        .on_day(np.random.default_rng(seed))
        .rss(points_of(4), 2, np.random.default_rng(seed))
        for seed in (7, 7, 8)
    )

    assert first.tobytes() == again.tobytes()
    assert (first != other).all()


# -- nonsense --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size_m": -5.0}, r"length of the site \[m\] is -5.0; expected a finite"),
        ({"size_m": 0.0}, "length of the site"),
        ({"size_m": (5.0, float("nan"))}, "width of the site"),
        ({"size_m": (float("inf"), 5.0)}, "length of the site"),
        ({"size_m": 1e30}, r"length of the site \[m\] is 1e\+30; expected 0 to 10000"),
        ({"n_aps": 0}, "n_aps is 0; expected 1 to 20000"),
        ({"n_aps": 20_001}, "n_aps is 20001"),
        ({"n_aps": -3}, "n_aps is -3"),
        ({"carrier_hz": 0.0}, "carrier_hz is 0; expected 1e\\+08 to 1e\\+12"),
        ({"carrier_hz": 1e36}, "carrier_hz is 1e\\+36"),
        ({"carrier_hz": float("nan")}, "carrier_hz is nan"),
        ({"power_dbm": float("inf")}, "power_dbm is inf; expected -100 to 100"),
        ({"power_dbm": -1e30}, "power_dbm is -1e\\+30"),
        ({"gain_db": float("nan")}, "gain_db is nan"),
        ({"gain_db": 101.0}, "gain_db is 101"),
        ({"height_m": -1.0}, "height_m is -1; expected 0 to 1000"),
        ({"noise_db": -0.1}, "noise_db is -0.1"),
        ({"noise_db": float("nan")}, "noise_db is nan"),
        ({"sensitivity_dbm": float("-inf")}, "sensitivity_dbm is -inf"),
        ({"shadowing": "none"}, "shadowing is 'none'; expected one of sample, indep"),
        ({"clamp": "nlos"}, "clamp is 'nlos'; expected one of none, los"),
    ],
)
def test_a_site_that_cannot_be_is_refused(wrong, message):
    options = {"size_m": SIDE_M, "power_dbm": 10.0} | wrong
    with pytest.raises(PathLossError, match=message):
        draw_site(np.random.default_rng(0), OFFICE_MIXED, **options)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.empty((0, 2)), r"points have shape \(0, 2\); expected \(n, 2\)"),
        (np.zeros((3, 3)), r"shape \(3, 3\)"),
        (np.zeros(2), r"shape \(2,\)"),
        (
            np.array([[1, 1], [1, 20.1]]),
            r"point 1 is at \(1.0, 20.1\) m; expected with",
        ),
        (np.array([[-0.1, 3.0]]), "point 0 is at"),
        (np.array([[np.nan, 3.0]]), "point 0 is at"),
    ],
)
def test_points_that_are_not_in_the_site_are_refused(points, message):
    site = site_of()
    for ask in (site.mean_rss, site.in_sight, site.horizontal_m):
        with pytest.raises(PathLossError, match=message):
            ask(points)


def test_coordinates_rounded_to_a_millimetre_stay_in_the_site():
    assert site_of().mean_rss(np.array([[-0.0005, SIDE_M + 0.0005]])).shape == (1, 24)


@pytest.mark.parametrize("n_samples", [0, -2])
def test_no_samples_are_refused(n_samples):
    with pytest.raises(PathLossError, match=r"n_samples is .*; expected 1 or more"):
        site_of().rss(points_of(1), n_samples, np.random.default_rng(0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"own_share": -0.1},
        {"own_share": 1.1},
        {"own_share": float("nan")},
        {"power_db": -1.0},
        {"power_db": float("inf")},
    ],
)
def test_a_change_that_cannot_be_is_refused(wrong):
    (name,) = wrong
    with pytest.raises(PathLossError, match=f"{name} is .*; expected 0"):
        DayChange(**wrong)


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(list(MODELS)),
    shadowing=st.sampled_from(SHADOWINGS),
    clamp=st.sampled_from(["none", "los"]),
    side_m=st.floats(0.1, 500),
    carrier_hz=st.floats(0.5e9, 100e9),
    seed=st.integers(0, 2**32),
)
def test_whatever_makes_sense_is_received_finitely(
    name, shadowing, clamp, side_m, carrier_hz, seed
):
    rng = np.random.default_rng(seed)
    site = draw_site(
        rng,
        MODELS[name],
        side_m,
        power_dbm=20,
        n_aps=2,
        carrier_hz=carrier_hz,
        shadowing=shadowing,
        clamp=clamp,
    )

    rss = site.on_day(rng).rss(rng.uniform(0, side_m, (3, 2)), 2, rng)

    assert rss.shape == (3, 2, 2)
    assert np.isfinite(rss).all()
