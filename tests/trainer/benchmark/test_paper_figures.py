"""Fig. 13 and Fig. 14 of a hall with three days, trained for real but briefly."""

import json

import numpy as np
import pytest

from tests.trainer.benchmark.synthetic import environment, hall
from trainer.benchmark.errors import BenchmarkError
from trainer.benchmark.paper_figures import write_paper_figures
from trainer.benchmark.plan import Survey
from trainer.benchmark.protocol import Protocol
from trainer.methods.floors import Centre
from trainer.methods.networks import Budget, NetworkMethod, Training

BRIEF = Budget(n_epochs=1, max_iterations=4, max_steps=2)


def survey(*, is_csi=True, history=("0-1",)):
    """Three days of two visits; the last is the target."""
    place = hall(2, 2, n_test=1)
    rows = [(p, v) for v in (0, 1) for p in range(4) for _ in range(4)]
    days = [
        environment(place, rows, name=f"day{i}", order=i, is_csi=is_csi)
        for i in range(3)
    ]
    protocol = Protocol("days", test=("2",), history=history)
    return Survey(protocol, days, "test")


METHODS = [
    NetworkMethod(Training.RI, BRIEF, filters=(2, 3)),
    NetworkMethod(Training.CONFI, BRIEF, filters=(2, 3)),
    Centre(),
]


def test_only_networks_that_take_gradient_steps_are_drawn(tmp_path):
    told = []

    written = write_paper_figures(
        tmp_path, [survey()], METHODS, n_seeds=2, on_method=told.append
    )

    assert [p.name for p in written] == [
        "fig13-days.png",
        "fig14-days.png",
        "curves.json",
    ]
    assert all(p.stat().st_size > 0 for p in written)
    assert told == ["days: RI, training 1 of 2", "days: RI, training 2 of 2"]
    drawn = json.loads((tmp_path / "curves.json").read_text())["days"]
    assert drawn["seeds"] == 2
    (curve,) = drawn["fig14"]
    assert curve["label"] == "RI"
    assert curve["x"] == list(range(21))
    # A head of zeros answers the middle of the map (half of the hall's diagonal).
    assert curve["mean_m"][0] == pytest.approx(3 / np.sqrt(2), abs=1e-3)
    assert all(
        low <= mean <= high
        for low, mean, high in zip(
            curve["low_m"], curve["mean_m"], curve["high_m"], strict=True
        )
    )


@pytest.mark.parametrize(
    ("n_seeds", "title"),
    [
        (1, "days, day2 (a single training)"),
        (3, "days, day2 (mean of 3 trainings, 95 %)"),
    ],
)
def test_the_plot_says_of_how_many_trainings_it_is(
    tmp_path, monkeypatch, n_seeds, title
):
    titles, bands = [], []

    def draw(_path, title, _x_label, curves):
        titles.append(title)
        bands.extend(curve.low is not None for curve in curves)

    monkeypatch.setattr("trainer.benchmark.paper_figures.plot_curves", draw)

    write_paper_figures(tmp_path, [survey()], METHODS, n_seeds=n_seeds)

    assert titles == [title] * 2
    assert bands == [n_seeds > 1] * 2


@pytest.mark.parametrize(
    ("options", "methods"),
    [({"is_csi": False}, METHODS), ({"history": ()}, METHODS), ({}, [Centre()])],
    ids=["no images", "no history", "no network"],
)
def test_without_images_history_or_networks_there_is_nothing_to_draw(
    tmp_path, options, methods
):
    assert write_paper_figures(tmp_path, [survey(**options)], methods, n_seeds=1) == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BenchmarkError, match=r"cannot write .*fig13-days\.png"):
        write_paper_figures(tmp_path / "none", [survey()], METHODS, n_seeds=1)


def test_curves_that_cannot_be_written_are_named(tmp_path):
    (tmp_path / "curves.json").mkdir()

    with pytest.raises(BenchmarkError, match=r"cannot write .*curves\.json"):
        write_paper_figures(tmp_path, [survey()], METHODS, n_seeds=1)
