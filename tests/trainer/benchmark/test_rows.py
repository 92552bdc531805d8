"""Rows, against numbers worked out by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.trainer.benchmark.synthetic import Noisy, survey
from trainer.benchmark.metrics import Outcome
from trainer.benchmark.plan import Refusal
from trainer.benchmark.rows import make_rows, marked
from trainer.benchmark.store import Effort, Unit, UnitKey

METHODS = {
    name: Noisy(name, name.upper()) for name in ("centre", "1nn", "knn", "wknn", "ours")
}


def outcome(errors, *, points=None, centre=10.0, right=True, **flags):
    """Errors east of points 0, 1, .."""
    n = len(errors)
    flags = {"at_reference": True, "right_zone": True, "right_floor": True} | flags
    return Outcome(
        offset_m=np.column_stack([np.array(errors, np.float64), np.zeros(n)]),
        centre_error_m=np.full(n, centre),
        point=np.arange(n) if points is None else np.array(points),
        right_point=np.broadcast_to(right, n).copy(),
        **{name: np.broadcast_to(value, n).copy() for name, value in flags.items()},
    )


def unit(
    method, errors, target="d1", *, regime="3shot", seed=0, same_visit=False, **options
):
    key = UnitKey("days", "p", "s", target, regime, method, seed, "c")
    if isinstance(errors, str):
        return Unit(key, same_visit, None, None, errors)
    effort = Effort(images=6, points=2, learn_s=1.0, calibrate_s=2.0, locate_s=4.0)
    return Unit(key, same_visit, outcome(errors, **options), effort)


def rows(*units, refusals=(), floors=None):
    return make_rows(units, refusals, METHODS, floors or {}, "days")


def row(method, *units, **options):
    (found,) = [r for r in rows(*units, **options) if r.method == method]
    return found


def days(*facts):
    return [
        replace(day, is_simulated=is_simulated, origin=origin)
        for day, (is_simulated, origin) in zip(survey(len(facts)), facts, strict=True)
    ]


@pytest.mark.parametrize(
    ("environments", "simulated", "origin"),
    [
        (days((False, ""), (False, "")), False, ""),
        (days((False, ""), (True, "")), True, ""),
        (days((True, "b"), (True, "a"), (True, "b")), True, "b; a"),
    ],
)
def test_rows_say_that_a_survey_is_simulated_and_by_what(
    environments, simulated, origin
):
    (found,) = marked(rows(unit("1nn", [1])), environments)

    facts = found.as_json()
    assert (facts["simulated"], facts["origin"]) == (simulated, origin)
    assert found.survey_title == ("days (simulated)" if simulated else "days")


# -- figures ---------------------------------------------------------------------------


def test_a_row_pools_all_queries_of_all_targets_and_seeds():
    found = row(
        "1nn",
        unit("1nn", [1, 2], "d1"),
        unit("1nn", [3, 4], "d1", seed=1),
        unit("1nn", [5], "d2"),
    ).figures

    assert found.error.mean_m == 3
    assert found.error.median_m == 3
    assert (found.n_queries, found.n_targets, found.n_seeds) == (3, 2, 2)


def test_points_of_two_places_are_not_drawn_together():
    """Errors of points with one number are alike at one place, and not at two."""
    days = ("d1", "d2", "d3", "d4")
    units = [unit("1nn", range(20), day) for day in days]

    def width(places):
        (found,) = make_rows(units, (), METHODS, {}, "days", places)
        low, high = found.figures.interval_m
        return high - low

    assert width({d: d for d in days}) < 0.8 * width(dict.fromkeys(days, "hall"))


def test_all_are_compared_with_the_method_that_was_asked_for_too():
    units = [
        unit("1nn", [1, 3]),
        unit("knn", [2, 2.5]),
        unit("ours", [1.5, 1]),
        unit("ours", [1, 0.5], seed=1),
    ]

    one, knn, ours = make_rows(units, (), METHODS, {}, "days", against="knn")

    assert knn.against is None
    assert (one.against.method, one.comparison.method) == ("knn", "1nn")
    assert one.against.difference_m == pytest.approx(-0.25)
    assert ours.against.difference_m == pytest.approx(1 - 2.25)
    # Either point may be drawn twice, and either seed.
    low, high = ours.against.difference_interval_m
    assert (low, high) == pytest.approx((0.5 - 2.5, 1.5 - 2), abs=0.01)


def test_without_the_method_that_was_asked_for_there_is_no_comparison_with_it():
    (one,) = make_rows([unit("1nn", [1, 3])], (), METHODS, {}, "days", against="knn")

    assert one.against is None


def test_skill_is_what_is_better_than_the_middle_of_the_map():
    figures = row("1nn", unit("1nn", [1, 3], centre=8.0)).figures

    assert figures.centre_m == 8
    assert figures.skill.value == 0.75
    low, high = figures.skill.interval
    assert (low, high) == (1 - 3 / 8, 1 - 1 / 8)


def test_a_place_without_extent_has_no_skill():
    assert row("1nn", unit("1nn", [1, 3], centre=0.0)).figures.skill.value == 0


def test_shares_are_counted():
    found = row(
        "1nn",
        unit("1nn", [1] * 4, right=[1, 1, 1, 0], right_zone=[1, 0, 0, 0]),
    ).figures

    assert found.accuracy.value == 0.75
    assert found.zone_detection.value == 0.25


def test_accuracy_is_only_of_queries_at_reference_points():
    queries = unit("1nn", [1, 1], at_reference=[True, False])

    assert row("1nn", queries).figures.accuracy is None


def test_floors_are_detected_where_there_are_several():
    queries = unit("1nn", [1, 1], right_floor=[True, False])

    assert row("1nn", queries).figures.floor_detection is None
    assert row("1nn", queries, floors={"d1": 2}).figures.floor_detection.value == 0.5


def test_effort_and_seconds_are_means_and_latency_is_per_query():
    figures = row("1nn", unit("1nn", [1] * 8), unit("1nn", [1] * 8, "d2")).figures

    assert (figures.images, figures.points) == (6, 2)
    seconds = figures.seconds
    assert (seconds.learn, seconds.calibrate, seconds.locate) == (1.0, 2.0, 0.5)


def test_the_interval_of_one_target_is_over_its_points():
    """Points 0 and 1 with errors 0 and 4: resamples have means 0, 2 and 4."""
    figures = row("1nn", unit("1nn", [0, 4, 0, 4], points=[0, 1, 0, 1])).figures

    assert figures.interval_m == (0, 4)


def test_the_interval_of_one_point_is_unknown():
    assert row("1nn", unit("1nn", [3])).figures.interval_m is None


def test_intervals_are_the_same_every_time():
    units = [unit("1nn", [1, 2, 5, 9], day) for day in ("d1", "d2", "d3")]

    assert row("1nn", *units).figures == row("1nn", *reversed(units)).figures


# -- comparison ------------------------------------------------------------------------


def test_the_best_simple_method_is_what_others_are_compared_with():
    units = [unit("1nn", [2, 2]), unit("knn", [1, 2]), unit("ours", [1, 1])]

    compared = {r.method: r.comparison for r in rows(*units)}

    assert {c.method for c in compared.values()} == {"knn"}
    assert compared["ours"].change == pytest.approx(1 / 1.5 - 1)
    assert compared["ours"].difference_m == pytest.approx(1 - 1.5)
    assert compared["knn"].change == 0


def test_comparison_is_paired():
    """Both vary by a factor of nine from point to point; their ratio not at all."""
    found = row("ours", unit("1nn", [1, 3, 9]), unit("ours", [2, 6, 18])).comparison

    assert found.interval == pytest.approx((1, 1))
    assert found.change == pytest.approx(1)
    assert found.difference_interval_m == pytest.approx((1, 9))


def test_methods_are_compared_where_both_answered():
    found = row(
        "ours",
        unit("1nn", [2, 2], "d1"),
        unit("1nn", [100, 100], "d2"),
        unit("ours", [1, 1], "d1"),
        unit("ours", "needs a rest", "d2"),
    )

    assert found.comparison.change == -0.5
    assert found.comparison.interval == pytest.approx((-0.5, -0.5))


def test_a_simple_method_that_missed_a_target_is_not_the_best():
    found = row(
        "ours",
        unit("1nn", [1, 1], "d1"),
        unit("1nn", "lost", "d2"),
        unit("knn", [4, 4], "d1"),
        unit("knn", [4, 4], "d2"),
        unit("ours", [2, 2], "d1"),
        unit("ours", [2, 2], "d2"),
    )

    assert found.comparison.method == "knn"


def test_a_perfect_simple_method_leaves_nothing_to_divide_by():
    found = row("ours", unit("1nn", [0, 0]), unit("ours", [2, 2])).comparison

    assert (found.change, found.interval) == (None, None)
    assert found.difference_m == 2


def test_nothing_is_compared_without_a_simple_method_or_a_common_target():
    assert row("ours", unit("ours", [1])).comparison is None
    apart = row("ours", unit("1nn", [1], "d1"), unit("ours", [1], "d2"))
    assert apart.comparison is None


# -- which rows ------------------------------------------------------------------------


def test_rows_are_in_the_order_of_regimes_and_of_the_registry():
    units = [
        unit(method, [1], regime=regime)
        for method in ("ours", "1nn")
        for regime in ("five", "zero")
    ]

    assert [(r.regime, r.method) for r in rows(*units)] == [
        ("zero", "1nn"),
        ("zero", "ours"),
        ("five", "1nn"),
        ("five", "ours"),
    ]


def test_same_visit_results_are_rows_of_their_own():
    found = rows(unit("1nn", [1]), unit("1nn", [0.1], "d2", same_visit=True))

    assert [(r.same_visit, r.figures.error.mean_m, r.key) for r in found] == [
        (False, 1, "days-3shot-1nn"),
        (True, 0.1, "days-3shot-1nn-same-visit"),
    ]


def test_a_method_that_answered_nowhere_says_why():
    found = row("ours", unit("ours", "needs history"), unit("1nn", [1]))

    assert found.figures is None
    assert found.comparison is None
    assert found.note == "needs history"


def test_a_method_that_missed_some_says_how_many():
    found = row(
        "ours",
        unit("ours", [1], "d1"),
        *[unit("ours", "lost", day) for day in ("d2", "d3")],
        *[unit("ours", f"reason {i}", f"e{i}") for i in range(3)],
    )

    assert found.note == (
        "2 of 6 units: lost; 1 of 6 units: reason 0; 1 of 6 units: reason 1; "
        "1 other reason"
    )


def test_a_regime_that_no_target_can_serve_has_a_row_per_method():
    refusals = [Refusal(day, "zero", "needs history") for day in ("d1", "d2")]

    found = rows(unit("1nn", [1]), refusals=refusals)

    zero = [r for r in found if r.regime == "zero"]
    assert [r.method for r in zero] == list(METHODS)
    assert {r.note for r in zero} == {"needs history"}


def test_rows_are_plain_values_in_json():
    found = rows(unit("1nn", [1, 2]), unit("ours", [3, 4]), unit("knn", "needs a rest"))

    first, missing, _ = json.loads(json.dumps([r.as_json() for r in found]))

    assert first["mean_m"] == 1.5
    assert first["ce95_m"] == pytest.approx(1.95)
    assert first["bias_m"] == [1.5, 0]
    assert first["accuracy"] == 1
    assert first["accuracy_interval"] == [1, 1]
    assert first["floor_detection"] is None
    assert first["seconds"] == {"learn": 1.0, "calibrate": 2.0, "locate": 2.0}
    assert first["comparison"]["method"] == "1nn"
    assert (missing["method"], missing["note"]) == ("knn", "needs a rest")
    assert "mean_m" not in missing
