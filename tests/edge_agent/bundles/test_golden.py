"""The golden check: every back end passes, and nothing that computes otherwise."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.bundles import golden
from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.golden import Difference, GoldenReport
from edge_agent.bundles.golden_file import GOLDEN
from edge_agent.config import SHIPPED_BUNDLE
from edge_agent.errors import BundleError
from edge_agent.learning import layer_kernel
from edge_agent.learning.adaptation import Stepped
from edge_agent.learning.backends import Backend, for_adapting
from edge_agent.learning.steps import make_step

BACKENDS = pytest.mark.parametrize(
    "backend",
    [
        Backend.NUMPY,
        pytest.param(
            Backend.KERNEL,
            marks=pytest.mark.skipif(
                not layer_kernel.AVAILABLE, reason="needs the C kernel"
            ),
        ),
        Backend.ONNXRUNTIME,
    ],
)
SINGLE_STEP = {
    "loss",
    "statistics",
    "parameters after a step",
    "probabilities after a step",
}
ADAPTATION = {"losses while adapting", "locations after adapting"}


def with_files(bundle, **contents):
    """The bundle with other files in it; None takes one out."""
    names = {"golden": GOLDEN}
    changed = dict(bundle.files.contents)
    for name, data in contents.items():
        changed[names[name]] = data
    kept = {name: data for name, data in changed.items() if data is not None}
    return replace(bundle, files=replace(bundle.files, contents=kept))


def failed(report):
    return {d.quantity for d in report.failures}


@pytest.fixture
def wrong_step(monkeypatch):
    """A machine on which the step is changed in some way."""

    def wrong_step(change):
        def make(bundle, support, backend):
            return change(make_step(bundle, support, backend))

        monkeypatch.setattr("edge_agent.bundles.golden.make_step", make)

    return wrong_step


# -- what is right ---------------------------------------------------------------------


@BACKENDS
def test_every_back_end_passes_with_much_to_spare(bundle, backend):
    pytest.importorskip("onnxruntime")

    report = golden.check(bundle, backend)

    assert report.passed
    assert report.backend is backend
    assert {d.quantity for d in report.differences} == SINGLE_STEP | ADAPTATION
    assert all(d.found <= d.allowed / 5 for d in report.differences)


@BACKENDS
def test_every_back_end_passes_with_the_shipped_bundle(backend):
    report = golden.check(Bundle.load(SHIPPED_BUNDLE), backend)

    assert report.failures == []
    assert all(d.found <= d.allowed / 5 for d in report.differences)


def test_the_report_names_what_was_chosen(bundle):
    report = golden.check(bundle, Backend.AUTO)

    assert report.passed
    assert report.backend is for_adapting(Backend.AUTO)


def test_it_says_what_it_does(bundle):
    stages = []

    golden.check(bundle, Backend.NUMPY, on_stage=stages.append)

    assert stages == ["a step", "an adaptation"]


# -- what is wrong ---------------------------------------------------------------------


def test_other_parameters_than_the_authors_are_found(bundle):
    theta = {name: array.copy() for name, array in bundle.parameters.items()}
    theta["conv0.weight"][0, 0, 0, 0] += 1e-3

    report = golden.check(replace(bundle, parameters=theta), Backend.NUMPY)

    assert not report.passed
    assert failed(report) >= SINGLE_STEP


def test_a_gradient_that_is_a_thousandth_off_is_found(bundle, wrong_step):
    def change(step):
        return lambda parameters, alpha: step(parameters, alpha * 1.001)

    wrong_step(change)

    report = golden.check(bundle, Backend.NUMPY)

    assert failed(report) == {"parameters after a step", "probabilities after a step"}


def test_statistics_that_are_a_little_off_are_found(bundle, wrong_step):
    def change(step):
        def biased(parameters, alpha):
            loss, statistics, after = step(parameters, alpha)
            biased = [s._replace(variance=s.variance * 1.0001) for s in statistics]
            return Stepped(loss, biased, after)

        return biased

    wrong_step(change)

    report = golden.check(bundle, Backend.NUMPY)

    assert failed(report) >= {"statistics", "probabilities after a step"}
    assert "loss" not in failed(report)


@pytest.mark.parametrize("what", ["weights", "heard"])
def test_padding_or_silence_that_counts_is_found(bundle, monkeypatch, what):
    def make(bundle, support, backend):
        ones = np.ones_like(getattr(support, what))
        return make_step(bundle, replace(support, **{what: ones}), backend)

    monkeypatch.setattr("edge_agent.bundles.golden.make_step", make)

    assert failed(golden.check(bundle, Backend.NUMPY)) >= SINGLE_STEP


def test_an_adaptation_that_ends_elsewhere_is_found(bundle, wrong_step):
    """The single step is right; those of the adaptation are too short."""

    def change(step):
        small = bundle.manifest.adaptation.alpha
        return lambda parameters, alpha: step(
            parameters, alpha / 3 if alpha <= small else alpha
        )

    wrong_step(change)

    assert failed(golden.check(bundle, Backend.NUMPY)) & SINGLE_STEP == set()
    assert "losses while adapting" in failed(golden.check(bundle, Backend.NUMPY))


def test_predictions_of_another_site_are_found(bundle, monkeypatch):
    def make(bundle, site, backend):
        predictor = make_predictor(bundle, site, backend)

        class Shifted:
            def predict(self, images, heard):
                return np.roll(predictor.predict(images, heard), 1, axis=1)

        return Shifted()

    make_predictor = golden.make_predictor
    monkeypatch.setattr("edge_agent.bundles.golden.make_predictor", make)

    assert failed(golden.check(bundle, Backend.NUMPY)) == {
        "probabilities after a step",
        "locations after adapting",
    }


def test_what_is_no_number_is_wrong(bundle, wrong_step):
    def change(step):
        def broken(parameters, alpha):
            _, statistics, after = step(parameters, alpha)
            nowhere = {name: array * np.nan for name, array in after.items()}
            return Stepped(float("nan"), statistics, nowhere)

        return broken

    wrong_step(change)

    report = golden.check(bundle, Backend.NUMPY)

    # Nothing that a NaN reaches is within any limit; the first statistics are right.
    assert failed(report) == SINGLE_STEP - {"statistics"} | ADAPTATION
    assert "loss: off by nan, allowed 1e-05" in map(str, report.failures)


def test_what_is_no_number_in_one_layer_alone_is_wrong(bundle, wrong_step):
    def change(step):
        def broken(parameters, alpha):
            loss, statistics, after = step(parameters, alpha)
            last = statistics[-1]._replace(mean=statistics[-1].mean * np.nan)
            return Stepped(loss, [*statistics[:-1], last], after)

        return broken

    wrong_step(change)

    assert "statistics" in failed(golden.check(bundle, Backend.NUMPY))


def test_a_single_location_elsewhere_is_one_too_many():
    expected = np.array([[0.9, 0.1], [0.2, 0.8]])

    assert golden._n_elsewhere(np.array([[0.6, 0.4], [0.4, 0.6]]), expected) == 0
    assert golden._n_elsewhere(np.array([[0.6, 0.4], [0.6, 0.4]]), expected) == 1
    assert golden._n_elsewhere(np.array([[np.nan, 0.4], [0.4, 0.6]]), expected) == 1


def test_losses_may_differ_by_a_share_of_the_loss_or_of_guessing():
    expected = np.array([1.0, 0.5, 0.01])

    def off(*losses):
        return golden._loss_off(np.array(losses), expected)

    assert off(1.02, 0.5, 0.01) == pytest.approx(0.02)
    assert off(1.0, 0.51, 0.01) == pytest.approx(0.02)
    assert off(1.0, 0.5, 0.012) == pytest.approx(0.02)  # of a tenth of the first


# -- what cannot be checked ------------------------------------------------------------


def test_a_bundle_without_a_golden_task_is_refused(bundle):
    without = with_files(bundle, golden=None)

    assert golden.has_golden(bundle)
    assert not golden.has_golden(without)
    with pytest.raises(BundleError, match=r"does not list golden.npz"):
        golden.check(without, Backend.NUMPY)


def test_a_golden_task_that_is_damaged_is_refused(bundle):
    damaged = with_files(bundle, golden=bundle.files.content(GOLDEN)[:-100])

    with pytest.raises(BundleError, match=r"golden.npz: is damaged"):
        golden.check(damaged, Backend.NUMPY)


def test_a_report_names_what_failed():
    fine, bad = Difference("loss", 1e-6, 1e-5), Difference("statistics", 0.25, 1e-5)

    report = GoldenReport(Backend.NUMPY, (fine, bad))

    assert not report.passed
    assert report.failures == [bad]
    assert str(bad) == "statistics: off by 0.25, allowed 1e-05"
    assert GoldenReport(Backend.NUMPY, (fine,)).passed
