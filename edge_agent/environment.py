"""Surveyed images of one place: what a trainer learns from and a site adapts to."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from edge_agent.arrays import (
    Arrays,
    ArraysError,
    digest_of,
    pack_arrays,
    unpack_arrays,
    write_atomically,
)
from edge_agent.csi.image import Channel, ImageSpec
from edge_agent.csi.subcarriers import FrameFormat, Phy
from edge_agent.errors import CalibrationError
from edge_agent.shots import choose_shots
from edge_agent.survey import Point

_SCHEMA = "metaloc.environment/1"
_MAX_BYTES = 1 << 30


@dataclass(frozen=True, slots=True, eq=False)
class Environment:
    """Labelled images of one place, recorded with one set of channels."""

    name: str

    spec: ImageSpec
    """How the images were built."""

    channels: tuple[Channel, ...]
    """What each image channel is; at most ``spec.n_channels``."""

    points: tuple[Point, ...]

    images: npt.NDArray[np.uint8]
    """Shape (n, n_channels, n_packets, n_tones)."""

    heard: npt.NDArray[np.bool_]
    """Which channels each image holds, shape (n, n_channels)."""

    point_of: npt.NDArray[np.intp]
    """Number of each image's point, shape (n,)."""

    visit_of: npt.NDArray[np.str_]
    """Visit in which each image was recorded, shape (n,)."""

    is_simulated: bool
    """Whether any of the frames came from a simulation."""

    def __post_init__(self) -> None:
        n = len(self.images)
        if self.images.shape != (n, *self.spec.shape) or self.images.dtype != np.uint8:
            raise ValueError(
                f"images are {self.images.dtype} {self.images.shape}, expected uint8 "
                f"(n, *{self.spec.shape})"
            )
        if self.heard.shape != (n, self.spec.n_channels):
            raise ValueError(f"heard has shape {self.heard.shape} for {n} images")
        if len(self.point_of) != n or len(self.visit_of) != n:
            raise ValueError(f"{n} images, but other numbers of points or visits")
        if n and not 0 <= self.point_of.min() <= self.point_of.max() < len(self.points):
            raise ValueError(f"an image's point is none of the {len(self.points)}")
        if len(self.channels) > self.spec.n_channels:
            raise ValueError(
                f"{len(self.channels)} channels in images of {self.spec.n_channels}"
            )

    @property
    def locations(self) -> npt.NDArray[np.float64]:
        """Coordinates of the points [m], shape (n_points, 2); NaN where none."""
        return np.array([p.location for p in self.points], np.float64).reshape(-1, 2)

    @property
    def digest(self) -> str:
        """SHA-256 of everything: the same shots have the same, wherever they lie."""
        return digest_of(self._header(), self._arrays())

    @property
    def has_level(self) -> bool:
        """Whether the received power of any channel is known."""
        return any(channel.has_rssi for channel in self.channels)

    @property
    def n_access_points(self) -> int:
        """Channels that the images may hold."""
        return len(self.channels)

    def __len__(self) -> int:
        return len(self.images)

    def select(self, rows: npt.NDArray[np.intp]) -> Self:
        """Return some of the images, with all points."""
        return type(self)(
            self.name,
            self.spec,
            self.channels,
            self.points,
            self.images[rows],
            self.heard[rows],
            self.point_of[rows],
            self.visit_of[rows],
            self.is_simulated,
        )

    def take_shots(self, n_per_point: int) -> Self:
        """Return up to ``n_per_point`` images per point, from as many visits as can be.

        Shots from separate visits teach more than as many in one stop.
        """
        return self.select(
            choose_shots(
                self.point_of,
                self.visit_of,
                n_points=len(self.points),
                n_per_point=n_per_point,
            )
        )

    def save(self, path: Path) -> None:
        """Write the environment; the file is replaced as a whole."""
        write_atomically(path, pack_arrays(self._header(), self._arrays()))

    def _header(self) -> dict[str, Any]:
        return {
            "schema": _SCHEMA,
            "name": self.name,
            "spec": asdict(self.spec),
            "channels": [channel_to_json(channel) for channel in self.channels],
            "points": [asdict(point) for point in self.points],
            "is_simulated": self.is_simulated,
        }

    def _arrays(self) -> Arrays:
        return {
            "images": self.images,
            "heard": self.heard,
            "point_of": self.point_of.astype(np.int32),
            "visit_of": self.visit_of,
        }

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read an environment.

        Raises:
            CalibrationError: There is none, or it is damaged or of another schema.
        """
        try:
            header, arrays = unpack_arrays(
                path.read_bytes(), schema=_SCHEMA, max_bytes=_MAX_BYTES
            )
            return cls(
                str(header["name"]),
                ImageSpec(**header["spec"]),
                tuple(channel_from_json(item) for item in header["channels"]),
                tuple(Point(**item) for item in header["points"]),
                arrays["images"],
                arrays["heard"].astype(np.bool_),
                arrays["point_of"].astype(np.intp),
                arrays["visit_of"].astype(np.str_),
                bool(header["is_simulated"]),
            )
        except OSError as error:
            raise CalibrationError(f"{path}: {error.strerror}") from error
        except (ArraysError, KeyError, TypeError, ValueError) as error:
            raise CalibrationError(f"{path}: {error}") from error


def channel_to_json(channel: Channel) -> dict[str, Any]:
    """Return a channel as JSON values."""
    return asdict(channel) | {"frame_format": asdict(channel.frame_format)}


def channel_from_json(item: dict[str, Any]) -> Channel:
    """Return the channel that `channel_to_json` wrote.

    Raises:
        KeyError, TypeError, ValueError: It did not write this.
    """
    form = item["frame_format"]
    return Channel(
        str(item["mac"]),
        int(item["core"]),
        FrameFormat(
            int(form["n_subcarriers"]),
            Phy(form["phy"]),
            int(form["subbands"]),
            bool(form["overwritten"]),
        ),
        bool(item["has_rssi"]),
    )
