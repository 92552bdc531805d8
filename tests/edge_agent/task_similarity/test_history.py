"""``similarity.npz``: what it holds, and what is refused of it."""

import numpy as np
import pytest

from edge_agent.arrays import pack_arrays
from edge_agent.csi.image import ImageSpec
from edge_agent.task_similarity.history import (
    MAX_TASKS,
    MAX_VECTORS,
    SIMILARITY_SCHEMA,
    TaskHistory,
)

SPEC = ImageSpec(n_packets=4, n_tones=5, n_channels=2)
WIDTH = 5


def history(rng, sizes=((3, 2), (4,)), *, has_level=True):
    return TaskHistory(
        tuple(tuple(rng.normal(size=(n, WIDTH)) for n in of_set) for of_set in sizes),
        has_level,
    )


def file(*, schema=SIMILARITY_SCHEMA, has_level=True, without=(), **arrays):
    """A file of one set with two tasks, unless said otherwise."""
    content = {
        "vectors": np.ones((4, WIDTH), np.float16),
        "set_of": np.zeros(4, np.uint16),
        "task_of": np.array([0, 0, 1, 1], np.uint16),
    } | arrays
    kept = {name: array for name, array in content.items() if name not in without}
    return pack_arrays({"schema": schema, "has_level": has_level}, kept)


@pytest.mark.parametrize("has_level", [True, False])
def test_a_history_comes_back_in_half_precision(rng, has_level):
    saved = history(rng, has_level=has_level)

    loaded = TaskHistory.from_bytes(saved.to_bytes(), SPEC, 2)

    assert loaded.has_level is has_level
    assert [len(tasks) for tasks in loaded.tasks] == [2, 1]
    for before, after in zip(saved.tasks, loaded.tasks, strict=True):
        for wrote, read in zip(before, after, strict=True):
            assert read.dtype == np.float64
            np.testing.assert_array_equal(read, wrote.astype(np.float16))


def test_tasks_may_come_in_any_order(rng):
    vectors = rng.normal(size=(4, WIDTH)).astype(np.float16)
    mixed = file(
        vectors=vectors,
        set_of=np.array([1, 0, 1, 1], np.uint16),
        task_of=np.array([7, 0, 3, 7], np.uint16),
    )

    loaded = TaskHistory.from_bytes(mixed, SPEC, 2)

    (of_first,), (third, seventh) = loaded.tasks
    np.testing.assert_array_equal(of_first, vectors[[1]])
    np.testing.assert_array_equal(third, vectors[[2]])
    np.testing.assert_array_equal(seventh, vectors[[0, 3]])


def test_a_set_without_a_task_is_one_to_compare_nothing_with(rng):
    loaded = TaskHistory.from_bytes(history(rng, ((3,), ())).to_bytes(), SPEC, 2)

    assert [len(tasks) for tasks in loaded.tasks] == [1, 0]


def test_as_much_as_is_allowed_is_read(rng):
    saved = history(rng, [[MAX_VECTORS // MAX_TASKS] * MAX_TASKS] * 3)

    assert TaskHistory.from_bytes(saved.to_bytes(), SPEC, 3).tasks[2]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "damaged or no array file"),
        (file()[:-9], "damaged or no array file"),
        (file(schema="metaloc.similarity/9"), "has schema 'metaloc.similarity/9'"),
        (file(has_level="yes"), "has_level is 'yes', not true or false"),
        (file(without=["task_of"]), r"holds \['set_of', 'vectors'\], not"),
        (file(more=np.zeros(1)), r"holds \['more', 'set_of'"),
        (
            file(vectors=np.ones((4, WIDTH))),
            r"vectors is float64 \(4, 5\), not float16",
        ),
        (file(vectors=np.ones((4, 4), np.float16)), r"\(4, 4\), not float16 \(4, 5\)"),
        (file(vectors=np.float16(1)), r"vectors is float16 \(\), not float16 \(0, 5\)"),
        (file(set_of=np.zeros(4, np.int64)), r"set_of is int64 \(4,\), not uint16"),
        (file(task_of=np.zeros(3, np.uint16)), r"task_of is uint16 \(3,\), not uint16"),
        (file(set_of=np.array([0, 0, 0, 1], np.uint16)), "of set 1, the bundle has 1"),
        (
            file(vectors=np.full((4, WIDTH), np.nan, np.float16)),
            "a vector is not finite",
        ),
        (
            file(vectors=np.full((4, WIDTH), np.inf, np.float16)),
            "a vector is not finite",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(data, reason):
    with pytest.raises(ValueError, match=reason):
        TaskHistory.from_bytes(data, SPEC, 1)


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        (
            [1] * (MAX_TASKS + 1),
            "set 1 has 17 vectors of 17 tasks, more than 200 of 16",
        ),
        ([MAX_VECTORS + 1], "set 1 has 201 vectors of 1 tasks, more than"),
        ([1] * 5000, "more than"),
    ],
)
def test_more_than_a_device_should_compare_is_refused(rng, sizes, reason):
    data = history(rng, ([2, 2], sizes)).to_bytes()

    with pytest.raises(ValueError, match=reason):
        TaskHistory.from_bytes(data, SPEC, 2)


def test_what_would_fill_the_memory_is_refused_before_it_is_read():
    bomb = file(vectors=np.zeros((2_000_000, WIDTH), np.float16))
    assert len(bomb) < 100_000

    with pytest.raises(ValueError, match=r"holds \d+ bytes of arrays, more than 10"):
        TaskHistory.from_bytes(bomb, SPEC, 1)
