"""Sentences say what intervals carry, and no more."""

import pytest

from trainer.figures.panels import Comparison, Fact, count
from trainer.figures.statistics import Estimate
from trainer.figures.wording import comparison, fact, is_difference

NAN = float("nan")


def compared(mean, low, high, *, n=5, unit="m"):
    return Comparison("RMSE", unit, "A", "B", Estimate(mean, low, high, n)).as_json()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ((-0.5, -0.7, -0.3), "RMSE: A is lower than B, by 0.50 m [0.30, 0.70]."),
        ((0.5, 0.3, 0.7), "RMSE: A is higher than B, by 0.50 m [0.30, 0.70]."),
        (
            (0.05, -0.12, 0.22),
            "RMSE: no difference between A and B that the intervals carry (A less B: "
            "0.050 m [-0.12, 0.22]).",
        ),
        (
            (0.5, 0.0, 1.0),
            "RMSE: no difference between A and B that the intervals carry (A less B: "
            "0.50 m [0, 1]).",
        ),
    ],
)
def test_a_difference_is_one_only_if_the_interval_excludes_zero(values, sentence):
    record = compared(*values)

    assert comparison(record) == sentence
    assert is_difference(record) is ("no difference" not in sentence)


def test_one_seed_is_not_compared():
    record = compared(-3.0, NAN, NAN, n=1)

    assert comparison(record) == (
        "RMSE: A and B are not compared; one seed gives no interval."
    )
    assert not is_difference(record)


@pytest.mark.parametrize(
    ("value", "unit", "sentence"),
    [
        (Estimate(1.234, 1.1, 1.3, 5), "m", "error: 1.23 m [1.10, 1.30]."),
        (Estimate(0.5, 0.4, 0.6, 5), "", "error: 0.50 [0.40, 0.60]."),
        (Estimate(2.5, NAN, NAN, 1), "m", "error: 2.50 m (one seed, no interval)."),
        (Estimate(3e11, 2e5, 4e12, 5), "m", "error: 3e+11 m [2e+05, 4e+12]."),
        (Estimate(2e-5, 0.0, 123.4, 5), "m", "error: 2e-05 m [0, 123]."),
        (Estimate(NAN, NAN, NAN, 5), "m", "error: not a number m."),
    ],
)
def test_numbers_have_the_digits_that_they_are_worth(value, unit, sentence):
    assert fact(Fact("error", unit, value).as_json()) == sentence


def test_counts_are_whole_and_have_no_interval():
    assert fact(count("T1 is told from One", 3, 10).as_json()) == (
        "T1 is told from One: 3 of 10 seeds."
    )
