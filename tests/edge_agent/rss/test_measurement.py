"""Bundles of received power on this machine: the same questions, one back end."""

import json

import pytest

from edge_agent.learning.backends import Backend
from edge_agent.selftest.measurement import Measurement, measure


def measured_with(directory, backend=Backend.NUMPY, *, quick):
    return measure(
        directory, backend, quick=quick, max_memory_mb=512, on_stage=[].append
    )


@pytest.mark.parametrize("quick", [True, False])
def test_it_is_checked_and_unless_quickly_timed(rss_directory, rss_bundle, quick):
    measured = measured_with(rss_directory, quick=quick)

    assert measured.refused is measured.absent is None
    assert len(measured.differences) >= 4
    assert all(d.is_allowed for d in measured.differences)
    assert measured.peak_memory_mb > 20
    if quick:
        assert measured.adaptation_s is measured.prediction_s is None
    else:
        assert measured.n_steps == rss_bundle.manifest.adaptation.n_steps
        assert 0 < measured.prediction_s < measured.adaptation_s < 10


@pytest.mark.parametrize("backend", [Backend.KERNEL, Backend.ONNXRUNTIME])
def test_other_back_ends_have_nothing_to_do_with_it(rss_directory, backend):
    measured = measured_with(rss_directory, backend, quick=True)

    reason = "received power is computed in NumPy alone"
    assert measured == Measurement(absent=reason)


def test_the_selftest_is_of_numpy(run_agent, capsys, rss_directory):
    code = run_agent("selftest", "--bundle", rss_directory, "--quick", "--json")

    document = json.loads(capsys.readouterr().out)
    assert code == 0
    assert document["bundle"]["kind"] == "rss"
    assert list(document["backends"]) == ["numpy"]
    assert document["used"] == {"adapting": "numpy", "predicting": "numpy"}
