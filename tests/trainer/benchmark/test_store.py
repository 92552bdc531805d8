"""Units on disk."""

from dataclasses import fields, replace

import numpy as np
import pytest

from trainer.benchmark.errors import BenchmarkError
from trainer.benchmark.metrics import Outcome
from trainer.benchmark.store import Effort, Unit, UnitKey, UnitStore

KEY = UnitKey("days", "p", "s", "d3", "3shot", "wknn", 2, "c")
OUTCOME = Outcome(
    offset_m=np.array([(1.0, 2.0), (3.0, 4.0)]),
    centre_error_m=np.array([5.0, 6.0]),
    point=np.array([7, 8]),
    at_reference=np.array([True, False]),
    right_point=np.array([False, False]),
    right_zone=np.array([True, True]),
    right_floor=np.array([False, True]),
)
EFFORT = Effort(images=9, points=3, learn_s=0.25, calibrate_s=0.5, locate_s=0.125)
UNIT = Unit(KEY, True, OUTCOME, EFFORT)


def test_a_unit_comes_back_as_it_was(tmp_path):
    store = UnitStore(tmp_path)

    store.save(UNIT)
    loaded = store.load(KEY)

    assert (loaded.key, loaded.same_visit, loaded.effort) == (KEY, True, EFFORT)
    for field in fields(Outcome):
        found, expected = (
            getattr(loaded.outcome, field.name),
            getattr(OUTCOME, field.name),
        )
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


def test_a_unit_without_an_outcome_comes_back_with_its_reason(tmp_path):
    store = UnitStore(tmp_path)
    unit = Unit(KEY, False, None, None, "needs history: “none”")

    store.save(unit)

    loaded = store.load(KEY)
    assert (loaded.outcome, loaded.effort) == (None, None)
    assert (loaded.same_visit, loaded.reason) == (False, unit.reason)


@pytest.mark.parametrize("field", [f.name for f in fields(UnitKey)])
def test_a_unit_of_any_other_key_is_another(tmp_path, field):
    store = UnitStore(tmp_path / "units")
    other = 3 if field == "seed" else "other"

    store.save(UNIT)

    assert KEY in store
    assert replace(KEY, **{field: other}) not in store


def test_nothing_is_left_beside_the_units(tmp_path):
    store = UnitStore(tmp_path)

    store.save(UNIT)
    store.save(UNIT)

    assert [path.name for path in tmp_path.iterdir()] == [KEY.file]


@pytest.mark.parametrize("damage", [b"", b"no archive", None, b"half"])
def test_a_damaged_unit_is_named_with_the_remedy(tmp_path, damage):
    store = UnitStore(tmp_path)
    path = tmp_path / KEY.file
    store.save(UNIT)
    if damage is None:
        np.savez(path.with_suffix(""), offset_m=np.zeros(2))
    elif damage == b"half":
        path.write_bytes(path.read_bytes()[:-300])
    else:
        path.write_bytes(damage)

    with pytest.raises(BenchmarkError, match=r"\.npz is no finished unit .*delete it"):
        store.load(KEY)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(BenchmarkError, match=r"cannot write .*file"):
        UnitStore(tmp_path / "file" / "units")


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)

    with pytest.raises(BenchmarkError, match="is not writable"):
        UnitStore(tmp_path)


def test_a_full_disk_is_an_error(tmp_path):
    store = UnitStore(tmp_path / "units")
    (tmp_path / "units").rmdir()

    with pytest.raises(BenchmarkError, match=r"cannot write .*\.npz: No such file"):
        store.save(UNIT)
