"""Pictures: that they are written, the same each time, and of ordinary size."""

import numpy as np
import pytest
from PIL import Image

from trainer.figures.drawing import draw
from trainer.figures.errors import FigureError
from trainer.figures.panels import Level, Line, Panel, Report
from trainer.figures.statistics import Estimate, over_seeds

STEPS = np.array([0.0, 1, 10, 100])
FLOOR = Level("middle", Estimate(3.0, 2.5, 3.5, 3))


def line(label, n_seeds=3):
    values = np.random.default_rng(0).normal(5, 1, (n_seeds, len(STEPS)))
    return Line(label, STEPS, over_seeds(values))


def report(**options):
    lines = tuple(line(f"method {i}") for i in range(5))
    panel = Panel("a", "x", "y [m]", lines=lines, floors=(FLOOR,), **options)
    points = Panel("b", "start", "distance", points=(FLOOR, FLOOR))
    return Report((panel, points, panel))


def size(path):
    with Image.open(path) as picture:
        colours = picture.convert("RGB").getcolors(1 << 24)
        assert len(colours) > 10
        return picture.size


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"x_scale": "symlog"},
        {"y_scale": "log"},
        {"x_limits": (0, 50), "y_limits": (0, 1)},
    ],
)
def test_panels_are_drawn_beside_each_other(tmp_path, options):
    draw(tmp_path / "a.png", "title", report(**options))

    width, height = size(tmp_path / "a.png")
    assert width > 1000
    assert height > 800
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_one_panel_without_lines_or_intervals_is_drawn(tmp_path):
    one = Level("alone", Estimate(3.0, float("nan"), float("nan"), 1))
    panels = (Panel("p", "x", "y", points=(one,)),)
    draw(tmp_path / "a.png", "title", Report(panels))
    lines = (line("one seed", n_seeds=1),)
    draw(tmp_path / "b.png", "t", Report((Panel("p", "x", "y", lines, (one,)),)))

    assert size(tmp_path / "a.png")[0] > 900
    assert size(tmp_path / "b.png")[0] > 900


@pytest.mark.parametrize("kind", ["points", "lines"])
def test_points_do_not_have_the_colours_that_tell_lines_apart(tmp_path, kind):
    if kind == "points":
        panel = Panel("p", "x", "y", points=(FLOOR, FLOOR, FLOOR))
    else:
        panel = Panel("p", "x", "y", lines=(line("a"),))
    draw(tmp_path / "a.png", "title", Report((panel,)))

    with Image.open(tmp_path / "a.png") as picture:
        saturation = np.asarray(picture.convert("HSV"))[..., 1]
    assert bool(saturation.any()) is (kind == "lines")


def test_the_same_is_drawn_to_the_same_bytes(tmp_path):
    for name in ("a.png", "b.png"):
        draw(tmp_path / name, "title", report())

    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_picture_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(FigureError, match=r"cannot write .*a\.png: No such file"):
        draw(tmp_path / "gone" / "a.png", "title", report())
