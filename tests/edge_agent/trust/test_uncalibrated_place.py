"""Frames from where nobody calibrated, through the whole path."""

from datetime import UTC, datetime

import numpy as np
import pytest

from edge_agent.bundles.bundle import Bundle
from edge_agent.config import SHIPPED_BUNDLE
from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi_model import CsiModel
from edge_agent.estimate import Quality
from edge_agent.learning.backends import Backend
from edge_agent.payload import Source
from edge_agent.survey import read_survey
from edge_agent.trust.replaying import renumbered
from tests.edge_agent.simulated_home import LATER_US, POINTS, Home

FORGOTTEN = 0


@pytest.fixture(scope="module")
def visits(tmp_path_factory):
    """What is said of each point of a flat whose first one nobody calibrated."""
    folder = tmp_path_factory.mktemp("flat")
    bundle = Bundle.load(SHIPPED_BUNDLE)
    home, model = Home(), CsiModel(bundle)
    shots = model.record(
        read_survey(home.survey(folder)),
        n_per_point=3,
        iq_order=IqOrder.AUTO,
        on_capture=lambda _n, _capture: None,
    )
    name = POINTS[FORGOTTEN].name
    calibrated = [n for n, point in enumerate(shots.points) if point.name != name]
    calibration = model.adapt(
        renumbered(shots, np.array(calibrated)),
        now=datetime.fromtimestamp(LATER_US / 1e6, UTC),
        backend=Backend.AUTO,
        on_step=lambda _step, _loss: None,
        on_caution=lambda _caution: None,
    )
    calibration.save(folder / f"calibration-{bundle.digest[:16]}.npz")
    pipeline = (
        model.open_site(
            folder,
            hop=25,
            iq_order=IqOrder.AUTO,
            backend=Backend.AUTO,
            on_caution=lambda _caution: None,
        )
    ).pipeline
    said = []
    for point in range(len(POINTS)):
        start_us = LATER_US + point * 60_000_000
        raw = home.packets(point, start_us=start_us)
        said.append([fix.estimate for fix in pipeline.feed(raw, Source.LIVE)])
    return said


def test_at_calibrated_points_all_is_well(visits):
    for point in {*range(len(POINTS))} - {FORGOTTEN}:
        last = visits[point][-1]

        assert last.quality is Quality.OK
        assert last.room == POINTS[point].room
        assert last.novelty < 0.9


def test_where_nobody_calibrated_it_says_so(visits):
    there = visits[FORGOTTEN][-1]
    others = [each[-1] for n, each in enumerate(visits) if n != FORGOTTEN]

    assert there.novelty >= 0.9  # of nine re-visits none was as far
    assert there.quality is Quality.UNCERTAIN
    assert there.quality_score < min(each.quality_score for each in others)
    where, at = there.position, POINTS[FORGOTTEN]
    off = float(np.hypot(where.x - at.x, where.y - at.y))
    assert 2 < off <= where.r95  # it is taken for another point
