"""Received power is located from in one way."""

import pytest

from edge_agent.errors import BundleError
from edge_agent.estimators import Estimator
from edge_agent.models import model_of
from edge_agent.rss.model import RssModel


@pytest.mark.parametrize("wanted", [Estimator.NETWORK, Estimator.NEIGHBOURS])
def test_another_estimator_than_its_own_is_refused(rss_bundle, wanted):
    with pytest.raises(
        BundleError, match=rf"without --estimator, .* \(it is {wanted}\)"
    ):
        model_of(rss_bundle.files, wanted)


def test_left_to_itself_it_locates(rss_bundle):
    assert isinstance(model_of(rss_bundle.files, Estimator.AUTO), RssModel)


def test_there_is_one_set_of_parameters(rss_bundle):
    with pytest.raises(
        BundleError, match="one set of parameters; do without --set hall"
    ):
        model_of(rss_bundle.files, parameter_set="hall")
