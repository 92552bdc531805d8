"""Compact copies, whole and damaged."""

import io
import zipfile

import numpy as np
import pytest

from trainer.surveys import compact
from trainer.surveys.compact import check_shapes, read_compact
from trainer.surveys.report import SurveyDataError


def test_all_arrays_are_read(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(3), name=np.array(["p", "q"]))

    arrays = read_compact(tmp_path / "a.npz")

    assert arrays["x"].tolist() == [0, 1, 2]
    assert arrays["name"].tolist() == ["p", "q"]


def test_a_file_that_is_none_is_named(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(b"no archive")

    with pytest.raises(SurveyDataError, match=r"a\.npz is damaged"):
        read_compact(path)


def test_a_damaged_array_is_named(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, good=np.arange(9), bad=np.arange(1000, dtype=np.float64))
    data = bytearray(path.read_bytes())
    where = data.find(np.arange(400, 404, dtype=np.float64).tobytes())
    data[where] ^= 1
    path.write_bytes(data)

    with pytest.raises(SurveyDataError, match=r"a\.npz: array bad is damaged"):
        read_compact(path)


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{}, None], object))

    with pytest.raises(SurveyDataError, match="array x is damaged"):
        read_compact(tmp_path / "a.npz")


def test_a_file_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(compact, "_MAX_BYTES", 1000)
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(1000))

    with pytest.raises(SurveyDataError, match="more than 1000"):
        read_compact(tmp_path / "a.npz")


def test_a_header_that_lies_about_its_size_is_an_error(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 45,)}
    )
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue())

    with pytest.raises(SurveyDataError, match="array x is damaged"):
        read_compact(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((2, 3))}, "lacks the array y"),
        ({"x": np.zeros((2, 4)), "y": np.zeros(2)}, r"x has shape \(2, 4\)"),
        ({"x": np.zeros((2, 3)), "y": np.zeros(5)}, r"y has shape \(5,\).*n = 2"),
        ({"x": np.zeros(2), "y": np.zeros(2)}, r"x has shape \(2,\)"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path, arrays, message):
    with pytest.raises(SurveyDataError, match=message):
        check_shapes(tmp_path, arrays, {"x": ("n", 3), "y": ("n",)})
