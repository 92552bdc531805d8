"""Locating from CSI images, as every kind of model does it: `edge_agent.site_model`."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import Any

from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.files import Kind
from edge_agent.bundles.parameter_sets import NO_CHOICE
from edge_agent.calibration import Calibration
from edge_agent.csi.image import CsiImage
from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi.raw import CSI_LINK_TYPES
from edge_agent.drift.baseline import site_revisits
from edge_agent.drift.site_watch import drift_watch, site_familiarity
from edge_agent.environment import Environment
from edge_agent.errors import CalibrationError
from edge_agent.estimate import Estimate
from edge_agent.estimators import Estimator
from edge_agent.history import align, joined, pooled, with_channels
from edge_agent.learning.backends import Backend
from edge_agent.localizer import Localizer
from edge_agent.neighbours.bent_map import BentMap
from edge_agent.pipeline import Pipeline
from edge_agent.prospect import Prospect
from edge_agent.recording import record_environment
from edge_agent.site_model import OpenSite, SiteModel
from edge_agent.site_predictor import chosen_estimator, make_site_predictor
from edge_agent.site_state import load_calibration
from edge_agent.survey import SurveyedCapture
from edge_agent.trust.learn import learn_trusts


class CsiModel(SiteModel[Environment, Calibration]):
    """The paper's classifier of images, and the neighbours beside it."""

    link_types = CSI_LINK_TYPES
    kind = Kind.CSI

    def __init__(
        self,
        bundle: Bundle,
        estimator: Estimator = Estimator.AUTO,
        parameter_set: str | None = None,
    ) -> None:
        """Take a bundle.

        Args:
            bundle: The model.
            estimator: What locates, as far as it is configured.
            parameter_set: What sites start from; None: what their shots are like.
        """
        self._bundle, self._estimator = bundle, estimator
        self._parameter_set = parameter_set

    @property
    def name(self) -> str:
        """See `SiteModel`."""
        return self._bundle.manifest.name

    @property
    def digest(self) -> str:
        """See `SiteModel`."""
        return self._bundle.digest

    def record(
        self,
        captures: list[SurveyedCapture],
        *,
        n_per_point: int,
        iq_order: IqOrder,
        on_capture: Callable[[int, SurveyedCapture], None],
    ) -> Environment:
        """See `SiteModel`."""
        recorded = record_environment(
            captures,
            self._bundle.manifest.spec,
            iq_order=iq_order,
            max_images_per_capture=n_per_point,
            on_capture=on_capture,
        )
        return recorded.take_shots(n_per_point)

    def interface(self, shots: Environment) -> str:
        """See `SiteModel`; the firmware sends CSI as UDP."""
        return "wlan0"

    def load_shots(self, path: Path) -> Environment:
        """See `SiteModel`."""
        return Environment.load(path)

    def beside(
        self, fresh: Environment, past: Sequence[Environment]
    ) -> tuple[Environment, Environment | None]:
        """See `SiteModel`."""
        if not past:
            return fresh, None
        history = reduce(lambda newer, older: joined(*align(newer, older)), past)
        new, old = align(fresh, history)
        return new, old if len(old) else None

    def adapt(
        self,
        shots: Environment,
        *,
        history: Environment | None = None,
        like: Calibration | None = None,
        now: datetime,
        backend: Backend,
        on_step: Callable[[int, float], None],
        on_caution: Callable[[str], None],
        on_stage: Callable[[str], None] = lambda _stage: None,
    ) -> Calibration:
        """See `SiteModel`."""
        calibration = Calibration.from_shots(
            self._bundle,
            shots if history is None else pooled(shots, history),
            now=now,
            backend=backend,
            parameter_set=self._parameter_set,
            on_step=on_step,
            on_caution=on_caution,
        )
        estimator = chosen_estimator(self._bundle, self._estimator)
        if self._bundle.sets is not None and estimator is Estimator.NEIGHBOURS:
            on_caution(
                f"{self.name} locates with neighbours, which have no parameters to "
                f"start from: {calibration.start.name} is for the network alone "
                "(edge_agent capture --estimator network)"
            )
        bent_map = self._bent_map(shots, history, on_caution)
        if like is not None:
            return replace(
                calibration,
                revisits=like.revisits,
                bent_map=bent_map,
                trusts=like.trusts,
            )
        revisits = None
        if self._bundle.neighbours is not None:
            revisits = site_revisits(self._bundle.neighbours, shots, history)
        return replace(
            calibration,
            revisits=revisits,
            bent_map=bent_map,
            trusts=learn_trusts(
                self._bundle,
                shots,
                history,
                backend=backend,
                parameter_set=self._parameter_set,
                on_episode=lambda done, n: on_stage(
                    f"replaying the site's past: {done} of {n}"
                ),
            ),
        )

    def _bent_map(
        self,
        shots: Environment,
        history: Environment | None,
        on_caution: Callable[[str], None],
    ) -> BentMap | None:
        """Return history's map bent by the shots, where there is any history."""
        if history is None or self._bundle.neighbours is None:
            return None
        bent = BentMap.bend(self._bundle.neighbours, shots.spec, history, shots)
        if bent.dropped:
            on_caution(
                f"{', '.join(bent.dropped)} used to be heard here and is no longer: "
                "left out"
            )
        return bent

    def load_calibration(self, folder: Path) -> Calibration:
        """See `SiteModel`."""
        return load_calibration(folder, self._bundle)

    def locate(
        self, calibration: Calibration, shots: Environment, *, backend: Backend
    ) -> list[Estimate | None]:
        """See `SiteModel`."""
        _, localizer = self._localizer(calibration, backend, lambda _caution: None)
        heard = with_channels(shots, calibration.channels)
        return [
            localizer.locate(CsiImage(pixels, mask, 0, 0)) if mask.any() else None
            for pixels, mask in zip(heard.images, heard.heard, strict=True)
        ]

    def has_learnt(self, path: Path, shots: Environment) -> bool:
        """See `SiteModel`."""
        try:
            stored = Calibration.load(path, self._bundle)
        except CalibrationError:
            return False
        return stored.shots_digest == shots.digest

    def summary(self, calibration: Calibration) -> str:
        """See `SiteModel`."""
        first, last = calibration.losses[0], calibration.losses[-1]
        achieved = (
            f"loss {first:.2f} -> {last:.2f} in {len(calibration.losses) - 1} steps "
            f"(guessing: {math.log(len(calibration.points)):.2f})"
        )
        if calibration.start == NO_CHOICE:
            return achieved
        return f"{achieved}, {calibration.start}"

    def start(self, calibration: Calibration) -> dict[str, Any]:
        """See `SiteModel`."""
        return calibration.start.to_json()

    def prospect(self, calibration: Calibration) -> Prospect | None:
        """See `SiteModel`."""
        trusts = calibration.trusts
        chosen = chosen_estimator(self._bundle, self._estimator, trusts)
        return Prospect.of(calibration.trust_in(chosen))

    def open_site(
        self,
        folder: Path,
        *,
        hop: int,
        iq_order: IqOrder,
        backend: Backend,
        on_caution: Callable[[str], None],
    ) -> OpenSite:
        """See `SiteModel`."""
        calibration = load_calibration(folder, self._bundle)
        what, localizer = self._localizer(calibration, backend, on_caution)
        pipeline = Pipeline(
            self._bundle.manifest.spec,
            calibration,
            localizer,
            hop=hop,
            iq_order=iq_order,
            watch=drift_watch(self._bundle, calibration),
        )
        return OpenSite(
            pipeline,
            calibration.identifier,
            calibration.points,
            len(calibration.channels),
            what,
        )

    def _localizer(
        self,
        calibration: Calibration,
        backend: Backend,
        on_caution: Callable[[str], None],
    ) -> tuple[str, Localizer]:
        """Return what locates, in words and itself."""
        estimator, predictor = make_site_predictor(
            self._bundle, calibration, self._estimator, backend, on_caution=on_caution
        )
        what = f"{estimator} on {predictor.backend}{self._set(estimator, calibration)}"
        trust = calibration.trust_in(estimator)
        return what, Localizer(
            calibration, predictor, trust, site_familiarity(self._bundle, calibration)
        )

    def _set(self, estimator: Estimator, calibration: Calibration) -> str:
        """Return which set the network was adapted from, where there are several."""
        if self._bundle.sets is None or estimator is not Estimator.NETWORK:
            return ""
        return f", adapted from {calibration.start.name}"
