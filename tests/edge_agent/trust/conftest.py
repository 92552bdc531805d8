"""A model with neighbours, and a site whose points can be told apart."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.bundles.bundle import Bundle
from edge_agent.estimators import Estimator
from edge_agent.trust.prior import Prior
from tests.edge_agent.sites import checkpoint
from tests.edge_agent.whitened import random_neighbours
from trainer.neighbours.attachments import to_attachments
from trainer.neighbours.trust import to_attachments as prior_attachments


@pytest.fixture(scope="session")
def trusted_bundle(tmp_path_factory):
    """A bundle with neighbours, recommended, and priors; for reading only."""
    pytest.importorskip("onnx", reason="needs onnx to write a bundle")
    from export.write_bundle import write_bundle

    rng = np.random.default_rng(1)
    priors = {
        Estimator.NETWORK: Prior.of(1.5, rng.gamma(2, size=200)),
        Estimator.NEIGHBOURS: Prior.of(0.9, rng.gamma(1, size=200)),
    }
    arrays = to_attachments(random_neighbours(rng), is_recommended=True)
    trained = replace(checkpoint(rng), attachments=arrays | prior_attachments(priors))
    path = tmp_path_factory.mktemp("trusted") / "bundle"
    write_bundle(trained, path, name="tiny-1")
    return Bundle.load(path)
