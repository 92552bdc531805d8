"""Images for a network, against sums made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trainer.models.surveyed import environment, place
from tests.trainer.surveyed import csi_episode, rss_episode
from trainer.errors import TaskError
from trainer.methods.csi_front import CsiFront, SilenceError
from trainer.models.csi_tasks import AUTHORS_FILTERS, PAPER_FILTERS
from trainer.surveys.environment import Signals

DAYS = csi_episode().history
FILTERS = (2, 3, 4)


def front(days=DAYS, *, n_rows=4, filters=FILTERS):
    return CsiFront.learn(days, filters, n_rows=n_rows)


def signals(images):
    images = np.asarray(images, np.float32)
    return Signals(np.zeros((len(images), images.shape[3]), np.float32), images)


def test_packets_are_averaged_in_groups_and_compressed():
    made = CsiFront(2.0, 2, front().architecture)
    packets = np.array([1.0, 3.0, 4.0, 4.0, 10.0]).reshape(1, 5, 1, 1)

    rows = made(signals(packets)).images.ravel()

    # Groups (1, 3) and (4, 4, 10): ln(1 + 2 / 2), ln(1 + 6 / 2).
    np.testing.assert_allclose(rows, [np.log(2), np.log(4)], rtol=1e-6)


def test_fewer_packets_than_groups_stay_as_they_are():
    made = CsiFront(1.0, 4, front().architecture)

    assert made(signals(np.ones((1, 3, 2, 1)))).images.shape == (1, 3, 2, 1)


def test_a_channel_that_is_not_heard_stays_zero():
    silent = replace(DAYS[0].signals, images=np.zeros_like(DAYS[0].signals.images))

    assert not front()(silent).images.any()


def test_the_floor_is_a_tenth_of_the_median_heard():
    images = np.concatenate([day.signals.images.ravel() for day in DAYS])

    assert front().floor == pytest.approx(0.1 * np.median(images[images > 0]))


@pytest.mark.parametrize(("n_rows", "n_layers"), [(1, 1), (2, 2), (4, 3), (8, 4)])
def test_filters_that_do_not_fit_the_images_are_refused(n_rows, n_layers):
    """Every layer but the last halves; one row cannot be."""
    fitting = (2,) * n_layers

    assert front(n_rows=n_rows, filters=fitting).architecture.filters == fitting
    with pytest.raises(
        TaskError,
        match=rf"{n_layers + 1} layers halve an image {n_layers} times, which {n_rows} "
        rf"rows \(n_rows is {n_rows}, there are 12 packets\) and 14 tones do not allow",
    ):
        front(n_rows=n_rows, filters=(*fitting, 2))


@pytest.mark.parametrize("filters", [PAPER_FILTERS, AUTHORS_FILTERS])
def test_the_papers_and_the_authors_networks_fit_the_papers_images(rng, filters):
    rows = [(point, visit) for point in range(2) for visit in range(2)]
    images = rng.uniform(1, 2, (4, 50, 52, 3)).astype(np.float32)
    day = environment(rows, of=place(2, 3), images=images)

    made = front([day], filters=filters, n_rows=50).architecture

    assert made.image_shape == (3, 50, 52)
    assert made.filters == filters


def test_the_network_sees_history_with_mean_zero_and_variance_one():
    made = front()

    pixels = np.concatenate([made(day.signals).images.ravel() for day in DAYS])
    scaled = (pixels - made.architecture.pixel_mean) / made.architecture.pixel_std

    assert scaled.mean() == pytest.approx(0, abs=1e-4)
    assert scaled.std() == pytest.approx(1, abs=1e-4)


def test_samples_that_hear_nothing_are_left_out():
    images = DAYS[0].signals.images.copy()
    images[[1, 4]] = 0
    deaf = replace(DAYS[0], signals=Signals(DAYS[0].signals.rss, images))

    seen = front().of(deaf)

    assert len(seen) == len(deaf) - 2
    np.testing.assert_array_equal(seen.point_of, np.delete(deaf.point_of, [1, 4]))


@pytest.mark.parametrize("days", [(), (DAYS[0].select(np.arange(0)),)])
def test_without_an_image_there_is_nothing_to_scale_to(days):
    with pytest.raises(SilenceError, match="no image hears anything"):
        front(days)


def test_surveys_of_power_alone_are_refused():
    with pytest.raises(TaskError, match="no CSI images"):
        front(rss_episode().history)
