"""Array files: read within bounds, replaced as a whole."""

import io
import json
import os
import stat
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

from edge_agent.arrays import (
    ArraysError,
    pack_arrays,
    unpack_arrays,
    write_atomically,
)

SCHEMA = "test/1"
HEADER = {"schema": SCHEMA, "name": "kitchen"}
MAX_BYTES = 1 << 20


def npy(described):
    """An array file of a header alone (version 1.0 of the format)."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(described)) + described


def unpack(data, *, schema=SCHEMA, max_bytes=MAX_BYTES):
    return unpack_arrays(data, schema=schema, max_bytes=max_bytes)


def npz(**arrays):
    """An array file written by numpy alone."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def header_bytes(document):
    return np.frombuffer(json.dumps(document).encode(), np.uint8)


@given(
    hypothesis_numpy.arrays(
        st.sampled_from([np.uint8, np.int32, np.float32, np.bool_, np.dtype("U3")]),
        hypothesis_numpy.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
def test_arrays_come_back_as_they_were(array):
    header, arrays = unpack(pack_arrays(HEADER, {"a": array}))

    assert header == HEADER
    assert arrays.keys() == {"a"}
    assert arrays["a"].dtype == array.dtype
    np.testing.assert_array_equal(arrays["a"], array)


def test_numpy_reads_the_file_without_this_package():
    data = pack_arrays(HEADER, {"a": np.arange(3)})

    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        header = json.loads(file["header"].tobytes())
        assert header == HEADER | {"arrays": ["a"]}
        assert file["a"].tolist() == [0, 1, 2]


def test_the_same_content_gives_the_same_bytes():
    first = pack_arrays({"schema": SCHEMA, "a": 1}, {"x": np.arange(9)})
    second = pack_arrays({"a": 1, "schema": SCHEMA}, {"x": np.arange(9)})

    assert first == second


def test_a_file_cut_short_is_damaged_wherever_it_ends():
    data = pack_arrays(HEADER, {"a": np.arange(20)})

    for end in range(len(data)):
        with pytest.raises(ArraysError, match="is damaged or no array file"):
            unpack(data[:end])


def test_a_flipped_bit_is_noticed_or_changes_nothing():
    arrays = {"a": np.arange(20), "b": np.array(["x", "yy"])}
    data = pack_arrays(HEADER, arrays)

    n_noticed = 0
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 1 << position % 8
        try:
            header, found = unpack(bytes(flipped))
        except ArraysError:
            n_noticed += 1
            continue
        assert header == HEADER
        assert found.keys() == arrays.keys()
        assert all((found[name] == array).all() for name, array in arrays.items())

    # The others lie in what nobody reads: dates, versions, attributes.
    assert n_noticed > len(data) // 2


@pytest.mark.parametrize(
    "described",
    [
        b"{'descr': '<f8', 'fortran_order': False, 'shapeee:8, 20), }\n",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (2 3)}\n",
    ],
)
def test_an_array_header_that_is_no_python_is_damage(described):
    buffer = io.BytesIO(npz(header=header_bytes(HEADER)))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("a.npy", npy(described))

    with pytest.raises(ArraysError, match="is damaged or no array file"):
        unpack(buffer.getvalue())


def test_an_array_that_claims_more_than_there_is_memory_is_damage():
    claimed = (
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,)}\n"
    )
    buffer = io.BytesIO(npz(header=header_bytes(HEADER)))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("a.npy", npy(claimed))

    with pytest.raises(ArraysError, match="is damaged or no array file"):
        unpack(buffer.getvalue())


@pytest.mark.parametrize(
    "data",
    [
        b"not a ZIP archive",
        npz(a=np.arange(3)),  # without a header
        npz(header=np.frombuffer(b"{", np.uint8), a=np.arange(3)),
        npz(header=np.frombuffer(b"\xff", np.uint8)),
    ],
)
def test_what_is_no_array_file_is_named_so(data):
    with pytest.raises(ArraysError, match="is damaged or no array file"):
        unpack(data)


def test_pickled_objects_are_never_loaded():
    buffer = io.BytesIO()
    np.savez(buffer, header=header_bytes(HEADER), a=np.array([object()]))

    with pytest.raises(ArraysError, match="is damaged or no array file"):
        unpack(buffer.getvalue())


def test_a_small_file_that_unpacks_to_much_is_refused_before_it_is_unpacked():
    data = pack_arrays(HEADER, {"a": np.zeros(1 << 20, np.uint8)})
    assert len(data) < 10_000

    with pytest.raises(ArraysError, match=r"bytes of arrays, more than 1048576$"):
        unpack(data)


def test_the_limit_itself_is_allowed():
    written = HEADER | {"arrays": []}
    data = npz(header=header_bytes(written))
    n_bytes = 128 + len(json.dumps(written))  # the .npy header takes 128

    assert unpack(data, max_bytes=n_bytes) == (HEADER, {})
    with pytest.raises(ArraysError, match="more than"):
        unpack(data, max_bytes=n_bytes - 1)


@pytest.mark.parametrize(
    ("header", "found"),
    [({"schema": "test/2"}, "'test/2'"), ({}, "None"), ([1], "None")],
)
def test_another_schema_is_named(header, found):
    with pytest.raises(ArraysError, match=f"has schema {found}, expected 'test/1'"):
        unpack(npz(header=header_bytes(header)))


@pytest.mark.parametrize("listed", [{}, {"arrays": []}, {"arrays": ["a", "b"]}])
def test_arrays_that_are_not_those_listed_are_damage(listed):
    with pytest.raises(ArraysError, match="does not hold the arrays that it lists"):
        unpack(npz(header=header_bytes(HEADER | listed), a=np.zeros(3)))


def test_a_file_appears_with_its_folder_and_can_be_read_by_everybody(tmp_path):
    path = tmp_path / "new" / "folder" / "file.npz"

    write_atomically(path, b"content")

    assert path.read_bytes() == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_a_file_is_replaced_and_not_written_into(tmp_path):
    path = tmp_path / "file.npz"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_atomically(path, b"new")

        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("failing", ["fsync", "fchmod"])
def test_when_writing_fails_the_old_file_stays_and_nothing_else(
    tmp_path, monkeypatch, failing
):
    path = tmp_path / "file.npz"
    path.write_bytes(b"old")

    def disk_full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, disk_full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interruption_leaves_no_temporary_file(tmp_path, monkeypatch):
    def interrupt(_descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file.npz", b"new")

    assert list(tmp_path.iterdir()) == []


def test_the_content_is_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync

    def record(descriptor):
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((target, (tmp_path / "file.npz").exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    write_atomically(tmp_path / "file.npz", b"new")

    (file, existed), (folder, exists) = synced
    assert file.parent == tmp_path
    assert file.name.startswith(".file.npz.")
    assert not existed
    assert (folder, exists) == (tmp_path, True)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="file"):
        write_atomically(tmp_path / "file" / "deeper" / "x.npz", b"")
