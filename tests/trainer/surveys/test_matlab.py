"""MATLAB files: scipy writes and reads them too, hand-made ones lie about lengths."""

import contextlib
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import scipy.io

from trainer.surveys import matlab
from trainer.surveys.matlab import read_matrix
from trainer.surveys.report import SurveyDataError

HEADER = b"hand-made".ljust(124) + b"\x00\x01IM"


def element(kind, content, *, n=None):
    """An element of numbers in little-endian order; ``n`` may lie."""
    n = len(content) if n is None else n
    return struct.pack("<II", kind, n) + content + bytes(-len(content) % 8)


def matrix(values, *, shape=(2, 1), name=b"CSI", flags=6, kind=9, lengths=()):
    lengths = dict(lengths)
    return element(
        14,
        element(6, struct.pack("<II", flags, 0))
        + element(5, struct.pack(f"<{len(shape)}i", *shape))
        + element(1, name)
        + element(kind, values, n=lengths.get("values")),
        n=lengths.get("matrix"),
    )


def compressed(content):
    stream = zlib.compress(content)
    return struct.pack("<II", 15, len(stream)) + stream


def read(tmp_path, *elements):
    path = tmp_path / "a.mat"
    path.write_bytes(HEADER + b"".join(elements))
    return read_matrix(path, "CSI")


TWO = struct.pack("<2d", 1.5, -2)


# -- what can be read ------------------------------------------------------------------


@pytest.mark.parametrize("do_compression", [False, True])
@pytest.mark.parametrize(
    "kind", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">f8"]
)
def test_a_matrix_that_scipy_wrote_is_read(tmp_path, rng, kind, do_compression):
    values = rng.integers(0, 100, (7, 5)).astype(kind)
    path = tmp_path / "a.mat"
    scipy.io.savemat(
        path,
        {"other": rng.random((40, 50)), "CSI": values, "text": "CSI"},
        do_compression=do_compression,
    )

    read = read_matrix(path, "CSI")

    np.testing.assert_array_equal(read, values)
    assert read.dtype == np.float64


def test_small_matrices_are_read(tmp_path):
    """Values of at most four bytes stand beside their length."""
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"CSI": np.array([[1, 2, 3]], np.uint8)})

    assert read_matrix(path, "CSI").tolist() == [[1, 2, 3]]


def test_files_of_the_other_order_of_bytes_are_read(tmp_path):
    content = b"".join(
        struct.pack(">II", kind, len(part)) + part + bytes(-len(part) % 8)
        for kind, part in [
            (6, struct.pack(">II", 6, 0)),
            (5, struct.pack(">ii", 1, 2)),
            (1, b"CSI"),
            (9, struct.pack(">2d", 1.5, -2)),
        ]
    )
    path = tmp_path / "a.mat"
    path.write_bytes(
        bytes(124) + b"\x01\x00MI" + struct.pack(">II", 14, len(content)) + content
    )

    assert read_matrix(path, "CSI").tolist() == [[1.5, -2]]


def test_doubles_may_be_stored_in_a_smaller_type(tmp_path):
    assert read(tmp_path, matrix(b"\xff\x02", kind=1)).tolist() == [[-1], [2]]


def test_what_has_no_dimensions_is_passed_over(tmp_path):
    opaque = element(14, element(6, bytes([17] + [0] * 7)) + element(1, b"CSI"))

    read(tmp_path, opaque, element(2, b"subsystem"), compressed(matrix(TWO)))


@pytest.mark.parametrize("name", ["AP1", "AP2", "AP3"])
def test_originals_are_read_as_scipy_reads_them(shared_data, name):
    path = shared_data(f"raw/crisloc/research_laboratory_{name}.mat")

    np.testing.assert_array_equal(
        read_matrix(path, "CSI"), scipy.io.loadmat(path)["CSI"]
    )


# -- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        np.array([["text"]]),
        np.ones((2, 2, 2)),
        {"a": 1},
        np.ones((2, 2)) * 1j,
        np.array([[1, "a"]], object),
    ],
)
def test_what_is_no_matrix_of_numbers_is_refused(tmp_path, value):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"CSI": value})

    with pytest.raises(SurveyDataError, match=r"a\.mat has no matrix CSI"):
        read_matrix(path, "CSI")


def test_two_matrices_of_one_name_are_refused(tmp_path):
    with pytest.raises(SurveyDataError, match="has 2 matrices CSI, expected one"):
        read(tmp_path, matrix(TWO), compressed(matrix(TWO)))


@pytest.mark.parametrize("do_compression", [False, True])
def test_a_matrix_larger_than_any_survey_is_refused(
    tmp_path, monkeypatch, do_compression
):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"CSI": np.zeros((100, 100))}, do_compression=do_compression)
    monkeypatch.setattr(matlab, "_MAX_BYTES", 1000)

    with pytest.raises(SurveyDataError, match="says to have 80000 bytes"):
        read_matrix(path, "CSI")


def test_a_file_larger_than_any_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(matlab, "_MAX_FILE_BYTES", 99)

    with pytest.raises(SurveyDataError, match="bytes, more than 99"):
        read(tmp_path, matrix(TWO))


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ([b"\x0e\0\0"], "in the middle of an element"),
        ([element(14, b"", n=1 << 31)], "says to have 2147483648 bytes"),
        ([matrix(TWO, lengths={"matrix": 999})], "says to have 999 bytes"),
        ([matrix(TWO, lengths={"values": 0xFFFFFFF8})], "says to have 4294967288"),
        ([struct.pack("<II", 5 << 16 | 2, 0)], "says to have 5 bytes"),
        ([matrix(TWO, shape=(1, 1))], "it has 16 bytes, expected 8"),
        ([matrix(TWO, shape=(3, 1))], "it has 16 bytes, expected 24"),
        ([matrix(TWO, shape=(-2, -1))], r"dimensions \[-2, -1\]"),
        ([matrix(TWO, kind=14)], "values of type 14 are no numbers"),
        ([compressed(b"")], "compressed element is empty"),
        ([compressed(matrix(TWO))[:-9]], "more than there are"),
        ([compressed(matrix(TWO) + bytes(80))], "does not end where its dimensions"),
        (
            [struct.pack("<II", 15, 40) + zlib.compress(matrix(bytes(16)))[:40]],
            "does not end where|more than there are",
        ),
        ([struct.pack("<II", 15, 8) + b"no zlib!"], "incorrect header check"),
    ],
)
def test_lengths_that_lie_are_refused(tmp_path, elements, message):
    with pytest.raises(SurveyDataError, match=rf"a\.mat.* cannot be read: .*{message}"):
        read(tmp_path, *elements)


@pytest.mark.parametrize(
    "data", [b"", bytes(128), HEADER[:-2] + b"XX", b"\x89HDF\r\n\x1a\n" + bytes(200)]
)
def test_other_files_are_refused(tmp_path, data):
    path = tmp_path / "a.mat"
    path.write_bytes(data)

    with pytest.raises(SurveyDataError, match="no MATLAB file of version 5"):
        read_matrix(path, "CSI")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SurveyDataError, match=r"no\.mat cannot be read: No such file"):
        read_matrix(tmp_path / "no.mat", "CSI")


@pytest.mark.parametrize("name", [b"CSI", b"other"])
def test_a_stream_that_swells_is_not_inflated(tmp_path, name):
    """64 MiB of zeros in 64 KiB, behind dimensions of two numbers."""
    stream = compressed(matrix(TWO, name=name) + bytes(64 << 20))
    tracemalloc.start()
    with contextlib.suppress(SurveyDataError):
        read(tmp_path, stream)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1 << 20


@pytest.mark.parametrize("do_compression", [False, True])
@pytest.mark.parametrize("where", range(120, 2000, 53))
def test_a_flipped_byte_gives_numbers_or_one_kind_of_error(
    tmp_path, rng, where, do_compression
):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"CSI": rng.random((9, 49))}, do_compression=do_compression)
    data = bytearray(path.read_bytes())
    data[where % len(data)] ^= 0x55
    path.write_bytes(data)
    with contextlib.suppress(SurveyDataError):
        assert read_matrix(path, "CSI").ndim == 2
