"""What methods learn from and are judged on: a place, surveyed on several occasions.

    Place ──< Environment ──< samples: (signal, point, visit)

An *environment* is the paper's domain: one place on one occasion (a day, a month, an
area). It is the laboratory's view of a survey, with amplitudes as they were recorded;
`edge_agent.environment.Environment` is the device's, with 8-bit images.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """The points of a place and the channels in which it is heard."""

    name: str
    """Places of one name share frame, points and channels."""

    locations: npt.NDArray[np.float64]
    """Coordinates of the points [m], shape (n_points, 2)."""

    floors: Integers
    """Logical floor of each point, 0 is the ground floor, shape (n_points,)."""

    channels: tuple[str, ...]
    """Access point, and antenna or core where there are several, of each column."""

    def __post_init__(self) -> None:
        n = len(self.locations)
        if self.locations.shape != (n, 2) or self.floors.shape != (n,):
            raise ValueError(
                f"{self.name}: locations have shape {self.locations.shape}, floors "
                f"{self.floors.shape}; expected (n, 2) and (n,)"
            )
        if not np.isfinite(self.locations).all():
            raise ValueError(f"{self.name}: a point has no finite coordinates")
        if not self.channels:
            raise ValueError(f"{self.name} has no channels")

    @property
    def n_points(self) -> int:
        """Number of points."""
        return len(self.locations)

    def select(self, points: Integers) -> Self:
        """Return the place with some of its points, renumbered from 0."""
        return replace(
            self, locations=self.locations[points], floors=self.floors[points]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """What was received, without where."""

    rss: Floats
    """Received power per channel [dBm], shape (n, n_channels); NaN where not heard, or
    where only the shape of the channel is known."""

    images: Floats | None = None
    """CSI amplitudes, shape (n, n_packets, n_tones, n_channels); None in RSS surveys. A
    channel that was not heard is zero. The unit is the same within a place. Where the
    received power is known, the level that the receiver's gain control removed has been
    restored from it."""

    def __post_init__(self) -> None:
        if self.rss.ndim != 2 or self.rss.dtype != np.float32:
            raise ValueError(
                f"rss is {self.rss.dtype} {self.rss.shape}, expected float32 "
                "(n, n_channels)"
            )
        if np.isinf(self.rss).any():
            raise ValueError("an RSS is infinite")
        if self.images is None:
            return
        n, n_channels = self.rss.shape
        shape = self.images.shape
        if self.images.dtype != np.float32 or len(shape) != 4:
            raise ValueError(
                f"images are {self.images.dtype} {shape}, expected float32 "
                "(n, n_packets, n_tones, n_channels)"
            )
        if (shape[0], shape[3]) != (n, n_channels):
            raise ValueError(f"images have shape {shape}, rss {self.rss.shape}")
        if not np.isfinite(self.images).all():
            raise ValueError("an amplitude is not finite")

    def __len__(self) -> int:
        return len(self.rss)

    @property
    def is_csi(self) -> bool:
        """Whether there are images."""
        return self.images is not None

    @property
    def heard(self) -> npt.NDArray[np.bool_]:
        """Which channels each sample holds, shape (n, n_channels)."""
        known = np.isfinite(self.rss)
        if self.images is None:
            return known
        return known | self.images.any(axis=(1, 2))

    def select(self, rows: Integers | slice) -> Self:
        """Return some of the samples."""
        images = None if self.images is None else self.images[rows]
        return type(self)(self.rss[rows], images)


@dataclass(frozen=True, slots=True, eq=False)
class Environment:
    """Labelled samples of one place on one occasion, in order of time."""

    name: str
    """Unique within a survey, e.g. ``d07`` or ``2020-09-25``."""

    place: Place

    order: int
    """Environments of one place with a smaller number are earlier; equal where the
    survey does not say."""

    signals: Signals

    point_of: Integers
    """Number of each sample's point in the place, shape (n,)."""

    visit_of: Integers
    """Occasion on which the device was put where the sample was taken, shape (n,);
    grows with time. Samples of one visit and point may share everything that happened
    to stand still; those of different visits do not."""

    is_test: npt.NDArray[np.bool_]
    """Samples at points that are surveyed only to test, never to calibrate, (n,)."""

    is_simulated: bool = False
    """No radio received any of it, or what was received is of a simulated place."""

    origin: str = ""
    """What simulated it, for people: model or scene, and seed; empty if unknown."""

    def __post_init__(self) -> None:
        n = len(self.signals)
        for name in ("point_of", "visit_of", "is_test"):
            if getattr(self, name).shape != (n,):
                raise ValueError(
                    f"{self.name}: {name} has shape {getattr(self, name).shape} for "
                    f"{n} samples"
                )
        if n and not 0 <= self.point_of.min() <= self.point_of.max() < self.n_points:
            raise ValueError(f"{self.name}: a sample's point is none of the place's")
        if self.signals.rss.shape[1] != len(self.place.channels):
            raise ValueError(
                f"{self.name}: {self.signals.rss.shape[1]} columns for "
                f"{len(self.place.channels)} channels"
            )

    def __len__(self) -> int:
        return len(self.signals)

    @property
    def n_points(self) -> int:
        """Points of the place, whether or not any sample is from them."""
        return self.place.n_points

    @property
    def locations(self) -> npt.NDArray[np.float64]:
        """Where each sample was taken [m], shape (n, 2)."""
        return self.place.locations[self.point_of]

    def select(self, rows: Integers) -> Self:
        """Return some of the samples, with all points of the place."""
        return replace(
            self,
            signals=self.signals.select(rows),
            point_of=self.point_of[rows],
            visit_of=self.visit_of[rows],
            is_test=self.is_test[rows],
        )
