"""``trainer train``, through the command line, on a survey of two small rooms."""

import os
import re
import shlex
import shutil
import signal

import numpy as np
import pytest
import torch

from edge_agent.bundles.bundle import AdaptationDefaults, Bundle
from edge_agent.capture_file import CaptureFile
from edge_agent.console import Console
from edge_agent.csi.image import ImageSpec
from edge_agent.recording import record_environment
from edge_agent.survey import Point, read_survey, write_survey
from edge_agent.task_similarity.history import MAX_VECTORS
from export.cli import main as export
from tests.trainer.builders import empty_room
from trainer.checkpoint import Checkpoint
from trainer.cli import main
from trainer.meta.config import MetaConfig
from trainer.meta.task_attachments import attached_tasks
from trainer.meta.train import Progress
from trainer.neighbours.attachments import from_attachments
from trainer.neighbours.learn import learn_neighbours
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
    assert said.out.endswith(" per point\n")
    assert 0 < float(said.out.split()[-3]) < 5
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
    compared = training.pop("neighbours")["mean_error_m"]
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
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"2 environments, {n_points} points, {len(rows)} images"
    assert (
        f"places replayed: network {compared['network']:.2f} m, neighbours "
        f"{compared['neighbours']:.2f} m (the better one is recommended)"
    ) in said


def test_the_neighbours_are_those_of_the_same_environments(survey, out):
    train([survey], out)

    by_name = {}
    for row in read_survey(survey):
        by_name.setdefault(row.environment, []).append(row)
    learnt = learn_neighbours(
        [record_environment(rows, ImageSpec()) for rows in by_name.values()]
    )
    found, _ = from_attachments(Checkpoint.load(out))
    assert found.kernel == learnt.neighbours.kernel
    np.testing.assert_allclose(
        found.whitening.root, learnt.neighbours.whitening.root, rtol=1e-5
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


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_compiled_layers_train_the_same_model(survey, tmp_path):
    plain, compiled = tmp_path / "plain.npz", tmp_path / "compiled.npz"

    # Not Adam, whose steps are as long where the gradient is but rounding.
    options = ("--outer", "sgd", "--beta", "0.1", "--inner-steps", "1")
    assert train([survey], plain, *options, iterations=2) == 0
    assert train([survey], compiled, *options, "--compile", iterations=2) == 0

    # In single precision a ReLU may decide otherwise.
    one, other = (Checkpoint.load(path).parameters for path in (plain, compiled))
    for name, value in one.items():
        assert np.median(np.abs(other[name] - value)) < 1e-5, name


def test_compiled_layers_are_refused_where_they_cannot_be(survey, out, capsys):
    assert train([survey], out, "--compile", "--second-order") == 2

    assert "--compile is for processors and the first order" in capsys.readouterr().err
    assert not out.exists()


def test_a_finished_model_is_not_replaced_without_a_word(survey, out, capsys):
    assert train([survey], out) == 0
    assert "will be replaced" not in capsys.readouterr().err
    assert train([survey], out) == 0
    assert f"caution: {out} will be replaced" in capsys.readouterr().err


def test_a_folder_that_is_called_like_a_checkpoint_is_refused(survey, out, capsys):
    assert train([survey], out, "--method", "maml-ts") == 2

    said = capsys.readouterr().err
    assert "maml-ts writes a folder of checkpoints" in said
    assert f"for example {out.with_suffix('')}\n" in said
    assert not out.parent.exists()


@pytest.mark.parametrize("method", ["maml", "maml-ts"])
@pytest.mark.parametrize("option", [("--variant", "alg3"), ("--weight", "1")])
def test_options_of_another_method_are_refused(survey, out, capsys, method, option):
    assert train([survey], out, "--method", method, *option) == 2

    said = capsys.readouterr().err
    assert f"{option[0]} is for --method maml-dg, not {method}\n" in said
    assert not out.exists()


def test_a_compiler_that_is_not_there_is_named(survey, out, capsys, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")

    assert train([survey], out, "--compile") == 1

    assert "'no-such-compiler' is not a command" in capsys.readouterr().err


def test_the_first_iteration_is_said_and_then_one_every_ten_seconds(
    survey, out, capsys, monkeypatch
):
    def pretend(_learner, theta, config, _rng, *, on_progress, **_options):
        for iteration in range(1, config.n_iterations + 1):
            on_progress(Progress(iteration, config.n_iterations, 1.5, iteration / 10))
        return theta

    monkeypatch.setattr("trainer.commands.train.meta_train", pretend)

    train([survey], out, iterations=250)

    said = capsys.readouterr()
    off = Checkpoint.load(out).training["neighbours"]["mean_error_m"]
    assert said.err.splitlines()[1:] == [
        "1/250  loss 1.500  10.0/s  0 min left",
        "101/250  loss 1.500  10.0/s  0 min left",
        "201/250  loss 1.500  10.0/s  0 min left",
        f"places replayed: network {off['network']:.2f} m, neighbours "
        f"{off['neighbours']:.2f} m (the better one is recommended)",
        f"next: python -m export {out} BUNDLE",
    ]
    assert said.out == f"{out}: meta-loss 1.500 per point\n"


def test_the_next_command_works_when_it_is_pasted(survey, tmp_path, capsys):
    pytest.importorskip("onnx", reason="needs onnx to write a bundle")
    train([survey], tmp_path / "my models" / "it.npz", "--inner-steps", "1")
    said = capsys.readouterr().err.splitlines()[-1]
    program, *arguments = shlex.split(said.removeprefix("next: "))

    bundle = tmp_path / "bundle"
    assert [program, *arguments[:2]] == ["python", "-m", "export"]
    assert export([*arguments[2:-1], str(bundle)]) == 0
    assert Bundle.load(bundle).manifest.name == "bundle"


def test_help_says_how_long_it_takes(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])

    said = " ".join(capsys.readouterr().out.split())
    assert f"(default {MetaConfig().n_iterations}: ten to twenty minutes" in said


# -- algorithms ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plain(survey, tmp_path_factory):
    """The checkpoint of one first-order iteration of MAML."""
    path = tmp_path_factory.mktemp("plain") / "checkpoint.npz"
    train([survey], path, "--inner-steps", "1")
    return Checkpoint.load(path)


@pytest.mark.parametrize(
    ("options", "method"),
    [
        (["--second-order"], "MAML, second order"),
        (["--method", "maml-dg"], "MAML-DG eq18, w = 1, first order"),
        (
            ["--method", "maml-dg", "--second-order", "--weight", "0.5"],
            "MAML-DG eq18, w = 0.5, second order",
        ),
        (
            ["--method", "maml-dg", "--variant", "alg3"],
            "MAML-DG alg3, w = 1, first order",
        ),
        (
            ["--method", "maml-dg", "--variant", "authors"],
            "MAML-DG authors, w = 1, first order",
        ),
    ],
)
def test_the_algorithm_is_the_one_asked_for_and_the_checkpoint_says_so(
    survey, plain, out, options, method
):
    assert train([survey], out, "--inner-steps", "1", *options) == 0

    checkpoint = Checkpoint.load(out)
    assert checkpoint.training["method"] == method
    weight = "conv0.weight"
    assert (checkpoint.parameters[weight] != plain.parameters[weight]).any()


def test_step_sizes_and_optimizer_are_those_asked_for(survey, out):
    train(
        [survey],
        out,
        *("--alpha", "0.02", "--beta", "0.003", "--inner-steps", "2"),
        *("--outer", "sgd", "--cosine", "--clip-norm", "4"),
    )

    checkpoint = Checkpoint.load(out)
    assert checkpoint.adaptation.alpha == 0.02
    assert checkpoint.training["meta"] == {
        "n_iterations": 1,
        "tasks_per_iteration": 4,
        "alpha": 0.02,
        "beta": 0.003,
        "n_steps": 2,
        "second_order": False,
        "optimizer": "sgd",
        "cosine": True,
        "clip_norm": 4.0,
    }


def test_task_similarity_gives_parameters_for_each_environment_and_for_all(
    survey, tmp_path, capsys
):
    folder, alone = tmp_path / "models", tmp_path / "alone.npz"

    steps = ["--inner-steps", "1"]
    assert train([survey], folder, *steps, "--method", "maml-ts") == 0

    names = ["000-room000", "001-room001", "total"]
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{name}.npz" for name in names
    ]
    checkpoints = [Checkpoint.load(folder / f"{name}.npz") for name in names]
    assert [c.training["environment"] for c in checkpoints] == names
    weights = [c.parameters["conv0.weight"] for c in checkpoints]
    assert (weights[0] != weights[1]).any()
    # For all is what plain MAML learns.
    train([survey], alone, *steps)
    np.testing.assert_array_equal(
        weights[2], Checkpoint.load(alone).parameters["conv0.weight"]
    )
    said = capsys.readouterr()
    of_total, of_alone = (
        re.search(rf"{path}: meta-loss (.*) per point(.*)\n", said.out)
        for path in (folder, alone)
    )
    assert of_total.group(1) == of_alone.group(1)
    assert (of_total.group(2), of_alone.group(2)) == (", of total.npz", "")
    replayed = [line for line in said.err.splitlines() if "places replayed" in line]
    assert len(replayed) == 2  # for all, and alone
    assert replayed[0].startswith("total: ")
    assert f"next: python -m export {folder} BUNDLE\n" in said.err
    assert not any("tasks/" in name for name in checkpoints[2].attachments)
    amounts = ("environments", "points", "images")
    ones, other, together = (
        [c.training[amount] for amount in amounts] for c in checkpoints
    )
    assert ones[0] == other[0] == 1
    assert together == [a + b for a, b in zip(ones, other, strict=True)]
    for number, checkpoint in enumerate(checkpoints[:2]):
        environment = record_environment(
            [c for c in read_survey(survey) if c.environment == f"room00{number}"],
            ImageSpec(),
        )
        found = attached_tasks(checkpoint)
        assert found.has_level
        own = [1, len(environment.points), len(environment.images)]
        assert [checkpoint.training[amount] for amount in amounts] == own
        # Two visits, an image of three channels at every point, or some of them.
        most = min(3 * len(environment.points), MAX_VECTORS // 2)
        assert [len(task) for task in found.tasks] == [most, most]


# -- interruption ----------------------------------------------------------------------


@pytest.fixture
def interrupted(survey, out, monkeypatch, capsys):
    """What training of four iterations says that gets Ctrl-C in its second."""
    seen = []

    def interrupt(self, line):
        seen.append(line)
        if line.startswith("2/4"):
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(Console, "progress", interrupt)
        assert train([survey], out, "--inner-steps", "1", iterations=4) == 1
    assert not any(line.startswith("3/4") for line in seen)
    return capsys.readouterr().err


def test_training_goes_on_where_it_was_interrupted(
    interrupted, survey, tmp_path, out, capsys
):
    resume = out.with_name("checkpoint.npz.resume")
    assert interrupted.splitlines()[2:] == [
        "stopping after this iteration",
        f"trainer: stopped after 2 of 4 iterations; {resume} holds iteration 2",
    ]
    assert not out.exists()

    assert train([survey], out, "--inner-steps", "1", iterations=4) == 0

    assert f"going on from {resume}: iteration 2" in capsys.readouterr().err
    assert not resume.exists()
    whole = tmp_path / "whole.npz"
    train([survey], whole, "--inner-steps", "1", iterations=4)
    found, expected = (Checkpoint.load(path).parameters for path in (out, whole))
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_a_file_to_resume_from_can_be_elsewhere(interrupted, survey, tmp_path, out):
    kept = tmp_path / "kept"
    out.with_name("checkpoint.npz.resume").rename(kept)

    options = ("--inner-steps", "1", "--resume", str(kept))
    assert train([survey], out, *options, iterations=4) == 0

    assert Checkpoint.load(out).training["meta"]["n_iterations"] == 4
    assert not kept.exists()


def test_a_training_with_other_options_does_not_go_on(interrupted, survey, out, capsys):
    assert train([survey], out, "--inner-steps", "1", "--seed", "1", iterations=4) == 1

    said = capsys.readouterr().err
    assert "is of another training: seed was 0, is 1; delete it to start again" in said
    assert not out.exists()


def test_an_interrupted_training_can_be_made_longer_but_not_shorter(
    interrupted, survey, out, capsys
):
    assert train([survey], out, "--inner-steps", "1", iterations=1) == 1
    assert "holds iteration 2, more than the 1 that were asked" in (
        capsys.readouterr().err
    )

    assert train([survey], out, "--inner-steps", "1", iterations=5) == 0


# -- refusals --------------------------------------------------------------------------


@pytest.mark.parametrize("iterations", [0, -1])
def test_no_iteration_is_refused(survey, out, capsys, iterations):
    code = train([survey], out, iterations=iterations)

    assert code == 2
    assert capsys.readouterr().err == (
        f"trainer: --iterations is {iterations}, not 1 or more\n"
    )


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--threads", "-1", "--threads is -1, not 0 or more"),
        ("--device-steps", "-1", "--device-steps: n_steps is -1, not a whole number"),
        ("--alpha", "0", "alpha is 0.0, not a positive number"),
        ("--beta", "nan", "beta is nan, not a positive number"),
        ("--inner-steps", "-1", "n_steps is -1, not 0 or more"),
        ("--clip-norm", "-1", "clip_norm is -1.0, not a positive number"),
    ],
)
def test_an_option_that_means_nothing_is_refused(
    survey, out, capsys, option, value, reason
):
    code = train([survey], out, option, value)

    assert code == 2
    assert reason in capsys.readouterr().err
    assert not out.exists()


def test_a_file_to_resume_that_is_not_there_is_named(survey, out, capsys):
    assert train([survey], out, "--resume", "nowhere") == 1

    assert "--resume: there is no file nowhere" in capsys.readouterr().err
    assert not out.exists()


def test_a_graphics_processor_that_is_not_there_is_refused(
    survey, out, capsys, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert train([survey], out, "--device", "cuda") == 2

    assert "--device is cuda, but torch finds none" in capsys.readouterr().err


def test_one_file_to_resume_several_trainings_is_refused(survey, out, capsys):
    folder = out.with_suffix("")
    assert train([survey], folder, "--method", "maml-ts", "--resume", str(survey)) == 1

    assert "--resume is one file, maml-ts has one per" in capsys.readouterr().err


def test_generalization_over_a_single_environment_is_refused(
    survey, tmp_path, out, capsys
):
    path = tmp_path / "one.csv"
    rows = read_survey(survey)
    write_survey(path, [row for row in rows if row.environment == "room000"])

    assert train([path], out, "--method", "maml-dg") == 2

    assert "MAML-DG needs two environments or more, there are 1" in (
        capsys.readouterr().err
    )


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


def test_a_capture_without_frames_is_refused(survey, tmp_path, out, capsys):
    with CaptureFile(read_survey(survey)[0].capture) as capture:
        write_capture(tmp_path / "empty.pcapng", next(iter(capture))[:0])
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
