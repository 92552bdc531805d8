"""Maps of a few points by hand, and any map against its formula in loops."""

import numpy as np
import pytest
from scipy.special import expit

from tests.trainer.days import hall
from tests.trainer.field_by_formula import Map
from trainer.methods.field_map import FieldMap, FieldSettings
from trainer.methods.rows import Rows

LINE = hall([(0, 0), (5, 0), (10, 0), (15, 0)], 2)
HALL = hall(
    [(3.0 * x, 2.5 * y) for y in range(2) for x in range(4)] * 2,
    6,
    floors=[0] * 8 + [1] * 8,
)
OTHER = FieldSettings(
    lengths=2.0,
    shortest_length_m=4.0,
    noise_of_change=0.5,
    noise_of_value=0.2,
    dead_before=0.1,
    few_points=5,
)


def blank(place=LINE, *, settings=None, sensor=1.0):
    """A map on which nothing is drawn."""
    return FieldMap.blank(
        settings or FieldSettings(), place, len(place.channels), sensor
    )


def rows(values, points, stops=None):
    """Samples above the floor; each at a stop of its own, or where one says."""
    points = np.array(points, np.intp)
    stops = np.arange(len(points)) if stops is None else np.array(stops, np.intp)
    return Rows(np.array(values, np.float64).reshape(len(points), -1), points, stops)


def noisy(rng, points, *, silent=(), place=HALL):
    """Three samples of each point at one stop, some of them not heard."""
    points = np.repeat(np.array(points, np.intp), 3)
    where = place.locations[points] @ [[0.2], [0.3]] + place.floors[points][:, None]
    levels = 30 + 15 * np.sin(where * np.arange(1, 7))
    values = np.maximum(levels + rng.normal(0, 3, levels.shape), 1)
    values[rng.random(values.shape) < 0.3] = 0
    values[:, list(silent)] = 0
    return rows(values, points, points)


def assert_is(found, expected):
    """A map says what the formula says."""
    np.testing.assert_array_equal(found.candidates, expected.where)
    assert found.owner_of.tolist() == expected.owner_of
    np.testing.assert_allclose(found.level, expected.level, atol=1e-9)
    np.testing.assert_allclose(found.detection, expected.detection, atol=1e-9)
    assert found.has_past.tolist() == expected.has_past.tolist()
    assert found.is_known.tolist() == expected.is_known.tolist()
    known = found.is_known
    np.testing.assert_allclose(found.variances[known], expected.variances[known])
    np.testing.assert_allclose(expit(found.dead_odds[known]), expected.dead[known])


# -- the formula -----------------------------------------------------------------------

ALL, MOST = list(range(16)), [p for p in range(16) if p not in (2, 9, 15)]


@pytest.mark.parametrize("settings", [FieldSettings(), OTHER], ids=["own", "other"])
@pytest.mark.parametrize("past_points", [ALL, MOST, [5, 11], [7]], ids=len)
def test_history_draws_the_map_by_its_formula(rng, settings, past_points):
    past = noisy(rng, past_points, silent=[4])

    found = blank(HALL, settings=settings, sensor=2.0).drawn(past)

    assert_is(found, Map(settings, HALL, 2.0, 6).draw(past))


@pytest.mark.parametrize("settings", [FieldSettings(), OTHER], ids=["own", "other"])
@pytest.mark.parametrize("past_points", [ALL, MOST, [7]], ids=len)
@pytest.mark.parametrize(
    "shown", [ALL, [0, 2, 3, 7, 9, 10, 12, 14], [1, 2, 6, 8, 13], [4]], ids=len
)
def test_shots_bend_the_map_by_its_formula(rng, settings, past_points, shown):
    # Channel 0 is dead, 3 may be, 4 is new, and of 5 nobody knows.
    past = noisy(rng, past_points, silent=[4, 5])
    fresh = noisy(rng, shown, silent=[0, 5])
    fresh.values[3:, 3] = 0

    found = blank(HALL, settings=settings, sensor=2.0).drawn(past).bent(fresh)

    assert_is(found, Map(settings, HALL, 2.0, 6).draw(past).bend(fresh))


@pytest.mark.parametrize("settings", [FieldSettings(), OTHER], ids=["own", "other"])
@pytest.mark.parametrize(
    "shown", [ALL, [0, 1, 2, 3, 4, 6, 8, 11], [0, 5, 7, 12], [3]], ids=len
)
def test_shots_alone_draw_the_map_by_its_formula(rng, settings, shown):
    fresh = noisy(rng, shown, silent=[5])
    new = blank(HALL, settings=settings, sensor=2.0)

    found = new.with_places_between(np.array(shown), HALL).bent(fresh)

    expected = Map(settings, HALL, 2.0, 6)
    assert_is(found, expected.add_between(shown).bend(fresh))


# -- drawn, by hand --------------------------------------------------------------------


def test_history_is_taken_as_it_is():
    past = rows(
        [[30, 0], [20, 0], [0, 0], [10, 7], [12, 9], [8, 0], [9, 1]],
        [0, 0, 0, 1, 1, 2, 3],
        [0, 0, 0, 1, 1, 2, 3],
    )

    found = blank(sensor=4.0).drawn(past)

    # Points that never heard it would hear it weakly: 5 dB above the floor.
    np.testing.assert_allclose(found.level, [[25, 5], [11, 8], [8, 5], [9, 1]])
    np.testing.assert_allclose(found.detection, [[2 / 3, 0], [1, 1], [1, 0], [1, 1]])
    # Within stops: 30, 20 and 10, 12; then 7, 9.
    np.testing.assert_allclose(found.variances, [4 + (50 + 2) / 2, 4 + 2])
    np.testing.assert_allclose(np.exp(found.dead_odds), 0.3 / 0.7)
    assert found.has_past.tolist() == found.is_known.tolist() == [True, True]


def test_a_point_that_history_lacks_is_filled_in_between_its_neighbours():
    past = rows([[30, 0], [20, 0], [10, 0]], [0, 1, 3])

    found = blank().drawn(past)

    assert found.level[[0, 1, 3], 0].tolist() == [30, 20, 10]
    assert 10 < found.level[2, 0] < 20
    np.testing.assert_allclose(found.detection[:, 0], 1)
    assert found.detection[:, 1].tolist() == [0, 0, 0, 0]
    assert found.has_past.tolist() == [True, False]


def test_what_is_filled_in_is_heard_in_some_share_of_samples():
    # Detection rises steeply towards point 0, which nobody has surveyed.
    place = hall([(0, 0), (1, 0), (3, 0), (5, 0)], 1)
    past = rows([[30], [30], [0], [0]], [1, 1, 2, 3])

    up = blank(place).drawn(past).detection
    down = blank(place).drawn(rows([[0], [30], [30]], [1, 2, 3])).detection

    assert up[0, 0] <= 1
    assert down[0, 0] >= 0


def test_one_point_of_history_is_all_that_is_known_of_the_others():
    found = blank().drawn(rows([[30, 0]], [2]))

    np.testing.assert_allclose(found.level[:, 0], 30)
    np.testing.assert_allclose(found.detection, [[1, 0]] * 4)


# -- bent, by hand ---------------------------------------------------------------------

FLAT = rows([[30, 20]] * 4, [0, 1, 2, 3])


def test_one_point_moves_the_whole_map_alike():
    bent = blank().drawn(FLAT).bent(rows([[36, 20]], [1]))

    # The change has a variance of 1 in noise of 0.3.
    np.testing.assert_allclose(bent.level, [[30 + 6 / 1.3, 20]] * 4)


def test_points_at_one_place_move_the_whole_map_alike():
    stacked = hall([(0, 0), (0, 0), (10, 0)], 1)
    past = rows([[30]] * 3, [0, 1, 2])

    bent = blank(stacked).drawn(past).bent(rows([[36], [38]], [0, 1]))

    # Two values of one variable: 2 * 7 of 2 and the noise.
    np.testing.assert_allclose(bent.level, 30 + 14 / 2.3)


def test_a_change_is_felt_less_the_farther_away_it_was_measured():
    short = FieldSettings(lengths=1.0)

    bent = blank(settings=short).drawn(FLAT).bent(rows([[40, 20], [30, 20]], [0, 3]))

    moved = bent.level[:, 0] - 30
    assert moved[0] > moved[1] > moved[2] > moved[3] > 0
    np.testing.assert_array_equal(bent.level[:, 1], 20)


def test_fields_end_at_ceilings():
    tower = hall([(0, 0), (5, 0)] * 2, 1, floors=[0, 0, 1, 1])
    past = rows([[30]] * 4, [0, 1, 2, 3])

    moved = blank(tower).drawn(past).bent(rows([[40], [40]], [0, 1])).level[:, 0] - 30

    # A storey is as far as 10 m.
    far = hall([(0, 0), (5, 0), (0, 10), (5, 10)], 1)
    expected = blank(far).drawn(past).bent(rows([[40], [40]], [0, 1])).level[:, 0]
    assert moved[0] > moved[2] > 0
    np.testing.assert_allclose(moved, expected - 30)


def test_a_field_is_not_shorter_than_the_air_allows():
    # On a table; half a metre is as short as signals change.
    table = hall([(0, 0), (0.01, 0), (0.5, 0)], 1)
    past = rows([[30]] * 3, [0, 1, 2])

    bent = blank(table).drawn(past).bent(rows([[40], [40]], [0, 1]))

    k = 1 + 3**0.5
    between_two = (1 + 3**0.5 / 50) * np.exp(-(3**0.5) / 50)
    closer = 3**0.5 * 0.98
    across = k * np.exp(-(3**0.5)), (1 + closer) * np.exp(-closer)
    expected = sum(across) * 10 / (1 + 0.3 + between_two)
    np.testing.assert_allclose(bent.level[2] - 30, expected)


def test_no_level_is_below_the_floor():
    past = rows([[30, 20], [30, 20], [30, 20], [3, 20]], [0, 1, 2, 3])

    bent = blank().drawn(past).bent(rows([[10, 20]] * 3, [0, 1, 2]))

    assert bent.level[3].tolist() == [0, 20]


def test_silence_today_leaves_the_level_and_takes_the_detection():
    bent = blank().drawn(FLAT).bent(rows([[0, 20], [0, 20]], [0, 1]))

    np.testing.assert_allclose(bent.level, FLAT.values)
    assert (bent.detection[:, 0] < 0.5).all()
    np.testing.assert_allclose(bent.detection[:, 1], 1)


def test_what_some_samples_of_a_point_miss_does_not_lower_its_level():
    bent = blank().drawn(FLAT).bent(rows([[30, 20], [0, 20], [0, 20]], [0, 0, 0]))

    np.testing.assert_allclose(bent.level, FLAT.values)
    np.testing.assert_allclose(bent.detection[:, 0], 1 - 2 / 3 / 1.3)


def test_a_point_that_newly_hears_a_channel_is_as_loud_as_it_is_heard():
    past = rows([[30, 20], [30, 0], [30, 20], [30, 20]], [0, 1, 2, 3])

    bent = blank().drawn(past).bent(rows([[30, 44], [30, 20]], [1, 2]))

    # 44 is no change of the 5 dB that a point is given that never heard it.
    np.testing.assert_allclose(bent.level[:, 1], [20, 44, 20, 20])
    assert bent.detection[1, 1] > 0.3


def test_a_point_that_does_not_hear_what_is_new_elsewhere_keeps_its_level():
    past = rows([[30, 20], [30, 0], [30, 0], [30, 20]], [0, 1, 2, 3])

    bent = blank().drawn(past).bent(rows([[30, 0], [30, 44]], [1, 2]))

    np.testing.assert_allclose(bent.level[:, 1], [20, 5, 44, 20])


def test_a_channel_that_history_never_heard_varies_around_what_is_heard_today():
    past = rows([[30, 0], [20, 0], [10, 0], [10, 0]], [0, 1, 2, 3])

    bent = blank().drawn(past).bent(rows([[30, 40], [20, 40]], [0, 1]))

    # Heard alike at both points, it is expected alike everywhere.
    np.testing.assert_allclose(bent.level[:, 1], 40)
    np.testing.assert_allclose(bent.detection[:, 1], 1)
    assert bent.has_past.tolist() == [True, False]
    assert bent.is_known.tolist() == [True, True]


def test_the_mean_of_a_new_channel_passes_over_points_that_do_not_hear_it():
    bent = blank().bent(rows([[30, 40], [30, 0], [30, 40]], [0, 1, 2]))

    np.testing.assert_allclose(bent.level, [[30, 40]] * 4)
    far = bent.detection[3]
    assert far[0] == 1
    assert 0.5 < far[1] < 1


def test_detection_is_a_share_of_samples_wherever_the_field_leads():
    line = hall([(3.0 * x, 0) for x in range(7)], 1)
    past = rows([[30], [30], [30], [30], [0], [0], [0]], range(7))

    for today in ([0, 30], [30, 0], [30, 30], [0, 0]):
        found = blank(line).drawn(past).bent(rows(today, [2, 4])).detection

        assert found.min() >= 0
        assert found.max() <= 1


# -- variances, by hand ----------------------------------------------------------------


def missed_in_the_middle(change, noise, length):
    """Of three points 5 m apart, the sum of squares when one is left out."""

    def k(r):
        r = 3**0.5 * abs(r) / length
        return (1 + r) * np.exp(-r)

    total = 0.0
    for i in range(3):
        a, b = (j for j in range(3) if j != i)
        inside = np.array([[1 + noise, k(5 * (a - b))], [k(5 * (a - b)), 1 + noise]])
        across = np.array([k(5 * (i - a)), k(5 * (i - b))])
        guess = across @ np.linalg.inv(inside) @ [change[a], change[b]]
        total += (guess - change[i]) ** 2
    return total


def test_variances_with_enough_points_hold_what_is_missed_when_one_is_left_out():
    settings = FieldSettings(few_points=3)
    # Channel 0 has a past, and varies by 8 within its stop; 1 is new.
    past = rows([[28, 0], [32, 0], [30, 0], [30, 0]], [0, 0, 1, 2], [0, 0, 1, 2])
    fresh = rows(
        [[40, 50], [30, 41], [30, 43], [0, 0]], [0, 1, 1, 2], stops=[0, 1, 1, 2]
    )

    drawn = blank(settings=settings, sensor=6.0).drawn(past)
    found = drawn.bent(fresh).variances

    old = missed_in_the_middle([10, 0, 0], 0.3, 25.0) / 2  # of three points two hear it
    new = missed_in_the_middle([4, -4, 0], 0.3, 25.0) / 2
    np.testing.assert_allclose(found, [(6 + 8 + old) / 2, 6 / 2 + 2 + new])


def test_without_history_the_noise_is_that_of_values():
    settings = FieldSettings(few_points=3)
    fresh = rows([[50, 0], [41, 0], [43, 0]], [0, 1, 2])

    found = blank(settings=settings, sensor=6.0).bent(fresh).variances

    mean = 134 / 3
    new = missed_in_the_middle([50 - mean, 41 - mean, 43 - mean], 0.1, 25.0) / 3
    np.testing.assert_allclose(found[0], 6 / 2 + new)


def test_with_fewer_points_history_is_believed_and_the_new_is_off_by_10_db():
    past = rows([[28, 0], [32, 0]], [0, 0], [0, 0])
    fresh = rows([[40, 50], [30, 41], [30, 43]], [0, 1, 1], stops=[0, 1, 1])

    found = blank(sensor=6.0).drawn(past).bent(fresh).variances

    np.testing.assert_allclose(found, [6 + 8, 6 + 2 + 100])


def test_leaving_one_out_counts_from_few_points_on():
    place = hall([(x, 0) for x in range(9)], 1)
    past = rows([[30]] * 9, range(9))

    drawn = blank(place, sensor=6.0).drawn(past)

    for n, expected in ((7, 6), (8, 3), (9, 3)):
        # They change alike, and foretell one another but for the noise.
        found = drawn.bent(rows([[30]] * n, range(n)))
        np.testing.assert_allclose(found.variances, expected)


# -- the dead --------------------------------------------------------------------------


def test_every_shot_that_lacks_a_channel_makes_it_deader():
    past = rows([[30, 20], [30, 0], [0, 20]], [0, 0, 1])

    for n_shots in (1, 2, 5):
        bent = blank().drawn(past).bent(rows([[30, 0]] * n_shots, [0] * n_shots))

        # Point 0 heard it in half of the samples.
        np.testing.assert_allclose(np.exp(bent.dead_odds[1]), 0.3 / 0.7 * 2**n_shots)
        assert bent.dead_odds[0] == -np.inf


def test_silence_counts_by_what_history_heard_at_the_shots_own_points():
    past = rows([[30, 20], [30, 20], [30, 0], [30, 20], [30, 0]], [0, 1, 1, 2, 3])

    bent = blank().drawn(past).bent(rows([[30, 0]] * 3, [1, 2, 3]))

    # Half, always (which counts as 92 %), and never.
    np.testing.assert_allclose(np.exp(bent.dead_odds[1]), 0.3 / 0.7 * 2 * 12.5)


def test_one_shot_that_hears_a_channel_settles_it():
    bent = blank().drawn(FLAT).bent(rows([[30, 0]] * 5 + [[30, 9]], [0] * 5 + [3]))

    assert bent.dead_odds.tolist() == [-np.inf, -np.inf]


# -- places between --------------------------------------------------------------------


def test_a_lattice_is_added_and_belongs_to_the_nearest_calibrated_points():
    found = blank().with_places_between(np.array([0, 2]), LINE)

    # Half of 10 m apart, which falls on a point that was not calibrated.
    assert found.candidates.tolist() == [
        [0, 0, 0],
        [5, 0, 0],
        [10, 0, 0],
        [15, 0, 0],
        [5, 0, 0],
    ]
    assert found.owner_of.tolist() == [0, 1, 2, 3, 0]
    assert found.level.shape == found.detection.shape == (5, 2)


def test_every_floor_has_a_lattice_of_its_own():
    tower = hall([(0, 0), (4, 0)] * 2, 1, floors=[0, 0, 1, 1])

    found = blank(tower).with_places_between(np.arange(4), tower)

    assert found.candidates[4:].tolist() == [[2, 0, 0], [2, 0, 10]]
    assert found.owner_of.tolist() == [0, 1, 2, 3, 0, 2]


def test_levels_between_points_are_between_theirs():
    fresh = rows([[30, 0], [20, 0], [10, 0]], [0, 1, 2])

    found = blank().with_places_between(np.arange(3), LINE).bent(fresh)

    halfway = found.level[4:, 0]
    assert found.candidates[4:, 0].tolist() == [2.5, 7.5]
    np.testing.assert_allclose(halfway, [25, 15], atol=2)
    assert found.is_known.tolist() == [True, False]


def test_nothing_is_changed_in_place():
    fresh = rows([[40, 0], [30, 10]], [0, 1])
    drawn = blank().drawn(rows([[30, 0], [20, 0], [10, 0]], [0, 1, 3]))
    before = [drawn.level.copy(), drawn.detection.copy(), drawn.dead_odds.copy()]

    drawn.bent(fresh)
    drawn.bent(fresh)

    for was, field in zip(before, ("level", "detection", "dead_odds"), strict=True):
        np.testing.assert_array_equal(getattr(drawn, field), was)
