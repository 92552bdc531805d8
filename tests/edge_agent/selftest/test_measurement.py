"""One back end, checked and timed in this process."""

import json
from dataclasses import replace

import numpy as np
import pytest

from edge_agent.bundles.files import manifest_text
from edge_agent.bundles.golden import Difference
from edge_agent.learning import layer_kernel
from edge_agent.learning.backends import Backend
from edge_agent.selftest.measurement import (
    Measurement,
    from_json,
    measure,
    synthetic_shots,
    to_json,
)


def measured_with(directory, backend=Backend.NUMPY, *, quick=True, stages=None, mb=512):
    return measure(
        directory,
        backend,
        quick=quick,
        max_memory_mb=mb,
        on_stage=[].append if stages is None else stages.append,
    )


def test_a_back_end_is_checked_and_timed(bundle, bundle_directory):
    stages = []

    measured = measured_with(bundle_directory, quick=False, stages=stages)

    assert stages == [
        "a step",
        "an adaptation",
        "3 steps on 30 shots",
        "locating one image after the other",
    ]
    assert measured.absent is measured.refused is None
    assert all(d.is_allowed for d in measured.differences)
    assert len(measured.differences) == 6
    assert measured.n_steps == bundle.manifest.adaptation.n_steps
    assert 0 < measured.prediction_s < measured.adaptation_s < 10
    assert measured.peak_memory_mb > 20
    assert measured.threads >= 1


def test_quickly_it_is_only_checked(bundle_directory):
    stages = []

    measured = measured_with(bundle_directory, stages=stages)

    assert stages == ["a step", "an adaptation"]
    assert measured.adaptation_s is measured.prediction_s is measured.n_steps is None
    assert len(measured.differences) == 6


def test_at_least_one_prediction_is_timed(bundle_directory, monkeypatch):
    monkeypatch.setattr("edge_agent.selftest.measurement._LONGEST_S", 0.0)

    measured = measured_with(bundle_directory, quick=False)

    assert measured.prediction_s > 0


def test_a_back_end_that_is_not_there_is_absent(bundle_directory, monkeypatch):
    monkeypatch.setattr(layer_kernel, "AVAILABLE", False)

    measured = measured_with(bundle_directory, Backend.KERNEL)

    assert measured == Measurement(absent=measured.absent)
    assert "the C kernel was not built" in measured.absent


def test_a_bundle_that_is_damaged_is_refused(bundle_directory, tmp_path):
    for path in bundle_directory.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "theta.npz").write_bytes(b"nothing")

    measured = measured_with(tmp_path)

    assert measured == Measurement(refused=measured.refused)
    assert "theta.npz has 7 bytes" in measured.refused


def test_a_bundle_whose_step_leads_nowhere_is_refused(bundle, tmp_path):
    document = json.loads((bundle.files.directory / "manifest.json").read_text())
    document["adaptation"]["alpha"] = 1e300
    for name, data in bundle.files.contents.items():
        (tmp_path / name).write_bytes(data)
    text = manifest_text(document, bundle.files.contents)
    (tmp_path / "manifest.json").write_text(text)

    measured = measured_with(tmp_path, quick=False)

    assert "none of 3 steps lowered the loss" in measured.refused


def test_a_bundle_that_takes_more_memory_than_is_allowed_is_refused(bundle_directory):
    measured = measured_with(bundle_directory, mb=0)

    assert measured == Measurement(refused=measured.refused)
    assert "max_memory_mb" in measured.refused


def test_synthetic_shots_are_three_of_each_of_ten_points(rng):
    shots = synthetic_shots((2, 7, 9), rng)

    assert shots.images.shape == (30, 2, 7, 9)
    np.testing.assert_array_equal(np.bincount(shots.points), [3] * 10)
    images = shots.images.astype(float)
    same = np.abs(images[0] - images[10]).mean()
    other = np.abs(images[0] - images[1]).mean()
    assert same < 0.8 * other


def test_what_goes_through_json_comes_back():
    measured = Measurement(
        differences=(Difference("loss", 0.5, 1e-5), Difference("statistics", 0.0, 1)),
        adaptation_s=1.5,
        n_steps=3,
        prediction_s=0.001,
        peak_memory_mb=80.5,
        threads=1,
    )

    assert from_json(json.loads(json.dumps(to_json(measured)))) == measured
    assert from_json(to_json(replace(measured, differences=()))).differences == ()


@pytest.mark.parametrize("document", [{}, {"differences": [{"quantity": "loss"}]}])
def test_json_that_it_did_not_write_is_an_error(document):
    with pytest.raises((KeyError, TypeError)):
        from_json(document)
