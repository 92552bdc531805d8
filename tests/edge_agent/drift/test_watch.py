"""Frames of a simulated flat, through the whole path, until something has changed."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from edge_agent.bundles.bundle import Bundle
from edge_agent.config import SHIPPED_BUNDLE
from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi_model import CsiModel
from edge_agent.drift.causes import Kind
from edge_agent.drift.site_watch import calibrated_ns, drift_watch, site_examiner
from edge_agent.drift.state_file import DRIFT_FILE
from edge_agent.estimate import Quality
from edge_agent.learning.backends import Backend
from edge_agent.payload import Source
from edge_agent.survey import read_survey
from tests.edge_agent.simulated_home import LATER_US, POINTS, Home

N_STOPS = 12
DAY_US = 86_400_000_000


@pytest.fixture(scope="module")
def bundle():
    return Bundle.load(SHIPPED_BUNDLE)


@pytest.fixture(scope="module")
def adapted(bundle, tmp_path_factory):
    """The flat, and what was learnt of it."""
    folder = tmp_path_factory.mktemp("watched")
    home, model = Home(), CsiModel(bundle)
    shots = model.record(
        read_survey(home.survey(folder)),
        n_per_point=3,
        iq_order=IqOrder.AUTO,
        on_capture=lambda _n, _capture: None,
    )
    calibration = model.adapt(
        shots,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        backend=Backend.AUTO,
        on_step=lambda _step, _loss: None,
        on_caution=lambda _caution: None,
    )
    return home, calibration


@pytest.fixture
def site(bundle, adapted, tmp_path):
    """The pipeline of the site, and the folder it is in."""
    _, calibration = adapted
    calibration.save(tmp_path / "home" / f"calibration-{bundle.digest[:16]}.npz")
    opened = CsiModel(bundle).open_site(
        tmp_path / "home",
        hop=25,
        iq_order=IqOrder.AUTO,
        backend=Backend.AUTO,
        on_caution=lambda _caution: None,
    )
    return opened.pipeline, tmp_path / "home"


def visit(home, pipeline, n_stops=N_STOPS, **change):
    """Put the device down again and again, a day after the calibration."""
    fixes = []
    for stop in range(n_stops):
        start_us = LATER_US + DAY_US + stop * 60_000_000
        raw = home.packets(stop % len(POINTS), start_us=start_us, **change)
        fixes += pipeline.feed(raw, Source.LIVE)
    return fixes + pipeline.finish(Source.LIVE)


def test_nothing_is_said_while_nothing_has_changed(adapted, site):
    home, _ = adapted

    last = visit(home, site[0])[-1]

    assert not last.drift.is_alarm
    assert last.drift.n_stops == N_STOPS - 1
    assert last.drift.n_known == len(POINTS) * 3
    assert last.estimate.quality is not Quality.DRIFTED


def test_an_access_point_that_sends_less_is_named(adapted, site):
    home, calibration = adapted

    last = visit(home, site[0], power_db=-8)[-1]

    assert last.estimate.quality is Quality.DRIFTED
    weaker = [c for c in last.drift.causes if c.kind is Kind.WEAKER]
    assert [cause.name for cause in weaker] == [calibration.channels[0].mac]
    assert weaker[0].offset_db == pytest.approx(-8, abs=2.5)


def test_a_restarted_agent_goes_on_where_it_was(adapted, site, bundle):
    home, calibration = adapted
    pipeline, folder = site
    pipeline.remember_drift(folder / DRIFT_FILE, calibration.identifier)
    before = visit(home, pipeline, power_db=-8)[-1]
    kept = json.loads((folder / DRIFT_FILE).read_text())
    assert kept["monitor"]["stops"] == before.drift.n_stops

    watch = drift_watch(bundle, calibration)
    assert watch.monitor.n_stops == 0
    again = CsiModel(bundle).open_site(
        folder,
        hop=25,
        iq_order=IqOrder.AUTO,
        backend=Backend.AUTO,
        on_caution=lambda _caution: None,
    )
    again.pipeline.remember_drift(folder / DRIFT_FILE, calibration.identifier)
    first = visit(home, again.pipeline, n_stops=1)[0]

    assert first.drift.is_alarm is before.drift.is_alarm is True
    assert first.drift.n_stops == before.drift.n_stops


def test_a_bundle_without_neighbours_has_nothing_to_compare_with(bundle, adapted):
    _, calibration = adapted
    plain = replace(bundle, neighbours=None)

    assert drift_watch(plain, calibration) is None
    assert site_examiner(plain, calibration) is None
    assert drift_watch(bundle, replace(calibration, fingerprints=None)) is None


def test_a_calibration_without_revisits_is_watched_for_silence_alone(bundle, adapted):
    _, calibration = adapted
    watch = drift_watch(bundle, replace(calibration, revisits=None))

    assert watch.finish().score is None


def test_the_time_of_a_calibration_is_utc(adapted):
    _, calibration = adapted

    assert calibrated_ns(calibration) == 1_767_225_600_000_000_000
