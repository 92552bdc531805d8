"""The command as a whole: exit codes, help, and what a person sees of an error."""

import re
import shlex
import subprocess
import sys

import pytest

from edge_agent.cli import build_parser
from edge_agent.version import version
from tests.conftest import ROOT
from tests.edge_agent.sites import packets_at, pcapng_bytes

COMMANDS = ["capture", "adapt", "frames", "demo", "config", "selftest"]

SHOW_IMPORTS = (
    "import sys\n"
    "from edge_agent.cli import build_parser\n"
    "build_parser(sys.argv[1:])\n"
    "print(*sys.modules)\n"
)


def python(*arguments, **options):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        **options,
    )


def help_text(capsys, run_agent, *command):
    with pytest.raises(SystemExit) as exit_:
        run_agent(*command, "--help")
    assert exit_.value.code == 0
    return capsys.readouterr().out


def examples(text):
    """Command lines of ours in a help text, without what is around them."""
    joined = text.replace("\\\n", " ")
    for line in joined.splitlines():
        for part in re.split(r"[|>]|\s{3,}\(", line):
            words = shlex.split(part, comments=True) if "edge_agent " in part else []
            if words[:1] == ["sudo"]:
                del words[0]
            if words[:1] == ["edge_agent"]:
                yield words[1:]


# -- exit codes ------------------------------------------------------------------------


def test_success_is_0(run_agent, capsys):
    assert run_agent("config") == 0
    assert capsys.readouterr().err == ""


def test_a_failure_is_1_and_one_line(run_agent, capsys, tmp_path):
    assert run_agent("frames", tmp_path / "none.pcap") == 1

    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"edge_agent: {tmp_path / 'none.pcap'}: No such file or directory\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["capture", "--pcap", "-", "--speed", "2"],  # makes no sense together
        ["config", "--config", "none.toml"],  # makes no sense to us
    ],
)
def test_what_makes_no_sense_is_2_and_one_line(run_agent, capsys, arguments):
    assert run_agent(*arguments) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"edge_agent: .+\n", err)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["frames"],
        ["frames", "a.pcap", "b.pcap"],
        ["config", "--dance"],
        ["capture", "--hop", "many"],
        ["capture", "--iface", "wlan0", "--pcap", "walk.pcap"],
        ["frames", "--iq-order", "random", "walk.pcap"],
    ],
)
def test_what_cannot_be_parsed_is_2_with_the_usage(run_agent, capsys, arguments):
    with pytest.raises(SystemExit) as exit_:
        run_agent(*arguments)

    assert exit_.value.code == 2
    assert capsys.readouterr().err.startswith("usage: edge_agent")


# -- help ------------------------------------------------------------------------------


def test_help_lists_every_command(run_agent, capsys):
    text = help_text(capsys, run_agent)

    for command in COMMANDS:
        assert re.search(rf"^    {command} +\w", text, re.MULTILINE)


def test_help_of_the_whole_has_examples_that_parse(run_agent, capsys):
    lines = list(examples(help_text(capsys, run_agent)))

    shown = {"demo", "frames", "calibrate", "adapt", "capture"}
    assert {words[0] for words in lines} == shown
    for words in lines:
        assert build_parser(words).parse_args(words).command == words[0]


@pytest.mark.parametrize(
    "command",
    ["capture", "calibrate", "label", "adapt", "frames", "config", "selftest"],
)
def test_help_of_a_command_has_examples_that_parse(run_agent, capsys, command):
    lines = list(examples(help_text(capsys, run_agent, command)))

    assert lines
    for words in lines:
        assert words[0] == command
        build_parser(words).parse_args(words)


def test_help_of_the_demonstration_shows_how_to_watch_it(run_agent, capsys):
    text = help_text(capsys, run_agent, "demo")

    assert "mosquitto_sub -h 127.0.0.1 -p 18830 -t 'metaloc/#' -v" in text


def test_the_version_is_that_of_the_distribution(run_agent, capsys):
    with pytest.raises(SystemExit) as exit_:
        run_agent("--version")

    assert exit_.value.code == 0
    assert capsys.readouterr().out == version() + "\n"


def test_help_needs_nothing_that_is_slow_to_import():
    done = python("-c", SHOW_IMPORTS, "--help")

    slow = {"numpy", "scapy", "onnxruntime", "paho", "amqtt"}
    assert done.returncode == 0, done.stderr
    assert not slow & set(done.stdout.split())


def test_of_the_commands_only_the_chosen_one_is_imported():
    done = python("-c", SHOW_IMPORTS, "frames", "walk.pcap")

    loaded = {m for m in done.stdout.split() if m.startswith("edge_agent.commands.")}
    assert loaded == {"edge_agent.commands.frames"}


def test_the_package_can_be_run():
    done = python("-m", "edge_agent", "--version")

    assert (done.returncode, done.stdout) == (0, version() + "\n")


# -- errors and interruptions ----------------------------------------------------------


@pytest.fixture
def broken_machine(monkeypatch):
    """A machine on which asking for the host name raises this."""

    def broken_machine(error):
        def gethostname():
            raise error

        monkeypatch.setattr("socket.gethostname", gethostname)

    return broken_machine


def test_an_unexpected_error_is_one_line_that_says_what_to_do(
    run_agent, capsys, broken_machine
):
    broken_machine(RuntimeError("the disk is on fire"))

    assert run_agent("config") == 1

    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(
        r"edge_agent: unexpected RuntimeError: the disk is on fire\. .*--debug.*\n", err
    )


@pytest.mark.parametrize("arguments", [["--debug", "config"], ["config", "--debug"]])
def test_debug_shows_where_an_unexpected_error_comes_from(
    run_agent, broken_machine, arguments
):
    broken_machine(RuntimeError("the disk is on fire"))

    with pytest.raises(RuntimeError, match="the disk is on fire"):
        run_agent(*arguments)


def test_debug_shows_where_an_expected_error_comes_from(tmp_path):
    done = python("-m", "edge_agent", "--debug", "frames", tmp_path / "none.pcap")

    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert "CaptureError" in done.stderr.splitlines()[-1]


def test_ctrl_c_is_no_failure(run_agent, capsys, broken_machine):
    broken_machine(KeyboardInterrupt())

    assert run_agent("config") == 0
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_had_enough_is_no_failure(tmp_path):
    path = tmp_path / "walk.pcapng"
    path.write_bytes(pcapng_bytes(packets_at(0, n=2000)))  # more than a pipe holds

    with subprocess.Popen(
        [sys.executable, "-m", "edge_agent", "frames", "--json", path],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline().startswith(b'{"time"')
        process.stdout.close()
        complaint = process.stderr.read()
        code = process.wait(30)

    assert (code, complaint) == (0, b"")
