"""The gradient step by every back end."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.bundles.bundle import ADAPT
from edge_agent.errors import BundleError
from edge_agent.learning.adaptation import adapt, with_head
from edge_agent.learning.backends import Backend
from edge_agent.learning.layer_kernel import AVAILABLE
from edge_agent.learning.layer_step import LayerStep
from edge_agent.learning.steps import make_step
from edge_agent.learning.support import Support
from tests.edge_agent.sites import ARCHITECTURE, environment, random_parameters

BACKENDS = pytest.mark.parametrize(
    "backend",
    [
        Backend.NUMPY,
        Backend.ONNXRUNTIME,
        pytest.param(
            Backend.KERNEL,
            marks=pytest.mark.skipif(not AVAILABLE, reason="no C kernel"),
        ),
    ],
)


@pytest.fixture
def support(rng):
    """Nine shots and a padding that is different from all."""
    shots = environment(rng, n_per_point=4)
    weights = np.full(12, 1 / 3)
    weights[::4] = 0
    heard = shots.heard & (rng.random(shots.heard.shape) < 0.8)
    return Support(shots.images, heard, shots.point_of, 3, weights)


@BACKENDS
def test_a_step_is_that_of_the_mathematics(rng, bundle, support, backend):
    theta = random_parameters(rng, n_points=3)
    double = {name: array.astype(np.float64) for name, array in theta.items()}
    expected = LayerStep(ARCHITECTURE, support)(double, 0.125)

    found = make_step(bundle, support, backend)(theta, 0.125)

    assert found.loss == pytest.approx(expected.loss, abs=1e-5)
    assert found.after.keys() == expected.after.keys()
    for name, array in expected.after.items():
        np.testing.assert_allclose(found.after[name], array, rtol=1e-5, atol=1e-5)
        assert found.after[name].dtype == np.float32
    assert len(found.statistics) == len(expected.statistics)
    for ours, theirs in zip(found.statistics, expected.statistics, strict=True):
        np.testing.assert_allclose(ours.mean, theirs.mean, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(ours.variance, theirs.variance, rtol=1e-5, atol=1e-5)


@BACKENDS
def test_every_back_end_descends_alike(bundle, support, backend):
    def descend(step):
        return adapt(
            bundle.parameters,
            step,
            support,
            architecture=ARCHITECTURE,
            alpha=0.02,
            n_steps=10,
        )

    found = descend(make_step(bundle, support, backend))

    expected = descend(LayerStep(ARCHITECTURE, support))
    np.testing.assert_allclose(found.losses, expected.losses, rtol=0.02)
    assert found.losses[-1] < 0.7 * found.losses[0]


@BACKENDS
@pytest.mark.parametrize(
    "name", ["conv0.weight", "conv1.bias", "norm1.scale", "head.bias"]
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.filterwarnings("ignore:(overflow|invalid|divide)")
def test_a_parameter_that_is_no_number_never_looks_like_progress(
    rng, bundle, support, backend, name, value
):
    theta = random_parameters(rng, n_points=3)
    theta[name].flat[0] = value

    loss = make_step(bundle, support, backend)(theta, 0.0).loss

    assert not loss <= 1e9


@BACKENDS
@pytest.mark.filterwarnings("ignore:(overflow|invalid)")
def test_a_step_into_the_void_is_seen_by_the_next_loss(bundle, support, backend):
    step = make_step(bundle, support, backend)

    first = step(with_head(ARCHITECTURE, bundle.parameters, 3), 1e39)

    assert not step(first.after, 0.0).loss <= first.loss


@BACKENDS
def test_shots_of_another_shape_are_refused(bundle, support, backend):
    wrong = replace(support, images=support.images[:, :, :-1])

    with pytest.raises(ValueError, match=r"images of shape \([0-9]+, 2, 7, 16\)"):
        make_step(bundle, wrong, backend)


@pytest.mark.parametrize("graph", [b"", b"not a graph"])
def test_a_graph_that_cannot_be_loaded_is_the_bundle_s_fault(bundle, support, graph):
    contents = {**bundle.files.contents, ADAPT: graph}
    broken = replace(bundle, files=replace(bundle.files, contents=contents))

    with pytest.raises(BundleError, match=r"refuses the bundle's graph adapt\.onnx"):
        make_step(broken, support, Backend.ONNXRUNTIME)
