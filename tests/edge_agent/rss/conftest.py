"""One small model of received power for all tests."""

import numpy as np
import pytest

from edge_agent.rss.bundle import RssBundle
from tests.edge_agent.rss.places import checkpoint


@pytest.fixture(scope="session")
def rss_directory(tmp_path_factory):
    """A written bundle; for reading only."""
    pytest.importorskip("onnx", reason="needs onnx to write a bundle")
    from export.write_rss_bundle import write_rss_bundle

    directory = tmp_path_factory.mktemp("rss") / "bundle"
    write_rss_bundle(checkpoint(np.random.default_rng(1)), directory, name="rss-tiny")
    return directory


@pytest.fixture(scope="session")
def rss_bundle(rss_directory):
    return RssBundle.load(rss_directory)
