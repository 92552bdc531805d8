"""What a site's line at the start of `edge_agent capture` says of what locates."""

from datetime import UTC, datetime

import pytest

from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.files import Kind
from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi_model import CsiModel
from edge_agent.estimators import Estimator
from edge_agent.learning.backends import Backend
from edge_agent.site_state import SiteFiles
from tests.edge_agent.trust.walks import walked

NOW = datetime(2026, 11, 24, 11, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def bundle(neighbours_directory):
    return Bundle.load(neighbours_directory)


@pytest.fixture
def opened(bundle, rng, tmp_path):
    """Calibrate a site on some days, and open it with an estimator."""

    def opened(walks, estimator):
        model = CsiModel(bundle, estimator)
        *past, fresh = walked(rng, walks)
        shots, history = model.beside(fresh, past[::-1])
        calibration = model.adapt(
            shots,
            history=history,
            now=NOW,
            backend=Backend.NUMPY,
            on_step=lambda _step, _loss: None,
            on_caution=lambda _caution: None,
        )
        calibration.save(SiteFiles(tmp_path, Kind.CSI).calibration(model.digest))
        return model.open_site(
            tmp_path,
            hop=1,
            iq_order=IqOrder.AUTO,
            backend=Backend.NUMPY,
            on_caution=lambda _caution: None,
        )

    return opened


@pytest.mark.parametrize(
    ("walks", "estimator", "said"),
    [
        (["20261123T101500Z"], Estimator.AUTO, "neighbours on numpy"),
        (["20261123T101500Z", "20261124T101500Z"], Estimator.AUTO, "map on numpy"),
        (["20261123T101500Z", "20261124T101500Z"], Estimator.MAP, "map on numpy"),
        (["20261123T101500Z"], Estimator.ENSEMBLE, "ensemble on numpy"),
        (["20261123T101500Z"], Estimator.NETWORK, "network on numpy"),
    ],
)
def test_the_line_names_the_estimator(opened, walks, estimator, said):
    """With a past the map stands for the neighbours that the bundle recommends."""
    assert opened(walks, estimator).backend == said
