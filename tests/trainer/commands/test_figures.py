"""``trainer figures``."""

import json
import threading

import pytest

from tests.trainer.figures.counted import Drawn, Numbers
from trainer.cli import build_parser, main
from trainer.commands.figures import _aged
from trainer.figures.run import Progress

MADE = {
    "fig8": Drawn(name="fig8"),
    "fig9": Drawn(name="fig9", title="Fig. 9", missing="get it first"),
    "fig10": Drawn(Numbers(refuses=True), name="fig10"),
}


@pytest.fixture
def asked(monkeypatch):
    """Figures that take no time; what they were asked for."""
    found = []

    def figures(quick):
        found.append(quick)
        return MADE

    monkeypatch.setattr("trainer.commands.figures.figures", figures)
    return found


def test_files_are_named_on_standard_output(asked, tmp_path, capsys):
    assert main(["figures", str(tmp_path), "--only", "fig8", "--seeds", "2"]) == 0

    said = capsys.readouterr()
    names = [f"{tmp_path}/{name}" for name in ("fig8.png", "fig8.json", "fig8.md")]
    assert said.out.splitlines() == [*names, f"{tmp_path}/README.md"]
    assert said.err == ("0/4 done, less than a minute left; 0 of 4 units done before\n")
    assert json.loads((tmp_path / "fig8.json").read_text())["seeds"] == [0, 1]
    assert asked == [False]


def test_where_nobody_watches_a_silent_unit_is_said_to_run_again_and_again(
    asked, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("trainer.commands.figures._SAY_FIRST_S", 0.02)
    monkeypatch.setattr("trainer.commands.figures._SAY_EVERY_S", 0.05)
    slow = Drawn(Numbers(seconds=0.5), name="fig8")
    monkeypatch.setitem(MADE, "fig8", slow)

    assert main(["figures", str(tmp_path), "--only", "fig8", "--seeds", "1"]) == 0

    lines = capsys.readouterr().err.splitlines()
    running = "1/2 done, less than a minute left; running: numbers, seed 0: counting"
    assert lines.count(running) >= 3
    assert threading.active_count() == 1


def test_what_is_left_shrinks_while_nothing_is_reported(monkeypatch):
    now = Progress("a", 1, 3, 100.0)
    monkeypatch.setattr("time.monotonic", lambda: 1060.0)

    assert _aged(1000.0, now).seconds_left == 40
    assert _aged(900.0, now).seconds_left == 0
    assert _aged(1000.0, Progress("a", 3, 3, None)).seconds_left is None


@pytest.mark.parametrize(
    "only", ["fig9,fig8", "fig9, fig8", "fig9 fig8", " fig8 ,fig9 "]
)
def test_names_are_separated_by_commas_or_spaces(asked, tmp_path, capsys, only):
    assert main(["figures", str(tmp_path), "--only", only, "--seeds", "1"]) == 0

    assert "Fig. 9: not made" in capsys.readouterr().err
    assert (tmp_path / "fig8.png").is_file()


def test_what_cannot_be_made_is_said_and_the_rest_is_made(asked, tmp_path, capsys):
    assert main(["figures", str(tmp_path), "--only", "fig9, fig8", "--quick"]) == 0

    assert "Fig. 9: not made; get it first" in capsys.readouterr().err
    assert (tmp_path / "fig8.png").is_file()
    assert asked == [True]


def test_a_unit_that_refuses_is_a_failure(asked, tmp_path, capsys):
    assert main(["figures", str(tmp_path), "--only", "fig10"]) == 1
    assert "nothing to count" in capsys.readouterr().err


def test_who_interrupts_is_told_that_nothing_is_lost(
    asked, tmp_path, capsys, monkeypatch
):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("trainer.commands.figures.run_figures", interrupted)

    assert main(["figures", str(tmp_path), "--only", "fig8"]) == 1
    assert "keeps what is done; the same command goes on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "fig7"], "there is no figure 'fig7'; there are fig8, fig9"),
        (["--only", "fig8,"], "there is no figure ''"),
        (["--seeds", "0"], "--seeds is 0, not 1 or more"),
        (["--jobs", "-1"], "--jobs is -1, not 1 or more"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_done(
    tmp_path, capsys, arguments, message
):
    assert main(["figures", str(tmp_path / "out"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_examples_of_the_help_can_be_pasted(capsys):
    with pytest.raises(SystemExit):
        main(["figures", "--help"])
    examples = [
        line.split()[1:]
        for line in capsys.readouterr().out.split("examples:")[1].splitlines()
        if line.startswith("  trainer ")
    ]

    assert len(examples) == 3
    for arguments in examples:
        assert callable(build_parser(arguments).parse_args(arguments).run)
