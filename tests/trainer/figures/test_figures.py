"""Every figure from its units to its report, in small and for real."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.trainer.benchmark.synthetic import environment, hall, rows_of
from tests.trainer.figures import tiny
from trainer.benchmark.digest import describe
from trainer.figures.convergence import most_similar
from trainer.figures.radio import GridPlace
from trainer.figures.registry import NAMES, figures
from trainer.figures.run import run_figures
from trainer.figures.wording import summary
from trainer.figures.workers import use_one_thread
from trainer.surveys.environment import Signals

FIGURES = tiny.figures()
ROOM = GridPlace(
    np.argwhere(np.ones((17, 17))).astype(float),
    np.random.default_rng(0).normal(-50, 9, (289, 20)),
    noise_db=2.0,
)


def labels(panel):
    return [line["label"] for line in panel["lines"]]


@pytest.fixture(scope="module")
def rooms():
    """A room instead of those that were traced, which may not be there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "trainer.figures.scenarios.traced_place", lambda _name, _noise_db: ROOM
        )
        patch.setattr("trainer.figures.fig11.why_missing", lambda: "")
        yield


def made(out, names):
    written, missing = run_figures(out, [FIGURES[name] for name in names])
    assert missing == {}
    assert len(written) == 3 * len(names) + 1
    assert all(path.stat().st_size for path in written)
    return {
        name: json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
        for name in names
    }


@pytest.fixture(scope="module")
def documents(tmp_path_factory, rooms):
    """JSON of each figure, by name."""
    use_one_thread()  # this comes before what every test sets up
    return made(tmp_path_factory.mktemp("all"), NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_line_has_a_mean_within_its_interval(documents, name):
    document = documents[name]

    assert document["panels"]
    assert document["facts"]
    assert document["comparisons"]
    for panel in document["panels"]:
        assert panel["lines"] or panel["points"]
        for line in panel["lines"]:
            for low, mean, high in zip(
                line["low"], line["mean"], line["high"], strict=True
            ):
                assert low - 1e-9 <= mean <= high + 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_a_summary_has_two_to_five_sentences_and_every_number_of_the_table_a_place(
    documents, name
):
    document = documents[name]
    cells = [(fact["what"], fact["of"]) for fact in document["facts"]]

    # One place here, of the two of these figures.
    n_places = 2 if name in ("fig12", "fig13", "fig14") else 1
    # One test room instead of two.
    n_rooms = 2 if name == "fig11" else 1
    n = len(summary(document["comparisons"])) * n_places * n_rooms
    assert 2 <= n <= 5
    pairs = [(c["what"], c["a"], c["b"]) for c in document["comparisons"]]
    assert len(set(cells)) == len(cells)
    assert len(set(pairs)) == len(pairs)
    for c in document["comparisons"]:
        if name != "fig12":  # there, over points, which count otherwise
            assert c["a_mean"] - c["b_mean"] == pytest.approx(c["mean"], abs=1e-4)
        assert c["low"] <= c["mean"] <= c["high"]


def test_fig8_has_metaloc_and_ri_of_every_size_with_floors(documents):
    plain, adam = documents["fig8"]["panels"]

    assert labels(plain) == labels(adam)
    assert labels(plain)[1:] == [f"RI ({n} samples)" for n in (124, 200, 300)]
    assert len(plain["floors"]) == 3
    first = [line["mean"][0] for line in plain["lines"][1:]]
    assert first == [first[0]] * 3  # before the first step there are no samples


def test_fig9_has_a_distribution_for_each_number_of_references(documents):
    *every, within = documents["fig9"]["panels"]

    assert [panel["title"] for panel in every] == ["R = 10", "R = 20"]
    assert within["lines"][0]["x"] == [10, 20]
    for panel in every:
        for line in panel["lines"]:
            assert line["mean"] == sorted(line["mean"])


def test_fig10_has_p_values_of_every_environment(documents):
    document = documents["fig10"]

    assert len(document["panels"]) == 6
    for test in ("T1", "T2", "T3"):
        p = np.array(document["details"][f"{test}-p"])
        assert p.shape == (2, 3)
        assert ((p >= 1 / 201) & (p <= 1)).all()
        assert {*np.ravel(document["details"][f"{test}-choice"])} <= {-1, 0, 1, 2}


def test_fig11_trains_rooms_alone_as_long_as_both_together(documents):
    document = documents["fig11"]

    assert len(document["panels"]) == 1
    assert len(labels(document["panels"][0])) == 4
    assert any("as many iterations" in text for text in document["differs"])


def test_fig11_without_traced_rooms_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setattr("trainer.figures.fig11.why_missing", lambda: "trace them")

    written, missing = run_figures(tmp_path, [FIGURES["fig11"]])

    assert missing == {FIGURES["fig11"].title: "trace them"}
    assert [path.name for path in written] == ["README.md"]


def test_fig12_has_every_method_of_table_3_and_ours(documents):
    (panel,) = documents["fig12"]["panels"]

    assert labels(panel) == [
        "MAML", "MAML-DG", "MAML-TS", "TL", "RI", "ConFi", "ILCL", "KNN", "WCCN",
        "ours", "middle of the room",
    ]  # fmt: skip
    assert documents["fig12"]["intervals_over"] == ", over points and seeds of one day"


def test_fig13_and_14_show_the_same_trainings(documents):
    (iterations,) = documents["fig13"]["panels"]
    (steps,) = documents["fig14"]["panels"]

    assert labels(iterations) == ["MAML", "MAML-DG"]
    assert labels(steps) == ["MAML", "MAML-DG", "RI"]
    assert iterations["lines"][0]["x"] == [0, 1]  # an epoch of so few images
    assert steps["lines"][0]["x"] == list(range(7))
    falls = [c for c in documents["fig13"]["comparisons"] if not c["in_summary"]]
    assert [(c["what"], c["a"], c["b"]) for c in falls] == [
        (f"mean error in the hall of {title}", "at its end", "before training")
        for title in ("MAML", "MAML-DG")
    ]
    assert falls[0]["mean"] == pytest.approx(
        np.diff(iterations["lines"][0]["mean"])[0], abs=1e-4
    )
    # What is left after all steps is in both.
    assert iterations["lines"][0]["mean"][-1] == steps["lines"][0]["mean"][-1]


def test_theorem_1_holds_and_promises_little(documents):
    document = documents["theorem1"]
    meta = document["panels"][3]

    risk, first, second = (np.array(line["mean"]) for line in meta["lines"])
    assert (risk <= second).all()
    assert (first <= second).all()
    assert (second > 10 * risk).all()
    assert any("no guarantee" in text for text in document["differs"])


def test_the_same_seeds_give_the_same_json(tmp_path, documents):
    again = made(tmp_path, ["fig9"])["fig9"]

    assert again | {"elapsed_s": 0} == documents["fig9"] | {"elapsed_s": 0}


@pytest.mark.parametrize("quick", [False, True])
def test_the_figures_that_are_run_are_complete(quick):
    every = figures(quick=quick)

    assert tuple(every) == NAMES
    for name, figure in every.items():
        assert figure.name == name
        assert (
            figure.title.lower()
            .replace(". ", "")
            .startswith(name.replace("theorem1", "theorem 1"))
        )
        assert figure.n_seeds >= (2 if quick else 5)
        assert figure.about
        assert figure.paper
        assert figure.differs
        assert all(unit.weight > 0 for unit in figure.units)


@pytest.mark.parametrize("name", ["fig12", "fig13"])
def test_units_depend_on_the_source_of_the_simulation(name):
    modules = set()
    describe(figures()[name].units[0], modules)

    assert "trainer.surveys.simulated" in modules


def test_maml_ts_learns_from_the_day_that_is_nearest(rng):
    place = hall(3, 2)
    rows = rows_of(range(6), (0, 1), 5)
    days = []
    for order, level in enumerate((1.0, 5.0, 1.1)):
        day = environment(place, rows, name=f"d{order}", order=order, is_csi=True)
        images = level * (1 + day.signals.images)
        days.append(replace(day, signals=Signals(day.signals.rss, images)))

    assert most_similar(days[:2], days[2], rng) is days[0]
