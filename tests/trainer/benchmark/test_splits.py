"""Splits: what is a shot, what is a query, what may be known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.benchmark.synthetic import environment, hall, rows_of, survey
from trainer.benchmark.errors import EpisodeError, LeakageError
from trainer.benchmark.protocol import Protocol
from trainer.benchmark.regimes import REGIMES
from trainer.benchmark.splits import make_split

PROTOCOL = {"survey": "days", "history": ("0-2",), "test": ("3-5",)}
DAYS = survey(6, visits=(0, 1, 2, 3, 4), n=4)


def split(regime, environments=DAYS, *, seed=0, target=None, **options):
    protocol = Protocol(**PROTOCOL | options)
    found = environments[-1]
    if target is not None:
        (found,) = [e for e in environments if e.name == target]
    return make_split(protocol, environments, found, "test", REGIMES[regime], seed)


def visits(of, rows, point=None):
    rows = rows if point is None else rows[of.target.point_of[rows] == point]
    return sorted(set(of.target.visit_of[rows].tolist()))


def per_point(of, rows):
    return np.bincount(of.target.point_of[rows], minlength=of.target.n_points).tolist()


def one_visit(n, n_days=4):
    """Every point is visited once, ``n`` samples each."""
    return survey(n_days, visits=(0,), n=n, n_test=0)


# -- regimes ---------------------------------------------------------------------------


def test_zero_shot_has_history_and_queries_alone():
    zero = split("zero")

    assert [e.name for e in zero.history] == ["d0", "d1", "d2"]
    assert len(zero.shots) == zero.n_calibrated == 0
    assert per_point(zero, zero.queries) == [5] * 12 + [0] * 3


@pytest.mark.parametrize(("regime", "n"), [("1shot", 1), ("3shot", 3)])
def test_shots_are_of_each_point_s_first_visit_and_queries_of_later_ones(regime, n):
    of = split(regime)

    assert per_point(of, of.shots) == [n] * 12 + [0] * 3
    assert visits(of, of.shots) == [0]
    assert visits(of, of.queries) == [1, 2, 3, 4]
    assert not of.same_visit


def test_three_laps_are_one_image_in_each_of_three_visits():
    laps = split("3laps")

    assert per_point(laps, laps.shots) == [3] * 12 + [0] * 3
    for point in range(12):
        assert visits(laps, laps.shots, point) == [0, 1, 2]
    assert visits(laps, laps.queries) == [3, 4]


def test_a_quarter_is_every_fourth_point_and_all_are_located():
    quarter = split("quarter")

    assert quarter.n_calibrated == 3
    assert sorted(set(per_point(quarter, quarter.shots))) == [0, 3]
    assert per_point(quarter, quarter.queries) == [5] * 12 + [0] * 3


def test_five_are_five_points():
    five = split("five")

    assert five.n_calibrated == 5
    assert len(five.shots) == 15
    assert len(five.queries) == 60


def test_regimes_of_one_lap_have_the_same_queries():
    expected = split("zero").queries.tolist()

    for regime in ("1shot", "3shot", "quarter", "five"):
        assert split(regime, seed=3).queries.tolist() == expected


# -- seeds -----------------------------------------------------------------------------


def test_the_same_seed_draws_the_same_and_another_another():
    shots = [split("3shot", seed=seed).shots.tolist() for seed in (0, 0, 1)]

    assert shots[0] == shots[1] != shots[2]


def test_draws_do_not_depend_on_the_other_targets():
    alone = split("five", target="d4", test=("4",))

    assert alone.shots.tolist() == split("five", target="d4").shots.tolist()


def test_seeds_move_the_points_that_are_calibrated():
    chosen = {
        regime: {
            tuple(np.flatnonzero(per_point(of, of.shots)))
            for of in (split(regime, seed=seed) for seed in range(20))
        }
        for regime in ("quarter", "five")
    }

    assert len(chosen["quarter"]) == 4
    assert len(chosen["five"]) > 3


def test_every_sample_of_the_visit_is_drawn_at_times():
    drawn = {row for seed in range(60) for row in split("1shot", seed=seed).shots}

    assert drawn == set(np.flatnonzero(DAYS[-1].visit_of == 0).tolist())


# -- queries ---------------------------------------------------------------------------


def test_queries_of_a_point_are_spread_evenly_over_time():
    of = split("zero", images_per_point=3)

    rows = np.flatnonzero((DAYS[-1].point_of == 7) & (DAYS[-1].visit_of > 0))
    chosen = of.queries[DAYS[-1].point_of[of.queries] == 7]
    assert chosen.tolist() == [rows[0], rows[8], rows[15]]  # 7.5 rounds to even


def test_all_samples_can_be_queries():
    of = split("zero", images_per_point=None)

    assert per_point(of, of.queries) == [16] * 12 + [0] * 3


def test_queries_are_in_order_of_time():
    of = split("3shot")

    assert (np.diff(of.queries) > 0).all()


def test_test_points_are_located_and_never_known():
    of = split("3shot", query="test")

    assert per_point(of, of.queries) == [0] * 12 + [2] * 3
    assert of.known.tolist() == of.reference.tolist() == list(range(12))


def test_test_samples_at_a_reference_point_are_located_if_they_are_later():
    day = environment(
        hall(3, 1),
        [
            *rows_of([0], [0], 2, is_test=True),
            *rows_of([0, 1, 2], [1], 3),
            *rows_of([0, 2], [2], 2, is_test=True),
        ],
    )
    of = split("3shot", [day], history=(), test=("day",), query="test")

    assert visits(of, of.queries) == [2]
    assert per_point(of, of.queries) == [2, 0, 2]


def test_a_checkerboard_calibrates_one_colour_and_locates_the_other():
    of = split("1shot", calibrate="checkerboard", query="others")

    located = set(np.flatnonzero(per_point(of, of.queries)).tolist())
    calibrated = set(np.flatnonzero(per_point(of, of.shots)).tolist())
    assert calibrated == {0, 2, 5, 7, 8, 10}
    assert located == set(range(12)) - calibrated


def test_history_does_not_know_what_a_checkerboard_hides():
    of = split("five", calibrate="checkerboard", query="others")

    assert of.has_history
    assert of.known.tolist() == of.reference.tolist() == [0, 2, 5, 7, 8, 10]


# -- one visit -------------------------------------------------------------------------


def test_in_one_visit_queries_are_the_later_half_and_flagged():
    of = split("3shot", one_visit(9))

    assert of.same_visit
    for point in range(12):
        rows = np.flatnonzero(of.target.point_of == point)
        assert set(of.shots.tolist()) & set(rows[5:].tolist()) == set()
        assert set(of.queries.tolist()) & set(rows.tolist()) <= set(rows[5:].tolist())
    assert per_point(of, of.queries) == [4] * 12


def test_without_shots_nothing_is_of_the_same_visit():
    assert not split("zero", one_visit(9)).same_visit
    assert split("zero", one_visit(9)).queries.tolist() == (
        split("3shot", one_visit(9)).queries.tolist()
    )


def test_one_visit_serves_no_laps():
    with pytest.raises(EpisodeError, match="needs a visit left after 3"):
        split("3laps", one_visit(9))


def test_a_point_with_one_visit_among_others_with_two_is_left_out():
    rows = [*rows_of(range(12), [0], 3), *rows_of(range(11), [1], 3)]
    day = environment(hall(), rows)

    of = split("3shot", [day], history=(), test=("day",))

    assert per_point(of, of.shots) == [3] * 11 + [0]
    assert per_point(of, of.queries) == [3] * 11 + [0]
    assert not of.same_visit


# -- what may be known -----------------------------------------------------------------


def test_without_history_only_points_with_shots_are_known():
    five = split("five", history=())

    assert not five.has_history
    assert five.known.tolist() == np.flatnonzero(per_point(five, five.shots)).tolist()
    assert five.reference.tolist() == list(range(12))


def test_a_point_that_only_the_target_has_is_known_from_its_shots():
    place = hall(3, 1)
    old = environment(place, rows_of([0, 1], [0, 1], 3), name="old", order=0)
    new = environment(place, rows_of([0, 1, 2], [0, 1], 3), name="new", order=1)
    roles = {"history": ("old",), "test": ("new",)}

    assert split("zero", [old, new], **roles).known.tolist() == [0, 1]
    assert split("3shot", [old, new], **roles).known.tolist() == [0, 1, 2]


# -- refusals --------------------------------------------------------------------------


def test_zero_shot_without_history_is_refused():
    with pytest.raises(EpisodeError, match="needs history"):
        split("zero", history=())


def test_a_target_with_too_few_images_in_a_visit_is_refused():
    days = survey(4, visits=(0, 1), n=2)

    with pytest.raises(EpisodeError, match=r"needs 3 images in a visit.*; 0 of 12"):
        split("3shot", days)
    assert len(split("1shot", days).shots) == 12


def test_a_target_most_of_whose_points_cannot_be_calibrated_is_refused():
    rows = [*rows_of(range(12), [0], 1), *rows_of(range(5), [0], 2)]
    day = environment(hall(), [*rows, *rows_of(range(12), [1], 1)])

    with pytest.raises(EpisodeError, match="5 of 12 points of day have them"):
        split("3shot", [day], history=(), test=("day",))


def test_a_target_without_queries_is_refused():
    with pytest.raises(EpisodeError, match="d3 has no query"):
        split("1shot", survey(4, n_test=0), query="test")


def test_a_survey_whose_visits_do_not_grow_with_time_is_a_leak():
    day = environment(hall(3, 1), rows_of(range(3), [1, 0], 3))

    with pytest.raises(LeakageError, match="visits must grow with time"):
        # Visit 1, which is sampled first, would be located after shots of visit 0.
        split("3shot", [day], history=(), test=("day",))


# -- any survey ------------------------------------------------------------------------


@st.composite
def surveyed_rows(draw):
    """Points with any visits of any length, in order of time."""
    n_points = draw(st.integers(1, 6))
    rows = []
    for visit in range(draw(st.integers(1, 5))):
        for point in range(n_points):
            n = draw(st.integers(0, 4))
            is_test = point == n_points - 1 and draw(st.booleans())
            rows += [(point, visit, int(is_test))] * n
    return rows


@settings(deadline=None, max_examples=150)
@given(
    rows=surveyed_rows(),
    regime=st.sampled_from(sorted(REGIMES)),
    calibration=st.sampled_from(["first", "last", "all-but-last", (1, 2)]),
    query_visits=st.sampled_from(["later", "last", (2, 4)]),
    query=st.sampled_from(["reference", "test"]),
    seed=st.integers(0, 3),
)
def test_no_split_of_any_survey_leaks(
    rows, regime, calibration, query_visits, query, seed
):
    place = hall(6, 1)
    day = environment(place, rows, name="today", order=1)
    past = environment(place, rows_of(range(3), [0]), name="past")
    try:
        of = split(
            regime,
            [past, day],
            seed=seed,
            history=("past",),
            test=("today",),
            calibration_visits=calibration,
            query_visits=query_visits,
            query=query,
        )
    except EpisodeError:
        return
    shots, queries = of.shots.tolist(), of.queries.tolist()
    assert not set(shots) & set(queries)
    assert not day.is_test[of.shots].any()
    assert set(day.point_of[of.shots].tolist()) <= set(of.known.tolist())
    for point in set(day.point_of[of.shots].tolist()):
        mine = [r for r in shots if day.point_of[r] == point]
        asked = [r for r in queries if day.point_of[r] == point]
        assert len(mine) == REGIMES[regime].shots
        assert len({day.visit_of[r] for r in mine}) == REGIMES[regime].laps
        assert all(q > s for q in asked for s in mine)
        if not of.same_visit:
            assert all(day.visit_of[q] > day.visit_of[s] for q in asked for s in mine)
