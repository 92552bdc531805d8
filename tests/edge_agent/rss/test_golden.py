"""Golden files of kind rss: what they hold, and what they notice."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.arrays import pack_arrays, unpack_arrays
from edge_agent.bundles.golden_file import GOLDEN
from edge_agent.errors import BundleError
from edge_agent.rss.bundle import RssBundle
from edge_agent.rss.golden import RssGolden, check
from edge_agent.rss.network import RssArchitecture
from tests.edge_agent.rss.places import ARCHITECTURE


def test_this_machine_computes_what_autograd_computed(rss_bundle):
    differences = check(rss_bundle)

    assert len(differences) == 4
    for difference in differences:
        assert difference.is_allowed, difference
    assert differences[0].found < 1e-6


@pytest.mark.parametrize("name", ["layer0.weight", "layer1.bias", "layer2.bias"])
def test_a_parameter_that_is_off_is_noticed(rss_bundle, name):
    changed = {k: v.copy() for k, v in rss_bundle.parameters.items()}
    changed[name].flat[0] += 0.01
    differences = check(RssBundle(rss_bundle.manifest, changed, rss_bundle.files))

    assert not all(difference.is_allowed for difference in differences)


def test_numbers_that_are_none_are_noticed(rss_bundle):
    wild = replace(
        rss_bundle.manifest,
        adaptation=replace(rss_bundle.manifest.adaptation, alpha=3e38),
    )
    differences = check(RssBundle(wild, rss_bundle.parameters, rss_bundle.files))

    assert not differences[1].is_allowed
    assert not differences[2].is_allowed
    assert not differences[3].is_allowed


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"inputs": np.zeros((0, 9), np.float32)}, "has 0 examples, not 1 to 256"),
        ({"targets": np.zeros((24, 3), np.float32)}, r"targets is .* shape .24, 2."),
        ({"weights": np.zeros(24, np.int64)}, "weights is int64"),
        ({"expected.losses": np.zeros((2, 2))}, r"expected.losses has shape"),
        ({"expected.losses": np.zeros(102)}, r"expected.losses has shape .102,"),
        ({"expected.loss": None}, "lacks 'expected.loss'"),
    ],
)
def test_files_that_fit_no_network_are_refused(rss_bundle, changes, reason):
    data = rss_bundle.files.content(GOLDEN)
    header, arrays = unpack_arrays(
        data, schema="metaloc.rss-golden/1", max_bytes=1 << 22
    )
    arrays |= changes
    kept = {name: array for name, array in arrays.items() if array is not None}

    with pytest.raises(BundleError, match=rf"golden.npz: {reason}"):
        RssGolden.from_bytes(pack_arrays(header, kept), ARCHITECTURE)


def test_a_file_of_another_network_is_refused(rss_bundle):
    with pytest.raises(BundleError, match="inputs is float32"):
        RssGolden.from_bytes(rss_bundle.files.content(GOLDEN), RssArchitecture())
