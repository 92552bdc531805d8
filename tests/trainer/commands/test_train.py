"""``trainer train``, through the command line, on a survey of two small rooms."""

import numpy as np
import pytest
import torch

from edge_agent.bundle import AdaptationDefaults
from edge_agent.csi.image import ImageSpec
from edge_agent.recording import record_environment
from edge_agent.survey import Point, read_survey, write_survey
from tests.trainer.builders import empty_room
from trainer.checkpoint import Checkpoint
from trainer.cli import main
from trainer.meta.config import MetaConfig
from trainer.meta.train import Progress
from trainer.simulate.captures import write_capture
from trainer.simulate.survey import SurveyPlan, simulate_survey, survey_room
from trainer.tasks import TaskConfig

PLAN = SurveyPlan(n_rooms=2, n_visits=2, packets_per_capture=50)


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return simulate_survey(tmp_path_factory.mktemp("rooms"), PLAN, seed=5)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "models" / "checkpoint.npz"


def train(surveys, out, *options, iterations=1):
    paths = [str(path) for path in surveys]
    count = ["--iterations", str(iterations)]
    return main(["train", *paths, "--out", str(out), *count, *options])


# -- what comes out --------------------------------------------------------------------


def test_a_checkpoint_of_the_papers_network_is_written(survey, out, capsys):
    code = train([survey], out, "--device-steps", "7", iterations=2)

    checkpoint = Checkpoint.load(out)
    assert code == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{out}: meta-loss ")
    assert 0 < float(said.out.split()[-1]) < 5
    assert checkpoint.spec == ImageSpec()
    assert checkpoint.architecture.image_shape == (3, 50, 52)
    assert checkpoint.architecture.filters == (10, 16, 24, 32, 32)
    assert checkpoint.adaptation == AdaptationDefaults(MetaConfig().alpha, n_steps=7)


def test_the_checkpoint_says_where_it_comes_from(survey, out, capsys):
    train([survey], out, "--seed", "3", iterations=2)

    rows = read_survey(survey)
    n_points = len({(row.environment, row.point) for row in rows})
    training = Checkpoint.load(out).training
    versions = training.pop("versions")
    meta, task = training.pop("meta"), training.pop("task")
    assert training == {
        "method": "MAML, first order",
        "seed": 3,
        "environments": 2,
        "points": n_points,
        "images": len(rows),  # 50 packets: one image each
        "simulated": True,
    }
    assert meta["n_iterations"] == 2
    assert meta["alpha"] == MetaConfig().alpha
    assert task["n_way"] == TaskConfig().n_way
    assert versions["torch"] == torch.__version__
    assert capsys.readouterr().err == (
        f"2 environments, {n_points} points, {len(rows)} images\n"
    )


def test_the_seed_decides(survey, tmp_path):
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        train([survey], tmp_path / name, "--seed", str(seed))

    first, again, other = (
        Checkpoint.load(tmp_path / name).parameters
        for name in ("first", "again", "other")
    )
    for name, value in first.items():
        np.testing.assert_array_equal(value, again[name])
    # Another start, not only other tasks: one iteration moves weights by 0.001.
    assert np.abs(first["conv0.weight"] - other["conv0.weight"]).max() > 0.1


def test_pixels_are_scaled_by_those_that_were_heard(survey, tmp_path, out):
    rows = [row for row in read_survey(survey) if row.environment == "room000"]
    # A room with two transmitters: a third of its pixels are nothing.
    quiet = survey_room(
        np.random.default_rng(0),
        empty_room(access_points=[(1.0, 1.0, 2.0), (5.0, 1.0, 2.0)]),
        [Point("p1", 2.0, 2.0), Point("p2", 4.0, 3.0)],
        tmp_path / "quiet",
        site=9,
        plan=PLAN,
        environment="quiet",
    )
    path = tmp_path / "survey.csv"
    write_survey(path, rows + quiet)

    train([path], out)

    homes = [record_environment(part, ImageSpec()) for part in (rows, quiet)]
    assert not homes[1].heard[:, 2].any()
    heard = [home.images[:, :n].ravel() for home, n in zip(homes, (3, 2), strict=True)]
    pixels = np.concatenate(heard) / 255
    architecture = Checkpoint.load(out).architecture
    assert architecture.pixel_mean == pytest.approx(pixels.mean(), abs=1e-4)
    assert architecture.pixel_std == pytest.approx(pixels.std(), abs=1e-4)


def test_surveys_add_up(survey, tmp_path, out):
    rows = read_survey(survey)
    parts = []
    for name in ("room000", "room001"):
        parts.append(tmp_path / f"{name}.csv")
        write_survey(parts[-1], [row for row in rows if row.environment == name])

    assert train(parts, out) == 0

    assert Checkpoint.load(out).training["environments"] == 2


def test_training_uses_the_threads_that_were_asked_for(survey, out):
    train([survey], out, "--threads", "2")

    assert torch.get_num_threads() == 2


def test_every_hundredth_iteration_is_said(survey, out, capsys, monkeypatch):
    def pretend(_learner, theta, config, _rng, *, on_progress):
        for iteration in range(1, config.n_iterations + 1):
            on_progress(Progress(iteration, config.n_iterations, 1.5, iteration / 10))
        return theta

    monkeypatch.setattr("trainer.commands.train.meta_train", pretend)

    train([survey], out, iterations=250)

    said = capsys.readouterr()
    assert said.err.splitlines()[1:] == [
        "100/250  loss 1.500  10.0/s  0 min left",
        "200/250  loss 1.500  10.0/s  0 min left",
    ]
    assert said.out == f"{out}: meta-loss 1.500\n"


# -- refusals --------------------------------------------------------------------------


@pytest.mark.parametrize("iterations", [0, -1])
def test_no_iteration_is_refused(survey, out, capsys, iterations):
    code = train([survey], out, iterations=iterations)

    assert code == 1
    assert capsys.readouterr().err == (
        f"trainer: --iterations is {iterations}, not 1 or more\n"
    )


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--threads", "-1", "--threads is -1, not 0 or more"),
        ("--device-steps", "-1", "--device-steps: n_steps is -1, not a whole number"),
    ],
)
def test_an_option_that_means_nothing_is_refused(
    survey, out, capsys, option, value, reason
):
    code = train([survey], out, option, value)

    assert code == 1
    assert reason in capsys.readouterr().err
    assert not out.exists()


def test_a_folder_that_cannot_be_made_is_refused_before_training(
    survey, tmp_path, capsys
):
    (tmp_path / "file").write_text("")

    code = train([survey], tmp_path / "file" / "checkpoint.npz")

    assert code == 1
    said = capsys.readouterr().err
    assert said.startswith(f"trainer: cannot write {tmp_path / 'file'}")
    assert "loss" not in said


def test_a_survey_that_is_not_there_is_refused(tmp_path, out, capsys):
    code = train([tmp_path / "nowhere.csv"], out)

    assert code == 1
    assert "nowhere.csv: No such file or directory" in capsys.readouterr().err


def test_a_capture_without_frames_is_refused(tmp_path, out, capsys):
    write_capture(tmp_path / "empty.pcapng", [])
    path = tmp_path / "survey.csv"
    path.write_text("capture,x_m,y_m\nempty.pcapng,0,0\n")

    code = train([path], out)

    assert code == 1
    assert "found no CSI frame at all" in capsys.readouterr().err


def test_a_survey_that_cannot_serve_tasks_is_refused(survey, tmp_path, out, capsys):
    rows = [row for row in read_survey(survey) if row.visit == "1"]
    path = tmp_path / "one-visit.csv"
    write_survey(path, [row for row in rows if row.environment == "room000"])

    code = train([path], out)

    assert code == 1
    assert "room000 has fewer than two points with two" in capsys.readouterr().err
    assert not out.exists()


def test_a_checkpoint_that_cannot_be_written_is_an_error(survey, tmp_path, capsys):
    code = train([survey], tmp_path)

    assert code == 1
    assert f"trainer: cannot write {tmp_path}: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["--out", "x.npz"], ["survey.csv"], ["survey.csv", "--out", "x", "--seed", "a"]],
)
def test_a_command_that_means_nothing_is_a_usage_error(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(["train", *arguments])

    assert caught.value.code == 2
    assert "usage: trainer train" in capsys.readouterr().err
