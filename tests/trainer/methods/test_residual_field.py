"""The field against its formula in plain loops, and in an office that changes."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trainer.days import NAN, day, hall, images, located, nothing, power
from tests.trainer.field_by_formula import Map, best_temperature
from trainer.methods.field_map import FieldSettings
from trainer.methods.neighbours import NearestNeighbours
from trainer.methods.residual_field import ResidualField
from trainer.methods.rows import Rows
from trainer.surveys.environment import Signals

FIELD = ResidualField()

# -- the formula -----------------------------------------------------------------------

OTHER = FieldSettings(
    freedom=5.0,
    temperature=0.7,
    lengths=2.0,
    shortest_length_m=0.2,
    noise_of_change=0.5,
    noise_of_value=0.2,
    dead_before=0.1,
    few_points=5,
)


def raw_decibels(signals):
    """A row per sample, NaN where not heard."""
    if signals.images is None:
        return signals.rss.astype(float)
    amplitude = signals.images.astype(float).mean(axis=1)
    amplitude = amplitude.reshape(len(signals), np.prod(amplitude.shape[1:]))
    levels = np.full(amplitude.shape, NAN)
    levels[amplitude > 0] = 20 * np.log10(amplitude[amplitude > 0])
    return levels


def by_formula(settings, history, shots, queries):
    """Locations and posteriors by the docstrings."""
    place = shots.place
    raw = [raw_decibels(e.signals) for e in history or [shots]]
    floor = np.nanmin(np.concatenate(raw)) - 5
    lower = 0.0
    if history and len(shots):
        lower = max(0, floor + 5 - np.nanmin(raw_decibels(shots.signals)))

    def above(signals):
        return np.maximum(np.nan_to_num(raw_decibels(signals), nan=-1e9) - floor, 0)

    def rows(days):
        stops = [
            (number, visit, point)
            for number, e in enumerate(days)
            for visit, point in zip(e.visit_of, e.point_of, strict=True)
        ]
        numbers = {stop: i for i, stop in enumerate(dict.fromkeys(stops))}
        return Rows(
            np.concatenate([above(e.signals) for e in days]),
            np.concatenate([e.point_of for e in days]),
            np.array([numbers[stop] for stop in stops]),
        )

    sensor = 1.0**2 if queries.is_csi else 4.4**2
    field = Map(settings, place, sensor, raw[0].shape[1])
    if history:
        field.draw(rows(history))
        temperature = settings.temperature
    else:
        field.add_between(shots.point_of.tolist())
        temperature = best_temperature(settings, place, sensor, rows([shots]))
    if len(shots):
        # Shots may be weaker than anything that history has heard.
        field.level, floor = field.level + lower, floor - lower
        field.bend(rows([shots]))
    return field.locate(above(queries), temperature)


TOWER = hall(
    [(3.0 * x, 2.5 * y) for y in range(2) for x in range(4)] * 2,
    5,
    floors=[0] * 8 + [1] * 8,
)


def surveyed(rng, place, points, *, silent=(), less_db=0, is_csi=False, **fields):
    """Powers that depend on the point, some missing; or images of two tones."""
    points = np.array(points, np.intp)
    bearings = np.arange(1, 6)
    levels = (
        -60
        + 8 * np.sin(place.locations[points] @ [[0.2], [0.3]] * bearings)
        - 6 * place.floors[points][:, None] * (bearings % 2)
    )
    rss = levels + rng.normal(0, 2, levels.shape) - less_db
    rss[rng.random(rss.shape) < 0.15] = NAN
    rss[:, list(silent)] = NAN
    if not is_csi:
        return day(place, rss, points, **fields)
    levels = np.nan_to_num(10 ** (rss / 20) * 1e4, nan=0.0)
    shape = rng.uniform(0.7, 1.3, (len(points), 3, 2, 1))
    return day(place, images(levels[:, None, None] * shape), points, **fields)


ALL, MOST = list(range(16)), [p for p in range(16) if p not in (2, 9, 15)]


@pytest.mark.parametrize("settings", [FieldSettings(), OTHER], ids=["own", "other"])
@pytest.mark.parametrize("is_csi", [False, True], ids=["rss", "csi"])
@pytest.mark.parametrize(
    ("past_points", "shown"),
    [
        (ALL, ALL),
        (MOST, [0, 2, 3, 7, 9, 10, 12, 14]),
        (MOST, [1, 2, 6, 8, 13]),
        (MOST, [4]),
        (MOST, []),
        ([], ALL),
        ([], [0, 1, 2, 3, 4, 6, 8, 11]),
        ([], [0, 5, 7, 12]),
        ([], [3]),
    ],
    ids=lambda points: f"{len(points)}",
)
def test_it_agrees_with_its_formula_in_loops(rng, settings, is_csi, past_points, shown):
    kind = {"is_csi": is_csi}
    visits = np.repeat([0, 0, 1], len(past_points))
    history = [
        surveyed(rng, TOWER, past_points * 3, visits=visits, silent=[4], **kind)
        for _ in range(2 if past_points else 0)
    ]
    # Channel 0 is dead, 4 is new, 3 falls silent after the calibration.
    shots = surveyed(rng, TOWER, sorted(shown * 3), silent=[0], less_db=8, **kind)
    queries = surveyed(rng, TOWER, ALL, silent=[0, 3], **kind).signals

    found = located(ResidualField(settings), history, shots, queries)

    locations, posterior = by_formula(settings, history, shots, queries)
    np.testing.assert_allclose(found.locations, locations, rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.posterior, posterior, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1)


# -- an office -------------------------------------------------------------------------

OFFICE = hall([(4.0 * x, 4.0 * y) for y in range(4) for x in range(6)], 8)
CENTRE = [10, 6]
ANCHORS = np.array(
    [(-3, -3), (10, -4), (23, -2), (24, 7), (22, 15), (9, 16), (-4, 14), (-3, 6)], float
)
EVERYWHERE = list(range(24))
FIVE = [0, 5, 8, 18, 23]


def strengths(locations, anchors=ANCHORS):
    """Powers of access points at some places [dBm], smooth and without noise."""
    gaps = np.linalg.norm(np.asarray(locations, float)[:, None] - anchors, axis=2)
    return -35 - 25 * np.log10(gaps)


def scans(rng, points, *, anchors=ANCHORS, less_db=0, n=3, place=OFFICE, **fields):
    """A day's visit of some points, with 1 dB of noise."""
    points = np.repeat(points, n)
    rss = strengths(place.locations[points], anchors) - less_db
    return day(place, rss + rng.normal(0, 1, rss.shape), points, **fields)


def without(environment, *channels):
    """The same where some channels were never heard."""
    rss = environment.signals.rss.copy()
    rss[:, list(channels)] = NAN
    return replace(environment, signals=Signals(rss))


def mean_error(fixes, environment):
    gaps = np.linalg.norm(fixes.locations - environment.locations, axis=1)
    return float(gaps.mean())


@pytest.fixture
def past(rng):
    return [scans(rng, EVERYWHERE, name="d0"), scans(rng, EVERYWHERE, name="d1")]


NONE = nothing(OFFICE)


def test_five_bent_points_recover_a_map_that_has_changed(rng, past):
    # One access point was turned down by 10 dB, another was moved.
    moved = ANCHORS.copy()
    moved[4] = (8, 20)
    less = np.where(np.arange(8) == 6, 10, 0)
    shots = scans(rng, FIVE, anchors=moved, less_db=less)
    today = scans(rng, EVERYWHERE, anchors=moved, less_db=less)

    bent = FIELD.learn(past, rng).calibrate(OFFICE, shots)

    truth = strengths(OFFICE.locations, moved) - less
    change = np.abs(truth - strengths(OFFICE.locations)).mean(axis=0)
    missed = np.abs(bent.field.level + bent.floor_db - truth).mean(axis=0)
    assert missed[6] < 0.15 * change[6]
    assert missed[4] < 0.75 * change[4]
    assert np.delete(missed, [4, 6]).max() < 1
    error = mean_error(bent.locate(today.signals), today)
    knn = NearestNeighbours("knn", "KNN", k=5)
    assert error < 1.5
    assert error < 0.4 * mean_error(located(knn, past, shots, today.signals), today)
    assert error < 0.6 * mean_error(located(FIELD, past, NONE, today.signals), today)


def test_fixes_with_history_are_means_of_its_points(rng, past):
    found = located(FIELD, past, scans(rng, FIVE), scans(rng, EVERYWHERE).signals)

    np.testing.assert_allclose(found.posterior.sum(axis=1), 1)
    expected = found.posterior @ OFFICE.locations
    np.testing.assert_allclose(found.locations, expected, atol=1e-9)


def test_a_receiver_that_is_weaker_than_historys_is_not_deaf(rng, past):
    shots, today = scans(rng, FIVE), scans(rng, EVERYWHERE)
    as_before = mean_error(located(FIELD, past, shots, today.signals), today)
    for environment in (shots, today):
        environment.signals.rss[:] -= 30

    found = located(FIELD, past, shots, today.signals)

    assert np.nanmax(today.signals.rss) < min(e.signals.rss.min() for e in past) + 5
    assert mean_error(found, today) < as_before + 0.5


def test_how_strong_a_receiver_is_only_shots_can_tell(rng, past):
    queries = scans(rng, [9, 20])
    queries.signals.rss[:, 2] = min(e.signals.rss.min() for e in past) - 5.5

    found = located(FIELD, past, NONE, queries.signals)

    silent = located(FIELD, past, NONE, without(queries, 2).signals)
    np.testing.assert_array_equal(found.posterior, silent.posterior)


def test_shots_that_hear_nothing_tell_nothing_of_the_receiver(rng, past):
    # With them alone the floor would be at -100 dBm, far below that of history.
    deaf = day(OFFICE, np.full((1, 8), NAN), [9])

    locator = FIELD.learn(past, rng).calibrate(OFFICE, deaf)

    old = FIELD.learn(past, rng).calibrate(OFFICE, NONE)
    assert locator.floor_db == old.floor_db
    np.testing.assert_array_equal(locator.field.level, old.field.level)
    assert (locator.field.dead_odds > old.field.dead_odds).all()


def test_a_place_has_the_past_of_its_name_alone(rng, past):
    strange = [replace(e, place=replace(OFFICE, name="elsewhere")) for e in past]
    for e in strange:
        e.signals.rss[:] = np.roll(e.signals.rss, 3, axis=1)
    queries = scans(rng, EVERYWHERE).signals

    found = located(FIELD, [strange[0], *past, strange[1]], NONE, queries)

    expected = located(FIELD, past, NONE, queries)
    np.testing.assert_array_equal(found.posterior, expected.posterior)


def test_days_without_samples_teach_nothing(rng, past):
    queries = scans(rng, EVERYWHERE).signals

    found = located(FIELD, [NONE, *past, NONE], NONE, queries)

    expected = located(FIELD, past, NONE, queries)
    np.testing.assert_array_equal(found.posterior, expected.posterior)


def test_of_no_signals_there_are_no_fixes(rng, past):
    for history, shots in ((past, NONE), ([], scans(rng, FIVE)), ([], NONE)):
        found = located(FIELD, history, shots, np.zeros((0, 8)))

        assert found.locations.shape == (0, 2)
        assert found.posterior.shape == (0, 24)


def test_storeys_are_told_apart(rng):
    locations = np.concatenate([OFFICE.locations, OFFICE.locations])
    office = hall(locations, 8, floors=[0] * 24 + [1] * 24)

    def received(points, change=0.0):
        rss = strengths(office.locations[points])
        rss -= 12 * (office.floors[points][:, None] != np.arange(8) % 2)
        return rss + change + rng.normal(0, 1, rss.shape)

    points = np.repeat(np.arange(48), 3)
    history = [day(office, received(points), points)]
    shots = day(office, received(np.repeat(FIVE, 3), change=5), np.repeat(FIVE, 3))

    posterior = located(FIELD, history, shots, received(points)).posterior

    upstairs = posterior[:, 24:].sum(axis=1)
    assert ((upstairs > 0.5) == (office.floors[points] == 1)).mean() > 0.95


# -- access points that are off the air ------------------------------------------------


@pytest.mark.parametrize("n_shots", [2, 5])
def test_a_channel_that_enough_shots_lacked_might_never_have_been(rng, past, n_shots):
    shots = without(scans(rng, FIVE[:n_shots]), 3)
    queries = without(scans(rng, EVERYWHERE), 3).signals

    found = located(FIELD, past, shots, queries)

    never = [without(e, 3) for e in past]
    expected = located(FIELD, never, shots, queries)
    np.testing.assert_array_equal(found.locations, expected.locations)
    np.testing.assert_array_equal(found.posterior, expected.posterior)


def test_a_channel_that_seldom_was_heard_is_hardly_missed(rng, past):
    # Heard by the first of three scans at every point.
    seldom = []
    for e in past:
        rss = e.signals.rss.copy()
        rss[np.arange(len(rss)) % 3 != 0, 3] = NAN
        seldom.append(replace(e, signals=Signals(rss)))
    shots = without(scans(rng, FIVE[1:4], n=1), 3)

    locator = FIELD.learn(seldom, rng).calibrate(OFFICE, shots)

    odds = 0.3 / 0.7 * (1 / (1 - 1 / 3)) ** 3
    np.testing.assert_allclose(np.exp(locator.field.dead_odds[3]), odds)


def test_what_was_thought_dead_counts_again_once_it_is_heard(rng, past):
    shots, queries = without(scans(rng, FIVE), 3), scans(rng, [9], n=1).signals

    found = located(FIELD, past, shots, queries)

    never = [without(e, 3) for e in past]
    expected = located(FIELD, never, shots, queries)
    assert not np.allclose(found.posterior, expected.posterior)
    assert found.posterior[0, 9] > expected.posterior[0, 9]


def alone(history, shots, signals, **settings):
    """Each scan as the first after the calibration."""
    method = ResidualField(FieldSettings(**settings))
    rows = [signals.select(slice(i, i + 1)) for i in range(len(signals))]
    fixes = [located(method, history, shots, row) for row in rows]
    return replace(
        fixes[0],
        locations=np.concatenate([f.locations for f in fixes]),
        posterior=np.concatenate([f.posterior for f in fixes]),
    )


def test_a_silent_channel_is_doubted_more_and_more_until_it_is_heard(rng, past):
    points = [3, 14, 20, 7, 9, 22, 10]
    live = scans(rng, points, n=1)
    live.signals.rss[:5, 3] = NAN  # it comes back with the sixth scan

    found = located(FIELD, past, NONE, live.signals).posterior

    first = alone(past, NONE, live.signals).posterior
    never = [without(e, 3) for e in past]
    forgotten = located(FIELD, never, NONE, live.signals).posterior
    np.testing.assert_array_equal(found[0], first[0])
    gaps = np.abs(found - forgotten).max(axis=1)
    assert gaps[2] < 0.1 * gaps[0]
    assert (gaps[[1, 2]] > 0).all()
    # The odds, 0.3 / 0.7 and 12.5 for every silence, exceed 999 to 1 after four.
    assert gaps[3] > 0
    np.testing.assert_array_equal(found[4], forgotten[4])
    np.testing.assert_array_equal(found[5:], first[5:])
    assert not np.allclose(first[3:], forgotten[3:])


def test_a_channel_that_was_heard_once_is_never_doubted_again(rng, past):
    live = scans(rng, [3, 14, 20, 7, 9], n=1)
    live.signals.rss[1:, 3] = NAN

    found = located(FIELD, past, NONE, live.signals).posterior

    expected = alone(past, NONE, live.signals, dead_before=1e-15).posterior
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_channel_that_the_shots_heard_is_never_doubted(rng, past):
    shots = scans(rng, FIVE)
    live = without(scans(rng, [3, 14, 20, 7, 9], n=1), 3)

    found = located(FIELD, past, shots, live.signals).posterior

    expected = alone(past, shots, live.signals).posterior
    np.testing.assert_array_equal(found, expected)


def test_a_fix_depends_on_those_before_it_and_on_none_after(rng, past):
    live = without(scans(rng, [3, 14, 20, 7, 9], n=1), 3).signals
    other = scans(rng, [22, 1, 15], n=1).signals

    found = located(FIELD, past, NONE, live)

    for n in range(1, 5):
        rss = np.concatenate([live.rss[:n], other.rss])
        again = located(FIELD, past, NONE, rss)
        np.testing.assert_array_equal(again.locations[:n], found.locations[:n])
        np.testing.assert_array_equal(again.posterior[:n], found.posterior[:n])
    turned = located(FIELD, past, NONE, live.rss[::-1]).posterior[::-1]
    assert not np.allclose(turned, found.posterior)


def test_one_day_does_not_doubt_what_another_has_missed(rng, past):
    live = without(scans(rng, [3, 14, 20, 7, 9], n=1), 3).signals
    locator = FIELD.learn(past, rng).calibrate(OFFICE, NONE)

    first, second = locator.locate(live), locator.locate(live)

    np.testing.assert_array_equal(first.posterior, second.posterior)


def test_the_first_fix_of_a_day_does_not_need_later_ones(rng):
    # Twelve access points that are not heard everywhere; then four are off the air.
    anchors = np.array([(x, y) for x in (-1.5, 6.5, 13.5, 21.5) for y in (-2, 5, 14)])
    office = hall(OFFICE.locations, 12)
    gone = [2, 4, 8, 10]

    def heard(**fields):
        found = scans(rng, EVERYWHERE, anchors=anchors, place=office, **fields)
        found.signals.rss[found.signals.rss < -64] = NAN
        return found

    history, live = [heard(), heard()], without(heard(n=2), *gone)
    never = [without(e, *gone) for e in history]
    none = nothing(office)

    one_by_one = mean_error(alone(history, none, live.signals), live)
    in_order = mean_error(located(FIELD, history, none, live.signals), live)
    known = mean_error(located(FIELD, never, none, live.signals), live)
    naive = alone(history, none, live.signals, dead_before=1e-15)

    assert in_order < 1.1 * known
    assert one_by_one < in_order + 0.3
    assert one_by_one < 0.7 * mean_error(naive, live)


def test_scans_that_hear_nothing_are_at_the_centre_and_kill_nothing(rng, past):
    deaf = np.full((4, 8), NAN)
    live = scans(rng, [3], n=1).signals.rss

    found = located(FIELD, past, NONE, np.concatenate([deaf, live]))

    np.testing.assert_allclose(found.posterior[:4], 1 / 24)
    np.testing.assert_allclose(found.locations[:4], [CENTRE] * 4)
    expected = located(FIELD, past, NONE, live).posterior
    np.testing.assert_array_equal(found.posterior[4:], expected)


def test_a_scan_that_hears_only_what_nobody_knows_is_at_the_centre(rng, past):
    never = [without(e, 3) for e in past]
    stranger = np.full((1, 8), NAN)
    stranger[0, 3] = -40

    found = located(FIELD, never, NONE, stranger)

    np.testing.assert_allclose(found.locations, [CENTRE])
    np.testing.assert_allclose(found.posterior, 1 / 24)


# -- no history ------------------------------------------------------------------------


def test_without_history_places_between_the_points_are_found():
    shots = day(OFFICE, strengths(OFFICE.locations), EVERYWHERE)
    halfway = np.array([(6.0, 4), (8, 6), (14, 10), (18, 2)])

    found = located(FIELD, [], shots, strengths(halfway))

    assert np.linalg.norm(found.locations - halfway, axis=1).max() < 0.7
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1)


def test_what_is_between_the_points_belongs_to_the_nearest():
    # The place at 2 m is as near to point 0 as to point 1, and is the first one's.
    line = hall([(0, 0), (4, 0), (8, 0)], 2)
    anchors = np.array([(-4.0, 0), (12, 0)])
    shots = day(line, strengths(line.locations, anchors), [0, 1, 2])

    found = located(FIELD, [], shots, strengths([(1.0, 0)], anchors))

    weights = found.posterior[0]
    assert weights[0] > 0.5
    # The mean of the places is farther along than the mean of the points.
    assert found.locations[0, 0] > weights @ line.locations[:, 0]


def test_places_between_are_no_part_of_the_centre():
    corner = hall([(0, 0), (0, 2), (8, 0)], 2)
    shots = day(corner, [[-40, -60], [-42, -58], [-60, -40]], [0, 1, 2])

    found = located(FIELD, [], shots, [[NAN, NAN]])

    np.testing.assert_allclose(found.locations, [[8 / 3, 2 / 3]])


def test_without_history_points_that_nobody_showed_are_places_too():
    shown = [p for p in EVERYWHERE if p != 9]
    shots = day(OFFICE, strengths(OFFICE.locations[shown]), shown)

    found = located(FIELD, [], shots, strengths(OFFICE.locations[[9]]))

    assert found.posterior[0, 9] > 0
    assert np.linalg.norm(found.locations - OFFICE.locations[9]) < 1


def temperature_of(shots):
    learnt = FIELD.learn([], np.random.default_rng(0))
    return learnt.calibrate(shots.place, shots).temperature


def by_hand(shots, **others):
    settings = FieldSettings(**others)
    floor = float(np.nanmin(shots.signals.rss)) - 5
    return best_temperature(settings, shots.place, 4.4**2, Rows.of([shots], floor))


@pytest.mark.parametrize(("noise_db", "n"), [(0.5, 3), (3, 3), (12, 1)])
def test_the_temperature_is_what_locates_points_best_that_are_left_out(
    rng, noise_db, n
):
    shots = scans(rng, EVERYWHERE, n=n)
    shots.signals.rss[:] += rng.normal(0, noise_db, shots.signals.rss.shape)

    assert temperature_of(shots) == by_hand(shots)


def test_of_many_shots_some_are_tried(rng):
    # Of 190 in a fold 200 / 5 may be, which is every fifth; the others tell nothing.
    line = hall([(4 * x, 0) for x in range(10)], 8)
    shots = scans(rng, range(10), n=95, place=line)
    is_tried = np.arange(950) % 5 == 0
    shots.signals.rss[~is_tried] = rng.uniform(-90, -30, (760, 8))

    assert temperature_of(shots) == by_hand(shots) < 1


def test_with_fewer_points_than_folds_some_folds_are_empty(rng):
    few = ResidualField(FieldSettings(few_points=2))
    shots = scans(rng, [0, 9, 23])

    locator = few.learn([], rng).calibrate(OFFICE, shots)

    assert locator.temperature == by_hand(shots, few_points=2)


def test_what_only_the_left_out_hear_chooses_no_temperature(rng):
    line = hall([(4 * x, 0) for x in range(10)], 2)
    rss = np.full((10, 2), NAN)
    rss[3, 1] = -50
    shots = day(line, rss, range(10))

    found = located(FIELD, [], shots, rss[[3, 4]])

    assert found.posterior[0].argmax() == 3
    np.testing.assert_allclose(found.locations[1], [18, 0])


def test_where_signals_tell_nothing_the_fix_is_about_the_centre(rng):
    shots = scans(rng, EVERYWHERE)
    shots.signals.rss[:] = rng.uniform(-90, -40, shots.signals.rss.shape)
    queries = rng.uniform(-90, -40, (40, 8))

    found = located(FIELD, [], shots, queries)

    away = np.linalg.norm(found.locations - CENTRE, axis=1)
    assert temperature_of(shots) == 0.25 * 32
    assert away.mean() < 1


def test_with_few_points_there_is_nothing_to_leave_out(rng):
    assert temperature_of(scans(rng, FIVE)) == FieldSettings().temperature


def test_it_does_not_matter_how_points_are_numbered(rng):
    shots = scans(rng, EVERYWHERE, n=2)
    shots.signals.rss[:] += rng.normal(0, 4, shots.signals.rss.shape)
    queries = scans(rng, EVERYWHERE).signals
    number_of = rng.permutation(24)  # point p is called number_of[p]
    office = OFFICE.select(np.argsort(number_of))
    renamed = replace(shots, place=office, point_of=number_of[shots.point_of])

    found, again = (located(FIELD, [], s, queries) for s in (shots, renamed))

    np.testing.assert_allclose(again.locations, found.locations, atol=1e-8)


def test_without_history_shots_that_heard_nothing_leave_the_centre():
    deaf = day(OFFICE, np.full((24, 8), NAN), EVERYWHERE)

    found = located(FIELD, [], deaf, np.full((1, 8), -40.0))

    np.testing.assert_allclose(found.locations, [CENTRE])
    np.testing.assert_allclose(found.posterior, 1 / 24)


def test_history_that_heard_nothing_is_as_good_as_none_of_a_channel(rng):
    deaf = [day(OFFICE, np.full((24, 8), NAN), EVERYWHERE)]
    queries = scans(rng, EVERYWHERE)

    nowhere = located(FIELD, deaf, NONE, queries.signals)
    found = located(FIELD, deaf, scans(rng, EVERYWHERE), queries.signals)

    np.testing.assert_allclose(nowhere.locations, [CENTRE] * 72)
    assert mean_error(found, queries) < 1.5


@pytest.mark.parametrize("is_csi", [False, True])
def test_with_neither_history_nor_shots_it_is_the_centre(rng, is_csi):
    none = nothing(OFFICE, is_csi=is_csi)
    elsewhere = [scans(rng, [1, 2], place=replace(OFFICE, name="elsewhere")), none]
    query = images(np.ones((2, 1, 1, 8))) if is_csi else power(np.full((2, 8), -40))

    found = located(FIELD, elsewhere, none, query)

    np.testing.assert_allclose(found.locations, [CENTRE] * 2)
    np.testing.assert_allclose(found.posterior, 1 / 24)
