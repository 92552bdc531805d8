"""A walk, and the site where it is located."""

import pytest

from tests.edge_agent.sites import packets_at, pcapng_bytes


@pytest.fixture
def walk(tmp_path):
    """A recording of 40 packets per transmitter."""
    path = tmp_path / "walk.pcapng"
    path.write_bytes(pcapng_bytes(packets_at(0, n=40)))
    return path


@pytest.fixture
def flags(bundle_directory, state, tmp_path):
    """The flags that choose the small model and its calibrated site."""
    config = tmp_path / "agent.toml"
    config.write_text('site.device = "pi"\ncapture.hop = 8\n')
    return [
        *("--config", str(config)),
        *("--bundle", str(bundle_directory)),
        *("--state", str(state)),
    ]
