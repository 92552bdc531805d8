"""A folder of MAML-TS becomes one bundle with a parameter set per environment."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.bundles.bundle import AdaptationDefaults, Bundle
from edge_agent.bundles.parameter_sets import MAX_SETS, TOTAL
from edge_agent.csi.image import ImageSpec
from edge_agent.learning.network import Architecture
from export.bundle_writer import ExportError
from export.cli import main
from export.parameter_sets import Trained, set_files
from export.write_bundle import write_bundle
from tests.trainer.builders import (
    SMALL,
    SMALL_NETWORK,
    checkpoint,
    environment,
    random_parameters,
)
from trainer.checkpoint import Checkpoint
from trainer.errors import CheckpointError
from trainer.meta.task_attachments import task_attachments, tasks_of

FACTS = {"method": "MAML-TS, first order", "seed": 1, "surveys": "abc"}
NAMES = ("000-hall", "001-lab")


def trained_on(name, **fields):
    """A checkpoint of one environment, or of all."""
    rng = np.random.default_rng([5, *name.encode()])
    visits = [(point, visit) for visit in "ab" for point in range(3)]
    tasks = tasks_of(environment(visits), rng)
    defaults = {
        "parameters": random_parameters(SMALL_NETWORK, rng, dtype=np.float32),
        "training": FACTS
        | {"environment": name, "environments": 2 if name == TOTAL else 1},
        "attachments": {} if name == TOTAL else task_attachments(tasks),
    }
    return checkpoint(**defaults | fields)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    for name in (*NAMES, TOTAL):
        trained_on(name).save(folder / f"{name}.npz")
    return folder


# -- what comes out --------------------------------------------------------------------


def test_the_command_makes_one_bundle_of_a_folder(folder, tmp_path, capsys):
    code = main([str(folder), str(tmp_path / "bundle")])

    assert code == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'bundle'}: bundle, ")
    bundle = Bundle.load(tmp_path / "bundle")
    assert [(each.name, each.file) for each in bundle.manifest.sets] == [
        ("hall", "theta.0.npz"),
        ("lab", "theta.1.npz"),
    ]
    for name, file in ((TOTAL, TOTAL), ("hall", "000-hall"), ("lab", "001-lab")):
        parameters = bundle.parameters_of(name)
        saved = Checkpoint.load(folder / f"{file}.npz").parameters
        assert parameters.keys() == saved.keys()
        for key, array in saved.items():
            np.testing.assert_array_equal(parameters[key], array)
    assert bundle.sets is not None
    assert bundle.sets.history.has_level
    for tasks, name in zip(bundle.sets.history.tasks, NAMES, strict=True):
        attached = trained_on(name).attachments
        np.testing.assert_array_equal(np.concatenate(tasks), attached["tasks/vectors"])
        assert [len(task) for task in tasks] == [6, 6]


def test_one_of_the_checkpoints_exports_alone_as_any_other(folder, tmp_path):
    assert main([str(folder / "000-hall.npz"), str(tmp_path / "bundle")]) == 0

    bundle = Bundle.load(tmp_path / "bundle")
    assert bundle.sets is None
    files = bundle.files.contents
    assert [name for name in files if name.startswith("theta")] == ["theta.npz"]


def test_the_same_folder_gives_the_same_bytes(folder):
    first, again = (set_files(Trained.read(folder).of_environment) for _ in range(2))

    assert first == again


def test_what_else_lies_there_is_passed_over(folder):
    (folder / "000-hall.npz.resume").write_bytes(b"interrupted")
    (folder / "notes.txt").write_text("mine")

    assert list(Trained.read(folder).of_environment) == ["hall", "lab"]


@pytest.mark.parametrize(
    ("second", "names"),
    [
        ("001-hall", ["000-hall", "001-hall"]),
        ("001-total", ["000-hall", "001-total"]),
        ("001-", ["000-hall", "001-"]),
        ("001-2-kitchen", ["hall", "2-kitchen"]),
        ("001-2024-lab", ["hall", "2024-lab"]),
        ("lab-2024-b", ["hall", "lab-2024-b"]),
        ("1234-lab", ["hall", "lab"]),
    ],
)
def test_numbers_are_left_out_of_names_where_that_leaves_names(folder, second, names):
    (folder / "001-lab.npz").rename(folder / f"{second}.npz")

    assert list(Trained.read(folder).of_environment) == names


def test_where_one_had_no_level_none_is_compared(folder):
    lab = trained_on("001-lab")
    deaf = lab.attachments | {"tasks/has_level": np.array(False)}
    replace(lab, attachments=deaf).save(folder / "001-lab.npz")

    bundle = write_bundle(
        Trained.read(folder).total,
        folder.parent / "bundle",
        name="x",
        of_environment=Trained.read(folder).of_environment,
    )

    assert bundle.sets is not None
    assert not bundle.sets.history.has_level


# -- refusals --------------------------------------------------------------------------


def refusal(folder, capsys):
    code = main([str(folder), str(folder.parent / "bundle")])

    said = capsys.readouterr()
    assert (code, said.out) == (1, "")
    assert not (folder.parent / "bundle").exists()
    return said.err


def test_without_the_parameters_of_all_it_is_refused(folder, capsys):
    (folder / "total.npz").unlink()

    assert "has no total.npz: it is not what trainer train --method maml-ts writes" in (
        refusal(folder, capsys)
    )


def test_without_any_environment_it_is_refused(folder, capsys):
    for name in NAMES:
        (folder / f"{name}.npz").unlink()

    assert "checkpoints of 0 environments, not 1 to 100" in refusal(folder, capsys)


@pytest.mark.parametrize(
    ("n_taught", "missing"),
    [
        (3, "002-*.npz missing"),
        (7, "002-*.npz, 003-*.npz, 004-*.npz and 2 more missing"),
    ],
)
def test_a_training_that_was_interrupted_is_not_exported(
    folder, capsys, n_taught, missing
):
    total = trained_on(TOTAL)
    replace(total, training=total.training | {"environments": n_taught}).save(
        folder / "total.npz"
    )

    said = refusal(folder, capsys)
    assert f"checkpoints of 2 environments, total.npz is of {n_taught}, and " in said
    assert f"and {missing}: training was interrupted (run it again to go on)" in said


def test_a_checkpoint_that_was_removed_is_missed(folder, capsys):
    (folder / "000-hall.npz").unlink()

    assert "total.npz is of 2, and 000-*.npz missing" in refusal(folder, capsys)


@pytest.mark.parametrize("n_taught", [1, None, "2"])
def test_more_than_the_training_had_are_refused(folder, capsys, n_taught):
    total = trained_on(TOTAL)
    replace(total, training=total.training | {"environments": n_taught}).save(
        folder / "total.npz"
    )

    said = refusal(folder, capsys)
    assert f"total.npz is of {n_taught}: move away those that are not of" in said


def test_very_many_environments_are_refused(folder):
    for number in range(MAX_SETS):
        (folder / f"{number + 5:03}-room.npz").touch()

    with pytest.raises(ExportError, match="checkpoints of 102 environments, not 1 to"):
        Trained.read(folder)


def test_a_damaged_checkpoint_is_named(folder, capsys):
    (folder / "001-lab.npz").write_bytes(b"nothing")

    assert "001-lab.npz: is damaged" in refusal(folder, capsys)


OTHER_SPEC = ImageSpec(SMALL.n_packets, SMALL.n_tones, SMALL.n_channels, -100.0)
OTHER_NETWORK = Architecture(SMALL.shape, filters=(3, 5))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"spec": OTHER_SPEC}, "their spec is ImageSpec("),
        (
            {
                "architecture": OTHER_NETWORK,
                "parameters": random_parameters(
                    OTHER_NETWORK, np.random.default_rng(1), dtype=np.float32
                ),
            },
            "their architecture is Architecture(",
        ),
        ({"adaptation": AdaptationDefaults(0.5, 3)}, "their adaptation is Adaptation"),
        ({"training": FACTS | {"seed": 2}}, "their seed is 2 and 1"),
        ({"training": FACTS | {"surveys": "x"}}, "their surveys is x and abc"),
        ({"training": {"method": "MAML-TS, first order"}}, "their seed is None and 1"),
        ({"training": FACTS | {"note": "x"}}, "their note is x and None"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(folder, capsys, fields, reason):
    trained_on("001-lab", **fields).save(folder / "001-lab.npz")

    said = refusal(folder, capsys)
    assert "001-lab.npz and total.npz are not of one training: " in said
    assert reason in said


def test_how_each_compares_with_neighbours_is_its_own(folder):
    facts = FACTS | {"environment": "001-lab", "neighbours": {"replays": 3}}
    trained_on("001-lab", training=facts).save(folder / "001-lab.npz")

    assert len(Trained.read(folder).of_environment) == 2


def test_a_checkpoint_that_does_not_tell_its_tasks_is_refused(folder, capsys):
    trained_on("001-lab", attachments={}).save(folder / "001-lab.npz")

    assert "lacks tasks/vectors: it is not of one environment" in refusal(
        folder, capsys
    )


def test_a_name_that_no_set_can_have_is_refused():
    with pytest.raises(ExportError, match="'total', which is that of all"):
        set_files({TOTAL: trained_on("000-hall")})


def test_tasks_that_are_no_numbers_are_refused_by_the_device(folder, capsys):
    lab = trained_on("001-lab")
    lab.attachments["tasks/vectors"][0, 0] = np.nan
    lab.save(folder / "001-lab.npz")

    assert "similarity.npz: a vector is not finite" in refusal(folder, capsys)


def test_no_environments_are_no_files():
    assert set_files({}) == ((), {})


def test_a_checkpoint_error_is_the_trainers():
    with pytest.raises(CheckpointError):
        set_files({"hall": trained_on("000-hall", attachments={})})
