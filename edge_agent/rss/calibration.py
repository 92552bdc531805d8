"""What the agent knows of one site: its radio map, the adapted network, its errors.

**Residuals.** How far off locations are is learnt from the shots themselves: the points
are dealt into up to ten groups; for each, the network is adapted to the shots of the
other groups, and locates those of the group from a radio map without the shot's own
point. So no shot is located with what it has taught itself. Covariance and radii of
every published location are those of these residuals. They hold for the whole site, not
for where the device is; they tell how well places *between* points of the survey are
found on the day of the survey, and know nothing of what moves afterwards: furniture,
doors, access points. With few shots the outer radius is the largest residual there was.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from edge_agent.arrays import (
    Arrays,
    ArraysError,
    pack_arrays,
    unpack_arrays,
    write_atomically,
)
from edge_agent.bundles.bundle import as_float32
from edge_agent.errors import CalibrationError
from edge_agent.rss.bundle import RssBundle
from edge_agent.rss.fingerprints import LENGTH_M, Fingerprints, Floats, RadioMap
from edge_agent.rss.network import (
    Examples,
    Parameters,
    adapt,
    check_parameters,
    regress,
)
from edge_agent.rss.receptions import parse_address
from edge_agent.rss.shots import RssShots
from edge_agent.stored_record import check_record
from edge_agent.survey import Point

_SCHEMA = "metaloc.rss-calibration/1"
_MAX_BYTES = 256 << 20
_MAX_GROUPS = 10


@dataclass(frozen=True, slots=True, eq=False)
class RssCalibration:
    """A model adapted to a site."""

    bundle_digest: str
    """Which bundle it was adapted from."""

    calibrated_at: str
    """ISO 8601, UTC."""

    points: tuple[Point, ...]
    transmitters: tuple[str, ...]
    """Address of each column of the radio map."""

    radio_map: RadioMap
    """Of the shots."""

    parameters: Parameters
    residuals: Floats
    """Of each shot, located minus true [m], shape (n_shots, 2); see the module."""

    losses: tuple[float, ...]
    """Before each step and after the last [m]."""

    is_simulated: bool
    shots_digest: str
    """Which shots it was made from."""

    @property
    def identifier(self) -> str:
        """Short name for published locations, e.g. ``cal.20261122T235900Z``."""
        return "cal." + self.calibrated_at.replace("-", "").replace(":", "")

    @property
    def n_shots(self) -> int:
        """Windows it was adapted to."""
        return len(self.residuals)

    @property
    def n_channels(self) -> int:
        """Transmitters of the site."""
        return len(self.transmitters)

    @classmethod
    def from_shots(
        cls,
        bundle: RssBundle,
        shots: RssShots,
        *,
        now: datetime,
        on_step: Callable[[int, float], None] = lambda _step, _loss: None,
    ) -> Self:
        """Adapt a bundle's network to a site's shots.

        Args:
            bundle: The model.
            shots: Labelled windows, averaged as the bundle's specification says.
            now: When.
            on_step: Called with the number of steps done and the loss after them [m].

        Raises:
            CalibrationError: The shots were averaged otherwise, are of too few points,
                or the network does not adapt to them.
        """
        manifest = bundle.manifest
        if shots.spec != manifest.spec:
            raise CalibrationError(
                f"shots of {shots.name} are windows of {shots.spec}, the bundle takes "
                f"{manifest.spec}; adapt to the captures again: edge_agent adapt "
                "survey.csv"
            )
        k = manifest.architecture.k
        surveyed = np.unique(shots.point_of)
        if len(surveyed) <= k:
            raise CalibrationError(
                f"the shots are of {len(surveyed)} points; a place is told from the "
                f"{k} nearest, so record at {k + 1} or more"
            )
        support = _Support.of(bundle, shots)
        try:
            parameters, losses = support.adapted(np.arange(len(shots)), on_step)
            residuals = support.residuals()
        except ValueError as error:
            raise CalibrationError(
                f"the network does not adapt to the shots: {error}"
            ) from error
        return cls(
            bundle.digest,
            now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            shots.points,
            shots.transmitters,
            support.radio_map,
            parameters,
            residuals,
            losses,
            shots.is_simulated,
            shots.digest,
        )

    def save(self, path: Path) -> None:
        """Write the calibration; the file is replaced as a whole.

        Raises:
            CalibrationError: It cannot be written; the previous one is untouched.
        """
        header = {
            "schema": _SCHEMA,
            "bundle": self.bundle_digest,
            "calibrated_at": self.calibrated_at,
            "points": [asdict(point) for point in self.points],
            "transmitters": self.transmitters,
            "losses": self.losses,
            "is_simulated": self.is_simulated,
            "shots": self.shots_digest,
        }
        arrays: Arrays = {f"theta.{name}": a for name, a in self.parameters.items()}
        arrays |= {
            "map.rss": self.radio_map.rss,
            "map.points": self.radio_map.points.astype(np.int64),
            "residuals": self.residuals,
        }
        try:
            write_atomically(path, pack_arrays(header, arrays))
        except OSError as error:
            raise CalibrationError(f"cannot write {path}: {error.strerror}") from error

    @classmethod
    def load(cls, path: Path, bundle: RssBundle) -> Self:
        """Read a calibration and check that it fits the bundle.

        Raises:
            CalibrationError: There is none, it is damaged, or it was made with another
                bundle.
        """
        try:
            header, arrays = unpack_arrays(
                path.read_bytes(), schema=_SCHEMA, max_bytes=_MAX_BYTES
            )
            if header["bundle"] != bundle.digest:
                raise CalibrationError(
                    f"{path} was made with another model bundle; adapt the new one to "
                    "the site's shots: edge_agent adapt"
                )
            return cls._from_arrays(header, arrays, bundle)
        except OSError as error:
            raise CalibrationError(f"{path}: {error.strerror}") from error
        except KeyError as error:
            raise CalibrationError(f"{path} lacks {error}") from error
        except (ArraysError, TypeError, ValueError) as error:
            raise CalibrationError(f"{path}: {error}") from error

    @classmethod
    def _from_arrays(
        cls, header: dict[str, Any], arrays: Arrays, bundle: RssBundle
    ) -> Self:
        architecture = bundle.manifest.architecture
        theta = as_float32(
            {name: arrays[f"theta.{name}"] for name in architecture.parameter_shapes()}
        )
        check_parameters(architecture, theta)
        for item in header["points"]:
            check_record(item, Point, "a point")
        points = tuple(Point(**item) for item in header["points"])
        transmitters = tuple(str(item) for item in header["transmitters"])
        for transmitter in transmitters:
            parse_address(transmitter)
        return cls(
            bundle.digest,
            str(header["calibrated_at"]),
            points,
            transmitters,
            _radio_map(arrays, points, len(transmitters), architecture.k),
            theta,
            _residuals(arrays["residuals"]),
            tuple(float(loss) for loss in header["losses"]),
            bool(header["is_simulated"]),
            str(header["shots"]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Support:
    """The shots as the network sees them."""

    bundle: RssBundle
    radio_map: RadioMap
    fingerprints: Fingerprints
    """Of each shot among the points of the others."""

    examples: Examples
    locations: Floats
    """Where each shot was recorded [m], shape (n, 2)."""

    point_of: npt.NDArray[np.intp]

    @classmethod
    def of(cls, bundle: RssBundle, shots: RssShots) -> Self:
        radio_map = RadioMap.of(shots.rss, shots.point_of, shots.locations)
        fingerprints = Fingerprints.of(
            shots.rss,
            radio_map,
            bundle.manifest.architecture.k,
            own_points=shots.point_of,
        )
        where = shots.locations[shots.point_of]
        examples = Examples.of(fingerprints.inputs, fingerprints.targets(where))
        return cls(bundle, radio_map, fingerprints, examples, where, shots.point_of)

    def adapted(
        self,
        rows: npt.NDArray[np.intp],
        on_step: Callable[[int, float], None] = lambda _step, _loss: None,
    ) -> tuple[Parameters, tuple[float, ...]]:
        """Return the network adapted to some shots, and the losses [m]."""
        defaults = self.bundle.manifest.adaptation
        parameters, losses = adapt(
            self.bundle.parameters,
            self.examples.select(rows),
            alpha=defaults.alpha,
            n_steps=defaults.n_steps,
            on_step=lambda number, loss: on_step(number, loss * LENGTH_M),
        )
        return parameters, tuple(loss * LENGTH_M for loss in losses)

    def residuals(self) -> Floats:
        """Return located minus true of every shot [m]; see the module."""
        points, number_of = np.unique(self.point_of, return_inverse=True)
        group_of = number_of % min(_MAX_GROUPS, len(points))
        residuals = np.empty_like(self.locations)
        for group in range(group_of.max() + 1):
            inside = np.flatnonzero(group_of == group)
            theta, _ = self.adapted(np.flatnonzero(group_of != group))
            answers = regress(theta, self.examples.inputs)
            located = clip_to_map(self.fingerprints.place(answers), self.radio_map)
            residuals[inside] = (located - self.locations)[inside]
        return residuals


def clip_to_map(locations: Floats, radio_map: RadioMap) -> Floats:
    """Return locations with those off the map moved to its edge [m], shape (n, 2).

    The edge is that of the smallest upright rectangle around the points.
    """
    low, high = radio_map.locations.min(axis=0), radio_map.locations.max(axis=0)
    return np.asarray(np.clip(locations, low, high))


def _radio_map(
    arrays: Arrays, points: tuple[Point, ...], n_transmitters: int, k: int
) -> RadioMap:
    rss = arrays["map.rss"].astype(np.float64)
    numbers = arrays["map.points"].astype(np.intp)
    if rss.shape != (len(numbers), n_transmitters) or not np.isfinite(rss).all():
        raise ValueError(f"a radio map of shape {rss.shape}, or not finite")
    if len(numbers) <= k or len(np.unique(numbers)) < len(numbers):
        raise ValueError(f"a radio map of {len(numbers)} points, or one twice")
    if not 0 <= numbers.min() <= numbers.max() < len(points):
        raise ValueError(f"a point of the radio map is none of the {len(points)}")
    where = np.array([point.location for point in points], np.float64)
    return RadioMap(rss, where[numbers], numbers)


def _residuals(array: npt.NDArray[Any]) -> Floats:
    residuals = array.astype(np.float64)
    if residuals.ndim != 2 or residuals.shape[1] != 2 or not len(residuals):
        raise ValueError(f"residuals have shape {residuals.shape}")
    if not np.isfinite(residuals).all():
        raise ValueError("a residual is not finite")
    return residuals
