"""A site is opened with what its configuration says."""

from dataclasses import replace

import pytest

from edge_agent.bundles.bundle import Bundle
from edge_agent.capture_file import CaptureFile
from edge_agent.config import AgentConfig
from edge_agent.configured_site import open_configured_site
from edge_agent.csi_model import CsiModel
from edge_agent.errors import CalibrationError
from edge_agent.payload import Source
from tests.edge_agent.sites import packets_at, pcapng_bytes


@pytest.fixture
def model(bundle_directory):
    return CsiModel(Bundle.load(bundle_directory))


@pytest.fixture
def config(state):
    config = AgentConfig()
    model = replace(config.model, state=str(state), backend="numpy")
    return replace(config, model=model)


def fail(caution):
    pytest.fail(caution)


def test_it_is_computed_by_what_is_asked_for(model, config):
    site = open_configured_site(model, config, hop=8, on_caution=fail)

    assert site.backend == "network on numpy"


@pytest.mark.parametrize(("hop", "n"), [(8, 5), (4, 9)])
def test_the_hop_says_how_many_locations_a_walk_gives(model, config, tmp_path, hop, n):
    """40 packets, images of 8: a second location after another hop, and so on."""
    path = tmp_path / "walk.pcapng"
    path.write_bytes(pcapng_bytes(packets_at(0, n=40)))
    site = open_configured_site(model, config, hop=hop, on_caution=fail)

    with CaptureFile(path) as file:
        fixes = [fix for raw in file for fix in site.pipeline.feed(raw, Source.REPLAY)]
    fixes += site.pipeline.finish(Source.REPLAY)

    assert len(fixes) == n


def test_a_site_that_was_not_calibrated_is_named(model, config):
    elsewhere = replace(config, site=replace(config.site, name="attic"))

    with pytest.raises(CalibrationError, match="attic"):
        open_configured_site(model, elsewhere, hop=8, on_caution=fail)
