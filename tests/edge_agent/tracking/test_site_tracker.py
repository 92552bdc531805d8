"""The tracker that a configuration asks for."""

from dataclasses import replace

import pytest

from edge_agent.config import AgentConfig, ModelConfig, TrackingConfig
from edge_agent.estimate import estimate_from_posterior
from edge_agent.site_file import SITE_FILE
from edge_agent.survey import Point
from edge_agent.tracking.site_tracker import make_tracker

POINTS = tuple(Point(str(x), float(x), 0.0, "hall") for x in range(8))
WALL = "[[wall]]\nfrom = [3.5, -100.0]\nto = [3.5, 100.0]\n"


@pytest.fixture
def config(tmp_path):
    return AgentConfig(model=ModelConfig(state=str(tmp_path)))


@pytest.fixture
def site_file(config):
    path = config.model.site_path(config.site.name) / SITE_FILE
    path.parent.mkdir()
    return path


def beyond(tracker):
    """What is believed of the other side a second after walking was noticed."""
    at_3 = [0.02] * 3 + [0.86] + [0.02] * 4
    for tick in range(21):
        flat = at_3 if tick <= 10 else [0.125] * 8
        raw = estimate_from_posterior(
            flat,
            POINTS,
            time_ns=10**18 + tick * 10**8,
            n_frames=1,
            window_s=1.0,
            n_heard=1,
            n_channels=1,
        )
        tracked = tracker.update(raw, 1.0)
    return sum(tracked.estimate.posterior[4:])


def test_the_walls_of_the_site_file_stop_people(config, site_file):
    cautions = []
    free = make_tracker(config, POINTS, on_caution=cautions.append)
    site_file.write_text(WALL)

    walled = make_tracker(config, POINTS, on_caution=cautions.append)

    assert beyond(walled) < beyond(free) - 0.1
    assert cautions == []


def test_walls_that_cannot_be_read_are_a_caution(config, site_file):
    cautions = []
    site_file.write_text("[[wall]]\nfrom = 3\n")

    tracker = make_tracker(config, POINTS, on_caution=cautions.append)

    assert tracker is not None
    (caution,) = cautions
    assert str(site_file) in caution
    assert caution.endswith("until it is mended, people walk through walls")


def test_who_does_not_want_to_be_followed_is_not(config):
    off = replace(config, tracking=TrackingConfig(enabled=False))

    assert make_tracker(off, POINTS, on_caution=pytest.fail) is None


def test_the_configured_speed_counts(config):
    slow, fast = (
        make_tracker(
            replace(config, tracking=TrackingConfig(speed_mps=speed)),
            POINTS,
            on_caution=pytest.fail,
        )
        for speed in (0.3, 3.0)
    )

    assert beyond(slow) < beyond(fast) - 0.1
