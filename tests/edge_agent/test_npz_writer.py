"""Frames as numpy arrays, read back with numpy alone."""

from pathlib import Path

import numpy as np
import pytest

from edge_agent.errors import CaptureError
from edge_agent.npz_writer import write_frames
from tests.builders import TRANSMITTER, frame_batch


def load(path):
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def test_every_field_is_written(tmp_path, rng):
    csi = rng.normal(size=(2, 64)) + 1j * rng.normal(size=(2, 64))
    batch = frame_batch(
        csi,
        time_ns=[1_700_000_000_123_456_789, 0],
        rssi=[-61, -32768],
        seq_ctl=[16, 32],
        core=[0, 3],
        stream=[1, 0],
        chip=[0x65, 0x0065],
    )

    (path,) = write_frames(tmp_path / "walk.npz", [batch])

    arrays = load(path)
    assert path == tmp_path / "walk.npz"
    np.testing.assert_array_equal(arrays["csi"], csi.astype(np.complex64))
    assert arrays["rssi"].tolist() == [-61, -32768]
    assert arrays["mac"].tolist() == [list(TRANSMITTER)] * 2
    assert arrays["seq_ctl"].tolist() == [16, 32]
    assert arrays["core"].tolist() == [0, 3]
    assert arrays["stream"].tolist() == [1, 0]
    assert arrays["chanspec"].tolist() == [0xD024] * 2
    assert arrays["chip"].tolist() == [0x65] * 2
    assert arrays["ts_sec"].tolist() == [1_700_000_000, 0]
    assert arrays["ts_usec"].tolist() == [123_456, 0]


def test_types_are_those_that_are_documented(tmp_path):
    (path,) = write_frames(tmp_path / "walk.npz", [frame_batch()])

    assert {name: array.dtype.name for name, array in load(path).items()} == {
        "csi": "complex64",
        "rssi": "int16",
        "mac": "uint8",
        "seq_ctl": "uint16",
        "chanspec": "uint16",
        "chip": "uint16",
        "core": "uint8",
        "stream": "uint8",
        "ts_sec": "int64",
        "ts_usec": "int32",
    }


def test_batches_of_one_size_become_one_file_in_order(tmp_path):
    batches = [frame_batch(seq_ctl=number) for number in (3, 1, 2)]

    (path,) = write_frames(tmp_path / "walk.npz", batches)

    assert load(path)["seq_ctl"].tolist() == [3, 1, 2]


def test_frames_of_several_sizes_become_several_files(tmp_path):
    batches = [
        frame_batch(np.ones((1, 256))),
        frame_batch(np.ones((2, 64))),
        frame_batch(np.ones((3, 128))),
        frame_batch(np.ones((4, 256))),
    ]

    paths = write_frames(tmp_path / "my.walk.npz", batches)

    assert [path.name for path in paths] == [
        "my.walk_64.npz",
        "my.walk_128.npz",
        "my.walk_256.npz",
    ]
    assert [load(path)["csi"].shape for path in paths] == [(2, 64), (3, 128), (5, 256)]
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_without_frames_nothing_is_written(tmp_path):
    assert write_frames(tmp_path / "walk.npz", []) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file/walk.npz", "none/walk.npz", "-"])
def test_what_is_no_file_in_a_folder_that_exists_is_refused(
    tmp_path, monkeypatch, name
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()

    with pytest.raises(CaptureError, match=r"cannot write .*: name a file in a folder"):
        write_frames(Path(name), [frame_batch()])

    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "walk.npz").mkdir()

    with pytest.raises(CaptureError, match=r"cannot write .*walk.npz: "):
        write_frames(tmp_path / "walk.npz", [frame_batch()])
