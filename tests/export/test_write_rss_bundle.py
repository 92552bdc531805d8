"""Bundles of kind rss: graphs against NumPy and autograd, and what is left behind."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.bundles.files import Kind
from edge_agent.errors import BundleError
from edge_agent.learning.onnx_runtime import Session
from edge_agent.rss.bundle import ADAPT, PREDICT, RssBundle
from edge_agent.rss.network import Examples, adapt, regress, step
from export import write_rss_bundle as module
from export.bundle_writer import ExportError
from export.rss_graphs import NEW
from export.write_any_bundle import write_any_bundle
from export.write_rss_bundle import check_rss_parity, write_rss_bundle
from tests.edge_agent.rss.places import ARCHITECTURE, checkpoint


@pytest.fixture
def bundle(tmp_path):
    made = checkpoint(np.random.default_rng(4), silent=False)
    return write_rss_bundle(made, tmp_path / "bundle", name="rss-tiny")


def examples(rng, n, weights=None):
    return Examples(
        rng.normal(size=(n, ARCHITECTURE.n_inputs)).astype(np.float32),
        rng.normal(size=(n, 2)).astype(np.float32),
        np.ones(n, np.float32) if weights is None else weights,
    )


def graph_step(session, theta, given, alpha):
    found = session.run(
        {
            **theta,
            "inputs": given.inputs,
            "targets": given.targets,
            "weights": given.weights,
            "alpha": np.array(alpha, np.float32),
        }
    )
    return float(found["loss"]), {name: found[NEW + name] for name in theta}


@pytest.mark.parametrize("n", [1, 7, 100])
def test_the_step_of_the_graph_is_that_of_numpy(bundle, rng, n):
    given = examples(rng, n, rng.uniform(0.1, 2, n).astype(np.float32))
    session = Session(bundle.files.content(ADAPT), ADAPT)

    loss, after = graph_step(session, bundle.parameters, given, 0.05)

    expected_loss, expected = step(bundle.parameters, given, 0.05)
    assert loss == pytest.approx(expected_loss, abs=1e-5)
    for name, array in expected.items():
        np.testing.assert_allclose(after[name], array, atol=1e-5, err_msg=name)


def test_ten_steps_of_the_graph_lead_where_ten_steps_of_numpy_do(bundle, rng):
    given = examples(rng, 30)
    session, theta = Session(bundle.files.content(ADAPT), ADAPT), bundle.parameters
    for _ in range(10):
        _, theta = graph_step(session, theta, given, 0.02)

    expected, losses = adapt(bundle.parameters, given, alpha=0.02, n_steps=10)

    assert graph_step(session, theta, given, 0.02)[0] == pytest.approx(
        losses[-1], rel=0.01
    )
    assert losses[-1] < losses[0]
    np.testing.assert_allclose(
        regress(theta, given.inputs), regress(expected, given.inputs), atol=0.01
    )


def test_padding_does_not_count_in_the_graph(bundle, rng):
    weights = np.array([1, 1, 1, 0, 0], np.float32)
    given = examples(rng, 5, weights)
    session = Session(bundle.files.content(ADAPT), ADAPT)

    loss, after = graph_step(session, bundle.parameters, given, 0.05)

    few = given.select(np.arange(3))
    expected_loss, expected = step(bundle.parameters, few, 0.05)
    assert loss == pytest.approx(expected_loss, abs=1e-5)
    for name, array in expected.items():
        np.testing.assert_allclose(after[name], array, atol=1e-5)


def test_the_graph_locates_far_from_the_origin_of_a_site_to_the_micrometre(bundle, rng):
    inputs = rng.normal(size=(6, ARCHITECTURE.n_inputs)).astype(np.float32)
    origins = rng.uniform(9e5, 1e6, (6, 2))
    session = Session(bundle.files.content(PREDICT), PREDICT)

    found = session.run({**bundle.parameters, "inputs": inputs, "origins": origins})

    located = origins + 10.0 * regress(bundle.parameters, inputs)
    np.testing.assert_allclose(found["locations"], located, rtol=0, atol=1e-4)


def test_what_is_written_is_what_is_loaded(bundle):
    loaded = RssBundle.load(bundle.files.directory)

    assert loaded.digest == bundle.digest
    assert loaded.manifest == bundle.manifest
    assert check_rss_parity(loaded) < 1e-5


def test_the_same_checkpoint_gives_the_same_bytes(bundle, tmp_path):
    made = checkpoint(np.random.default_rng(4), silent=False)

    again = write_rss_bundle(made, tmp_path / "again", name="rss-tiny")

    graphs = (PREDICT, ADAPT)
    assert [again.files.contents[n] for n in graphs] == [
        bundle.files.contents[n] for n in graphs
    ]


def test_a_checkpoint_says_which_kind_it_is(tmp_path, rng):
    path = tmp_path / "rss.npz"
    checkpoint(rng).save(path)

    files = write_any_bundle(path, tmp_path / "bundle", name="x")

    assert (files.kind, files.name) == (Kind.RSS, "x")


@pytest.mark.parametrize("what", ["graph", "numpy"])
def test_what_computes_otherwise_is_not_written(tmp_path, rng, monkeypatch, what):
    directory = tmp_path / "bundle"
    made = checkpoint(rng, silent=False)
    if what == "graph":
        other = replace(ARCHITECTURE, hidden=(8,))
        build = module.build_rss_predict_graph
        monkeypatch.setattr(
            module, "build_rss_predict_graph", lambda _architecture: build(other)
        )
        error, reason = (BundleError, ExportError), "predict.onnx|differ"
    else:
        golden = module.make_rss_golden

        def wrong(*arguments):
            made_golden = golden(*arguments)
            return replace(made_golden, loss=made_golden.loss + 0.1)

        monkeypatch.setattr(module, "make_rss_golden", wrong)
        error, reason = ExportError, "NumPy and autograd disagree: loss: off by 0.1"

    with pytest.raises(error, match=reason):
        write_rss_bundle(made, directory, name="x")

    assert list(tmp_path.iterdir()) == []


def test_back_ends_that_differ_are_refused(bundle, monkeypatch):
    monkeypatch.setattr(module, "PARITY_TOLERANCE", -1.0)

    with pytest.raises(ExportError, match=r"differ by .* more than -1"):
        check_rss_parity(bundle)
