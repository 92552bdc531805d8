"""Packets of beacons in, locations out: what is simulated stays so."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from edge_agent.csi.capture_format import CaptureReader
from edge_agent.payload import Source
from edge_agent.rss.calibration import RssCalibration
from edge_agent.rss.localizer import RssLocalizer
from edge_agent.rss.pipeline import RssPipeline
from edge_agent.rss.receptions import RSS_LINK_TYPES
from tests.edge_agent.rss.air import PROBE_REQUEST, heard
from tests.edge_agent.rss.places import SPEC, beacons, shots


@pytest.fixture
def site(rss_bundle, rng):
    return RssCalibration.from_shots(
        rss_bundle, shots(rng), now=datetime(2026, 11, 22, tzinfo=UTC)
    )


def pipeline_of(site):
    return RssPipeline(SPEC, site, RssLocalizer(site, 3))


def feed(pipeline, data):
    packets = CaptureReader(RSS_LINK_TYPES).feed(data)
    return [fix for raw in packets for fix in pipeline.feed(raw, Source.LIVE)]


@pytest.mark.parametrize("is_simulated", [False, True])
def test_at_a_site_of_simulated_shots_no_location_is_live(site, rng, is_simulated):
    pipeline = pipeline_of(replace(site, is_simulated=is_simulated))

    fixes = feed(pipeline, beacons(3, 0, rng, seconds=3))

    assert pipeline.knows_simulated is is_simulated
    assert len(fixes) == 4
    source = Source.SIMULATED if is_simulated else Source.LIVE
    assert {fix.source for fix in fixes} == {source}


def test_everything_that_came_in_is_counted(site, rng):
    pipeline = pipeline_of(site)
    stranger = bytes([2, 0, 0, 0, 0, 1])
    data = beacons(3, 0, rng, seconds=1)
    data += beacons(3, 0, rng, seconds=0.1, addresses=[stranger])[24:]
    others = [heard(kind=PROBE_REQUEST)]
    data += b"".join(
        np.array([0, 0, len(p), len(p)], "<u4").tobytes() + p for p in others
    )

    feed(pipeline, data)

    counters = pipeline.counters
    assert (counters.packets, counters.frames, counters.images) == (32, 31, 0)
    assert counters.refused.total() == 1
    assert (+counters.unused).total() == 1
    assert pipeline.frames_until_due > 1
    assert len(pipeline.finish(Source.REPLAY)) == 1
