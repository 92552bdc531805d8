"""Plain values: digits, and what is no number."""

import json

import numpy as np
import pytest

from trainer.figures.panels import Level, Line, Panel, compared, measured, number
from trainer.figures.statistics import Estimate, over_seeds


def test_numbers_keep_six_digits_and_what_is_none_becomes_null():
    assert number(1 / 3) == 0.333333
    assert number(float("nan")) is None
    assert number(float("inf")) is None


def test_a_panel_is_valid_json_even_with_one_seed():
    line = Line("a", np.arange(2.0), over_seeds(np.array([[1.0, 2.0]])))
    floor = Level("middle", Estimate(3.0, 2.0, 4.0, 5))
    panel = Panel("p", "x", "y [m]", lines=(line,), floors=(floor,), points=(floor,))

    found = json.loads(json.dumps(panel.as_json(), allow_nan=False))

    assert found["lines"] == [
        {
            "label": "a",
            "x": [0, 1],
            "mean": [1, 2],
            "low": [None, None],
            "high": [None, None],
        }
    ]
    assert found["floors"] == found["points"]
    assert found["floors"] == [
        {"label": "middle", "mean": 3, "low": 2, "high": 4, "n": 5}
    ]


def test_what_cannot_be_negative_has_no_negative_end():
    found = measured(np.array([0.1, 1.9]))

    assert (found.low, found.mean) == (0, 1)
    assert found.high > 2
    assert measured(np.array([0.5, 0.9]), most=1).high == 1


def test_a_comparison_has_both_means_and_the_difference_within_each_seed():
    a, b = np.array([1.0, 2.0, 6.0]), np.array([0.0, 1.0, 5.0])

    found = compared("RMSE", "m", ("A", a), ("B", b), in_summary=True).as_json()

    assert found == {
        "what": "RMSE",
        "unit": "m",
        "a": "A",
        "b": "B",
        "a_mean": 3,
        "b_mean": 2,
        "mean": 1,
        "low": 1,
        "high": 1,
        "n": 3,
        "in_summary": True,
    }
    with pytest.raises(ValueError, match="not values of the same seeds"):
        compared("RMSE", "m", ("A", a), ("B", b[:2]))
