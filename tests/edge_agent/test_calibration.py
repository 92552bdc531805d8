"""What the agent knows of one site, and how it is kept."""

import sys
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from edge_agent.arrays import pack_arrays, unpack_arrays
from edge_agent.bundles.bundle import Capacity
from edge_agent.bundles.parameter_sets import NO_CHOICE, TOTAL, Reason
from edge_agent.calibration import Calibration, stored_trusts
from edge_agent.errors import BackendError, BundleError, CalibrationError
from edge_agent.learning.adaptation import adapt
from edge_agent.learning.backends import Backend
from edge_agent.learning.layer_step import LayerStep
from edge_agent.learning.network import Statistics
from edge_agent.learning.support import Support
from tests.edge_agent.known_places import SLOPES, STRANGE, parameters_at, shots_at
from tests.edge_agent.sites import (
    POINTS,
    SPEC,
    environment,
    random_parameters,
)

NOW = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)
SCHEMA = "metaloc.calibration/1"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home" / "calibration.npz"


def rewrite(path, *, header=(), arrays=(), without=()):
    """Change parts of a calibration file."""
    old, content = unpack_arrays(path.read_bytes(), schema=SCHEMA, max_bytes=1 << 28)
    kept = {name: array for name, array in content.items() if name not in without}
    facts = {key: value for key, value in old.items() if key not in without}
    path.write_bytes(pack_arrays(facts | dict(header), kept | dict(arrays)))


def test_a_calibration_is_the_model_after_its_steps_on_the_shots(rng, bundle):
    shots = environment(rng, is_simulated=True)

    calibration = Calibration.from_shots(bundle, shots, now=NOW, backend=Backend.NUMPY)

    support = Support.of(shots.images, shots.heard, shots.point_of, 3)
    architecture = bundle.manifest.architecture
    expected = adapt(
        bundle.parameters,
        LayerStep(architecture, support),
        support,
        architecture=architecture,
        alpha=bundle.manifest.adaptation.alpha,
        n_steps=bundle.manifest.adaptation.n_steps,
    )
    for name, array in expected.parameters.items():
        np.testing.assert_array_equal(calibration.parameters[name], array)
    assert calibration.losses == expected.losses
    assert len(calibration.losses) == 4
    assert calibration.points == POINTS
    assert calibration.channels == shots.channels
    assert calibration.bundle_digest == bundle.digest
    assert calibration.n_shots == 9
    assert calibration.is_simulated
    assert calibration.shots_digest == shots.digest


def test_its_name_is_its_time_in_utc(rng, bundle):
    now = datetime(2026, 11, 23, 0, 59, tzinfo=timezone(timedelta(hours=1)))

    calibration = Calibration.from_shots(bundle, environment(rng), now=now)

    assert calibration.calibrated_at == "2026-11-22T23:59:00Z"
    assert calibration.identifier == "cal.20261122T235900Z"


@pytest.mark.parametrize("limit", [{"n_shots": 8}, {"n_points": 2}])
def test_a_site_larger_than_the_bundle_is_meant_for_is_refused(rng, bundle, limit):
    capacity = replace(bundle.manifest.capacity, **limit)
    small = replace(bundle, manifest=replace(bundle.manifest, capacity=capacity))

    with pytest.raises(
        CalibrationError, match=r"9 shots of 3 points; the bundle is meant for up to"
    ):
        Calibration.from_shots(small, environment(rng), now=NOW)


def test_a_site_as_large_as_the_bundle_is_meant_for_is_adapted_to(rng, bundle):
    exact = replace(bundle.manifest, capacity=Capacity(n_shots=9, n_points=3))

    calibration = Calibration.from_shots(
        replace(bundle, manifest=exact), environment(rng), now=NOW
    )

    assert calibration.n_shots == 9


def test_the_back_end_that_is_asked_for_adapts(rng, bundle, monkeypatch):
    """And gives the same calibration, but for the last digits."""
    shots = environment(rng)

    by_graph = Calibration.from_shots(
        bundle, shots, now=NOW, backend=Backend.ONNXRUNTIME
    )
    by_numpy = Calibration.from_shots(bundle, shots, now=NOW, backend=Backend.NUMPY)

    np.testing.assert_allclose(by_graph.losses, by_numpy.losses, rtol=1e-3)
    assert any(
        (by_graph.parameters[name] != array).any()
        for name, array in by_numpy.parameters.items()
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(BackendError, match="onnxruntime is not installed"):
        Calibration.from_shots(bundle, shots, now=NOW, backend=Backend.ONNXRUNTIME)


def test_every_step_is_reported(rng, bundle):
    steps = []

    Calibration.from_shots(
        bundle,
        environment(rng),
        now=NOW,
        on_step=lambda step, _loss: steps.append(step),
    )

    assert steps == [0, 1, 2, 3]


def test_shots_that_were_built_otherwise_are_refused(rng, bundle):
    shots = environment(rng, spec=replace(SPEC, floor_dbm=-100.0))

    with pytest.raises(
        CalibrationError, match=r"shots of home are .*floor_dbm=-100\.0"
    ):
        Calibration.from_shots(bundle, shots, now=NOW)


def test_without_shots_there_is_no_calibration(rng, bundle):
    shots = environment(rng).select(np.empty(0, np.intp))

    with pytest.raises(CalibrationError, match="no shots to adapt to"):
        Calibration.from_shots(bundle, shots, now=NOW)


def test_a_single_point_is_nothing_to_tell_apart(rng, bundle):
    shots = environment(rng, points=POINTS[:1])

    with pytest.raises(CalibrationError, match="shots are of 1 point; with fewer than"):
        Calibration.from_shots(bundle, shots, now=NOW)


def test_points_that_look_the_same_are_refused(rng, bundle):
    once = rng.integers(0, 256, (3, *SPEC.shape), np.uint8)
    same = once[[0, 1, 2] * 3]  # apart from one pixel, so that steps lower the loss
    same[0, 0, 0, 0] ^= 8

    with pytest.raises(CalibrationError, match=r"look the same: the loss is 1\.\d\d, "):
        Calibration.from_shots(bundle, environment(rng, images=same), now=NOW)


def test_a_calibration_comes_back_as_it_was(rng, bundle, path):
    saved = Calibration.from_shots(bundle, environment(rng), now=NOW)

    saved.save(path)
    loaded = Calibration.load(path, bundle)

    for field in fields(Calibration):
        if field.name not in ("parameters", "statistics"):
            assert getattr(loaded, field.name) == getattr(saved, field.name)
    assert loaded.parameters.keys() == saved.parameters.keys()
    for name, array in saved.parameters.items():
        np.testing.assert_array_equal(loaded.parameters[name], array)
    for before, after in zip(saved.statistics, loaded.statistics, strict=True):
        np.testing.assert_array_equal(after.mean, before.mean)
        np.testing.assert_array_equal(after.variance, before.variance)


def test_one_that_cannot_be_written_says_so(calibration, tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(CalibrationError, match=r"cannot write .*calibration.npz: "):
        calibration.save(tmp_path / "file" / "calibration.npz")


def test_one_that_is_not_there_says_so(bundle, path):
    with pytest.raises(CalibrationError, match=r"calibration.npz: No such file"):
        Calibration.load(path, bundle)


def test_a_damaged_one_says_so(bundle, calibration, path):
    calibration.save(path)
    path.write_bytes(path.read_bytes()[:-50])

    with pytest.raises(CalibrationError, match=r"calibration.npz: is damaged"):
        Calibration.load(path, bundle)


def test_one_of_another_bundle_is_refused_with_advice(bundle, calibration, path):
    replace(calibration, bundle_digest="0" * 64).save(path)

    with pytest.raises(CalibrationError, match=r"another model bundle; adapt the new"):
        Calibration.load(path, bundle)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"header": {"schema": "metaloc.calibration/0"}}, "has schema 'metaloc.calibr"),
        ({"without": ["points"]}, "the header lacks 'points'"),
        ({"header": {"luck": 1}}, "the header has 'luck', .* newer agent"),
        (
            {"header": {"points": [{"name": "p", "x": 0, "y": 0, "luck": 1}]}},
            "a point has 'luck', .* newer agent",
        ),
        ({"without": ["mean.1"]}, r"statistics of shapes .* for filters \(3, 4\)"),
        ({"without": ["variance.1"]}, "variance.1"),
        ({"without": ["theta.conv0.bias"]}, r"parameters lack \['conv0.bias'\]"),
        ({"header": {"points": None}}, "points, channels and losses must be lists"),
        ({"header": {"losses": [None]}}, "float"),
        ({"header": {"points": [{"name": "p"}]}}, "a point lacks 'x': "),
        ({"header": {"n_shots": "many"}}, "many"),
        ({"header": {"channels": [{}]}}, "frame_format"),
        ({"arrays": {"mean.0": np.zeros(2)}}, "statistics of shapes"),
        (
            {"arrays": {"mean.0": np.full(3, np.nan)}},
            "statistics hold impossible value",
        ),
        (
            {"arrays": {"variance.1": np.full(4, -1.0)}},
            "statistics hold impossible val",
        ),
        (
            {"arrays": {"theta.head.bias": np.zeros(2)}},
            r"head.bias has shape \(2,\), n",
        ),
        ({"arrays": {"theta.head.bias": np.full(3, np.inf)}}, "head.bias holds values"),
    ],
)
def test_one_that_does_not_fit_is_refused(bundle, calibration, path, changes, reason):
    calibration.save(path)
    rewrite(path, **changes)

    with pytest.raises(CalibrationError, match=rf"calibration.npz: .*{reason}"):
        Calibration.load(path, bundle)


def test_one_with_rows_for_other_points_is_refused(rng, bundle, calibration, path):
    replace(calibration, parameters=random_parameters(rng, n_points=2)).save(path)

    with pytest.raises(CalibrationError, match=r"head.weight has shape \(2, 128\)"):
        Calibration.load(path, bundle)


def test_when_writing_fails_the_previous_one_stays(calibration, path, monkeypatch):
    calibration.save(path)
    before = path.read_bytes()

    def disk_full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(CalibrationError, match="No space left on device"):
        replace(calibration, n_shots=1).save(path)

    assert path.read_bytes() == before


def test_what_is_kept_is_what_predicts(bundle, calibration, path):
    double = replace(
        calibration,
        statistics=[
            Statistics(s.mean.astype(np.float64), s.variance.astype(np.float64))
            for s in calibration.statistics
        ],
    )

    double.save(path)

    loaded = Calibration.load(path, bundle)
    assert {s.mean.dtype for s in loaded.statistics} == {np.dtype(np.float32)}


# -- which parameters it starts from ---------------------------------------------------


def adapted_from(parameters, bundle, shots):
    support = Support.of(shots.images, shots.heard, shots.point_of, len(shots.points))
    architecture = bundle.manifest.architecture
    return adapt(
        parameters,
        LayerStep(architecture, support),
        support,
        architecture=architecture,
        alpha=bundle.manifest.adaptation.alpha,
        n_steps=bundle.manifest.adaptation.n_steps,
    )


@pytest.mark.parametrize(
    ("slope", "asked", "name", "reason"),
    [
        (SLOPES["lab"], None, "lab", Reason.SIMILAR),
        (SLOPES["attic"], None, "attic", Reason.SIMILAR),
        (STRANGE, None, TOTAL, Reason.NONE_SIMILAR),
        (SLOPES["lab"], "hall", "hall", Reason.ASKED),
        (SLOPES["lab"], TOTAL, TOTAL, Reason.ASKED),
    ],
)
def test_it_starts_from_the_set_that_is_chosen_and_says_so(
    places_bundle, path, slope, asked, name, reason
):
    shots = shots_at(1, slope)

    calibration = Calibration.from_shots(
        places_bundle, shots, now=NOW, backend=Backend.NUMPY, parameter_set=asked
    )
    calibration.save(path)

    start = Calibration.load(path, places_bundle).start
    assert (start.name, start.reason) == (name, reason)
    assert start == calibration.start
    theta = places_bundle.parameters if name == TOTAL else parameters_at(name)
    expected = adapted_from(theta, places_bundle, shots)
    assert calibration.losses == expected.losses
    for key, array in expected.parameters.items():
        np.testing.assert_array_equal(calibration.parameters[key], array)


def test_with_one_set_there_is_no_choice(rng, bundle):
    shots = environment(rng)

    assert Calibration.from_shots(bundle, shots, now=NOW).start == NO_CHOICE
    with pytest.raises(BundleError, match="no parameter set 'hall'; it has total"):
        Calibration.from_shots(bundle, shots, now=NOW, parameter_set="hall")


def test_one_from_before_there_were_sets_says_that_there_was_no_choice(
    bundle, calibration, path
):
    calibration.save(path)
    rewrite(path, without=["start"])

    assert Calibration.load(path, bundle).start == NO_CHOICE


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ({}, "set"),
        ("lab", "string indices must be integers"),
        ({"set": "lab", "reason": "because"}, "because"),
        ({"set": "lab", "reason": "similar", "nearest": "lab"}, "squared_mmd"),
    ],
)
def test_a_start_that_makes_no_sense_is_refused(
    bundle, calibration, path, start, reason
):
    calibration.save(path)
    rewrite(path, header={"start": start})

    with pytest.raises(CalibrationError, match=rf"calibration.npz: .*{reason}"):
        Calibration.load(path, bundle)


def test_trust_is_read_without_the_bundle(calibration, path):
    calibration.save(path)
    assert stored_trusts(path) == ()

    rewrite(path, header={"trusts": "yes"})
    with pytest.raises(CalibrationError, match=r"calibration.npz: trusts are 'yes'"):
        stored_trusts(path)
    with pytest.raises(CalibrationError, match="No such file"):
        stored_trusts(path.with_name("none.npz"))
