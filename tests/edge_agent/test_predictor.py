"""Two back ends that give the same probabilities."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from edge_agent.backends import Backend
from edge_agent.errors import BundleError
from edge_agent.network import Statistics
from edge_agent.predictor import NumpyPredictor, OnnxPredictor, make_predictor
from tests.conftest import ROOT
from tests.edge_agent.sites import SPEC, random_calibration

BACKENDS = [Backend.ONNXRUNTIME, Backend.NUMPY]


def random_images(rng, n):
    images = rng.integers(0, 256, (n, *SPEC.shape), np.uint8)
    return images, rng.random((n, SPEC.n_channels)) < 0.7


@pytest.fixture
def without_onnxruntime(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)


@pytest.mark.parametrize("seed", range(5))
def test_both_back_ends_give_the_same_probabilities(bundle, seed):
    rng = np.random.default_rng(seed)
    calibration = random_calibration(rng, bundle)
    images, heard = random_images(rng, 12)

    answers = [
        make_predictor(bundle, calibration, backend).predict(images, heard)
        for backend in BACKENDS
    ]

    np.testing.assert_allclose(*answers, rtol=0, atol=1e-5)
    assert np.ptp(answers[0], axis=0).max() > 0.05  # they say something


@pytest.mark.parametrize("backend", BACKENDS)
def test_probabilities_sum_to_one(rng, bundle, calibration, backend):
    images, heard = random_images(rng, 7)

    answer = make_predictor(bundle, calibration, backend).predict(images, heard)

    assert answer.shape == (7, 3)
    assert (answer >= 0).all()
    np.testing.assert_allclose(answer.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_said_of_an_image_does_not_depend_on_the_others(
    rng, bundle, calibration, backend
):
    predictor = make_predictor(bundle, calibration, backend)
    images, heard = random_images(rng, 20)

    together = predictor.predict(images, heard)

    for number in (0, 7, 19):
        one = slice(number, number + 1)
        alone = predictor.predict(images[one], heard[one])
        np.testing.assert_allclose(together[one], alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_pixels_of_a_channel_that_was_not_heard_have_no_influence(
    rng, bundle, calibration, backend
):
    predictor = make_predictor(bundle, calibration, backend)
    images, _ = random_images(rng, 5)
    heard = np.tile([True, False], (5, 1))
    others = images.copy()
    others[:, 1] = 255 - others[:, 1]

    assert (predictor.predict(images, heard) == predictor.predict(others, heard)).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_site_s_statistics_are_used(rng, bundle, calibration, backend):
    images, heard = random_images(rng, 5)
    moved = replace(
        calibration,
        statistics=[
            Statistics(s.mean + 1, s.variance * 2) for s in calibration.statistics
        ],
    )

    before, after = (
        make_predictor(bundle, site, backend).predict(images, heard)
        for site in (calibration, moved)
    )

    assert np.abs(before - after).max() > 1e-3


def test_onnxruntime_is_used_where_it_is(bundle, calibration):
    predictor = make_predictor(bundle, calibration)

    assert isinstance(predictor, OnnxPredictor)
    assert predictor.backend is Backend.ONNXRUNTIME


@pytest.mark.usefixtures("without_onnxruntime")
def test_without_onnxruntime_numpy_takes_its_place(bundle, calibration):
    predictor = make_predictor(bundle, calibration, Backend.AUTO)

    assert isinstance(predictor, NumpyPredictor)
    assert predictor.backend is Backend.NUMPY


@pytest.mark.usefixtures("without_onnxruntime")
def test_who_asks_for_onnxruntime_is_told_how_to_get_it(bundle, calibration):
    with pytest.raises(BundleError, match=r"pip install '.\[edge\]'"):
        make_predictor(bundle, calibration, Backend.ONNXRUNTIME)


@pytest.mark.parametrize("backend", [Backend.AUTO, Backend.ONNXRUNTIME])
@pytest.mark.parametrize("graph", [b"", b"not a graph"])
def test_a_graph_that_cannot_be_loaded_is_the_bundle_s_fault(
    bundle, calibration, backend, graph
):
    broken = replace(bundle, predict_graph=graph)

    with pytest.raises(BundleError, match=r"onnxruntime .* refuses the bundle's graph"):
        make_predictor(broken, calibration, backend)


def test_numpy_needs_no_graph(rng, bundle, calibration):
    broken = replace(bundle, predict_graph=b"not a graph")
    images, heard = random_images(rng, 2)

    answer = make_predictor(broken, calibration, Backend.NUMPY).predict(images, heard)

    assert np.isfinite(answer).all()


def test_onnxruntime_leaves_no_trace_of_who_uses_it(bundle_directory, state, tmp_path):
    """No identifier and no store of events, which it would upload."""
    pytest.importorskip("onnxruntime")
    home = tmp_path / "empty"
    home.mkdir()
    script = (
        "import sys; from pathlib import Path\n"
        "from edge_agent.bundle import Bundle\n"
        "from edge_agent.calibration import Calibration\n"
        "from edge_agent.predictor import OnnxPredictor\n"
        "bundle = Bundle.load(Path(sys.argv[1]))\n"
        "OnnxPredictor(bundle, Calibration.load(Path(sys.argv[2]), bundle))\n"
    )
    stays = {k: v for k, v in os.environ.items() if not k.startswith("ORT_")}
    # It keeps still in continuous integration, too, which would hide what is tested.
    quiet = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "GITLAB_CI", "JENKINS_URL")
    told = {k: v for k, v in stays.items() if k not in quiet}

    done = subprocess.run(
        [
            *(sys.executable, "-c", script, bundle_directory),
            state / "home" / "calibration.npz",
        ],
        cwd=ROOT,
        env=told | {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert list(home.rglob("*")) == []
