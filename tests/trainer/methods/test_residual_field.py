"""The field against its formula in plain loops, and in an office that changes.

The formula is written down again in `Oracle`, with inverses and one number at a time.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.trainer.days import NAN, day, hall, images, located, nothing, power
from trainer.methods.neighbours import NearestNeighbours
from trainer.methods.residual_field import (
    _CSI_SENSOR_DB,
    _RSS_SENSOR_DB,
    _STOREY_M,
    _UNKNOWN_DB,
    FieldSettings,
    ResidualField,
)
from trainer.methods.spatial import between
from trainer.surveys.environment import Signals

# -- the formula -----------------------------------------------------------------------

OTHER_SETTINGS = FieldSettings(
    freedom=5.0,
    temperature=0.7,
    lengths=2.0,
    shortest_length_m=0.2,
    noise_of_change=0.5,
    noise_of_value=0.2,
    missed_before_dead=2.2,
    few_points=5,
)


def kernel(a, b, length):
    r = np.linalg.norm(np.subtract(a, b)) / length
    return (1 + 3**0.5 * r) * np.exp(-(3**0.5) * r)


def regression(where, known, values, length, noise):
    """Values everywhere, of values at some points."""
    inside = np.array(
        [[kernel(where[p], where[q], length) for q in known] for p in known]
    )
    inverse = np.linalg.inv(inside + noise * np.eye(len(known)))
    across = np.array([[kernel(p, where[q], length) for q in known] for p in where])
    return across @ inverse @ values


def missed_squares(where, known, values, length, noise):
    """Mean square by which each known point is missed by the others."""
    squares = []
    for i, point in enumerate(known):
        others = [j for j in range(len(known)) if j != i]
        rest = [known[j] for j in others]
        guess = regression(where, rest, values[others], length, noise)
        squares.append((guess[point] - values[i]) ** 2)
    return np.mean(squares, axis=0)


def raw_decibels(signals):
    """A row per sample, NaN where not heard."""
    if signals.images is None:
        return signals.rss.astype(float)
    amplitude = signals.images.astype(float).mean(axis=1)
    amplitude = amplitude.reshape(len(signals), np.prod(amplitude.shape[1:]))
    levels = np.full(amplitude.shape, NAN)
    levels[amplitude > 0] = 20 * np.log10(amplitude[amplitude > 0])
    return levels


def pooled_variance(values, stops):
    total, freedom = np.zeros(values.shape[1]), 0
    for stop in set(stops):
        of_stop = values[[s == stop for s in stops]]
        total += ((of_stop - of_stop.mean(axis=0)) ** 2).sum(axis=0)
        freedom += len(of_stop) - 1
    return total / max(freedom, 1)


@dataclass
class Oracle:
    """The residual field of `trainer.methods.residual_field`, by its docstring."""

    settings: FieldSettings
    history: list
    shots: object

    def spacing(self, points):
        gaps = [
            min(np.linalg.norm(np.subtract(p, q)) for q in points if list(q) != list(p))
            for p in points
        ]
        return np.median(gaps)

    def length(self, points):
        if len({tuple(p) for p in points}) == 1:
            return 1e12
        own = self.settings.lengths * self.spacing(points)
        return max(own, self.settings.shortest_length_m)

    def locate(self, queries):
        s, place, shots = self.settings, self.shots.place, self.shots
        rows = [raw_decibels(e.signals) for e in (*self.history, shots)]
        self.floor = np.nanmin(np.concatenate(rows)) - 5
        past = [self.above(e.signals) for e in self.history]
        fresh, live = self.above(shots.signals), self.above(queries)
        n_columns = live.shape[1]
        where = [
            (x, y, _STOREY_M * floor)
            for (x, y), floor in zip(place.locations, place.floors, strict=True)
        ]
        owner_of = list(range(len(where)))
        sensor = (_CSI_SENSOR_DB if queries.is_csi else _RSS_SENSOR_DB) ** 2

        if self.history:
            means, detection, spread = self.drawn(past, where)
            has_past = np.concatenate(past).max(axis=0) > 0
            variances = sensor + spread
        else:
            shown = sorted(set(shots.point_of.tolist()))
            more, floors = between(place.locations[shown], place.floors[shown])
            for (x, y), floor in zip(more, floors, strict=True):
                where.append((x, y, _STOREY_M * floor))
                gaps = [np.linalg.norm(np.subtract(where[-1], where[p])) for p in shown]
                owner_of.append(shown[int(np.argmin(gaps))])
            means = detection = np.zeros((len(where), n_columns))
            has_past = np.zeros(n_columns, bool)
        alive = has_past.copy()
        heard = np.zeros(n_columns, bool)

        if len(shots):
            known = sorted(set(shots.point_of.tolist()))
            change = np.array(
                [fresh[shots.point_of == p].mean(axis=0) - means[p] for p in known]
            )
            base = np.array(
                [0 if has_past[c] else change[:, c].mean() for c in range(n_columns)]
            )
            noise = s.noise_of_change if has_past.any() else s.noise_of_value
            length = self.length([where[p] for p in known])
            rest = change - base
            means = means + base + regression(where, known, rest, length, noise)
            means = np.maximum(means, 0)
            jitter = pooled_variance(
                fresh, list(zip(shots.visit_of, shots.point_of, strict=True))
            )
            old = variances if self.history else np.zeros(n_columns)
            if len(known) >= s.few_points:
                missed = missed_squares(where, known, rest, length, noise)
                old, new = (old + missed) / 2, sensor / 2 + jitter + missed
            else:
                new = sensor + jitter + _UNKNOWN_DB**2
            variances = np.where(has_past, old, new)
            heard = fresh.max(axis=0) > 0
            expected = sum(detection[p] for p in shots.point_of)
            dead = ~heard & (expected > s.missed_before_dead)
            alive = (has_past | heard) & ~dead
        return self.found(
            live, place, where, owner_of, means, variances, detection, alive, heard
        )

    def above(self, signals):
        return np.maximum(
            np.nan_to_num(raw_decibels(signals), nan=-1e9) - self.floor, 0
        )

    def drawn(self, past, where):
        points = np.concatenate([e.point_of for e in self.history])
        stops = [
            (number, visit, point)
            for number, e in enumerate(self.history)
            for visit, point in zip(e.visit_of, e.point_of, strict=True)
        ]
        values = np.concatenate(past)
        known = sorted(set(points.tolist()))
        means, detection = (
            np.zeros((len(where), values.shape[1])),
            np.zeros((len(where), values.shape[1])),
        )
        for p in known:
            means[p] = values[points == p].mean(axis=0)
            detection[p] = (values[points == p] > 0).mean(axis=0)
        unknown = [p for p in range(len(where)) if p not in known]
        if unknown:
            base = means[known].mean(axis=0)
            length = self.length([where[p] for p in known])
            guess = base + regression(
                where, known, means[known] - base, length, self.settings.noise_of_value
            )
            means[unknown] = guess[unknown]
        return means, detection, pooled_variance(values, stops)

    def found(
        self, live, place, where, owner_of, means, variances, detection, alive, heard
    ):
        s = self.settings
        missed = np.zeros(live.shape[1])
        locations, posteriors = [], []
        for x in live:
            heard = heard | (x > 0)
            used = [
                c
                for c in range(len(x))
                if alive[c] and (heard[c] or missed[c] <= s.missed_before_dead)
            ]
            posterior = np.zeros(place.n_points)
            if not any(x[c] > 0 for c in used):
                locations.append(place.locations.mean(axis=0))
                posteriors.append(posterior + 1 / place.n_points)
                continue
            scores = []
            for f in means:
                terms = [
                    (s.freedom + 1)
                    / 2
                    * np.log(1 + (x[c] - f[c]) ** 2 / (s.freedom * variances[c]))
                    for c in used
                ]
                scores.append(-sum(terms) / (s.temperature * len(used) ** 0.5))
            weights = np.exp(np.array(scores) - max(scores))
            weights /= weights.sum()
            for w, owner in zip(weights, owner_of, strict=True):
                posterior[owner] += w
            locations.append(
                sum(w * np.array(q[:2]) for w, q in zip(weights, where, strict=True))
            )
            posteriors.append(posterior)
            missed = missed + weights @ detection
        return np.array(locations), np.array(posteriors)


TWO_FLOORS = hall(
    [(3.0 * x, 2.5 * y) for y in range(2) for x in range(4)] * 2,
    5,
    floors=[0] * 8 + [1] * 8,
)


def noisy(rng, place, points, *, silent=(), n_columns=5):
    """Powers that depend on the point, some of them missing."""
    bearings = np.arange(1, n_columns + 1)
    levels = (
        -60
        + 8 * np.sin(place.locations[points] @ [[0.2], [0.3]] * bearings)
        - 6 * place.floors[points][:, None] * (bearings % 2)
    )
    rss = levels + rng.normal(0, 2, levels.shape)
    rss[rng.random(rss.shape) < 0.15] = NAN
    rss[:, list(silent)] = NAN
    return rss


def surveyed(rng, place, points, *, silent=(), visits=0, is_csi=False, **fields):
    """A day of powers, or of images of two tones and three packets."""
    points = np.array(points, np.intp)
    rss = noisy(rng, place, points, silent=silent)
    if not is_csi:
        return day(place, rss, points, visits=visits, **fields)
    levels = np.nan_to_num(10 ** (rss / 20) * 1e4, nan=0.0)
    shape = rng.uniform(0.7, 1.3, (len(points), 3, 2, 1))
    return day(
        place, images(levels[:, None, None] * shape), points, visits=visits, **fields
    )


ALL, MOST = list(range(16)), [p for p in range(16) if p not in (2, 9, 15)]


@pytest.mark.parametrize("settings", [FieldSettings(), OTHER_SETTINGS])
@pytest.mark.parametrize("scale", [1.0, 0.01])
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
def test_it_agrees_with_its_formula_in_loops(
    rng, settings, is_csi, past_points, shown, scale
):
    kind = {"is_csi": is_csi}
    # A model of the place on a table has lengths that are too short to be believed.
    place = replace(TWO_FLOORS, locations=TWO_FLOORS.locations * scale)
    visits = np.repeat([0, 0, 1], len(past_points))
    history = [
        surveyed(rng, place, past_points * 3, visits=visits, silent=[4], **kind)
        for _ in range(2 if past_points else 0)
    ]
    # Channel 0 is dead, 4 is new, 3 falls silent after the calibration.
    shots = surveyed(rng, place, sorted(shown * 3), silent=[0], **kind)
    queries = surveyed(rng, place, ALL, silent=[0, 3], **kind).signals

    found = located(ResidualField(settings), history, shots, queries)

    locations, posterior = Oracle(settings, history, shots).locate(queries)
    np.testing.assert_allclose(found.locations, locations, rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.posterior, posterior, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1)


# -- an office -------------------------------------------------------------------------

OFFICE = hall([(4.0 * x, 4.0 * y) for y in range(4) for x in range(6)], 8)
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


def without(environment, channel):
    """The same where a channel was never heard."""
    rss = environment.signals.rss.copy()
    rss[:, channel] = NAN
    return replace(environment, signals=Signals(rss))


def mean_error(fixes, environment):
    gaps = np.linalg.norm(fixes.locations - environment.locations, axis=1)
    return float(gaps.mean())


@pytest.fixture
def past(rng):
    return [scans(rng, EVERYWHERE, name="d0"), scans(rng, EVERYWHERE, name="d1")]


def test_five_bent_points_recover_a_map_that_has_changed(rng, past):
    # One access point was turned down by 10 dB, another was moved.
    moved = ANCHORS.copy()
    moved[4] = (8, 20)
    less = np.where(np.arange(8) == 6, 10, 0)
    shots = scans(rng, FIVE, anchors=moved, less_db=less)
    today = scans(rng, EVERYWHERE, anchors=moved, less_db=less)

    bent = ResidualField().learn(past, rng).calibrate(OFFICE, shots)

    truth = strengths(OFFICE.locations, moved) - less
    change = np.abs(truth - strengths(OFFICE.locations)).mean(axis=0)
    missed = np.abs(bent.means + bent.floor_db - truth).mean(axis=0)
    assert missed[6] < 0.15 * change[6]
    assert missed[4] < 0.75 * change[4]
    assert np.delete(missed, [4, 6]).max() < 1
    error = mean_error(bent.locate(today.signals), today)
    knn = NearestNeighbours("knn", "KNN", k=5)
    assert error < 1.5
    assert error < 0.4 * mean_error(located(knn, past, shots, today.signals), today)


def test_one_shot_point_moves_the_whole_map_alike(rng, past):
    level = day(OFFICE, strengths(OFFICE.locations[[7]]) + 6, [7])

    learnt = ResidualField().learn(past, rng)
    old = learnt.calibrate(OFFICE, nothing(OFFICE)).means
    moved = learnt.calibrate(OFFICE, level).means - old

    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape))
    # The change has a variance of 1 in noise of 0.3, and history some noise of its own.
    np.testing.assert_allclose(moved[0], 6 / 1.3, atol=1.0)


def test_points_at_one_place_move_the_whole_map_alike(rng):
    place = hall([(0, 0), (0, 0), (8, 0)], 2)
    past = [day(place, [[-50, -60], [-51, -62], [-70, -40]], [0, 1, 2])]
    shots = day(place, [[-45, -60], [-45, -60]], [0, 1])

    learnt = ResidualField().learn(past, rng)
    old = learnt.calibrate(place, nothing(place)).means
    moved = learnt.calibrate(place, shots).means - old

    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape))


def test_a_dead_access_point_is_as_if_it_had_never_been(rng, past):
    shots = without(scans(rng, FIVE), 3)
    # Something else with its name, or an echo, changes nothing.
    queries = scans(rng, EVERYWHERE).signals

    found = located(ResidualField(), past, shots, queries)

    never = [without(e, 3) for e in past]
    expected = located(ResidualField(), never, shots, queries)
    np.testing.assert_array_equal(found.locations, expected.locations)
    np.testing.assert_array_equal(found.posterior, expected.posterior)


@pytest.mark.parametrize(("n_shots", "is_dropped"), [(1, False), (2, True)])
def test_one_missed_reception_is_not_a_death(rng, past, n_shots, is_dropped):
    shots = without(scans(rng, [9], n=n_shots), 3)
    queries = without(scans(rng, [2], n=1), 3).signals

    found = located(ResidualField(), past, shots, queries)

    never = [without(e, 3) for e in past]
    expected = located(ResidualField(), never, shots, queries)
    assert np.array_equal(found.posterior, expected.posterior) == is_dropped


def test_a_channel_that_history_seldom_heard_is_not_missed(rng, past):
    # Heard once in six scans: three silent shots at five points were to be expected.
    seldom = []
    for e in past:
        rss = e.signals.rss.copy()
        rss[np.arange(len(rss)) % 6 != 0, 3] = NAN
        seldom.append(replace(e, signals=Signals(rss)))

    shots = without(scans(rng, FIVE[1:4], n=2), 3)

    assert ResidualField().learn(seldom, rng).calibrate(OFFICE, shots).is_alive[3]


# -- silence in live scans -------------------------------------------------------------


def alone(past, shots, signals):
    """Each scan as the first after the calibration."""
    rows = [signals.select(slice(i, i + 1)) for i in range(len(signals))]
    return np.concatenate(
        [located(ResidualField(), past, shots, row).posterior for row in rows]
    )


def test_a_silent_channel_counts_until_it_should_have_been_heard_twice(rng, past):
    points = [3, 14, 20, 7, 9, 22]
    live = scans(rng, points, n=1)
    live.signals.rss[:5, 3] = NAN  # it comes back with the sixth scan
    none = nothing(OFFICE)

    found = located(ResidualField(), past, none, live.signals).posterior

    silent = alone(past, none, live.signals)
    never = [without(e, 3) for e in past]
    forgotten = located(ResidualField(), never, none, live.signals).posterior
    np.testing.assert_array_equal(found[:2], silent[:2])
    np.testing.assert_array_equal(found[2:5], forgotten[2:5])
    np.testing.assert_array_equal(found[5], silent[5])
    assert not np.allclose(silent[2:], forgotten[2:])


def test_a_channel_that_was_heard_once_is_never_dropped(rng, past):
    live = scans(rng, [3, 14, 20, 7, 9], n=1)
    live.signals.rss[1:, 3] = NAN
    none = nothing(OFFICE)

    found = located(ResidualField(), past, none, live.signals).posterior

    np.testing.assert_array_equal(found, alone(past, none, live.signals))


def test_a_channel_that_the_shots_heard_is_never_dropped(rng, past):
    shots = scans(rng, FIVE)
    live = without(scans(rng, [3, 14, 20, 7, 9], n=1), 3)

    found = located(ResidualField(), past, shots, live.signals).posterior

    np.testing.assert_array_equal(found, alone(past, shots, live.signals))


def test_scans_that_hear_nothing_are_at_the_centre_and_kill_nothing(rng, past):
    deaf = np.full((4, 8), NAN)
    live = scans(rng, [3], n=1).signals.rss
    none = nothing(OFFICE)

    found = located(ResidualField(), past, none, np.concatenate([deaf, live]))

    np.testing.assert_allclose(found.posterior[:4], 1 / 24)
    np.testing.assert_allclose(found.locations[:4], [[10, 6]] * 4)
    expected = located(ResidualField(), past, none, live).posterior
    np.testing.assert_array_equal(found.posterior[4:], expected)


def test_a_scan_that_hears_only_what_nobody_knows_is_at_the_centre(rng, past):
    never = [without(e, 3) for e in past]
    stranger = np.full((1, 8), NAN)
    stranger[0, 3] = -40

    found = located(ResidualField(), never, nothing(OFFICE), stranger)

    np.testing.assert_allclose(found.locations, [[10, 6]])
    np.testing.assert_allclose(found.posterior, 1 / 24)


# -- no history ------------------------------------------------------------------------


def test_without_history_places_between_the_points_are_found():
    shots = day(OFFICE, strengths(OFFICE.locations), EVERYWHERE)
    halfway = np.array([(6.0, 4), (8, 6), (14, 10), (18, 2)])

    found = located(ResidualField(), [], shots, strengths(halfway))

    assert np.linalg.norm(found.locations - halfway, axis=1).max() < 0.7
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1)


def test_what_is_between_the_points_belongs_to_the_nearest():
    # The place at 2 m is as near to point 0 as to point 1, and is the first one's.
    line = hall([(0, 0), (4, 0), (8, 0)], 2)
    anchors = np.array([(-4.0, 0), (12, 0)])
    shots = day(line, strengths(line.locations, anchors), [0, 1, 2])

    found = located(ResidualField(), [], shots, strengths([(1.0, 0)], anchors))

    weights = found.posterior[0]
    assert weights[0] > 0.5
    # The mean of the places is farther along than the mean of the points.
    assert found.locations[0, 0] > weights @ line.locations[:, 0]


def test_without_history_points_that_nobody_showed_are_places_too():
    shown = [p for p in EVERYWHERE if p != 9]
    shots = day(OFFICE, strengths(OFFICE.locations[shown]), shown)

    found = located(ResidualField(), [], shots, strengths(OFFICE.locations[[9]]))

    assert found.posterior[0, 9] > 0
    assert np.linalg.norm(found.locations - OFFICE.locations[9]) < 1


def test_with_history_only_its_points_are_asked_about(rng, past):
    found = located(
        ResidualField(), past, scans(rng, FIVE), scans(rng, EVERYWHERE).signals
    )

    expected = found.posterior @ OFFICE.locations
    np.testing.assert_allclose(found.locations, expected, atol=1e-9)


@pytest.mark.parametrize("is_csi", [False, True])
def test_with_neither_history_nor_shots_it_is_the_centre(rng, is_csi):
    none = nothing(OFFICE, is_csi=is_csi)
    elsewhere = [
        scans(rng, [1, 2], place=replace(OFFICE, name="elsewhere")),
        none,
    ]
    query = images(np.ones((2, 1, 1, 8))) if is_csi else power(np.full((2, 8), -40))

    found = located(ResidualField(), elsewhere, none, query)

    np.testing.assert_allclose(found.locations, [[10, 6]] * 2)
    np.testing.assert_allclose(found.posterior, 1 / 24)


# -- holes in history, floors ----------------------------------------------------------


def test_points_that_history_lacks_are_filled_in(rng):
    lacking = [8, 9, 15]
    seen = [p for p in EVERYWHERE if p not in lacking]
    past = [scans(rng, seen, n=8)]
    today = scans(rng, lacking, n=8)

    locator = ResidualField().learn(past, rng).calibrate(OFFICE, nothing(OFFICE))

    truth = strengths(OFFICE.locations) - locator.floor_db
    assert np.abs(locator.means - truth)[lacking].max() < 2
    assert mean_error(locator.locate(today.signals), today) < 1.5


def test_points_that_history_has_are_not_smoothed(rng):
    seen = EVERYWHERE[1:]
    past = [scans(rng, seen, n=2)]

    locator = ResidualField().learn(past, rng).calibrate(OFFICE, nothing(OFFICE))

    rss = past[0].signals.rss.astype(float)
    expected = (rss[0::2] + rss[1::2]) / 2 - locator.floor_db
    np.testing.assert_allclose(locator.means[1:], expected, atol=1e-9)


def test_storeys_are_told_apart_and_bend_apart(rng):
    office = hall(
        np.concatenate([OFFICE.locations, OFFICE.locations]),
        8,
        floors=[0] * 24 + [1] * 24,
    )

    def received(points, change=0.0):
        rss = strengths(office.locations[points])
        rss -= 12 * (office.floors[points][:, None] != np.arange(8) % 2)
        return rss + change + rng.normal(0, 1, rss.shape)

    points = np.repeat(np.arange(48), 3)
    past = [day(office, received(points), points)]
    ground = np.repeat(FIVE, 3)
    shots = day(office, received(ground, change=5), ground)

    learnt = ResidualField().learn(past, rng)
    old, bent = (
        learnt.calibrate(office, s).means
        for s in (nothing(office, is_csi=False), shots)
    )
    posterior = located(ResidualField(), past, shots, received(points)).posterior

    moved = np.abs(bent - old).mean(axis=1)
    assert moved[:24].mean() > moved[24:].mean() > 0
    upstairs = posterior[:, 24:].sum(axis=1)
    assert ((upstairs > 0.5) == (office.floors[points] == 1)).mean() > 0.95
