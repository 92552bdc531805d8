"""What the agent knows of one site: its points, its channels, the adapted network."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import numpy as np

from edge_agent.arrays import (
    Arrays,
    ArraysError,
    pack_arrays,
    unpack_arrays,
    write_atomically,
)
from edge_agent.bundles.bundle import Bundle, as_float32
from edge_agent.bundles.parameter_sets import NO_CHOICE, SetChoice
from edge_agent.csi.image import Channel
from edge_agent.drift.baseline import Revisits
from edge_agent.environment import Environment, channel_from_json, channel_to_json
from edge_agent.errors import CalibrationError
from edge_agent.estimators import Estimator
from edge_agent.learning.adaptation import adapt
from edge_agent.learning.backends import Backend, for_adapting
from edge_agent.learning.memory import check_shots
from edge_agent.learning.network import Parameters, Statistics, check_parameters
from edge_agent.learning.steps import make_step
from edge_agent.learning.support import Support
from edge_agent.neighbours.bent_map import BentMap
from edge_agent.neighbours.estimator import Fingerprints
from edge_agent.stored_record import check_keys, check_record
from edge_agent.survey import Point
from edge_agent.trust.record import Trust

_SCHEMA = "metaloc.calibration/1"
_MAX_BYTES = 256 << 20

_NEEDED = (
    "schema",
    "bundle",
    "calibrated_at",
    "points",
    "channels",
    "losses",
    "n_shots",
    "is_simulated",
)
_OPTIONAL = ("shots", "start", "trusts")
"""What a header has; agents before these were known wrote none."""

CALIBRATION_FILE = "calibration.npz"
_LEARNT_NOTHING = 0.99
"""Share of the loss of guessing above which an adaptation has learnt nothing."""

SHOTS_FILE = "shots.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A model adapted to a site."""

    bundle_digest: str
    """Which bundle it was adapted from."""

    calibrated_at: str
    """ISO 8601, UTC."""

    points: tuple[Point, ...]
    channels: tuple[Channel, ...]
    parameters: Parameters
    """With a head of one row per point."""

    statistics: list[Statistics]
    losses: tuple[float, ...]
    """Loss per point before each step and after the last."""

    n_shots: int
    is_simulated: bool
    shots_digest: str = ""
    """Which shots it was made from; empty where that was not noted."""

    fingerprints: Fingerprints | None = None
    """Of the shots, where the bundle has neighbours to compare with them."""

    start: SetChoice = NO_CHOICE
    """Which parameters the steps started from, and why."""

    revisits: Revisits | None = None
    """What re-visits of the site looked like, by which drift is judged; None where the
    bundle has no neighbours to compare with."""

    bent_map: BentMap | None = None
    """History's map, bent by the shots; None where the site has no history."""

    trusts: tuple[Trust, ...] = ()
    """How far to trust each estimator, what locates first; none where nobody asked the
    site's past, as agents before did not."""

    @property
    def identifier(self) -> str:
        """Short name for published locations, e.g. ``cal.20261122T235900Z``."""
        return "cal." + self.calibrated_at.replace("-", "").replace(":", "")

    def trust_in(self, estimator: Estimator) -> Trust | None:
        """Return how far to trust an estimator; None where nobody knows."""
        return next((t for t in self.trusts if t.estimator is estimator), None)

    @classmethod
    def from_shots(
        cls,
        bundle: Bundle,
        shots: Environment,
        *,
        now: datetime,
        backend: Backend = Backend.AUTO,
        parameter_set: str | None = None,
        on_step: Callable[[int, float], None] = lambda _step, _loss: None,
        on_caution: Callable[[str], None] = lambda _caution: None,
    ) -> Self:
        """Adapt a bundle's network to a site's shots.

        Args:
            bundle: The model.
            shots: Labelled images, built as the bundle's specification says.
            now: When.
            backend: What computes.
            parameter_set: As of `Bundle.choose_set`.
            on_step: Called with the number of steps done and the loss after them.
            on_caution: As of `edge_agent.learning.backends.for_adapting`.

        Raises:
            CalibrationError: The shots were built otherwise, are more than the bundle
                is meant for or than there is memory for, or the network does not adapt
                to them.
            BackendError: What was asked for is not there or cannot be used.
            BundleError: ONNX Runtime refuses the bundle's graph, or the parameter set
                is not there or does not fit.
        """
        manifest = bundle.manifest
        if shots.spec != manifest.spec:
            raise CalibrationError(
                f"shots of {shots.name} are images of {shots.spec}, the bundle takes "
                f"{manifest.spec}; adapt to the captures again: edge_agent adapt "
                "survey.csv"
            )
        n_points = len(shots.points)
        if n_points < 2:
            raise CalibrationError(
                f"the shots are of {n_points} point; with fewer than two there is "
                "nothing to tell apart"
            )
        capacity = manifest.capacity
        if len(shots.images) > capacity.n_shots or n_points > capacity.n_points:
            raise CalibrationError(
                f"{len(shots.images)} shots of {n_points} points; the bundle is meant "
                f"for up to {capacity.n_shots} shots of {capacity.n_points} points: "
                "fewer shots per point (--shots), or several sites"
            )
        chosen = for_adapting(backend, on_caution)
        check_shots(
            manifest.architecture,
            bundle.files.terms,
            chosen,
            n_shots=len(shots.images),
            n_points=n_points,
        )
        start = bundle.choose_set(shots, parameter_set)
        theta = bundle.parameters_of(start.name)
        try:
            support = Support.of(shots.images, shots.heard, shots.point_of, n_points)
            adapted = adapt(
                theta,
                make_step(bundle, support, chosen),
                support,
                architecture=manifest.architecture,
                alpha=manifest.adaptation.alpha,
                n_steps=manifest.adaptation.n_steps,
                on_step=on_step,
            )
        except ValueError as error:
            raise CalibrationError(str(error)) from error
        last, guessing = adapted.losses[-1], math.log(n_points)
        if manifest.adaptation.n_steps > 0 and last > _LEARNT_NOTHING * guessing:
            raise CalibrationError(
                f"the shots of different points look the same: the loss is {last:.2f}, "
                f"guessing gives {guessing:.2f}. Is a recording listed under the wrong "
                "point? Nothing was stored"
            )
        return cls(
            bundle.digest,
            now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            shots.points,
            shots.channels,
            adapted.parameters,
            adapted.statistics,
            adapted.losses,
            len(shots.images),
            shots.is_simulated,
            shots.digest,
            _fingerprints(bundle, shots),
            start,
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
            "channels": [channel_to_json(channel) for channel in self.channels],
            "losses": self.losses,
            "n_shots": self.n_shots,
            "is_simulated": self.is_simulated,
            "shots": self.shots_digest,
            "start": self.start.to_json(),
            "trusts": [trust.to_json() for trust in self.trusts],
        }
        arrays: Arrays = {f"theta.{name}": a for name, a in self.parameters.items()}
        for layer, statistics in enumerate(self.statistics):
            arrays[f"mean.{layer}"] = statistics.mean
            arrays[f"variance.{layer}"] = statistics.variance
        if self.fingerprints is not None:
            arrays |= self.fingerprints.to_arrays()
        if self.revisits is not None:
            arrays |= self.revisits.to_arrays()
        if self.bent_map is not None:
            arrays |= self.bent_map.to_arrays()
        try:
            write_atomically(path, pack_arrays(header, arrays))
        except OSError as error:
            raise CalibrationError(f"cannot write {path}: {error.strerror}") from error

    @classmethod
    def load(cls, path: Path, bundle: Bundle) -> Self:
        """Read a calibration and check that it fits the bundle.

        Raises:
            CalibrationError: There is none, it is damaged, or it was made with another
                bundle.
        """
        try:
            header, arrays = unpack_arrays(
                path.read_bytes(), schema=_SCHEMA, max_bytes=_MAX_BYTES
            )
            calibration = cls._from_arrays(header, arrays, bundle)
        except OSError as error:
            raise CalibrationError(f"{path}: {error.strerror}") from error
        except (ArraysError, KeyError, TypeError, ValueError) as error:
            raise CalibrationError(f"{path}: {error}") from error
        if calibration.bundle_digest != bundle.digest:
            raise CalibrationError(
                f"{path} was made with another model bundle; adapt the new one to the "
                "site's shots: edge_agent adapt"
            )
        architecture = bundle.manifest.architecture
        try:
            check_parameters(
                architecture, calibration.parameters, n_points=len(calibration.points)
            )
            calibration._check_statistics(architecture.filters)
            calibration._check_fingerprints(bundle)
        except ValueError as error:
            raise CalibrationError(f"{path}: {error}") from error
        return calibration

    @classmethod
    def _from_arrays(
        cls, header: dict[str, object], arrays: Arrays, bundle: Bundle
    ) -> Self:
        check_keys(header, "the header", needed=_NEEDED, optional=_OPTIONAL)
        prefix = "theta."
        theta = {k.removeprefix(prefix): a for k, a in arrays.items() if prefix in k}
        n_layers = sum(name.startswith("mean.") for name in arrays)
        points, channels, losses = (
            header["points"],
            header["channels"],
            header["losses"],
        )
        if not (
            isinstance(points, list)
            and isinstance(channels, list)
            and isinstance(losses, list)
        ):
            raise TypeError("points, channels and losses must be lists")
        for item in points:
            check_record(item, Point, "a point")
        return cls(
            str(header["bundle"]),
            str(header["calibrated_at"]),
            tuple(Point(**item) for item in points),
            tuple(channel_from_json(item) for item in channels),
            as_float32(theta),
            [
                Statistics(
                    arrays[f"mean.{layer}"].astype(np.float32),
                    arrays[f"variance.{layer}"].astype(np.float32),
                )
                for layer in range(n_layers)
            ],
            tuple(float(loss) for loss in losses),
            int(str(header["n_shots"])),
            bool(header["is_simulated"]),
            str(header.get("shots", "")),
            Fingerprints.from_arrays(arrays, len(points)),
            _start(header.get("start")),
            Revisits.from_arrays(arrays),
            _bent_map(arrays, len(points), bundle),
            _trusts(header.get("trusts", [])),
        )

    def _check_statistics(self, filters: tuple[int, ...]) -> None:
        shapes = [(s.mean.shape, s.variance.shape) for s in self.statistics]
        if shapes != [((n,), (n,)) for n in filters]:
            raise ValueError(f"statistics of shapes {shapes} for filters {filters}")
        for statistics in self.statistics:
            if not np.isfinite(statistics).all() or (statistics.variance < 0).any():
                raise ValueError("statistics hold impossible values")

    def _check_fingerprints(self, bundle: Bundle) -> None:
        if bundle.neighbours is None or self.fingerprints is None:
            return
        n_channels = bundle.manifest.spec.n_channels
        expected = (n_channels, bundle.neighbours.whitening.n_features)
        if self.fingerprints.z.shape[1:] != expected:
            raise ValueError(
                f"fingerprints of shape {self.fingerprints.z.shape}, not (n_shots, "
                f"{n_channels}, {expected[1]})"
            )
        if self.revisits is not None and self.revisits.n_channels != n_channels:
            raise ValueError(
                f"re-visits of {self.revisits.n_channels} channels, images have "
                f"{n_channels}"
            )


def stored_trusts(path: Path) -> tuple[Trust, ...]:
    """Return how far to trust a stored calibration, without the bundle it is of.

    Raises:
        CalibrationError: It cannot be read.
    """
    try:
        header, _ = unpack_arrays(
            path.read_bytes(), schema=_SCHEMA, max_bytes=_MAX_BYTES
        )
        return _trusts(header.get("trusts", []))
    except OSError as error:
        raise CalibrationError(f"{path}: {error.strerror}") from error
    except (ArraysError, KeyError, TypeError, ValueError) as error:
        raise CalibrationError(f"{path}: {error}") from error


def _start(facts: object) -> SetChoice:
    """Return what a header says of it; agents before parameter sets said nothing."""
    if facts is None:
        return NO_CHOICE
    return SetChoice.from_json(facts)


def _bent_map(arrays: Arrays, n_points: int, bundle: Bundle) -> BentMap | None:
    if bundle.neighbours is None:
        return None
    return BentMap.from_arrays(arrays, n_points, bundle.neighbours)


def _trusts(facts: object) -> tuple[Trust, ...]:
    if not isinstance(facts, list) or len(facts) > len(Estimator):
        raise TypeError(f"trusts are {facts!r}, not one for each estimator")
    for item in facts:
        check_record(item, Trust, "trust")
    return tuple(Trust.from_json(item) for item in facts)


def _fingerprints(bundle: Bundle, shots: Environment) -> Fingerprints | None:
    if bundle.neighbours is None:
        return None
    return bundle.neighbours.fingerprints(
        shots.spec, shots.images, shots.heard, shots.point_of, len(shots.points)
    )
