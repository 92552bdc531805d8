"""MAML-TS in small, by the commands: every room starts from its own parameters."""

import json

import pytest

from edge_agent.cli import main as edge_agent
from edge_agent.survey import read_survey, write_survey
from export.cli import main as export
from trainer.cli import main as trainer
from trainer.simulate.survey import SurveyPlan, simulate_survey

PLAN = SurveyPlan(n_rooms=4, n_visits=4, packets_per_capture=50)
KNOWN, UNKNOWN = ("room000", "room001", "room002"), "room003"
LEARNT, LATER = ("1", "2"), ("3", "4")


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    """A bundle of three rooms' first visits, and the list of all rooms' later ones."""
    folder = tmp_path_factory.mktemp("laboratory")
    captures = read_survey(simulate_survey(folder / "rooms", PLAN, seed=4))
    history, later = folder / "history.csv", folder / "later.csv"
    write_survey(
        history,
        [c for c in captures if c.environment in KNOWN and c.visit in LEARNT],
    )
    write_survey(later, [c for c in captures if c.visit in LATER])
    models, bundle = folder / "models", folder / "bundle"
    options = ["--method", "maml-ts", "--iterations", "2", "--inner-steps", "1"]
    arguments = ["train", str(history), "--out", str(models), "--threads", "1"]
    assert trainer([*arguments, *options]) == 0
    assert export([str(models), str(bundle)]) == 0
    return bundle, later


@pytest.fixture
def adapt(laboratory, tmp_path, monkeypatch, capsys):
    """Adapt to a room's later visits; returns what was printed as JSON."""
    monkeypatch.setenv("HOME", str(tmp_path))

    def adapt(room, *options):
        bundle, later = map(str, laboratory)
        place = ["--bundle", bundle, "--state", str(tmp_path / "state")]
        arguments = ["adapt", later, "--environment", room, *place, "--json"]
        assert edge_agent([*arguments, *options]) == 0
        return json.loads(capsys.readouterr().out)

    return adapt


@pytest.mark.parametrize("room", KNOWN)
def test_a_room_starts_from_what_was_learnt_there(adapt, room):
    found = adapt(room)["parameter_set"]

    assert (found["set"], found["reason"]) == (room, "similar")
    others = [value for name, value in found["squared_mmd"].items() if name != room]
    assert found["squared_mmd"][room] < 0.1 < min(others)


def test_a_room_that_nothing_was_learnt_in_starts_from_what_all_taught(adapt):
    found = adapt(UNKNOWN)["parameter_set"]

    assert (found["set"], found["reason"]) == ("total", "none similar")
    assert found["p_value"] <= 0.05


def test_what_is_asked_for_is_taken_all_the_same(adapt):
    chosen, forced = adapt(KNOWN[0]), adapt(KNOWN[0], "--set", KNOWN[1])

    assert forced["parameter_set"] == {"set": KNOWN[1], "reason": "asked for"}
    assert forced["losses"] != chosen["losses"]


def test_the_same_shots_choose_the_same_every_time(adapt):
    assert adapt(KNOWN[2])["parameter_set"] == adapt(KNOWN[2])["parameter_set"]
