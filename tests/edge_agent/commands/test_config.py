"""``edge_agent config``: what it prints is what it read."""

import json
import tomllib
from dataclasses import asdict

import pytest

from edge_agent.config import load_config

EVERYTHING = r"""
[site]
name = "büro\"3\""
device = "pi\\2"

[broker]
host = "broker.example"
port = 8883
username = "agent"
password_file = "~/my secrets/mqtt"
protocol = "3.1.1"
base_topic = "building/3"
keepalive_s = 60
connect_timeout_s = 2.5

[capture]
interface = "wlan1"
hop = 10
iq_order = "qi"
buffer_frames = 1024

[model]
bundle = "/opt/bundle"
state = "/var/lib/metaloc"
backend = "numpy"
estimator = "neighbours"

[tracking]
enabled = false
speed_mps = 0.8
margin = 0.3
settle_s = 2.5
dwell_s = 0
"""


@pytest.mark.parametrize("text", ["", EVERYTHING])
def test_the_output_is_a_file_that_says_the_same(run_agent, capsys, tmp_path, text):
    given, printed = tmp_path / "given.toml", tmp_path / "printed.toml"
    given.write_text(text, encoding="utf-8")

    assert run_agent("config", "--config", given) == 0
    printed.write_text(capsys.readouterr().out, encoding="utf-8")

    assert load_config(printed) == load_config(given)


def test_it_can_be_written_over_the_file_it_comes_from(run_agent, capsys, tmp_path):
    path = tmp_path / "new" / "agent.toml"

    assert run_agent("config", "--site", "office", "--write", path) == 0
    assert run_agent("config", "--config", path, "--device", "pi", "--write", path) == 0

    assert capsys.readouterr().out == f"{path}\n" * 2
    config = load_config(path)
    assert (config.site.name, config.site.device) == ("office", "pi")


def test_a_file_that_cannot_be_written_is_named(run_agent, capsys, tmp_path):
    (tmp_path / "file").touch()

    assert run_agent("config", "--write", tmp_path / "file" / "agent.toml") == 2

    assert "cannot write" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["a survey, say", "[trainer]\nsteps = 3\n"])
def test_a_file_that_is_no_configuration_is_not_replaced(
    run_agent, capsys, tmp_path, content
):
    path = tmp_path / "survey.csv"
    path.write_text(content)

    assert run_agent("config", "--write", path) == 2

    assert "is there and not a configuration" in capsys.readouterr().err
    assert path.read_text() == content


def test_a_flag_that_no_configuration_can_hold_is_not_lost(run_agent, capsys):
    assert run_agent("config", "--broker", "none") == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "give --broker none to edge_agent capture" in captured.err


def test_every_key_is_printed(run_agent, capsys):
    run_agent("config")

    assert tomllib.loads(capsys.readouterr().out) == asdict(load_config())


def test_it_can_be_json(run_agent, capsys):
    assert run_agent("config", "--json") == 0

    assert json.loads(capsys.readouterr().out) == asdict(load_config())


def test_flags_are_in_effect(run_agent, capsys):
    run_agent("config", "--site", "office", "--broker", "10.0.0.1:1884")

    document = tomllib.loads(capsys.readouterr().out)
    assert document["site"]["name"] == "office"
    assert document["broker"]["host"] == "10.0.0.1"
    assert document["broker"]["port"] == 1884


def test_flags_of_other_commands_are_written_down_too(run_agent, capsys):
    flags = {
        "estimator": "neighbours",
        "backend": "numpy",
        "trusted-keys": "/etc/metaloc/keys",
        "state": "/var/lib/metaloc",
        "bundle": "/opt/bundle",
    }
    run_agent("config", *(w for k, v in flags.items() for w in (f"--{k}", v)))

    model = tomllib.loads(capsys.readouterr().out)["model"]
    assert {key: model[key.replace("-", "_")] for key in flags} == flags


def test_help_says_what_is_taken_where_no_bundle_is_named(run_agent, capsys):
    with pytest.raises(SystemExit):
        run_agent("config", "--help")

    said = " ".join(capsys.readouterr().out.split())
    assert "An empty model.bundle is the one that was installed last, else the" in said


def test_a_password_is_never_printed(run_agent, capsys, monkeypatch):
    monkeypatch.setenv("METALOC_BROKER_PASSWORD", "s3cret")

    run_agent("config")

    assert "s3cret" not in capsys.readouterr().out


def test_a_mistake_in_the_file_is_named(run_agent, capsys, tmp_path):
    path = tmp_path / "agent.toml"
    path.write_text("[broker]\nhots = 'x'\n")

    assert run_agent("config", "--config", path) == 2

    assert capsys.readouterr().err == (
        f"edge_agent: {path}: unknown key broker.hots; did you mean host?\n"
    )
