"""Models (a) to (e) against their test vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.simulate.pathloss.errors import PathLossError
from trainer.simulate.pathloss.laws import FREE_SPACE
from trainer.simulate.pathloss.models import (
    INH_OPEN,
    LOG_DISTANCE,
    MALL_DUAL_SLOPE,
    MALL_MIXED,
    MODELS,
    OFFICE_FREQUENCY,
    OFFICE_MIXED,
    log_distance_model,
    model_named,
)

WIFI_HZ = 2.44e9
DISTANCES = [1, 2, 3, 5, 7, 10, 14]
ALL = pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))


@pytest.mark.parametrize(
    ("model", "losses_db"),
    [
        (log_distance_model(2, 3), [40.2, 46.2, 49.7, 54.2, 57.1, 60.2, 63.1]),
        (MALL_DUAL_SLOPE, [30.9, 39.6, 44.7, 51.1, 55.4, 59.9, 64.1]),
        (OFFICE_MIXED, [40.2, 45.4, 48.4, 53.7, 59.3, 65.3, 70.8]),
        (OFFICE_FREQUENCY, [40.2, 49.3, 54.6, 61.3, 65.7, 70.4, 74.8]),
        (MALL_MIXED, [40.2, 47.6, 51.9, 57.3, 60.9, 64.7, 68.3]),
    ],
    ids=["free space", "b", "c", "d", "e"],
)
def test_out_of_sight_at_wifi(model, losses_db):
    np.testing.assert_allclose(
        model.loss_db(DISTANCES, WIFI_HZ), losses_db, rtol=0, atol=0.1
    )


@pytest.mark.parametrize(
    ("model", "at_10_m"),
    [
        (OFFICE_MIXED, 32.4 + 17.3 + 20 * np.log10(2.44)),
        (INH_OPEN, 32.4 + 17.3 + 20 * np.log10(2.44)),
        (OFFICE_FREQUENCY, 40.20 + 17.3),
        (MALL_MIXED, 40.20 + 17.3),
    ],
)
def test_in_sight(model, at_10_m):
    in_sight = model.loss_db([10.0, 10.0], WIFI_HZ, [True, False])

    assert in_sight[0] == pytest.approx(at_10_m, abs=0.005)
    assert in_sight[1] > in_sight[0]


def test_in_and_out_of_sight_are_one_up_to_four_and_a_quarter_metres():
    """15.1 - 4.9 lg 2.44 = 21 lg d."""
    crossing = 10 ** ((15.1 - 4.9 * np.log10(2.44)) / 21)
    assert crossing == pytest.approx(4.25, abs=0.005)

    distances = np.array([1.0, 4.2, crossing, 4.3, 8.0])
    los = OFFICE_MIXED.loss_db(distances, WIFI_HZ, in_sight=True)
    nlos = OFFICE_MIXED.loss_db(distances, WIFI_HZ)

    np.testing.assert_array_equal(los[:2], nlos[:2])
    assert nlos[2] == pytest.approx(los[2], abs=1e-9)
    assert (nlos[3:] > los[3:]).all()


@pytest.mark.parametrize(("carrier_hz", "until_m"), [(2.44e9, 10.9), (5.18e9, 8.9)])
def test_the_mall_has_less_loss_than_free_space(carrier_hz, until_m):
    near, far = until_m - 0.05, until_m + 0.05
    excess = MALL_DUAL_SLOPE.loss_db([1, near, far], carrier_hz) - FREE_SPACE.loss_db(
        [1, near, far], carrier_hz
    )

    assert (excess[:2] < 0).all()
    assert excess[2] > 0


@ALL
@given(distance_m=st.floats(1, 300), in_sight=st.booleans())
def test_the_clamp_never_lets_less_loss_through_than_in_sight(
    model, distance_m, in_sight
):
    as_is = model.loss_db(distance_m, WIFI_HZ, in_sight)
    clamped = model.loss_db(distance_m, WIFI_HZ, in_sight, clamp="los")
    floor = model.floor.loss_db(distance_m, WIFI_HZ)

    assert clamped == max(as_is, floor)


@ALL
@given(distances=st.tuples(st.floats(1, 300), st.floats(1, 300)))
def test_farther_is_never_less_loss(model, distances):
    for in_sight in (False, True):
        for clamp in ("none", "los"):
            nearer, farther = model.loss_db(
                sorted(distances), WIFI_HZ, in_sight, clamp=clamp
            )
            assert farther >= nearer


def test_the_clamp_matters_to_the_mall_alone():
    changed = {
        name
        for name, model in MODELS.items()
        if (
            model.loss_db(DISTANCES, WIFI_HZ)
            < model.loss_db(DISTANCES, WIFI_HZ, clamp="los")
        ).any()
    }
    assert changed == {"b"}


def test_a_corridor_is_not_held_down_to_free_space():
    """Where there is one law, an exponent below 2 is what was asked for."""
    (loss,) = log_distance_model(1.5, 3).loss_db([10.0], WIFI_HZ, clamp="los")

    assert loss == pytest.approx(40.2 + 15, abs=0.01)


@ALL
def test_laws_and_sight_go_together(model):
    assert (model.los is None) == (model.sight is None)
    assert model.name in MODELS
    assert model.valid_hz[0] < model.valid_hz[1]
    known = model.sight_probability([0.5, 3.0])
    assert known.tolist() == ([0, 0] if model.sight is None else [1, known[1]])


def test_the_spread_depends_on_sight():
    in_sight = np.array([[True, False]])

    assert MALL_MIXED.sigma_db(in_sight).tolist() == [[2.01, 6.26]]
    assert MALL_DUAL_SLOPE.sigma_db(in_sight).tolist() == [[6.36, 6.36]]


def test_the_spread_can_be_another():
    other = MALL_MIXED.with_sigma(los_db=3, nlos_db=15)
    out_of_sight = MALL_MIXED.with_sigma(nlos_db=4)

    assert (other.los.sigma_db, other.nlos.sigma_db) == (3, 15)
    assert (out_of_sight.los.sigma_db, out_of_sight.nlos.sigma_db) == (2.01, 4)
    assert other.nlos.law is MALL_MIXED.nlos.law
    assert MALL_MIXED.nlos.sigma_db == 6.26


def test_a_spread_in_sight_of_a_model_without_sight_is_refused():
    with pytest.raises(PathLossError, match="model b has no links in sight"):
        MALL_DUAL_SLOPE.with_sigma(los_db=3)


@pytest.mark.parametrize(
    ("exponent", "sigma_db"),
    [(float("nan"), 3), (float("inf"), 3), (-1, 3), (21, 3), (2, -1)],
)
def test_a_log_distance_model_of_nonsense_is_refused(exponent, sigma_db):
    with pytest.raises(PathLossError, match="; expected"):
        log_distance_model(exponent, sigma_db)


def test_models_are_found_by_name():
    assert model_named("a") is LOG_DISTANCE
    assert list(MODELS) == ["a", "b", "c", "d", "e", "inh"]


def test_a_model_that_is_none_is_refused():
    with pytest.raises(PathLossError, match="no model 'f'; there are a, b, c, d, e"):
        model_named("f")
