"""What the tasks of an environment were like, from images to a checkpoint and back."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.csi.image import ImageSpec
from edge_agent.task_similarity.features import n_features, task_features
from edge_agent.task_similarity.history import MAX_TASKS, MAX_VECTORS
from tests.trainer.builders import SMALL, checkpoint, environment
from trainer.checkpoint import Checkpoint
from trainer.errors import CheckpointError
from trainer.meta.task_attachments import attached_tasks, task_attachments, tasks_of


def rows(n_points, *visits):
    return [(point, visit) for visit in visits for point in range(n_points)]


def as_set(vectors):
    return {tuple(row) for row in vectors.tolist()}


def test_the_visits_are_the_tasks(rng):
    home = environment(rows(3, "monday", "tuesday"))

    found = tasks_of(home, rng)

    assert found.has_level
    for task, visit in zip(found.tasks, ("monday", "tuesday"), strict=True):
        of_visit = home.visit_of == visit
        expected = task_features(home.images[of_visit], home.heard[of_visit], SMALL)
        assert as_set(task) == as_set(expected)
        assert task.shape == (3 * 2, n_features(SMALL))


def test_what_was_not_heard_is_no_vector(rng):
    home = environment(rows(3, "a", "b"), n_channels=1)

    assert [len(task) for task in tasks_of(home, rng).tasks] == [3, 3]


def test_without_rssi_there_is_no_level(rng):
    home = environment(rows(2, "a"))
    deaf = tuple(replace(channel, has_rssi=False) for channel in home.channels)

    assert not tasks_of(replace(home, channels=deaf), rng).has_level


def test_many_images_are_represented_by_some(rng):
    home = environment(rows(60, "a", "b", "c"))

    found = tasks_of(home, rng)

    assert [len(task) for task in found.tasks] == [MAX_VECTORS // 3] * 3
    points = {tuple(v) for v in task_features(home.images, home.heard, SMALL).tolist()}
    assert as_set(np.concatenate(found.tasks)) <= points


def test_many_visits_are_represented_by_some_from_first_to_last(rng):
    visits = [f"{number:02}" for number in range(3 * MAX_TASKS)]
    home = environment(rows(2, *visits))

    found = tasks_of(home, rng)

    assert len(found.tasks) == MAX_TASKS
    for task, visit in ((found.tasks[0], visits[0]), (found.tasks[-1], visits[-1])):
        of_visit = home.visit_of == visit
        expected = task_features(home.images[of_visit], home.heard[of_visit], SMALL)
        assert as_set(task) == as_set(expected)


def test_a_single_visit_is_shuffled_so_that_its_halves_are_alike():
    """Whoever compares halves it; in order, each half would have its own points."""
    spec = ImageSpec(n_packets=2, n_tones=9, n_channels=1)
    levels = np.repeat(np.arange(40, dtype=np.uint8) * 5, 2 * 9).reshape(40, 1, 2, 9)
    home = environment(
        [(n, "a") for n in range(40)], spec=spec, images=levels, n_channels=1
    )

    (task,) = tasks_of(home, np.random.default_rng(0)).tasks

    first, second = task[:20, 0].mean(), task[20:, 0].mean()
    assert abs(first - second) < 0.3 * np.ptp(task[:, 0])


def test_the_same_generator_gives_the_same_tasks():
    home = environment(rows(60, "a", "b", "c"))

    first, again = (tasks_of(home, np.random.default_rng(1)) for _ in range(2))

    for one, other in zip(first.tasks, again.tasks, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("has_level", [True, False])
def test_what_is_attached_comes_back_from_the_file(rng, tmp_path, has_level):
    saved = replace(tasks_of(environment(rows(3, "a", "b")), rng), has_level=has_level)
    checkpoint(attachments=task_attachments(saved)).save(tmp_path / "c.npz")

    found = attached_tasks(Checkpoint.load(tmp_path / "c.npz"))

    assert found.has_level is has_level
    for one, other in zip(saved.tasks, found.tasks, strict=True):
        np.testing.assert_array_equal(other, one.astype(np.float16))


def test_a_checkpoint_that_does_not_say_is_refused():
    with pytest.raises(CheckpointError, match="lacks tasks/vectors: it is not of one"):
        attached_tasks(checkpoint())


@pytest.mark.parametrize(
    "change",
    [
        {"vectors": np.zeros((4, 3), np.float16)},
        {"vectors": np.zeros(4, np.float16)},
        {"vectors": np.full((6, n_features(SMALL)), "x")},
        {"task_of": np.zeros((6, 1), np.uint16)},
        {"task_of": np.uint16(0)},
        {"has_level": np.ones(2)},
    ],
)
def test_attachments_that_make_no_sense_are_refused(rng, change):
    good = task_attachments(tasks_of(environment(rows(3, "a"), n_channels=2), rng))
    changed = good | {f"tasks/{name}": array for name, array in change.items()}

    with pytest.raises(CheckpointError, match="checkpoint's tasks are "):
        attached_tasks(checkpoint(attachments=changed))
