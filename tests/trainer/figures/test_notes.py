"""Notes hold what the JSON holds, and say when a run was quick."""

import pytest

from trainer.figures.notes import index, note
from trainer.figures.panels import Comparison, Fact, Level, Panel
from trainer.figures.statistics import Estimate

SENTENCES = (
    "- The RMSE is 2.00 m for A; higher: 3.00 m for B; no difference that the "
    "intervals carry: 1.94 m for C."
)


def document(**changes):
    carried = Estimate(-1.0, -1.5, -0.5, 3)
    vague = Estimate(0.0625, -1, 1.5, 3)
    return {
        "figure": "fig8",
        "title": "Fig. 8: of steps",
        "quick": False,
        "about": "Does it fall?",
        "paper": "It falls.",
        "panels": [],
        "facts": [
            Fact("RMSE", "A", "m", Estimate(2, 1.5, 2.5, 3)).as_json(),
            Fact("RMSE", "B", "m", Estimate(3, 2.5, 3.5, 3)).as_json(),
            Fact("MMD", "B", "", Estimate(0.5, 0.25, 0.75, 3)).as_json(),
        ],
        "comparisons": [
            Comparison("RMSE", "m", "A", "C", (2.0, 1.94), vague, True).as_json(),
            Comparison("RMSE", "m", "A", "B", (2.0, 3.0), carried, True).as_json(),
        ],
        "intervals_over": " over seeds",
        "differs": ["The tables are reconstructed."],
        "seeds": [0, 1, 2],
        "elapsed_s": 12.3,
    } | changes


def test_a_note_begins_with_its_terms_and_a_summary_and_has_all_numbers_below():
    text = note(document())

    parts = [
        "# Fig. 8: of steps\n\nDoes it fall?\n\n" + SENTENCES,
        "![Fig. 8: of steps](fig8.png)",
        "It falls.",
        "here are 3. Brackets, and bands in the plot, are 95 % intervals over seeds.",
        "|  | A | B |\n| --- | --- | --- |\n",
        "| RMSE | 2.00 m [1.50, 2.50] | 3.00 m [2.50, 3.50] |",
        "| MMD |  | 0.50 [0.25, 0.75] |",
        "|  | first | second | first less second | first is |",
        "| RMSE | A | C | 0.06 m [-1.00, 1.50] | open |",
        "| RMSE | A | B | -1.00 m [-1.50, -0.50] | lower |",
        "- The tables are reconstructed.",
        "12 s of one core",
    ]
    found = [text.find(part) for part in parts]
    assert -1 not in found
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("low", "mean", "is_said"), [(0.0, 0.5, True), (0.1, 0.5, False), (0.0, 0.0, False)]
)
@pytest.mark.parametrize("kind", ["line", "floors", "points"])
def test_intervals_that_are_cut_at_zero_are_explained(kind, low, mean, is_said):
    level = Level("A", Estimate(mean, low, 1.0, 3))
    panel = Panel("p", "x", "y").as_json()
    if kind == "line":
        panel["lines"] = [{"low": [0.2, low], "mean": [0.3, mean]}]
    else:
        panel[kind] = [level.as_json()]

    assert ("may be cut there" in note(document(panels=[panel]))) is is_said


@pytest.mark.parametrize("quick", [False, True])
def test_a_quick_run_says_so_before_anything_else(quick):
    assert ("Quick run" in note(document(quick=quick)).split("Does it")[0]) is quick
    assert ("Quick run" in index([document(quick=quick)], {}).split("## ")[0]) is quick


def test_the_index_has_the_summaries_and_says_why_others_are_not_there():
    text = index([document()], {"Fig. 11: of rooms": "trace them first"})

    for name in ("fig8.md", "fig8.png", "fig8.json"):
        assert f"({name})" in text
    assert SENTENCES in text
    assert "## Fig. 11: of rooms\n\nNot made: trace them first" in text
