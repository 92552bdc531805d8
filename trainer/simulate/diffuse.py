"""The reverberant tail: what arrives after many bounces, from everywhere.

    E(r, f) = E₀ Σ_w g_w exp(-j 2π (u_w · r / λ + f τ_w))

Plane waves with directions u_w all over the sphere, circular gains of total power 1,
and delays of 10 ns and an exponential part after the direct path. The same waves are
heard everywhere in the room, so that places a wavelength apart differ and the same
place is the same again; without the tail all points look alike.

The level is that of the direct path at 4 m less the K factor there, anywhere in the
room: reverberation does not fall with distance.
"""

from dataclasses import dataclass

import numpy as np

from trainer.simulate.materials import Complex, Floats

N_WAVES = 80
_FIRST_S = 10e-9
_REFERENCE_M = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Waves:
    """The plane waves of each access point."""

    directions: Floats
    """Unit vectors, shape (n_aps, n_waves, 3)."""

    gains: Complex
    """Relative to the level of the tail, shape (n_aps, n_waves)."""

    delays: Floats
    """After the direct path [s], shape (n_aps, n_waves)."""


def draw_waves(
    rng: np.random.Generator, n_aps: int, decay_s: float, n_waves: int = N_WAVES
) -> Waves:
    """Return waves whose power falls off with a time constant of ``decay_s``."""
    directions = rng.normal(size=(n_aps, n_waves, 3))
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    parts = rng.normal(size=(2, n_aps, n_waves)) / np.sqrt(2 * max(n_waves, 1))
    delays = _FIRST_S + rng.exponential(decay_s, (n_aps, n_waves))
    return Waves(directions, parts[0] + 1j * parts[1], delays)


def redraw_waves(
    rng: np.random.Generator, waves: Waves, decay_s: float, *, moved: float
) -> Waves:
    """Return the waves after a share of them has changed altogether."""
    n_aps, n_waves = waves.gains.shape
    new = draw_waves(rng, n_aps, decay_s, n_waves)
    changed = rng.random((n_aps, n_waves)) < moved
    return Waves(
        np.where(changed[..., None], new.directions, waves.directions),
        np.where(changed, new.gains, waves.gains),
        np.where(changed, new.delays, waves.delays),
    )


def diffuse_paths(
    waves: Waves,
    access_point: int,
    places: Floats,
    direct_s: Floats,
    *,
    k_db: float,
    wavelength: float,
) -> tuple[Floats, Complex]:
    """Return delay and gain of each wave.

    Args:
        waves: Of all access points.
        access_point: Whose.
        places: Of the receiver [m], shape (n_places, 3).
        direct_s: Delay of the direct path, shape (n_places,).
        k_db: Power of the direct path at 4 m over that of the tail.
        wavelength: [m].

    Returns:
        Delays [s] and gains, the phase of the carrier included, which must follow the
        projection of the place alone: only so are these plane waves. Shapes (n_places,
        n_waves).
    """
    level = wavelength / (4 * np.pi * _REFERENCE_M) * 10 ** (-k_db / 20)
    along = places @ waves.directions[access_point].T
    turn = np.exp(-2j * np.pi / wavelength * along)
    return (
        direct_s[:, None] + waves.delays[access_point],
        level * waves.gains[access_point] * turn,
    )
