"""Packets in, locations out."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.csi.decode import Decoder
from edge_agent.csi.image import ImageBuilder, Unused
from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi.refusal import Refusal
from edge_agent.learning.predictor import LayerPredictor
from edge_agent.localizer import Localizer
from edge_agent.payload import Source
from edge_agent.pipeline import Pipeline
from tests.builders import ethernet, ipv4, udp
from tests.edge_agent.sites import (
    REAL,
    SIMULATED,
    SPEC,
    START_US,
    STRANGER,
    packets_at,
    random_calibration,
    raw_frames_of,
)


@pytest.fixture
def make_pipeline(rng, bundle):
    """A pipeline for a site with these transmitters."""

    def make_pipeline(*, macs=REAL, hop=8, calibration=None, **options):
        site = calibration or random_calibration(rng, bundle, macs=macs)
        localizer = Localizer(site, LayerPredictor(bundle, site))
        return Pipeline(SPEC, site, localizer, hop=hop, **options)

    return make_pipeline


def sources(fixes):
    return [fix.source for fix in fixes]


def test_frames_of_calibrated_transmitters_become_locations(make_pipeline):
    pipeline = make_pipeline()

    fixes = pipeline.feed(raw_frames_of(packets_at(0, n=24)), Source.LIVE)

    assert len(fixes) == 3
    assert sources(fixes) == [Source.LIVE] * 3
    ends_us = [fix.estimate.time_ns // 1000 - START_US for fix in fixes]
    assert ends_us == [7 * 40_000 + 1000, 15 * 40_000 + 1000, 23 * 40_000 + 1000]
    assert {fix.estimate.n_heard for fix in fixes} == {2}


@pytest.mark.parametrize(("hop", "n_fixes"), [(2, 9), (4, 5), (8, 3), (50, 3)])
def test_the_hop_says_how_many_new_packets_a_location_needs(
    make_pipeline, hop, n_fixes
):
    pipeline = make_pipeline(hop=hop)

    fixes = pipeline.feed(raw_frames_of(packets_at(0, n=24)), Source.LIVE)

    assert len(fixes + pipeline.finish(Source.LIVE)) == n_fixes


def test_a_location_is_what_the_localizer_says_of_the_image(
    make_pipeline, bundle, calibration
):
    raw = raw_frames_of(packets_at(0, n=8))
    (image,) = ImageBuilder(SPEC, calibration.channels, hop=8).feed(
        Decoder().decode(raw)
    )
    localizer = Localizer(calibration, LayerPredictor(bundle, calibration))

    (fix,) = make_pipeline(calibration=calibration).feed(raw, Source.REPLAY)

    assert fix.estimate == localizer.locate(image)


def test_a_location_that_waits_for_a_transmitter_comes_at_the_end(make_pipeline):
    pipeline = make_pipeline()
    first = packets_at(0, n=8, macs=REAL[:1])
    late = packets_at(0, n=5, macs=REAL[1:])

    assert pipeline.feed(raw_frames_of(sorted(first + late)), Source.LIVE) == []

    (fix,) = pipeline.finish(Source.REPLAY)
    assert fix.source is Source.REPLAY
    assert (fix.estimate.n_heard, fix.estimate.n_channels) == (1, 2)
    assert pipeline.finish(Source.REPLAY) == []


@pytest.mark.parametrize("source", [Source.LIVE, Source.REPLAY])
def test_locations_from_simulated_transmitters_say_so(make_pipeline, source):
    pipeline = make_pipeline(macs=SIMULATED)

    fixes = pipeline.feed(raw_frames_of(packets_at(0, macs=SIMULATED)), source)

    assert sources(fixes) == [Source.SIMULATED] * 3


def test_one_simulated_transmitter_in_the_image_is_enough(make_pipeline):
    pipeline = make_pipeline(macs=(REAL[0], SIMULATED[0]))
    packets = packets_at(0, macs=(REAL[0], SIMULATED[0]))

    fixes = pipeline.feed(raw_frames_of(packets), Source.LIVE)

    assert sources(fixes) == [Source.SIMULATED] * 3


def test_one_that_was_not_heard_is_not(make_pipeline):
    pipeline = make_pipeline(macs=(REAL[0], SIMULATED[0]))
    packets = packets_at(0, n=8, macs=REAL[:1])

    fixes = pipeline.feed(raw_frames_of(packets), Source.LIVE)

    assert sources(fixes + pipeline.finish(Source.LIVE)) == [Source.LIVE]


def test_what_is_simulated_stays_so_however_the_source_calls_itself(make_pipeline):
    pipeline = make_pipeline()

    fixes = pipeline.feed(raw_frames_of(packets_at(0)), Source.SIMULATED)

    assert sources(fixes) == [Source.SIMULATED] * 3


def test_at_a_site_of_simulated_shots_no_location_is_live(make_pipeline, rng, bundle):
    """Though its transmitters have addresses like any: its points do not exist."""
    site = replace(random_calibration(rng, bundle), is_simulated=True)
    pipeline = make_pipeline(calibration=site)

    assert pipeline.knows_simulated
    fixes = pipeline.feed(raw_frames_of(packets_at(0)), Source.LIVE)
    assert sources(fixes) == [Source.SIMULATED] * 3


def test_everything_that_came_in_is_counted(make_pipeline):
    pipeline = make_pipeline()
    foreign = [(START_US, ethernet(ipv4(udp(b"hello", port=53))))] * 3
    packets = packets_at(0, n=8) + packets_at(0, n=2, macs=(STRANGER,)) + foreign

    pipeline.feed(raw_frames_of(packets), Source.LIVE)
    pipeline.feed(raw_frames_of(foreign), Source.LIVE)

    counters = pipeline.counters
    assert counters.packets == 16 + 2 + 6
    assert counters.frames == 18
    assert counters.images == 1
    assert counters.refused == {Refusal.OTHER_PORT: 6}
    assert +counters.unused == {Unused.OTHER_TRANSMITTER: 2}


def test_it_says_how_many_frames_the_next_location_needs_at_least(make_pipeline):
    pipeline = make_pipeline(hop=4)
    packets = packets_at(0, n=9, macs=REAL[:1])

    needed = []
    for packet in packets:
        needed.append(pipeline.frames_until_due)
        pipeline.feed(raw_frames_of([packet]), Source.LIVE)

    assert needed == [8, 7, 6, 5, 4, 3, 2, 1, 4]


def test_the_order_of_i_and_q_is_handed_to_the_decoder(make_pipeline, calibration):
    # Firmware without the new header leaves it open; this one has it, so all agree.
    raw = raw_frames_of(packets_at(0, n=8))

    answers = {
        make_pipeline(calibration=calibration, iq_order=order)
        .feed(raw, Source.LIVE)[0]
        ._replace(sample=None)
        for order in IqOrder
    }

    assert len(answers) == 1


@settings(max_examples=25, deadline=None)
@given(cuts=st.sets(st.integers(0, 96)))
def test_locations_are_the_same_however_packets_are_cut(bundle, cuts):
    packets = packets_at(0, n=24) + packets_at(
        1, n=24, start_us=START_US + 24 * 40_000, macs=REAL[::-1]
    )
    site = random_calibration(np.random.default_rng(3), bundle)

    def run(bounds):
        pipeline = Pipeline(
            SPEC, site, Localizer(site, LayerPredictor(bundle, site)), hop=3
        )
        fixes = []
        for start, stop in pairwise(bounds):
            fixes += pipeline.feed(raw_frames_of(packets[start:stop]), Source.LIVE)
        fixes += pipeline.finish(Source.LIVE)
        return [fix._replace(sample=None) for fix in fixes], pipeline.counters

    whole, cut = run([0, 96]), run([0, *sorted(cuts), 96])

    assert len(whole[0]) == 14
    assert cut == whole
