"""Surveyed received power of one place: what trainers learn and sites adapt from."""

from dataclasses import asdict, dataclass, replace
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
from edge_agent.errors import CalibrationError
from edge_agent.rss.receptions import parse_address
from edge_agent.rss.window import RssSpec
from edge_agent.shots import choose_shots
from edge_agent.survey import Point

_SCHEMA = "metaloc.rss-shots/1"
_MAX_BYTES = 256 << 20


@dataclass(frozen=True, slots=True, eq=False)
class RssShots:
    """Labelled windows of one place."""

    name: str

    spec: RssSpec
    """How received power was averaged."""

    transmitters: tuple[str, ...]
    """Address of each column."""

    points: tuple[Point, ...]

    rss: npt.NDArray[np.float32]
    """Mean received power [dBm], shape (n, n_transmitters); NaN where not heard."""

    point_of: npt.NDArray[np.intp]
    """Number of each window's point, shape (n,)."""

    visit_of: npt.NDArray[np.str_]
    """Visit in which each was recorded, shape (n,)."""

    is_simulated: bool
    """Whether any of the frames came from a simulation."""

    is_monitor: bool
    """Whether an interface in monitor mode heard them; else they are CSI frames."""

    def __post_init__(self) -> None:
        n = len(self.rss)
        if self.rss.shape != (n, len(self.transmitters)):
            raise ValueError(
                f"rss has shape {self.rss.shape} for {len(self.transmitters)} "
                "transmitters"
            )
        if np.isinf(self.rss).any():
            raise ValueError("a received power is infinite")
        if not self.heard.any(axis=1).all():
            raise ValueError("a window in which nothing was heard")
        if len(self.point_of) != n or len(self.visit_of) != n:
            raise ValueError(f"{n} windows, but other numbers of points or visits")
        if n and not 0 <= self.point_of.min() <= self.point_of.max() < len(self.points):
            raise ValueError(f"a window's point is none of the {len(self.points)}")
        if len(set(self.transmitters)) < len(self.transmitters):
            raise ValueError("a transmitter is listed twice")
        for transmitter in self.transmitters:
            parse_address(transmitter)

    def __len__(self) -> int:
        return len(self.rss)

    @property
    def has_level(self) -> bool:
        """Received power is all there is."""
        return True

    @property
    def n_access_points(self) -> int:
        """Transmitters that the windows may hold."""
        return len(self.transmitters)

    @property
    def heard(self) -> npt.NDArray[np.bool_]:
        """Which transmitters each window holds, shape (n, n_transmitters)."""
        return np.isfinite(self.rss)

    @property
    def locations(self) -> npt.NDArray[np.float64]:
        """Coordinates of the points [m], shape (n_points, 2)."""
        return np.array([p.location for p in self.points], np.float64).reshape(-1, 2)

    @property
    def digest(self) -> str:
        """SHA-256 of everything: the same shots have the same, wherever they lie."""
        return digest_of(self._header(), self._arrays())

    def take_shots(self, n_per_point: int) -> Self:
        """Return up to ``n_per_point`` windows per point, of as many visits as can be.

        As of `edge_agent.shots.choose_shots`.
        """
        return self.select(
            choose_shots(
                self.point_of,
                self.visit_of,
                n_points=len(self.points),
                n_per_point=n_per_point,
            )
        )

    def select(self, rows: npt.NDArray[np.intp]) -> Self:
        """Return some of the windows, with all points."""
        return replace(
            self,
            rss=self.rss[rows],
            point_of=self.point_of[rows],
            visit_of=self.visit_of[rows],
        )

    def levels_of(self, transmitters: tuple[str, ...]) -> npt.NDArray[np.float32]:
        """Return the received power of other transmitters [dBm].

        Args:
            transmitters: Addresses; those that are not known here were not heard.

        Returns:
            Shape (n, len(transmitters)); NaN where not heard.
        """
        column_of = {address: n for n, address in enumerate(self.transmitters)}
        levels = np.full((len(self), len(transmitters)), np.nan, np.float32)
        for column, address in enumerate(transmitters):
            if address in column_of:
                levels[:, column] = self.rss[:, column_of[address]]
        return levels

    def save(self, path: Path) -> None:
        """Write the shots; the file is replaced as a whole.

        Raises:
            OSError: It cannot be written; the previous one is untouched.
        """
        write_atomically(path, pack_arrays(self._header(), self._arrays()))

    def _header(self) -> dict[str, Any]:
        return {
            "schema": _SCHEMA,
            "name": self.name,
            "spec": asdict(self.spec),
            "transmitters": self.transmitters,
            "points": [asdict(point) for point in self.points],
            "is_simulated": self.is_simulated,
            "is_monitor": self.is_monitor,
        }

    def _arrays(self) -> Arrays:
        return {
            "rss": self.rss,
            "point_of": self.point_of.astype(np.int32),
            "visit_of": self.visit_of,
        }

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read shots.

        Raises:
            CalibrationError: There are none, or they are damaged or of another schema.
        """
        try:
            header, arrays = unpack_arrays(
                path.read_bytes(), schema=_SCHEMA, max_bytes=_MAX_BYTES
            )
            return cls(
                str(header["name"]),
                RssSpec(**header["spec"]),
                tuple(str(item) for item in header["transmitters"]),
                tuple(Point(**item) for item in header["points"]),
                arrays["rss"].astype(np.float32),
                arrays["point_of"].astype(np.intp),
                arrays["visit_of"].astype(np.str_),
                bool(header["is_simulated"]),
                bool(header["is_monitor"]),
            )
        except OSError as error:
            raise CalibrationError(f"{path}: {error.strerror}") from error
        except (ArraysError, KeyError, TypeError, ValueError) as error:
            reason = f"lacks {error}" if isinstance(error, KeyError) else error
            raise CalibrationError(f"{path}: {reason}") from error
