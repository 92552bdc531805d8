"""The command ``trainer``: help, exit codes, errors."""

import re
import subprocess
import sys

import pytest

from edge_agent.errors import SurveyError
from edge_agent.version import version
from tests.conftest import ROOT
from trainer.cli import build_parser, main
from trainer.errors import TrainerError

COMMANDS = ["simulate", "train", "train-rss", "survey", "surveys"]


def help_of(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "--help"])
    assert caught.value.code == 0
    return capsys.readouterr().out


def failing(tmp_path):
    """Arguments that any command line understands and no trainer can follow."""
    return ["simulate", "rooms", str(tmp_path / "out"), "--rooms", "0"]


# -- help ------------------------------------------------------------------------------


def test_help_lists_the_commands_and_ends_with_examples(capsys):
    text = help_of([], capsys)

    assert [n for n in COMMANDS if re.search(rf"\n    {n}\s", text)] == COMMANDS
    assert "\nexamples:\n  trainer simulate rooms out/rooms\n" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_ends_with_examples(capsys, command):
    text = help_of([command], capsys)

    assert text.startswith(f"usage: trainer {command} ")
    assert f"\nexamples:\n  trainer {command} " in text


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_examples_can_be_pasted(capsys, command):
    text = help_of([command] if command else [], capsys)

    examples = [
        line.split()[1:]
        for line in text.split("examples:")[1].splitlines()
        if line.startswith("  trainer ")
    ]

    assert examples
    for arguments in examples:
        args = build_parser(arguments).parse_args(arguments)
        assert args.command == arguments[0]
        assert callable(args.run)


def test_the_version_is_said(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])

    assert caught.value.code == 0
    assert capsys.readouterr().out == f"{version()}\n"


# -- exit codes ------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["fly"], ["--fast"], ["--debug"]])
def test_a_command_line_that_means_nothing_is_a_usage_error(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert "usage: trainer" in capsys.readouterr().err


def test_a_command_line_that_makes_no_sense_is_one_line_and_code_2(tmp_path, capsys):
    assert main(failing(tmp_path)) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "trainer: --rooms is 0, not 1 to 5000\n"


def test_a_failure_is_one_line_and_code_1(tmp_path, capsys):
    nothing, out = str(tmp_path / "none"), str(tmp_path / "corridor.csv")

    assert main(["survey", "csu", nothing, "--out", out]) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("trainer: ")
    assert said.err.count("\n") == 1


def test_errors_of_the_device_code_are_failures_too(tmp_path, capsys, monkeypatch):
    def fail(_args, _console):
        raise SurveyError("the list is empty")

    monkeypatch.setattr("trainer.commands.simulate.run", fail)

    assert main(failing(tmp_path)) == 1
    assert capsys.readouterr().err == "trainer: the list is empty\n"


def test_debug_shows_where_an_error_comes_from(tmp_path):
    with pytest.raises(TrainerError, match="--rooms is 0"):
        main(["--debug", *failing(tmp_path)])


def test_an_interruption_is_code_1(tmp_path, capsys, monkeypatch):
    def interrupt(_args, _console):
        raise KeyboardInterrupt

    monkeypatch.setattr("trainer.commands.simulate.run", interrupt)

    assert main(failing(tmp_path)) == 1
    assert capsys.readouterr().err == "trainer: interrupted\n"


def test_a_reader_that_has_enough_is_no_failure():
    # As in `trainer surveys | head -1`: nobody reads what is written.
    script = (
        "import os, sys; r, w = os.pipe(); os.close(r); os.dup2(w, 1);"
        "from trainer.cli import main; sys.exit(main(['surveys']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")


# -- what is not installed -------------------------------------------------------------


def run_without(modules, arguments):
    """Run the trainer in a process of its own in which ``modules`` cannot be had."""
    script = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({modules!r}))\n"
        "from trainer.cli import main\n"
        f"sys.exit(main({arguments!r}))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("missing", "arguments"),
    [
        ("torch", ["train", "survey.csv", "--out", "x.npz"]),
        ("openpyxl", ["survey", "csu", "folder", "--out", "x.csv"]),
    ],
)
def test_a_missing_package_is_named_with_its_remedy(missing, arguments):
    done = run_without([missing], arguments)

    assert done.returncode == 1
    assert done.stderr.startswith("trainer: ")
    assert missing in done.stderr
    assert done.stderr.endswith("in the clone: pip install '.[train]'\n")


def test_simulating_needs_numpy_only(tmp_path):
    done = run_without(
        ["torch", "openpyxl", "onnx", "onnxruntime"],
        ["simulate", "rooms", str(tmp_path), "--rooms", "1", "--packets", "2"],
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "survey.csv").is_file()


def test_the_package_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "trainer", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0
    assert done.stdout == f"{version()}\n"
