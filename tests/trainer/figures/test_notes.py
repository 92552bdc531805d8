"""Notes hold what the JSON holds, and say when a run was quick."""

import pytest

from trainer.figures.notes import index, note
from trainer.figures.panels import Comparison, Fact
from trainer.figures.statistics import Estimate


def document(**changes):
    carried = Estimate(-1.0, -1.5, -0.5, 3)
    vague = Estimate(0.0625, -1, 1.5, 3)
    return {
        "figure": "fig8",
        "title": "Fig. 8: of steps",
        "quick": False,
        "paper": "It falls.",
        "facts": [Fact("RMSE of A", "m", Estimate(2, 1.5, 2.5, 3)).as_json()],
        "comparisons": [
            Comparison("RMSE", "m", "A", "C", vague).as_json(),
            Comparison("RMSE", "m", "A", "B", carried).as_json(),
        ],
        "intervals_over": " over seeds",
        "differs": ["The tables are reconstructed."],
        "seeds": [0, 1, 2],
        "elapsed_s": 12.3,
    } | changes


def test_a_note_has_the_paper_the_numbers_and_the_reasons_in_this_order():
    text = note(document())

    parts = [
        "# Fig. 8: of steps",
        "![Fig. 8: of steps](fig8.png)",
        "It falls.",
        "- RMSE of A: 2 m [1.50, 2.50].",
        "- RMSE: A is lower than B, by 1 m [0.50, 1.50].",
        "- RMSE: no difference between A and C that the intervals carry",
        "Brackets are 95 % intervals over seeds.",
        "- The tables are reconstructed.",
        "3 seeds, 12 s of one core",
    ]
    found = [text.find(part) for part in parts]
    assert -1 not in found
    assert found == sorted(found)


@pytest.mark.parametrize("quick", [False, True])
def test_a_quick_run_says_so_before_anything_else(quick):
    assert ("Quick run" in note(document(quick=quick)).split("## ")[0]) is quick
    assert ("Quick run" in index([document(quick=quick)], {})) is quick


def test_the_index_links_what_is_there_and_says_why_others_are_not():
    text = index([document()], {"Fig. 11: of rooms": "trace them first"})

    for name in ("fig8.md", "fig8.png", "fig8.json"):
        assert f"({name})" in text
    assert "1 of 2 comparisons are carried by their intervals" in text
    assert "## Fig. 11: of rooms\n\nNot made: trace them first" in text
