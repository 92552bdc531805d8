"""Adapting to a site: the step, the residuals, and what comes back from the disk."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from edge_agent.arrays import pack_arrays, unpack_arrays
from edge_agent.errors import CalibrationError
from edge_agent.rss.bundle import RssBundle
from edge_agent.rss.calibration import RssCalibration, clip_to_map
from edge_agent.rss.fingerprints import Fingerprints, RadioMap
from edge_agent.rss.network import Examples, adapt, regress
from tests.edge_agent.rss.places import POINTS, SPEC, checkpoint, shots

NOW = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)


@pytest.fixture
def calibration(rss_bundle, rng):
    return RssCalibration.from_shots(rss_bundle, shots(rng), now=NOW)


def test_a_site_is_adapted_by_steps_on_its_shots_among_the_points_of_others(
    rss_bundle, rng
):
    recorded = shots(rng)
    told = []

    site = RssCalibration.from_shots(
        rss_bundle, recorded, now=NOW, on_step=lambda n, loss: told.append((n, loss))
    )

    radio_map = RadioMap.of(recorded.rss, recorded.point_of, recorded.locations)
    found = Fingerprints.of(recorded.rss, radio_map, 3, own_points=recorded.point_of)
    where = recorded.locations[recorded.point_of]
    expected, losses = adapt(
        rss_bundle.parameters,
        Examples.of(found.inputs, found.targets(where)),
        alpha=0.02,
        n_steps=3,
    )
    for name, array in expected.items():
        np.testing.assert_array_equal(site.parameters[name], array)
    assert site.losses == pytest.approx([10 * loss for loss in losses])
    assert told == list(enumerate(site.losses))
    assert site.losses[-1] < site.losses[0]
    assert (site.identifier, site.n_shots) == ("cal.20261122T235900Z", 24)
    assert (site.bundle_digest, site.n_channels) == (rss_bundle.digest, 3)


def test_residuals_are_of_shots_that_taught_nothing(rss_bundle, rng):
    """By the definition: eight points are eight groups."""
    recorded = shots(rng)
    site = RssCalibration.from_shots(rss_bundle, recorded, now=NOW)

    radio_map = RadioMap.of(recorded.rss, recorded.point_of, recorded.locations)
    where = recorded.locations[recorded.point_of]
    for row in (0, 10, 23):
        others = recorded.point_of != recorded.point_of[row]
        support = Fingerprints.of(
            recorded.rss[others], radio_map, 3, own_points=recorded.point_of[others]
        )
        theta, _ = adapt(
            rss_bundle.parameters,
            Examples.of(support.inputs, support.targets(where[others])),
            alpha=0.02,
            n_steps=3,
        )
        (own,) = (
            Fingerprints.of(
                recorded.rss[[row]], radio_map, 3, own_points=recorded.point_of[[row]]
            ),
        )
        located = clip_to_map(
            own.place(regress(theta, own.inputs.astype(np.float32))), radio_map
        )
        np.testing.assert_allclose(
            site.residuals[row], (located - where[row])[0], atol=1e-5
        )


def test_residuals_are_of_locations_on_the_map(rss_bundle, rng):
    recorded = shots(rng)
    loud = checkpoint(rng, scale=2.0, silent=False).parameters
    bundle = RssBundle(rss_bundle.manifest, loud, rss_bundle.files)

    site = RssCalibration.from_shots(bundle, recorded, now=NOW)

    located = site.residuals + recorded.locations[recorded.point_of]
    low, high = recorded.locations.min(axis=0), recorded.locations.max(axis=0)
    assert (located >= low - 1e-9).all()
    assert (located <= high + 1e-9).all()
    assert (np.isclose(located, low) | np.isclose(located, high)).any()


def test_locations_off_the_map_are_moved_to_its_edge():
    radio_map = RadioMap(
        np.zeros((2, 1)), np.array([[0.0, 1.0], [4.0, 9.0]]), np.arange(2)
    )

    found = clip_to_map(np.array([[-1.0, 5.0], [2.0, 10.0], [3.0, 3.0]]), radio_map)

    assert found.tolist() == [[0, 5], [2, 9], [3, 3]]


def test_what_is_saved_is_loaded(tmp_path, calibration, rss_bundle):
    path = tmp_path / "site" / "calibration.npz"
    calibration.save(path)

    loaded = RssCalibration.load(path, rss_bundle)

    for name in (
        *("bundle_digest", "calibrated_at", "points", "transmitters", "losses"),
        *("is_simulated", "shots_digest"),
    ):
        assert getattr(loaded, name) == getattr(calibration, name)
    np.testing.assert_array_equal(loaded.residuals, calibration.residuals)
    for name in ("rss", "locations", "points"):
        np.testing.assert_array_equal(
            getattr(loaded.radio_map, name), getattr(calibration.radio_map, name)
        )
    for name, array in calibration.parameters.items():
        np.testing.assert_array_equal(loaded.parameters[name], array)


def test_too_few_points_are_refused(rss_bundle, rng):
    with pytest.raises(
        CalibrationError,
        match="of 3 points; a place is told from the 3 nearest, so record at 4 or more",
    ):
        RssCalibration.from_shots(rss_bundle, shots(rng, points=POINTS[:3]), now=NOW)


def test_shots_averaged_otherwise_are_refused(rss_bundle, rng):
    other = shots(rng, spec=replace(SPEC, window_s=2.0))
    with pytest.raises(CalibrationError, match="adapt to the captures again"):
        RssCalibration.from_shots(rss_bundle, other, now=NOW)


def test_steps_that_leave_the_numbers_are_refused(rss_bundle, rng):
    wild = replace(
        rss_bundle.manifest,
        adaptation=replace(rss_bundle.manifest.adaptation, alpha=1e38, n_steps=20),
    )
    loud = checkpoint(rng, silent=False).parameters
    with pytest.raises(CalibrationError, match=r"does not adapt .* the loss is"):
        RssCalibration.from_shots(
            RssBundle(wild, loud, rss_bundle.files), shots(rng), now=NOW
        )


def test_a_calibration_that_cannot_be_written_is_an_error(tmp_path, calibration):
    (tmp_path / "file").touch()
    with pytest.raises(CalibrationError, match="cannot write"):
        calibration.save(tmp_path / "file" / "calibration.npz")


def test_a_calibration_that_is_not_there_is_an_error(tmp_path, rss_bundle):
    with pytest.raises(CalibrationError, match="No such file"):
        RssCalibration.load(tmp_path / "none.npz", rss_bundle)


def _with(header=(), arrays=(), without=(), without_key=None):
    def change(old_header, old_arrays):
        kept = {k: v for k, v in old_arrays.items() if k not in without}
        old_header.pop(without_key, None)
        return old_header | dict(header), kept | dict(arrays)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_with(header={"bundle": "0" * 64}), "made with another model bundle"),
        (_with(without=["residuals"]), "lacks 'residuals'"),
        (_with(without_key="shots"), "lacks 'shots'"),
        (_with(without=["theta.layer0.bias"]), "lacks 'theta.layer0.bias'"),
        (_with(arrays={"theta.layer0.bias": np.zeros(3)}), r"layer0.bias has shape"),
        (_with(arrays={"residuals": np.zeros((4, 3))}), r"residuals have shape"),
        (_with(arrays={"residuals": np.full((4, 2), np.nan)}), "not finite"),
        (_with(arrays={"map.rss": np.zeros((8, 2))}), r"radio map of shape"),
        (_with(arrays={"map.rss": np.full((8, 3), np.nan)}), "or not finite"),
        (_with(arrays={"map.points": np.zeros(8, np.int64)}), "or one twice"),
        (_with(arrays={"map.points": np.arange(1, 9)}), "none of the 8"),
        (_with(header={"transmitters": ["x"] * 3}), "hexadecimal|no address"),
        (_with(header={"points": [{"name": "p"}] * 8}), "a point lacks 'x'"),
        (
            _with(header={"points": [{"name": "p", "x": np.inf, "y": 0}] * 8}),
            "point 'p' is at .inf, 0., not finite",
        ),
    ],
)
def test_calibrations_that_make_no_sense_are_refused(
    tmp_path, calibration, rss_bundle, change, reason
):
    path = tmp_path / "calibration.npz"
    calibration.save(path)
    schema = "metaloc.rss-calibration/1"
    header, arrays = change(
        *unpack_arrays(path.read_bytes(), schema=schema, max_bytes=1 << 20)
    )
    path.write_bytes(pack_arrays(header, arrays))

    with pytest.raises(CalibrationError, match=reason):
        RssCalibration.load(path, rss_bundle)
