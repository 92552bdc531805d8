"""The file from which training goes on, and what becomes of a damaged one."""

import numpy as np
import pytest

from edge_agent.arrays import pack_arrays, unpack_arrays
from trainer.errors import ResumeError
from trainer.meta.resume import ResumeFile, TrainingState

SETTINGS = {"method": "MAML", "seed": 3, "meta": {"beta": 0.1, "filters": (4, 5)}}
SHAPES = {"weight": (2, 3), "bias": ()}


def state(**fields):
    rng = np.random.default_rng(5)
    rng.random(7)
    values = {
        "iteration": 12,
        "loss": 0.1 + 0.2,
        "seconds": 3.5,
        "rng": rng.bit_generator.state,
        "theta": {
            "weight": rng.normal(size=(2, 3)).astype(np.float32),
            "bias": np.array(0.25),
        },
        "optimizer": {
            "weight": {"exp_avg": np.full((2, 3), 0.5), "step": np.array(12.0)},
            "bias": {},
        },
    }
    return TrainingState(**values | fields)


@pytest.fixture
def file(tmp_path):
    return ResumeFile(tmp_path / "model.resume", SETTINGS, SHAPES)


def edited(file, edit):
    """The file with its header or arrays changed, and saved again."""
    header, arrays = unpack_arrays(
        file.path.read_bytes(), schema="metaloc.training/1", max_bytes=1 << 20
    )
    edit(header, arrays)
    file.path.write_bytes(pack_arrays(header, arrays))


def test_what_is_saved_is_loaded(file):
    saved = state()

    file.save(saved)
    loaded = file.load()

    assert (loaded.iteration, loaded.loss, loaded.seconds) == (12, 0.1 + 0.2, 3.5)
    assert loaded.rng == saved.rng
    assert loaded.theta.keys() == saved.theta.keys()
    for name, value in saved.theta.items():
        np.testing.assert_array_equal(loaded.theta[name], value)
        assert loaded.theta[name].dtype == value.dtype
        assert loaded.optimizer[name].keys() == saved.optimizer[name].keys()
    np.testing.assert_array_equal(loaded.optimizer["weight"]["exp_avg"], 0.5)


def test_where_there_is_no_file_there_is_no_state(file):
    assert file.load() is None
    file.discard()


def test_a_discarded_file_is_gone(file):
    file.save(state())
    file.discard()

    assert file.load() is None


def test_a_file_of_other_settings_is_refused(file):
    file.save(state())
    other = ResumeFile(file.path, SETTINGS | {"seed": 4, "new": 1}, SHAPES)

    with pytest.raises(
        ResumeError,
        match=r"is of another training: new was None, is 1, seed was 3, is 4; delete",
    ):
        other.load()


def test_parameters_of_other_shapes_are_refused(file):
    file.save(state())
    other = ResumeFile(file.path, SETTINGS, SHAPES | {"weight": (3, 2)})

    with pytest.raises(ResumeError, match=r"parameters of shapes .*\(2, 3\)"):
        other.load()


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other"])
def test_a_damaged_file_is_refused(file, damage):
    file.save(state())
    data = bytearray(file.path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    file.path.write_bytes(
        {"cut": data[:-9], "empty": b"", "other": b"x" * 99}.get(damage, data)
    )

    with pytest.raises(
        ResumeError, match=r"model\.resume .*; delete it to start again"
    ):
        file.load()


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda header, _: header.update(schema="metaloc.theta/1"), "has schema"),
        (lambda header, _: header.pop("iteration"), "lacks 'iteration'"),
        (lambda header, _: header.update(loss="low"), "could not convert"),
        (lambda header, _: header.update(settings=3), "model.resume"),
        (lambda header, _: header["rng"].update(bit_generator="Dice"), "PCG64"),
        (lambda header, _: header["rng"].pop("state"), "no state of a generator"),
        (
            lambda _, arrays: arrays.update({"optimizer/weight/exp_avg": np.ones(5)}),
            r"exp_avg of weight with shape \(5,\)",
        ),
        (lambda _, arrays: arrays.pop("theta/bias"), "parameters of shapes"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(file, edit, reason):
    file.save(state())
    edited(file, edit)

    with pytest.raises(ResumeError, match=reason):
        file.load()


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ResumeError, match="Is a directory"):
        ResumeFile(tmp_path, SETTINGS, SHAPES).load()


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    file = ResumeFile(tmp_path / "file" / "model.resume", SETTINGS, SHAPES)

    with pytest.raises(ResumeError, match=r"cannot write .*model\.resume"):
        file.save(state())
