"""What stands in a room: boxes that weaken what passes through them, and what scatters.

A box costs a path 3 dB if it is a desk and 12 dB if it is a cabinet, whenever the path
goes through it. What is small or round, or has edges, is a point that scatters:

    gain = λ sqrt(σ) e^jφ / ((4π)^(3/2) d₁ d₂)          the radar equation

Both move from day to day.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trainer.simulate.materials import Complex, Floats

DESK_LOSS_DB = 3.0
CABINET_LOSS_DB = 12.0
_DESK_HEIGHT, _CABINET_HEIGHT = 0.75, 1.7
_LENGTHS, _DEPTHS = (0.5, 1.4), (0.4, 0.8)
_CLEARANCE_M = 0.15
"""Between furniture and a place that is kept free."""

_TRIES = 60
_MEAN_DB, _SPREAD_DB = -2.0, 5.0
"""Of the scatterers' sqrt(σ), relative to 1 m."""

_NEAREST_M = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Furniture:
    """Boxes that stand on the floor, their sides along the walls."""

    corners: Floats
    """Where each begins [m], shape (n, 2)."""

    sizes: Floats
    """Length along x, length along y and height [m], shape (n, 3)."""

    loss_db: Floats
    """What a path through it loses [dB], shape (n,)."""

    def __len__(self) -> int:
        return len(self.corners)

    def holds(
        self, places: Floats, *, clearance_m: float = 0.0
    ) -> npt.NDArray[np.bool_]:
        """Return whether each place is inside a box, shape (n_places,).

        Args:
            places: [m], shape (n_places, 3).
            clearance_m: How much wider each box is taken to be, to every side.
        """
        low, high = self._bounds()
        above = places[:, None] > low - clearance_m
        below = places[:, None] < high + clearance_m
        return np.asarray(np.any(np.all(above & below, axis=2), axis=1))

    def passes(self, start: Floats, end: Floats) -> Floats:
        """Return the amplitude that is left of straight paths.

        Args:
            start: [m], shape (..., 3).
            end: [m], shape (..., 3); the two are broadcast.

        Returns:
            Factors, shape (...).
        """
        low, high = self._bounds()
        start, way = start[..., None, :], (end - start)[..., None, :]
        way = np.where(np.abs(way) < 1e-9, 1e-9, way)  # along a side: never crosses it
        to_low, to_high = (low - start) / way, (high - start) / way
        enters = np.minimum(to_low, to_high).max(axis=-1)
        leaves = np.maximum(to_low, to_high).min(axis=-1)
        through = (leaves > np.maximum(enters, 0)) & (enters < 1)
        return np.asarray(10 ** (-(through * self.loss_db).sum(axis=-1) / 20))

    def _bounds(self) -> tuple[Floats, Floats]:
        low = np.column_stack([self.corners, np.zeros(len(self))])
        return low, low + self.sizes


NO_FURNITURE = Furniture(np.empty((0, 2)), np.empty((0, 3)), np.empty(0))


def draw_furniture(
    rng: np.random.Generator,
    size: Floats,
    n: int,
    *,
    cabinets: float,
    free: Floats,
) -> Furniture:
    """Return desks and cabinets that leave places free.

    Args:
        rng: Source of all of it.
        size: Of the room [m], shape (3,).
        n: How many pieces; fewer where there is no room for them.
        cabinets: Share of them that are tall.
        free: Places with nothing above or below [m], shape (n_places, 2).
    """
    pieces = []
    for _ in range(n):
        tall = rng.random() < cabinets
        piece = Furniture(
            np.empty((1, 2)),
            np.array(
                [
                    [
                        *_turned(rng, rng.uniform(*_LENGTHS), rng.uniform(*_DEPTHS)),
                        min(_CABINET_HEIGHT if tall else _DESK_HEIGHT, 0.7 * size[2]),
                    ]
                ]
            ),
            np.array([CABINET_LOSS_DB if tall else DESK_LOSS_DB]),
        )
        reach = size[:2] - piece.sizes[0, :2]
        for _ in range(_TRIES):
            there = replace(piece, corners=rng.uniform(0, 1, (1, 2)) * reach)
            if _is_clear(there, free):
                pieces.append(there)
                break
    if not pieces:
        return NO_FURNITURE
    return Furniture(
        *(
            np.concatenate([getattr(piece, name) for piece in pieces])
            for name in ("corners", "sizes", "loss_db")
        )
    )


def move_furniture(
    rng: np.random.Generator,
    furniture: Furniture,
    size: Floats,
    *,
    moved: float,
    shift_m: float,
    free: Floats,
) -> Furniture:
    """Return the furniture after a part of it was moved.

    Args:
        rng: Source of the changes.
        furniture: Before.
        size: Of the room [m], shape (3,).
        moved: Share of the pieces.
        shift_m: Standard deviation of where they go, along x and along y.
        free: Places that stay free [m], shape (n_places, 2).
    """
    corners = furniture.corners.copy()
    for number in range(len(furniture)):
        if rng.random() >= moved:
            continue
        piece = Furniture(
            corners[number : number + 1],
            furniture.sizes[number : number + 1],
            furniture.loss_db[number : number + 1],
        )
        reach = size[:2] - piece.sizes[0, :2]
        for _ in range(_TRIES):
            corner = piece.corners + rng.normal(0, shift_m, (1, 2))
            there = replace(piece, corners=np.clip(corner, 0, reach))
            if _is_clear(there, free):
                corners[number] = there.corners[0]
                break
    return replace(furniture, corners=corners)


def _turned(
    rng: np.random.Generator, length: float, depth: float
) -> tuple[float, float]:
    return (length, depth) if rng.random() < 0.5 else (depth, length)


def _is_clear(piece: Furniture, free: Floats) -> bool:
    on_floor = np.column_stack([free, np.full(len(free), 0.01)])
    return not piece.holds(on_floor, clearance_m=_CLEARANCE_M).any()


@dataclass(frozen=True, slots=True, eq=False)
class Scatterers:
    """Points that scatter."""

    positions: Floats
    """[m], shape (n, 3)."""

    amplitudes: Complex
    """sqrt(σ) e^jφ [m], shape (n,)."""

    def __len__(self) -> int:
        return len(self.positions)


NO_SCATTERERS = Scatterers(np.empty((0, 3)), np.empty(0, np.complex128))


def draw_scatterers(rng: np.random.Generator, size: Floats, n: int) -> Scatterers:
    """Return points anywhere in a room of that size [m]."""
    amplitude = 10 ** (rng.normal(_MEAN_DB, _SPREAD_DB, n) / 20)
    return Scatterers(
        rng.uniform(0, 1, (n, 3)) * size,
        amplitude * np.exp(2j * np.pi * rng.uniform(0, 1, n)),
    )


def move_scatterers(
    rng: np.random.Generator,
    scatterers: Scatterers,
    size: Floats,
    *,
    moved: float,
    shift_m: float,
) -> Scatterers:
    """Return the scatterers after a share of them was moved, as furniture is."""
    chosen = rng.random(len(scatterers)) < moved
    shift = rng.normal(0, shift_m, (len(scatterers), 3)) * (1, 1, 0)
    there = np.clip(scatterers.positions + shift, 0.01 * size, 0.99 * size)
    return replace(
        scatterers,
        positions=np.where(chosen[:, None], there, scatterers.positions),
    )


def scattered_paths(
    scatterers: Scatterers, transmitter: Floats, places: Floats, wavelength: float
) -> tuple[Floats, Complex]:
    """Return length [m] and gain of the path over each point.

    Args:
        scatterers: The points.
        transmitter: [m], shape (3,).
        places: Of the receiver [m], shape (n_places, 3).
        wavelength: [m].

    Returns:
        Shapes (n_places, n); gains without the carrier's phase.
    """
    first = np.linalg.norm(scatterers.positions - transmitter, axis=1) + _NEAREST_M
    second = np.linalg.norm(places[:, None] - scatterers.positions, axis=2)
    second = second + _NEAREST_M  # so that none can be zero
    gains = wavelength * scatterers.amplitudes / ((4 * np.pi) ** 1.5 * first * second)
    return first + second, gains
