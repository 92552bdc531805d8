"""Slabs against closed forms of optics, and numbers worked out by hand."""

import numpy as np
import pytest

from trainer.errors import RoomError
from trainer.simulate.materials import MATERIALS, Material, Polarisation, slab

CARRIER = 5.18e9
WAVELENGTH = 299_792_458 / CARRIER
UPRIGHT = np.array([1.0])
GLASSY = Material("lossless", 4.0, 0.0, 0.0, 0.0)
"""Refractive index 2."""

BOTH = pytest.mark.parametrize("polarisation", Polarisation)


def power(field):
    return np.square(np.abs(field))


@pytest.mark.parametrize(
    ("name", "f_ghz", "real", "imaginary"),
    [
        # Table 3 at 1 GHz, where f^b = f^d = 1.
        ("concrete", 1.0, 5.24, 17.98 * 0.0462),
        ("brick", 1.0, 3.91, 17.98 * 0.0238),
        ("plasterboard", 1.0, 2.73, 17.98 * 0.0085),
        ("wood", 1.0, 1.99, 17.98 * 0.0047),
        ("glass", 1.0, 6.31, 17.98 * 0.0036),
        ("ceiling board", 1.0, 1.48, 17.98 * 0.0011),
        ("chipboard", 1.0, 2.58, 17.98 * 0.0217),
        # And at 10 GHz, where f^d is 10^d: 10^0.7822 = 6.0562 and so on.
        ("concrete", 10.0, 5.24, 17.98 * 0.0462 * 6.0562 / 10),
        ("brick", 10.0, 3.91, 17.98 * 0.0238 * 1.44544 / 10),
        ("plasterboard", 10.0, 2.73, 17.98 * 0.0085 * 8.69962 / 10),
        ("wood", 10.0, 1.99, 17.98 * 0.0047 * 11.79777 / 10),
        ("glass", 10.0, 6.31, 17.98 * 0.0036 * 21.84741 / 10),
        ("ceiling board", 10.0, 1.48, 17.98 * 0.0011 * 11.88502 / 10),
        ("chipboard", 10.0, 2.58, 17.98 * 0.0217 * 6.02560 / 10),
    ],
)
def test_permittivity_is_that_of_the_recommendation(name, f_ghz, real, imaginary):
    eta = MATERIALS[name].permittivity(f_ghz * 1e9)

    assert eta.real == pytest.approx(real)
    assert -eta.imag == pytest.approx(imaginary, rel=1e-4)


def test_what_is_measured_far_above_wi_fi_alone_is_not_there():
    """Table 3 has floorboard from 50 GHz on."""
    assert "floorboard" not in MATERIALS


@pytest.mark.parametrize("f_hz", [0.9e9, 41e9])
def test_a_frequency_at_which_nothing_was_measured_is_refused(f_hz):
    with pytest.raises(RoomError, match="brick is known from 1 to 40 GHz, not at"):
        MATERIALS["brick"].permittivity(f_hz)


@BOTH
def test_a_quarter_wave_of_glass_reflects_as_two_faces_in_step(polarisation):
    """Index 2: faces reflect 1/3; in step they make (n² - 1) / (n² + 1) = 3/5."""
    reflected, passed = slab(GLASSY, WAVELENGTH / 8, UPRIGHT, CARRIER, polarisation)

    assert power(reflected)[0] == pytest.approx(0.36)
    assert power(passed)[0] == pytest.approx(0.64)


@BOTH
@pytest.mark.parametrize("halves", [0, 1, 5])
def test_half_waves_of_glass_are_not_there(polarisation, halves):
    reflected, passed = slab(
        GLASSY, halves * WAVELENGTH / 4, UPRIGHT, CARRIER, polarisation
    )

    assert abs(reflected[0]) == pytest.approx(0, abs=1e-9)
    assert abs(passed[0]) == pytest.approx(1)


@BOTH
def test_what_absorbs_nothing_loses_nothing(polarisation):
    cosines = np.linspace(0.01, 1, 50)

    reflected, passed = slab(GLASSY, 0.137, cosines, CARRIER, polarisation)

    np.testing.assert_allclose(power(reflected) + power(passed), 1)


@BOTH
@pytest.mark.parametrize("name", sorted(MATERIALS))
def test_no_material_gives_more_than_it_gets(name, polarisation):
    cosines = np.linspace(0.01, 1, 50)

    reflected, passed = slab(MATERIALS[name], 0.1, cosines, CARRIER, polarisation)

    assert (power(reflected) + power(passed) < 1 + 1e-12).all()


def test_at_brewsters_angle_a_vertical_field_passes_whole():
    """tan θ = n: cos θ = 1 / sqrt(1 + 4)."""
    brewster = np.array([1 / np.sqrt(5)])

    vertical, _ = slab(GLASSY, 0.137, brewster, CARRIER, Polarisation.TM)
    across, _ = slab(GLASSY, 0.137, brewster, CARRIER, Polarisation.TE)

    assert abs(vertical[0]) == pytest.approx(0, abs=1e-9)
    assert abs(across[0]) > 0.2


@BOTH
def test_metal_reflects_everything(polarisation):
    reflected, passed = slab(MATERIALS["metal"], 0.002, UPRIGHT, CARRIER, polarisation)

    assert abs(reflected[0]) == pytest.approx(1, abs=1e-3)
    assert abs(passed[0]) == 0


def test_a_thick_lossy_wall_reflects_as_its_face():
    """Half a metre of concrete swallows what enters: (1 - sqrt η) / (1 + sqrt η)."""
    eta = MATERIALS["concrete"].permittivity(CARRIER)

    reflected, passed = slab(
        MATERIALS["concrete"], 2.0, UPRIGHT, CARRIER, Polarisation.TE
    )

    face = (1 - np.sqrt(eta)) / (1 + np.sqrt(eta))
    assert reflected[0] == pytest.approx(face, rel=1e-6)
    assert abs(passed[0]) < 1e-4
