"""The Markdown table."""

from dataclasses import replace

from tests.trainer.benchmark.test_rows import METHODS, rows, unit
from trainer.benchmark.plan import Refusal
from trainer.benchmark.rows import make_rows
from trainer.benchmark.table import markdown


def lines(*units, **options):
    return markdown(rows(*units, **options)).splitlines()


def cells(line):
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_a_row_has_a_cell_for_each_column():
    text = lines(unit("1nn", [1, 3]), unit("ours", [1, 2]), unit("knn", "needs rest"))

    below = text[text.index("## days, 3 shots in one visit") :]
    tables = [line for line in below if line.startswith("|")]
    assert len({line.count("|") for line in tables}) == 1
    assert len(tables) == 2 + 2


def test_figures_are_printed_with_their_intervals():
    text = lines(
        unit("1nn", [2, 4], "d1"),
        unit("ours", [1, 2], "d1", right=[True, False]),
        floors={"d1": 2},
    )

    (ours,) = [cells(line) for line in text if line.startswith("| OURS")]
    assert ours[1:3] == ["1.50", "[1.00, 2.00]"]
    assert ours[8] == "50.0% [0.0%, 100.0%], floor 100.0% [100.0%, 100.0%]"
    assert ours[9] == "+0.85"
    assert ours[10] == "-50.0% [-50.0%, -50.0%] (1nn)"
    assert ours[11:14] == ["6", "2", "1 s / 2 s / 2e+03 ms"]


def test_the_best_simple_method_is_not_compared_with_itself():
    (line,) = [t for t in lines(unit("1nn", [1])) if t.startswith("| 1NN")]

    assert cells(line)[10] == "best simple"


def test_a_share_of_hardly_any_error_is_a_difference_in_metres():
    text = lines(unit("1nn", [0, 0.018]), unit("ours", [1, 2]))

    (ours,) = [cells(line) for line in text if line.startswith("| OURS")]
    assert ours[10] == "+1.49 m [+1.00, +1.98] (1nn)"


def test_of_a_centimetre_there_are_shares():
    text = lines(unit("1nn", [0.01, 0.01]), unit("ours", [0.01, 0.02]))

    (ours,) = [cells(line) for line in text if line.startswith("| OURS")]
    assert ours[10] == "+50.0% [+0.0%, +100.0%] (1nn)"


def test_zones_stand_in_for_accuracy_between_reference_points():
    (line,) = [
        t for t in lines(unit("1nn", [1], at_reference=False)) if t.startswith("| 1NN")
    ]

    assert cells(line)[8] == "zone 100.0%"


def test_same_visit_results_come_after_the_headlines():
    text = lines(unit("1nn", [0.1], regime="zero", same_visit=True), unit("1nn", [1]))

    order = [t for t in text if t.startswith("#")]
    assert order == [
        "# Benchmark",
        "## days, 3 shots in one visit",
        "## Same visit: not for headlines",
        "### days, zero-shot",
    ]


def test_methods_without_figures_are_a_line_per_reason_below_the_table():
    text = lines(
        unit("centre", "needs rest"),
        unit("1nn", [1]),
        unit("knn", "needs history"),
        unit("wknn", "needs rest"),
        unit("ours", [1]),
    )

    section = text[text.index("## days, 3 shots in one visit") :]
    named = [cells(line)[0] for line in section if line.startswith("|")]
    assert named == ["Method", "---", "1NN", "OURS"]
    below = text[max(n for n, t in enumerate(text) if t.startswith("|")) + 1 :]
    assert below == [
        "",
        "Not run (needs rest): CENTRE, WKNN.",
        "",
        "Not run (needs history): KNN.",
    ]


def test_where_no_method_was_run_every_reason_has_its_methods():
    text = lines(unit("1nn", "needs rest"), unit("knn", "needs history"))

    assert text[-3:] == [
        "Not run (needs rest): 1NN.",
        "",
        "Not run (needs history): KNN.",
    ]


def test_one_target_and_one_seed_are_no_targets_and_seeds():
    text = lines(unit("1nn", [1]))
    assert any(
        t.startswith("1 target, so few that intervals are too narrow; 1 seed; ")
        for t in text
    )

    text = lines(unit("1nn", [1]), unit("1nn", [1], "d2"), unit("1nn", [1], seed=1))
    assert any(t.startswith("2 targets, so few") and "; 2 seeds; " in t for t in text)


def test_what_no_radio_received_is_called_simulated_wherever_it_stands():
    found = rows(unit("1nn", [1]), unit("ours", [1]), unit("1nn", [1], same_visit=True))
    simulated = [replace(row, simulated=True, origin="seed 3") for row in found]

    text = markdown(simulated).splitlines()

    heading = text.index("## days (simulated), 3 shots in one visit")
    assert text[heading + 2] == "Simulated: seed 3."
    assert "### days (simulated), 3 shots in one visit" in text
    assert any(line.startswith("| days (simulated) |") for line in text)
    assert "imulated" not in markdown(found)


def test_a_regime_that_was_not_run_is_one_line():
    text = lines(refusals=[Refusal("d1", "3laps", "needs visits")])

    assert "Not run: needs visits." in text
    assert not any(line.startswith("|") for line in text)


def test_the_method_that_was_asked_for_has_a_column_of_differences():
    found = make_rows(
        [unit("1nn", [1, 3]), unit("knn", [2, 2]), unit("ours", "needs rest")],
        (),
        METHODS,
        {},
        "days",
        against="knn",
    )

    text = markdown(found).splitlines()

    header, dashes, one, knn = (cells(t) for t in text if t.startswith("|"))
    assert len({len(row) for row in (header, dashes, one, knn)}) == 1
    assert header[11] == "less knn [m]"
    assert one[11] == "+0.00 [-1.00, +1.00]"
    assert knn[11] == ""


def test_few_targets_are_said_to_be_few():
    few = lines(*(unit("1nn", [1], f"d{n}") for n in range(7)))
    many = lines(*(unit("1nn", [1], f"d{n}") for n in range(8)))

    (line,) = [t for t in few if t.startswith("7 targets")]
    assert "too narrow" in line
    (line,) = [t for t in many if t.startswith("8 targets")]
    assert "too narrow" not in line


def test_targets_that_were_left_out_are_counted_with_their_reason():
    refusals = [
        Refusal("d2", "3shot", "needs visits"),
        Refusal("d3", "3shot", "needs visits"),
        Refusal("d3", "five", "needs five"),
    ]

    text = markdown(rows(unit("1nn", [1])), refusals={"days": refusals})

    assert "\nLeft out: 2 targets: needs visits.\n" in text
    assert "needs five" not in text


def test_remarks_stand_above():
    assert markdown([], ["Reduced."]).startswith("# Benchmark\n\nReduced.\n\nErrors in")
