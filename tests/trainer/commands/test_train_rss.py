"""``trainer train-rss``, from captures and surveys to a model that locates."""

import json
import os
import signal

import numpy as np
import pytest

from edge_agent.cli import main as agent
from edge_agent.console import Console
from edge_agent.rss.window import RssSpec
from export.cli import main as export
from tests.edge_agent.rss.places import beacons, shots, write_site
from trainer.cli import main
from trainer.commands.rss_environments import environment_of
from trainer.rss_checkpoint import RssCheckpoint


@pytest.fixture
def site(tmp_path, rng):
    """Captures of eight points, seconds long; three visits."""
    folder = tmp_path / "site"
    survey = write_site(folder, rng, n_visits=3)
    return survey


@pytest.fixture
def train(tmp_path):
    def train(*arguments, out="rss.npz", iterations=3):
        words = [
            *("train-rss", *arguments, "--out", tmp_path / out),
            *("--iterations", iterations),
        ]
        return main([str(word) for word in words])

    return train


@pytest.fixture
def pathloss(tmp_path):
    """A simulated survey of three days, as a folder of data."""
    words = ["simulate", "rss", tmp_path / "data", "--points", 12, "--days", 3]
    assert main([str(word) for word in words]) == 0
    return tmp_path / "data"


def test_captures_become_a_checkpoint_a_bundle_and_locations(
    train, site, tmp_path, rng, capfd
):
    assert train(site, iterations=5) == 0
    assert "1 environments, 8 points, 24 samples" in capfd.readouterr().err
    bundle, state = tmp_path / "bundle", tmp_path / "state"
    assert export([str(tmp_path / "rss.npz"), str(bundle)]) == 0
    model = ["--bundle", str(bundle), "--state", str(state)]
    assert agent(["adapt", str(site), *model]) == 0
    walk = tmp_path / "walk.pcap"
    walk.write_bytes(beacons(3.0, 0.0, rng, seconds=2))
    capfd.readouterr()

    words = ["capture", "--pcap", str(walk), "--broker", "none", "--json", *model]
    assert agent(words) == 0

    (line,) = capfd.readouterr().out.splitlines()
    document = json.loads(line)
    assert document["model"].startswith("bundle+cal.")
    assert document["access_points"] == {"heard": 3, "expected": 3}


def test_simulated_surveys_teach_too_and_say_so(train, pathloss, tmp_path):
    assert train("--survey", "pathloss", "--data", pathloss) == 0

    loaded = RssCheckpoint.load(tmp_path / "rss.npz")
    training = loaded.training
    assert loaded.spec == RssSpec()
    assert training["surveys"] == ["pathloss"]
    assert training["simulated"] is True
    assert (training["environments"], training["method"]) == (3, "MAML, first order")
    assert loaded.adaptation.n_steps == 10
    assert any(array.any() for array in loaded.parameters.values())


def test_the_same_seed_gives_the_same_bytes(train, pathloss, tmp_path):
    given = ("--survey", "pathloss", "--data", pathloss)
    for name, seed in (("a.npz", 1), ("b.npz", 1), ("c.npz", 2)):
        assert train(*given, "--seed", seed, out=name) == 0

    a, b, c = ((tmp_path / f"{name}.npz").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_domain_generalization_takes_two_environments(
    train, pathloss, site, tmp_path, capfd
):
    given = ("--survey", "pathloss", "--data", pathloss, "--method", "maml-dg")
    assert train(*given, "--second-order") == 0
    method = RssCheckpoint.load(tmp_path / "rss.npz").training["method"]
    assert method == "MAML-DG, second order"

    assert train(site, "--method", "maml-dg") == 2
    assert "two environments or more" in capfd.readouterr().err


def test_training_learns(train, pathloss, tmp_path, capfd):
    """More than the mean of the nearest points, with which it begins."""
    losses = []
    for iterations in (1, 150):
        assert (
            train("--survey", "pathloss", "--data", pathloss, iterations=iterations)
            == 0
        )
        out = capfd.readouterr().out
        loss, unit = out.split("meta-loss ")[1].split()
        assert unit == "m"
        losses.append(float(loss))

    assert losses[1] < 0.9 * losses[0]
    assert 1 < losses[1] < losses[0] < 20  # in a square of 20 m


# -- interruption ----------------------------------------------------------------------


@pytest.fixture
def interrupted(train, pathloss, monkeypatch, capfd):
    """What training of four iterations says that gets Ctrl-C in its second."""

    def interrupt(self, line):
        if line.startswith("2/4"):
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(Console, "progress", interrupt)
        assert train("--survey", "pathloss", "--data", pathloss, iterations=4) == 1
    return capfd.readouterr().err


def test_training_goes_on_where_it_was_interrupted(
    interrupted, train, pathloss, tmp_path, capfd
):
    given = ("--survey", "pathloss", "--data", pathloss)
    resume = tmp_path / "rss.npz.resume"
    assert interrupted.endswith(
        "stopping after this iteration\n"
        f"trainer: stopped after 2 of 4 iterations; {resume} holds iteration 2\n"
    )
    assert not (tmp_path / "rss.npz").exists()

    assert train(*given, iterations=4) == 0

    assert f"going on from {resume}: iteration 2" in capfd.readouterr().err
    assert not resume.exists()
    train(*given, iterations=4, out="whole.npz")
    found, expected = (tmp_path / name for name in ("rss.npz", "whole.npz"))
    assert found.read_bytes() == expected.read_bytes()


@pytest.mark.parametrize(
    ("changes", "code"), [(["--seed", 5], 1), (["--beta", 0.01], 1), ([], 0)]
)
def test_only_the_same_training_goes_on(
    interrupted, train, pathloss, tmp_path, changes, code
):
    kept = (tmp_path / "rss.npz.resume").rename(tmp_path / "kept")

    arguments = ("--survey", "pathloss", "--data", pathloss, "--resume", kept)

    assert train(*arguments, *changes, iterations=6) == code
    assert kept.exists() == (code == 1)


def test_other_captures_are_another_training(interrupted, train, site, tmp_path, capfd):
    assert train(site, "--resume", tmp_path / "rss.npz.resume") == 1
    assert "data" in capfd.readouterr().err


def test_a_file_to_resume_that_is_not_there_is_named(train, site, capfd):
    assert train(site, "--resume", "nowhere") == 1
    assert "--resume: there is no file nowhere" in capfd.readouterr().err


# -- what it learns from ---------------------------------------------------------------


def test_what_a_device_recorded_is_an_environment(rng):
    recorded = shots(rng, is_simulated=True)

    found = environment_of(recorded)

    np.testing.assert_array_equal(found.signals.rss, recorded.rss)
    assert found.place.channels == recorded.transmitters
    assert found.place.locations.tolist() == recorded.locations.tolist()
    assert found.visit_of.tolist() == [0, 1, 2] * 8
    assert found.is_simulated
    assert not found.is_test.any()


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        ([], 2, "nothing to learn from"),
        (["--survey", "umdsi"], 2, "--survey needs --data"),
        (["--iterations", "0"], 2, "--iterations is 0"),
        (["--device-steps", "-1"], 2, "--device-steps: n_steps is -1"),
        (["--alpha", "0"], 2, "alpha is 0"),
    ],
)
def test_command_lines_that_mean_nothing_are_refused(
    train, tmp_path, capfd, arguments, code, reason
):
    words = ["train-rss", "--out", str(tmp_path / "rss.npz"), *arguments]

    assert main(words) == code
    assert reason in capfd.readouterr().err


def test_places_of_too_few_points_are_left_out_or_refused(
    train, pathloss, tmp_path, rng, capfd
):
    few = write_site(tmp_path / "few", rng, points=shots(rng).points[:3])

    assert train(few) == 1
    assert "no environment has 6 points with two samples" in capfd.readouterr().err
    assert train(few, "--survey", "pathloss", "--data", pathloss) == 0
    assert "1 of 4 environments have fewer than 6" in capfd.readouterr().err


def test_a_checkpoint_that_is_there_will_be_replaced(train, site, tmp_path, capfd):
    (tmp_path / "rss.npz").write_bytes(b"old")

    assert train(site) == 0
    assert "rss.npz will be replaced" in capfd.readouterr().err
    RssCheckpoint.load(tmp_path / "rss.npz")
