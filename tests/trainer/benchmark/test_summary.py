"""The section that a reader sees first."""

from tests.trainer.benchmark.synthetic import Noisy
from tests.trainer.benchmark.test_rows import unit
from trainer.benchmark.rows import make_rows
from trainer.benchmark.summary import summary

METHODS = {
    name: Noisy(name, name) for name in ("knn", "wknn", "maml", "maml_dg", "ours")
}


def rows(*units):
    return make_rows(units, (), METHODS, {}, "days")


def table(*units):
    """The cells of the body, a list per survey."""
    lines = [line for line in summary(rows(*units)) if line.startswith("|")]
    return [[c.strip() for c in line.strip("|").split(" | ")] for line in lines[2:]]


def test_without_our_method_there_is_none():
    assert summary(rows(unit("knn", [1, 3]))) == []
    assert summary(rows(unit("knn", [1, 3]), unit("ours", "needs rest"))) == []


def test_every_regime_is_compared_with_knn_on_all_points():
    (cells,) = table(
        unit("knn", [2, 2]),
        unit("wknn", [1, 2]),
        unit("maml", [3, 3]),
        unit("maml_dg", [2, 3]),
        unit("ours", [1, 1]),
        unit("ours", [2, 1], regime="five"),
        unit("ours", [4, 2], regime="zero"),
    )

    assert cells[0] == "days"
    assert cells[2:6] == ["2.00", "1.50", "–", "2.50"]
    assert cells[6:] == ["1.00 (50%)", "–", "–", "1.50 (75%)", "3.00 (150%)"]


def test_three_laps_are_compared_with_knn_on_three_laps():
    (cells,) = table(
        unit("knn", [4, 4], centre=8.0),
        unit("ours", [1, 1], centre=8.0),
        unit("knn", [2, 2], regime="3laps", centre=6.0),
        unit("ours", [1, 1], regime="3laps", centre=6.0),
    )

    assert cells[1] == "8.00"
    assert cells[6:8] == ["1.00 (25%)", "1.00 (50%)"]


def test_a_simple_method_that_missed_a_point_is_not_the_best():
    (cells,) = table(
        unit("knn", [4, 4], points=[0, 1]),
        unit("wknn", [1], points=[0]),
        unit("ours", [1, 1], points=[0, 1]),
    )

    assert cells[3] == "4.00"


def test_of_a_knn_that_hardly_errs_there_is_no_share():
    (cells,) = table(unit("knn", [0, 0.018]), unit("ours", [1, 1]))

    assert cells[6] == "1.00"


def test_without_knn_there_is_no_share():
    (cells,) = table(unit("ours", [1, 2]))

    assert cells[2:6] == ["–"] * 4
    assert cells[6] == "1.50"


def test_the_best_simple_method_without_shots_stands_beside_ours():
    (cells,) = table(
        unit("ours", [4, 2], regime="zero"), unit("wknn", [1, 2], regime="zero")
    )

    assert cells[4] == "1.50"
    assert cells[10] == "3.00"


def test_a_target_of_one_visit_does_not_stand_in_for_those_that_were_revisited():
    (cells,) = table(
        unit("ours", [3, 3], "d1"),
        unit("knn", [6, 6], "d1"),
        unit("ours", [1, 1], "d2", same_visit=True),
        unit("knn", [1, 1], "d2", same_visit=True),
    )

    assert cells[0] == "days"
    assert cells[6] == "3.00 (50%)"


def test_same_visit_results_are_marked():
    (cells,) = table(unit("ours", [1, 2], same_visit=True))

    assert cells[6] == "1.50 *"


def test_where_one_regime_alone_keeps_visits_apart_the_others_are_marked():
    (cells,) = table(
        unit("ours", [3, 3], regime="zero"),
        unit("ours", [1, 1], same_visit=True),
        unit("knn", [2, 2], same_visit=True),
    )

    assert cells[2] == "2.00 *"
    assert cells[6] == "1.00 (50%) *"
    assert cells[10] == "3.00 (150%)"
