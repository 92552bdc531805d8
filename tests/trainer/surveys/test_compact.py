"""Compact copies, whole and damaged."""

import io
import zipfile

import numpy as np
import pytest

from trainer.surveys import compact
from trainer.surveys.compact import (
    check_shapes,
    indices,
    read_compact,
    scalar,
    whole_numbers,
)
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


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array(["a", "b"]), "x is of <U1, expected real numbers"),
        (np.zeros(2, complex), "x is of complex128, expected real numbers"),
        (np.zeros(2, "M8[s]"), r"x is of datetime64\[s\], expected real numbers"),
        (np.zeros(2, [("a", int)]), "x is of .*, expected real numbers"),
    ],
)
def test_arrays_of_another_type_are_named(tmp_path, array, message):
    with pytest.raises(SurveyDataError, match=message):
        check_shapes(tmp_path, {"x": array}, {"x": ("n",)})


@pytest.mark.parametrize("array", [np.zeros(2), np.array([b"a", b"b"])])
def test_what_is_to_be_text_is_no_number_and_no_bytes(tmp_path, array):
    with pytest.raises(SurveyDataError, match=r"x is of .*, expected text"):
        check_shapes(tmp_path, {"x": array}, {"x": ("n",)}, text={"x"})


def test_a_scalar_has_a_default(tmp_path):
    arrays = {"a": np.array(-100), "b": np.array([7], np.int8), "c": np.array(np.nan)}

    assert scalar(tmp_path, arrays, "a", 1) == -100
    assert scalar(tmp_path, arrays, "b", 1) == 7
    assert np.isnan(scalar(tmp_path, arrays, "c", 1))
    assert scalar(tmp_path, arrays, "d", 1) == 1


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array("7"), "x is of <U1, expected real"),
        (np.array([]), r"x has shape \(0,\), expected one number"),
        (np.array([1, 2]), r"x has shape \(2,\), expected one number"),
    ],
)
def test_what_is_no_scalar_is_named(tmp_path, array, message):
    with pytest.raises(SurveyDataError, match=message):
        scalar(tmp_path, {"x": array}, "x", 1)


@pytest.mark.parametrize("kind", ["?", "i1", "u8", "f2", "f8"])
def test_whole_numbers_may_be_stored_in_any_type(tmp_path, kind):
    found = whole_numbers(tmp_path, {"x": np.array([1, 0], kind)}, "x")

    assert found.dtype == np.int64
    assert found.tolist() == [1, 0]


@pytest.mark.parametrize(
    "value",
    [np.nan, -np.inf, 0.5, 2.0**53, np.uint64(2**63), np.int64(-(2**63))],
)
def test_what_is_no_whole_number_is_named(tmp_path, value):
    arrays = {"x": np.array([0, value], np.asarray(value).dtype)}

    with pytest.raises(SurveyDataError, match=r"x holds .*, which is no whole number"):
        whole_numbers(tmp_path, arrays, "x")


def test_indices_count_from_zero(tmp_path):
    arrays = {"x": np.array([0, 2, 1], np.uint8), "none": np.array([], np.int8)}

    assert indices(tmp_path, arrays, "x", 3, "days").tolist() == [0, 2, 1]
    assert indices(tmp_path, arrays, "none", 0, "days").tolist() == []


@pytest.mark.parametrize("value", [-1, 3])
def test_an_index_that_is_none_is_named(tmp_path, value):
    with pytest.raises(
        SurveyDataError, match=f"x holds {value}, which is none of the 3 days"
    ):
        indices(tmp_path, {"x": np.array([0, value])}, "x", 3, "days")
