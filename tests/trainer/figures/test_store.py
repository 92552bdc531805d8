"""Units on disk: whole, found again, and not mistaken for others."""

import os

import numpy as np
import pytest

from tests.trainer.figures.counted import Numbers, Shift
from trainer.figures.errors import FigureError
from trainer.figures.store import UnitStore, read_unit, write_unit


def test_what_is_written_is_read_again(tmp_path):
    store, unit = UnitStore(tmp_path / "units"), Numbers()
    assert not store.has(unit, 3)

    write_unit(store.path(unit, 3), {"y": np.arange(3)}, 1.5)

    assert store.has(unit, 3)
    assert not store.has(unit, 4)
    assert store.load(unit, 3).arrays["y"].tolist() == [0, 1, 2]
    assert store.load(unit, 3).seconds == 1.5
    assert len(list((tmp_path / "units").iterdir())) == 1


def test_other_settings_even_of_a_unit_that_is_needed_are_another_unit(tmp_path):
    store = UnitStore(tmp_path)
    paths = {
        store.path(unit, 0)
        for unit in (Numbers(), Numbers(seconds=1), Numbers(Shift(by=2)))
    }

    assert len(paths) == 3


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"about"])
def test_a_damaged_unit_is_named_with_what_to_do(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)

    with pytest.raises(FigureError, match=r"a\.npz is no finished unit .*; delete it"):
        read_unit(path)


def test_a_unit_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FigureError, match="no finished unit"):
        read_unit(tmp_path / "a.npz")


def test_a_unit_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(FigureError, match=r"cannot write .*a\.npz: No such file"):
        write_unit(tmp_path / "gone" / "a.npz", {}, 0)


def test_a_file_where_the_folder_should_be_is_an_error(tmp_path):
    (tmp_path / "units").touch()

    with pytest.raises(FigureError, match="cannot write"):
        UnitStore(tmp_path / "units")


def test_a_folder_that_is_not_writable_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)

    with pytest.raises(FigureError, match="it is not writable"):
        UnitStore(tmp_path)
