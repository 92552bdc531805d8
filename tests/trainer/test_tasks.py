"""Tasks drawn from environments whose images say which ones they are."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.csi.image import ImageSpec
from edge_agent.learning.network import Architecture
from tests.trainer.builders import environment
from trainer.errors import TaskError
from trainer.tasks import TaskConfig, TaskSampler

SPEC = ImageSpec(n_packets=2, n_tones=2, n_channels=3)
PLAIN = Architecture(SPEC.shape, filters=(1,), pixel_mean=0.0, pixel_std=1.0)
"""Inputs are pixels / 255."""

NO_DROPOUT = 0.0


def numbered(rows, **fields):
    """An environment whose i-th image has i + 1 for every pixel."""
    numbers = np.arange(1, len(rows) + 1, dtype=np.uint8)
    images = np.tile(numbers[:, None, None, None], (1, *SPEC.shape))
    return environment(rows, spec=SPEC, images=images, **{"n_channels": 3} | fields)


def sampler(*environments, channel_dropout=NO_DROPOUT, **config):
    return TaskSampler(
        environments, PLAIN, TaskConfig(channel_dropout=channel_dropout, **config)
    )


def tasks(*environments, n=30, seed=0, **options):
    source, rng = sampler(*environments, **options), np.random.default_rng(seed)
    return [source.draw(rng) for _ in range(n)]


def images_of(batch):
    """Which images of the environment a batch is made of, one number per row."""
    brightest = batch.inputs.amax(dim=(1, 2, 3)).numpy()
    return (np.rint(brightest * 255).astype(int) - 1).tolist()


def images_of_points(batch):
    """The same, a list per point of the task."""
    numbers = np.array(images_of(batch))
    return [numbers[batch.points.numpy() == i].tolist() for i in range(batch.n_points)]


def masks_of(batch):
    """Which channels are not zero, as a set of tuples."""
    return {tuple(row) for row in (batch.inputs.amax(dim=(2, 3)) > 0).tolist()}


def grid(n_points, visits, n_images=1):
    return [(p, v) for p in range(n_points) for v in visits for _ in range(n_images)]


# -- support and query -----------------------------------------------------------------


@pytest.mark.parametrize("visits", ["1", "12", "1234"])
def test_support_and_query_never_share_an_image(visits):
    for task in tasks(numbered(grid(4, visits, n_images=4))):
        assert not set(images_of(task.support)) & set(images_of(task.query))


def test_images_within_a_batch_are_distinct():
    for task in tasks(numbered(grid(4, "123", n_images=4))):
        for batch in (task.support, task.query):
            assert len(set(images_of(batch))) == len(images_of(batch))


def test_support_and_query_of_a_task_never_share_a_visit():
    rows = grid(3, "1234", n_images=3)

    for task in tasks(numbered(rows)):
        support_visits = {rows[i][1] for i in images_of(task.support)}
        query_visits = {rows[i][1] for i in images_of(task.query)}
        assert len(query_visits) == 1
        assert not support_visits & query_visits


def test_support_comes_from_as_many_visits_as_can_be():
    rows = grid(3, "1234", n_images=5)

    for task in tasks(numbered(rows), k_support=3):
        for of_support in images_of_points(task.support):
            assert len({rows[i][1] for i in of_support}) == 3


def test_support_goes_round_the_visits_again_where_they_are_few():
    rows = grid(2, "123", n_images=4)

    for task in tasks(numbered(rows), k_support=5):
        for of_support in images_of_points(task.support):
            visits = [rows[i][1] for i in of_support]
            assert sorted(visits.count(v) for v in set(visits)) == [2, 3]


def test_every_visit_is_held_out_at_times():
    rows = grid(2, "1234")

    held_out = {
        rows[i][1] for task in tasks(numbered(rows)) for i in images_of(task.query)
    }

    assert held_out == set("1234")


@pytest.mark.parametrize(
    ("n_images", "n_support", "n_query"), [(3, 2, 1), (5, 3, 2), (6, 3, 3), (16, 3, 5)]
)
def test_one_visit_is_halved_and_an_odd_image_is_for_support(
    n_images, n_support, n_query
):
    (task,) = tasks(numbered(grid(2, "1", n_images)), n=1)

    for batch, n in ((task.support, n_support), (task.query, n_query)):
        assert [len(images) for images in images_of_points(batch)] == [n, n]


def test_two_images_of_one_visit_are_one_each():
    (task,) = tasks(numbered(grid(2, "1", n_images=2)), n=1)

    assert sorted(images_of(task.support) + images_of(task.query)) == [0, 1, 2, 3]
    assert task.support.points.tolist() == task.query.points.tolist() == [0, 1]


# -- sizes -----------------------------------------------------------------------------


def test_sizes_are_those_of_the_configuration():
    for task in tasks(
        numbered(grid(6, "123", n_images=4)), n_way=4, k_support=2, k_query=3
    ):
        assert task.support.n_points == task.query.n_points == 4
        assert task.support.points.tolist() == np.repeat(range(4), 2).tolist()
        assert task.query.points.tolist() == np.repeat(range(4), 3).tolist()


def test_an_environment_with_fewer_points_gives_fewer():
    (task,) = tasks(numbered(grid(3, "12")), n=1, n_way=10)

    assert task.support.n_points == 3
    assert len(task.locations) == 3


def test_points_with_a_single_image_are_left_out():
    rows = [(0, "1"), (0, "2"), (1, "1"), (2, "1"), (2, "2")]

    for task in tasks(numbered(rows)):
        assert sorted(task.locations[:, 0].tolist()) == [0.0, 2.0]


def test_points_are_numbered_anew_in_every_task():
    orders = {
        tuple(task.locations[:, 0].tolist()) for task in tasks(numbered(grid(3, "12")))
    }

    assert len(orders) == 6


def test_locations_are_those_of_the_points():
    rows = grid(5, "12")

    for task in tasks(numbered(rows), n_way=3):
        for batch in (task.support, task.query):
            for images, (x, y) in zip(
                images_of_points(batch), task.locations, strict=True
            ):
                assert {rows[i][0] for i in images} == {x}
                assert y == 10 * x


# -- environments ----------------------------------------------------------------------


def test_a_task_is_of_one_environment_and_each_has_its_turn():
    small, large = numbered(grid(2, "12")), numbered(grid(4, "12"))

    sizes = [task.support.n_points for task in tasks(small, large, n=200)]

    # Half of 200, give or take four standard deviations.
    assert sizes.count(2) + sizes.count(4) == 200
    assert 100 - 29 < sizes.count(2) < 100 + 29


# -- masked channels -------------------------------------------------------------------


def test_dropout_masks_a_channel_throughout_a_task():
    for task in tasks(numbered(grid(3, "12")), channel_dropout=0.5):
        assert len(masks_of(task.support) | masks_of(task.query)) == 1


def test_dropout_leaves_one_channel():
    home = numbered(grid(2, "12"), n_channels=2)

    masks = {
        mask
        for task in tasks(home, n=60, channel_dropout=1.0)
        for mask in masks_of(task.support)
    }

    assert masks == {(True, False, False), (False, True, False)}


def test_channels_that_no_transmitter_has_do_not_count_as_left():
    home = numbered(grid(2, "12"), n_channels=1)

    for task in tasks(home, n=60, channel_dropout=0.6):
        assert masks_of(task.support) == {(True, False, False)}


def test_dropout_has_the_probability_that_was_asked_for():
    n = 400

    kept = [
        masks_of(task.support).pop()
        for task in tasks(numbered(grid(2, "12")), n=n, channel_dropout=0.2)
    ]

    # 0.8, and 0.003 for the channel that comes back when all three are gone.
    share = np.mean(kept)
    assert share == pytest.approx(0.803, abs=4 * (0.16 / (3 * n)) ** 0.5)


def test_channels_that_were_not_heard_stay_masked():
    rows = grid(2, "12")
    heard = np.ones((len(rows), 3), np.bool_)
    heard[0, 1] = False

    for task in tasks(numbered(rows, heard=heard)):
        for batch in (task.support, task.query):
            for number, image in zip(images_of(batch), batch.inputs, strict=True):
                expected = [True, number != 0, True]
                assert (image.amax(dim=(1, 2)) > 0).tolist() == expected


def test_inputs_are_scaled_as_on_the_device():
    network = Architecture(SPEC.shape, filters=(1,), pixel_mean=0.5, pixel_std=0.25)
    home = environment(
        grid(2, "12"),
        spec=SPEC,
        images=np.full((4, *SPEC.shape), 255, np.uint8),
        n_channels=2,
    )
    config = TaskConfig(channel_dropout=NO_DROPOUT)

    task = TaskSampler([home], network, config).draw(np.random.default_rng(0))

    assert task.query.inputs.dtype is torch.float32
    assert task.query.inputs[:, :2].unique().tolist() == [2.0]
    assert task.query.inputs[:, 2].unique().tolist() == [0.0]


# -- chance ----------------------------------------------------------------------------


def test_the_same_generator_gives_the_same_tasks():
    home = numbered(grid(4, "123", n_images=3))

    first, again, other = (
        [images_of(task.support) for task in tasks(home, n=5, seed=seed)]
        for seed in (0, 0, 1)
    )

    assert first == again
    assert first != other


@st.composite
def surveyed_rows(draw):
    """Rows with two usable points or more, in any order."""
    visits = st.lists(st.sampled_from("abc"), max_size=7)
    usable = st.lists(st.sampled_from("abc"), min_size=2, max_size=7)
    points = draw(st.lists(visits, max_size=3)) + draw(
        st.lists(usable, min_size=2, max_size=4)
    )
    rows = [(point, visit) for point, of in enumerate(points) for visit in of]
    return draw(st.permutations(rows))


@settings(deadline=None)
@given(
    rows=surveyed_rows(),
    n_way=st.integers(2, 5),
    k_support=st.integers(1, 4),
    k_query=st.integers(1, 4),
    channel_dropout=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 99),
)
def test_every_task_of_every_environment_is_sound(
    rows, n_way, k_support, k_query, channel_dropout, seed
):
    home = numbered(rows)

    (task,) = tasks(
        home,
        n=1,
        seed=seed,
        n_way=n_way,
        k_support=k_support,
        k_query=k_query,
        channel_dropout=channel_dropout,
    )

    visits_of = [
        [v for p, v in rows if p == point] for point in range(len(home.points))
    ]
    has_several = sum(len(set(visits)) > 1 for visits in visits_of) > 1
    n_usable = sum(len(set(v) if has_several else v) > 1 for v in visits_of)
    n_points = task.support.n_points
    assert 2 <= n_points == task.query.n_points <= min(n_way, n_usable)
    assert n_points == min(n_way, n_usable) or has_several
    support, query = images_of_points(task.support), images_of_points(task.query)
    for of_support, of_query, (x, _) in zip(
        support, query, task.locations, strict=True
    ):
        assert 1 <= len(of_support) <= k_support
        assert 1 <= len(of_query) <= k_query
        assert {rows[i][0] for i in of_support + of_query} == {x}
        assert not set(of_support) & set(of_query)
    if has_several:
        adapted_in = {rows[i][1] for i in images_of(task.support)}
        assert not adapted_in & {rows[i][1] for i in images_of(task.query)}
    (mask,) = masks_of(task.support) | masks_of(task.query)
    assert any(mask)


# -- refusals --------------------------------------------------------------------------


def test_no_environment_is_refused():
    with pytest.raises(TaskError, match="no environment to draw tasks from"):
        sampler()


def test_images_of_another_shape_are_refused():
    spec = ImageSpec(n_packets=2, n_tones=3, n_channels=3)
    home = environment(grid(2, "12"), spec=spec, name="attic")

    with pytest.raises(
        TaskError, match=r"attic has images of \(3, 2, 3\).* takes \(3, 2, 2\)"
    ):
        sampler(home)


@pytest.mark.parametrize(
    "rows",
    [[], [(0, "1"), (0, "2")], [(0, "1"), (0, "2"), (1, "1")], grid(9, "1")],
    ids=["no image", "one point", "one usable point", "one image each"],
)
def test_fewer_than_two_usable_points_are_refused(rows):
    with pytest.raises(TaskError, match="attic has fewer than two points with two"):
        sampler(numbered(grid(2, "12")), numbered(rows, name="attic"))


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"n_way": 1}, "1-way tasks of 3 "),
        ({"k_support": 0}, r"tasks of 0 \+"),
        ({"k_query": 0}, r"\+ 0 images; at least 2 points, 1 \+ 1 images"),
        ({"channel_dropout": -0.1}, "channel_dropout is -0.1, not 0 to 1"),
        ({"channel_dropout": 1.1}, "channel_dropout is 1.1, not 0 to 1"),
        ({"channel_dropout": float("nan")}, "channel_dropout is nan, not 0 to 1"),
    ],
    ids=str,
)
def test_tasks_that_teach_nothing_are_refused(fields, found):
    with pytest.raises(ValueError, match=found):
        TaskConfig(**fields)
