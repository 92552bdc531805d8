"""Locating from received power, as every kind of model does it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np

from edge_agent.bundles.files import Kind
from edge_agent.csi.iq_order import IqOrder
from edge_agent.errors import CalibrationError
from edge_agent.estimate import Estimate
from edge_agent.learning.backends import Backend
from edge_agent.metrics import centre_errors
from edge_agent.rss.bundle import RssBundle
from edge_agent.rss.calibration import RssCalibration
from edge_agent.rss.localizer import RssLocalizer, holding
from edge_agent.rss.pipeline import RssPipeline
from edge_agent.rss.receptions import RSS_LINK_TYPES
from edge_agent.rss.recording import record_shots
from edge_agent.rss.shots import RssShots
from edge_agent.rss.window import RssSample
from edge_agent.site_model import OpenSite, SiteModel
from edge_agent.site_state import SiteState, find_calibration
from edge_agent.survey import SurveyedCapture


class RssModel(SiteModel[RssShots, RssCalibration]):
    """The paper's regression on fingerprints.

    It takes microseconds, so it is computed in NumPy whatever back end is asked for;
    who asks for another is told.
    """

    link_types = RSS_LINK_TYPES
    kind = Kind.RSS

    def __init__(self, bundle: RssBundle) -> None:
        self._bundle = bundle

    @property
    def name(self) -> str:
        """See `SiteModel`."""
        return self._bundle.manifest.name

    @property
    def digest(self) -> str:
        """See `SiteModel`."""
        return self._bundle.files.digest

    def record(
        self,
        captures: list[SurveyedCapture],
        *,
        n_per_point: int,
        iq_order: IqOrder,
        on_capture: Callable[[int, SurveyedCapture], None],
    ) -> RssShots:
        """See `SiteModel`."""
        recorded = record_shots(
            captures,
            self._bundle.manifest.spec,
            max_per_capture=n_per_point,
            iq_order=iq_order,
            on_capture=on_capture,
        )
        return recorded.take_shots(n_per_point)

    def interface(self, shots: RssShots) -> str:
        """See `SiteModel`."""
        return "mon0" if shots.is_monitor else "wlan0"

    def load_shots(self, path: Path) -> RssShots:
        """See `SiteModel`."""
        return RssShots.load(path)

    def adapt(
        self,
        shots: RssShots,
        *,
        history: RssShots | None = None,
        like: RssCalibration | None = None,
        now: datetime,
        backend: Backend,
        on_step: Callable[[int, float], None],
        on_caution: Callable[[str], None],
        on_stage: Callable[[str], None] = lambda _stage: None,
    ) -> RssCalibration:
        """See `SiteModel`."""
        self._check_backend(backend, on_caution)
        return RssCalibration.from_shots(self._bundle, shots, now=now, on_step=on_step)

    def load_calibration(self, folder: Path) -> RssCalibration:
        """See `SiteModel`."""
        path = find_calibration(SiteState(folder, Kind.RSS), self._bundle.files)
        return RssCalibration.load(path, self._bundle)

    def locate(
        self, calibration: RssCalibration, shots: RssShots, *, backend: Backend
    ) -> list[Estimate | None]:
        """See `SiteModel`; NumPy computes."""
        localizer = RssLocalizer(calibration, self._bundle.manifest.architecture.k)
        levels = shots.levels_of(calibration.transmitters).astype(np.float64)
        samples = [RssSample(rss, 0, 0, 0) for rss in levels]
        return [localizer.locate(s) if s.heard.any() else None for s in samples]

    def has_learnt(self, path: Path, shots: RssShots) -> bool:
        """See `SiteModel`."""
        try:
            stored = RssCalibration.load(path, self._bundle)
        except CalibrationError:
            return False
        return stored.shots_digest == shots.digest

    def summary(self, calibration: RssCalibration) -> str:
        """See `SiteModel`."""
        first, last = calibration.losses[0], calibration.losses[-1]
        errors = np.hypot(*calibration.residuals.T)
        where = calibration.radio_map.locations
        within, centre = (
            holding(np.sort(e), 0.68) for e in (errors, centre_errors(where, where))
        )
        return (
            f"loss {first:.2f} -> {last:.2f} m in {len(calibration.losses) - 1} steps, "
            f"68 % of shots of points left out within {within:.1f} m (always answering "
            f"the centre: {centre:.1f} m)"
        )

    def open_site(
        self,
        folder: Path,
        *,
        hop: int,
        iq_order: IqOrder,
        backend: Backend,
        on_caution: Callable[[str], None],
    ) -> OpenSite:
        """See `SiteModel`; windows of time have a hop of their own."""
        self._check_backend(backend, on_caution)
        manifest = self._bundle.manifest
        calibration = self.load_calibration(folder)
        localizer = RssLocalizer(calibration, manifest.architecture.k)
        pipeline = RssPipeline(manifest.spec, calibration, localizer, iq_order=iq_order)
        return OpenSite(
            pipeline,
            calibration.identifier,
            calibration.points,
            len(calibration.transmitters),
            str(Backend.NUMPY),
        )

    def _check_backend(
        self, backend: Backend, on_caution: Callable[[str], None]
    ) -> None:
        if backend not in (Backend.AUTO, Backend.NUMPY):
            on_caution(
                f"{self.name} locates from received power, which is computed by numpy "
                f"alone; {backend} has nothing to do"
            )
