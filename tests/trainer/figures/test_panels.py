"""Plain values: digits, and what is no number."""

import json

import numpy as np

from trainer.figures.panels import Level, Line, Panel, measured, number
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
