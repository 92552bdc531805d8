"""Sentences say what intervals carry, and no more."""

import pytest

from trainer.figures.panels import Comparison, Fact, count
from trainer.figures.statistics import Estimate
from trainer.figures.wording import Verdict, listed, summary, value, verdict

NAN = float("nan")
LOWER, HIGHER, OPEN = (-0.5, -0.7, -0.3), (0.5, 0.3, 0.7), (0.05, -0.12, 0.22)


def compared(difference, b="B", *, what="RMSE", means=(2.0, 1.5), n=5, unit="m", **how):
    gap = Estimate(*difference, n)
    how = {"in_summary": True} | how
    return Comparison(what, unit, "A", b, means, gap, **how).as_json()


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (LOWER, Verdict.LOWER),
        (HIGHER, Verdict.HIGHER),
        (OPEN, Verdict.OPEN),
        ((0.5, 0.0, 1.0), Verdict.OPEN),
        ((-0.5, -1.0, 0.0), Verdict.OPEN),
        ((-3.0, NAN, NAN), Verdict.NONE),
    ],
)
def test_a_difference_is_one_only_if_the_interval_excludes_zero(difference, said):
    assert verdict(compared(difference)) is said


def test_a_sentence_says_what_others_are_to_the_first():
    records = [
        compared(LOWER, "B", means=(2.0, 2.5)),
        compared(HIGHER, "C", means=(2.0, 1.5)),
        compared(OPEN, "D", means=(2.0, 1.95)),
        compared(LOWER, "E", means=(2.0, 2.4)),
    ]

    assert summary(records) == [
        "The RMSE is 2.00 m for A; lower: 1.50 m for C; higher: 2.40 m for E and "
        "2.50 m for B; no difference that the intervals carry: 1.95 m for D."
    ]


def test_one_seed_is_not_compared():
    assert summary([compared((0.5, NAN, NAN), n=1)]) == [
        "The RMSE is 2.00 m for A; not compared, as one seed gives no interval: "
        "1.50 m for B."
    ]


def test_each_quantity_has_a_sentence_and_what_is_for_the_table_has_none():
    records = [
        compared(HIGHER, unit=""),
        compared(HIGHER, in_summary=False),
        compared(OPEN, what="MMD", unit=""),
    ]

    assert summary(records) == [
        "The RMSE is 2.00 for A; lower: 1.50 for B.",
        "The MMD is 2.00 for A; no difference that the intervals carry: 1.50 for B.",
    ]
    assert summary([]) == []


@pytest.mark.parametrize(
    ("difference", "unit", "end"),
    [
        ((0.004, 0.001, 0.007), "m", "lower: 1.64 m for B (by 0.004 m)."),
        ((-0.004, -0.007, -0.001), "", "higher: 1.64 for B (by 0.004)."),
        ((0.004, -0.001, 0.009), "m", "carry: 1.64 m for B."),
    ],
)
def test_what_looks_equal_and_differs_is_said_to_differ_by_so_much(
    difference, unit, end
):
    (sentence,) = summary([compared(difference, unit=unit, means=(1.642, 1.638))])

    assert sentence.endswith(end)


def test_what_is_no_number_is_said_to_be_none_and_comes_last():
    records = [
        compared((NAN, NAN, NAN), "B", means=(NAN, NAN)),
        compared((NAN, NAN, NAN), "C", means=(NAN, 3.0)),
    ]

    assert summary(records)[0].startswith("The RMSE is not a number for A; ")
    assert summary(records)[0].endswith(": 3.00 m for C and not a number for B.")


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (Estimate(1.234, 1.1, 1.3, 5), "m", "1.23 m [1.10, 1.30]"),
        (Estimate(0.5, 0.4, 0.6, 5), "", "0.50 [0.40, 0.60]"),
        (Estimate(2.5, NAN, NAN, 1), "m", "2.50 m"),
        (Estimate(NAN, NAN, NAN, 5), "m", "not a number"),
    ],
)
def test_a_cell_has_number_unit_and_interval(number, unit, text):
    assert value(Fact("error", "A", unit, number).as_json()) == text


def test_counts_are_whole_and_have_no_interval():
    assert value(count("told from One", "T1", 3, 10).as_json()) == "3 of 10 seeds"


def test_lists_end_with_and():
    assert [listed(list(words)) for words in ("a", "ab", "abc")] == [
        "a",
        "a and b",
        "a, b and c",
    ]
