"""Back ends that give the same probabilities."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from edge_agent.bundles.bundle import PREDICT
from edge_agent.errors import BackendError, BundleError
from edge_agent.learning.backends import Backend, for_predicting
from edge_agent.learning.graph_slots import GraphSlots
from edge_agent.learning.layer_kernel import AVAILABLE
from edge_agent.learning.network import Statistics, forward, probabilities, scale_input
from edge_agent.learning.predictor import make_predictor
from tests.conftest import ROOT
from tests.edge_agent.sites import ARCHITECTURE, SPEC, random_calibration

BACKENDS = [
    Backend.NUMPY,
    Backend.ONNXRUNTIME,
    pytest.param(
        Backend.KERNEL, marks=pytest.mark.skipif(not AVAILABLE, reason="no C kernel")
    ),
]


def random_images(rng, n):
    images = rng.integers(0, 256, (n, *SPEC.shape), np.uint8)
    return images, rng.random((n, SPEC.n_channels)) < 0.7


def with_graph(bundle, graph):
    contents = {**bundle.files.contents, PREDICT: graph}
    return replace(bundle, files=replace(bundle.files, contents=contents))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("seed", range(5))
def test_every_back_end_gives_the_probabilities_of_the_network(bundle, backend, seed):
    rng = np.random.default_rng(seed)
    calibration = random_calibration(rng, bundle)
    calibration.parameters["norm0.scale"][0] *= -1  # a maximum becomes a minimum
    images, heard = random_images(rng, 12)
    double = {k: v.astype(np.float64) for k, v in calibration.parameters.items()}
    inputs = scale_input(ARCHITECTURE, images, heard, np.float64)
    expected = probabilities(forward(double, inputs, calibration.statistics).logits)

    predictor = make_predictor(bundle, calibration, backend)

    found = predictor.predict(images, heard)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    assert predictor.backend is backend
    assert np.ptp(found, axis=0).max() > 0.05  # it says something


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


def test_the_back_end_is_the_one_that_is_chosen(bundle, calibration):
    assert make_predictor(bundle, calibration).backend is for_predicting(Backend.AUTO)


def test_a_back_end_that_is_not_there_is_an_error(monkeypatch, bundle, calibration):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    with pytest.raises(BackendError, match=r"pip install '.\[edge\]'"):
        make_predictor(bundle, calibration, Backend.ONNXRUNTIME)


@pytest.mark.parametrize("graph", [b"", b"not a graph"])
def test_a_graph_that_cannot_be_loaded_is_the_bundle_s_fault(
    bundle, calibration, graph
):
    nowhere = replace(
        bundle, manifest=replace(bundle.manifest, predict_slots=GraphSlots({}))
    )

    with pytest.raises(
        BundleError, match=r"onnxruntime .* refuses the bundle's graph predict.onnx"
    ):
        make_predictor(with_graph(nowhere, graph), calibration, Backend.ONNXRUNTIME)


@pytest.mark.parametrize("backend", [b for b in BACKENDS if b != Backend.ONNXRUNTIME])
def test_only_onnxruntime_needs_the_graph(rng, bundle, calibration, backend):
    images, heard = random_images(rng, 2)

    predictor = make_predictor(with_graph(bundle, b""), calibration, backend)

    assert np.isfinite(predictor.predict(images, heard)).all()


def test_onnxruntime_leaves_no_trace_of_who_uses_it(bundle_directory, state, tmp_path):
    """No identifier and no store of events, which it would upload: our verdict only."""
    pytest.importorskip("onnxruntime")
    home = tmp_path / "empty"
    home.mkdir()
    script = (
        "import sys; from pathlib import Path\n"
        "from edge_agent.bundles.bundle import Bundle\n"
        "from edge_agent.calibration import Calibration\n"
        "from edge_agent.learning.predictor import OnnxPredictor\n"
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
    files = [path for path in home.rglob("*") if path.is_file()]
    assert files == [home / "cache" / "metaloc" / "onnxruntime.json"]
