"""The section that a reader sees first."""

from tests.trainer.benchmark.synthetic import Noisy
from tests.trainer.benchmark.test_rows import unit
from trainer.benchmark.rows import make_rows
from trainer.benchmark.summary import summary

METHODS = {
    name: Noisy(name, name) for name in ("knn", "wknn", "maml", "maml_dg", "metaloc")
}


def rows(*units):
    return make_rows(units, (), METHODS, {}, "days")


def table(*units):
    """The cells of the body, a list per survey."""
    lines = [line for line in summary(rows(*units)) if line.startswith("|")]
    return [[c.strip() for c in line.strip("|").split(" | ")] for line in lines[2:]]


def test_without_our_method_there_is_none():
    assert summary(rows(unit("knn", [1, 3]))) == []
    assert summary(rows(unit("knn", [1, 3]), unit("metaloc", "needs rest"))) == []


def test_every_regime_is_compared_with_knn_on_all_points():
    (cells,) = table(
        unit("knn", [2, 2]),
        unit("wknn", [1, 2]),
        unit("maml", [3, 3]),
        unit("maml_dg", [2, 3]),
        unit("metaloc", [1, 1]),
        unit("metaloc", [2, 1], regime="five"),
        unit("metaloc", [4, 2], regime="zero"),
    )

    assert cells[0] == "days"
    assert cells[2:5] == ["2.00", "1.50", "2.50"]
    assert cells[5:] == ["1.00 (50%)", "–", "–", "1.50 (75%)", "3.00 (150%)"]


def test_without_knn_there_is_no_share():
    (cells,) = table(unit("metaloc", [1, 2]))

    assert cells[2:5] == ["–", "–", "–"]
    assert cells[5] == "1.50"


def test_same_visit_surveys_are_marked():
    (cells,) = table(unit("metaloc", [1, 2], same_visit=True))

    assert cells[0] == "days *"
