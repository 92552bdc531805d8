"""What a device would keep of a survey."""

import numpy as np
import pytest

from edge_agent.rss.window import RssSpec
from trainer.rss_channels import as_device_hears, most_heard
from trainer.surveys.environment import Environment, Place, Signals

NOT = np.nan
RSS = np.array(
    [
        [-50, NOT, -60, NOT],
        [NOT, -40, NOT, NOT],
        [-51, NOT, -61, NOT],
        [NOT, NOT, -62, -70],
    ],
    np.float32,
)


@pytest.fixture
def environment():
    place = Place("home", np.zeros((2, 2)), np.zeros(2, np.intp), ("a", "b", "c", "d"))
    return Environment(
        "monday",
        place,
        3,
        Signals(RSS),
        np.array([0, 0, 1, 1]),
        np.zeros(4, np.intp),
        np.array([False, True, False, True]),
        is_simulated=False,
    )


@pytest.mark.parametrize(("n", "kept"), [(1, [2]), (2, [0, 2]), (3, [0, 1, 2])])
def test_transmitters_are_those_that_most_samples_heard(n, kept):
    assert most_heard(RSS, RssSpec(max_transmitters=n)).tolist() == kept


def test_what_hears_none_of_them_is_left_out(environment):
    kept = as_device_hears(environment, RssSpec(max_transmitters=2))

    np.testing.assert_array_equal(kept.signals.rss, RSS[[0, 2, 3]][:, [0, 2]])
    assert kept.place.channels == ("a", "c")
    assert kept.point_of.tolist() == [0, 1, 1]
    assert kept.is_test.tolist() == [False, False, True]
    assert (kept.name, kept.place.name) == ("monday", "monday")


def test_a_site_with_fewer_keeps_all(environment):
    kept = as_device_hears(environment, RssSpec())

    np.testing.assert_array_equal(kept.signals.rss, RSS)
