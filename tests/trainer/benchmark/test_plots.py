"""Plots: that they are written, and what their lines are."""

import numpy as np
import pytest
from PIL import Image

from trainer.benchmark.errors import BenchmarkError
from trainer.benchmark.plots import Curve, cumulative, plot_curves, plot_errors

X = np.array([0.0, 1, 10, 100])


def colours(path):
    """How many colours a picture has; it must be one of ordinary size."""
    with Image.open(path) as picture:
        assert picture.width > 600
        assert picture.height > 400
        return len(picture.convert("RGB").getcolors(1 << 24))


def test_the_distribution_steps_up_at_each_error():
    x, share = cumulative(np.array([3.0, 1.0, 2.0, 2.0]))

    assert x.tolist() == [0, 1, 2, 2, 3]
    assert share.tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_error_distributions_are_drawn(tmp_path, rng):
    path = tmp_path / "cdf.png"

    plot_errors(path, "days", {f"m{i}": rng.random(50) for i in range(15)})

    assert colours(path) > 15


@pytest.mark.parametrize("log_x", [False, True])
def test_curves_are_drawn_with_and_without_intervals(tmp_path, log_x):
    path = tmp_path / "curves.png"
    curves = [
        Curve("with", X, 3 - X / 50, 2 - X / 50, 4 - X / 50),
        Curve("without", X, 0 * X + 1),
    ]

    plot_curves(path, "days", "gradient steps", curves, log_x=log_x)

    assert colours(path) > 5


def test_a_plot_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(BenchmarkError, match=r"cannot write .*x\.png: No such file"):
        plot_errors(tmp_path / "gone" / "x.png", "days", {"m": np.ones(2)})
    with pytest.raises(BenchmarkError, match=r"cannot write .*x\.png: No such file"):
        plot_curves(tmp_path / "gone" / "x.png", "days", "x", [Curve("m", X, X)])
