"""What every kind of bundle can do for a site: record, adapt, locate.

    Kind.CSI   `edge_agent.csi_model`    images of channel state -> points
    Kind.RSS   `edge_agent.rss.model`    received power -> coordinates

Commands and sessions know these two classes' base and nothing else of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from edge_agent.bundles.files import Kind
from edge_agent.csi.iq_order import IqOrder
from edge_agent.estimate import Estimate
from edge_agent.learning.backends import Backend
from edge_agent.pipeline import SitePipeline
from edge_agent.prospect import Prospect
from edge_agent.survey import Point, SurveyedCapture


class Shots(Protocol):
    """Labelled samples of a site."""

    @property
    def name(self) -> str:
        """Of the place."""

    @property
    def points(self) -> tuple[Point, ...]:
        """Where they were recorded."""

    @property
    def point_of(self) -> npt.NDArray[np.intp]:
        """Number of each sample's point, shape (n,)."""

    @property
    def visit_of(self) -> npt.NDArray[np.str_]:
        """Visit in which each was recorded, shape (n,)."""

    @property
    def heard(self) -> npt.NDArray[np.bool_]:
        """Which channels each holds, shape (n, n_channels)."""

    @property
    def has_level(self) -> bool:
        """Whether they tell received power."""

    @property
    def is_simulated(self) -> bool:
        """Whether any frame came from a simulation."""

    @property
    def n_access_points(self) -> int:
        """Access points that they are of."""

    def __len__(self) -> int: ...

    def select(self, rows: npt.NDArray[np.intp]) -> Self:
        """Return some of them, with all points."""

    def save(self, path: Path) -> None:
        """Write them; the file is replaced as a whole.

        Raises:
            OSError: It cannot be written; the previous one is untouched.
        """


class SiteCalibration(Protocol):
    """A model adapted to a site."""

    @property
    def bundle_digest(self) -> str:
        """Which bundle it was adapted from."""

    @property
    def identifier(self) -> str:
        """Short name for published locations."""

    @property
    def losses(self) -> tuple[float, ...]:
        """Before each step and after the last."""

    @property
    def is_simulated(self) -> bool:
        """Whether it was adapted to shots of a simulation."""

    def save(self, path: Path) -> None:
        """Write it; the file is replaced as a whole.

        Raises:
            CalibrationError: It cannot be written; the previous one is untouched.
        """


@dataclass(frozen=True, slots=True)
class OpenSite:
    """A calibrated site, ready to locate."""

    pipeline: SitePipeline[Any]
    identifier: str
    """Of the calibration."""

    points: tuple[Point, ...]
    n_access_points: int
    backend: str
    """What computes."""


ShotsT = TypeVar("ShotsT", bound=Shots)
CalibrationT = TypeVar("CalibrationT", bound=SiteCalibration)


class SiteModel(ABC, Generic[ShotsT, CalibrationT]):
    """A verified bundle, by what it does."""

    link_types: tuple[int, ...]
    """Of the packets it locates from."""

    kind: Kind
    """By which the files of a site are called."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What the model is called in every published location."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """Of the bundle, by which calibrations are kept."""

    @abstractmethod
    def record(
        self,
        captures: list[SurveyedCapture],
        *,
        n_per_point: int,
        iq_order: IqOrder,
        on_capture: Callable[[int, SurveyedCapture], None],
    ) -> ShotsT:
        """Return the shots of one environment's captures.

        Args:
            captures: All of one environment.
            n_per_point: Most shots of a point.
            iq_order: For firmware whose header does not tell the order of I and Q.
            on_capture: Called with the number of captures read so far, and the next.

        Raises:
            CaptureError: A capture cannot be read.
            SurveyError: Nothing usable in one of them.
        """

    @abstractmethod
    def interface(self, shots: ShotsT) -> str:
        """Return what an interface that hears such shots is called, e.g. ``wlan0``."""

    @abstractmethod
    def load_shots(self, path: Path) -> ShotsT:
        """Read the shots that were stored.

        Raises:
            CalibrationError: They are damaged or of another schema.
        """

    def beside(
        self, fresh: ShotsT, past: Sequence[ShotsT]
    ) -> tuple[ShotsT, ShotsT | None]:
        """Return fresh shots, and those before them as `adapt` takes both.

        None where what was before teaches this kind of model nothing.

        Args:
            fresh: Of the newest walk.
            past: Of the walks before, the newer ones first.

        Raises:
            CalibrationError: They do not go together.
        """
        return fresh, None

    @abstractmethod
    def adapt(
        self,
        shots: ShotsT,
        *,
        history: ShotsT | None = None,
        like: CalibrationT | None = None,
        now: datetime,
        backend: Backend,
        on_step: Callable[[int, float], None],
        on_caution: Callable[[str], None],
        on_stage: Callable[[str], None] = lambda _stage: None,
    ) -> CalibrationT:
        """Adapt to a site's shots.

        Args:
            shots: As `record` made them, or `beside`.
            history: Those before them, as `beside` returned them.
            like: Made from more of the same shots: what it learnt by replaying them is
                taken from it.
            now: When.
            backend: What computes.
            on_step: Called with the number of steps done and the loss after them.
            on_caution: Called with what is not as it should be.
            on_stage: Called with what is done next.

        Raises:
            CalibrationError: The model does not adapt to these shots.
            BackendError, BundleError: What is to compute cannot.
        """

    @abstractmethod
    def load_calibration(self, folder: Path) -> CalibrationT:
        """Return what this bundle learnt of a site.

        Args:
            folder: The site's.

        Raises:
            CalibrationError: The site is not calibrated to this bundle, or the
                calibration is damaged.
        """

    @abstractmethod
    def locate(
        self, calibration: CalibrationT, shots: ShotsT, *, backend: Backend
    ) -> list[Estimate | None]:
        """Return where a calibration believes that shots were recorded.

        None where it knows none of the access points that a shot holds.

        Args:
            calibration: Of the site; it may know other access points and points.
            shots: Of any walk.
            backend: What computes.

        Raises:
            BackendError, BundleError, CalibrationError: What is to compute cannot.
        """

    @abstractmethod
    def has_learnt(self, path: Path, shots: ShotsT) -> bool:
        """Tell whether a stored calibration is of this bundle and of these shots.

        Args:
            path: Of the calibration; one that is damaged is of no bundle.
            shots: The site's.
        """

    @abstractmethod
    def summary(self, calibration: CalibrationT) -> str:
        """Return for a person what adapting has achieved."""

    def start(
        self,
        calibration: CalibrationT,
    ) -> dict[str, Any] | None:
        """Return in JSON values which parameters adapting started from, and why.

        None where the kind of model knows of no others than one set.
        """
        return None

    def prospect(self, calibration: CalibrationT) -> Prospect | None:
        """Return what to expect of locations at all points of the site.

        None where nothing was replayed there.
        """
        return None

    @abstractmethod
    def open_site(
        self,
        folder: Path,
        *,
        hop: int,
        iq_order: IqOrder,
        backend: Backend,
        on_caution: Callable[[str], None],
    ) -> OpenSite:
        """Return a calibrated site, ready to locate.

        Args:
            folder: Where the site's files are.
            hop: New packets per access point from one location to the next.
            iq_order: For firmware whose header does not tell the order of I and Q.
            backend: What computes.
            on_caution: Called with what is not as it should be.

        Raises:
            CalibrationError: It is not calibrated to this bundle, or the calibration is
                damaged.
            BackendError, BundleError: What is to compute cannot.
        """
