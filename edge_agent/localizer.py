"""Images to locations, for one calibrated site."""

from dataclasses import replace
from datetime import datetime

from edge_agent.calibration import Calibration
from edge_agent.csi.image import CsiImage
from edge_agent.estimate import Estimate, Quality, estimate_from_posterior
from edge_agent.learning.predictor import Predictor
from edge_agent.trust.novelty import Familiarity
from edge_agent.trust.record import Trust


class Localizer:
    """Locates images with what was learnt of a site."""

    def __init__(
        self,
        calibration: Calibration,
        predictor: Predictor,
        trust: Trust | None = None,
        familiarity: Familiarity | None = None,
    ) -> None:
        """Take what was learnt.

        Args:
            calibration: Of the site.
            predictor: Of the same calibration.
            trust: How far to trust it; None where nobody asked, as by agents before:
                radii and probabilities are then the model's own beliefs.
            familiarity: What images of the site's points look like; None where nobody
                knows.
        """
        self._calibration = calibration
        self._predictor = predictor
        self._trust = trust
        self._familiarity = familiarity
        made = datetime.fromisoformat(calibration.calibrated_at)
        self._calibrated_ns = int(made.timestamp() * 1e9)

    def locate(
        self,
        image: CsiImage,
        *,
        is_drifted: bool = False,
        nearest: float | None = None,
    ) -> Estimate:
        """Return where the image was taken.

        Args:
            image: Of the site's channels.
            is_drifted: Whether signals are no longer those that were calibrated to.
            nearest: D of the nearest shot (`edge_agent.evidence`); None: not compared.
        """
        novelty = None
        if self._familiarity is not None and nearest is not None:
            novelty = self._familiarity.novelty(nearest)
        posterior = self._predictor.predict(image.pixels[None], image.heard[None])[0]
        facts = {
            "time_ns": image.ended_ns,
            "n_frames": image.n_frames,
            "n_heard": int(image.heard.sum()),
            "n_channels": len(self._calibration.channels),
        }
        window_s = (image.ended_ns - image.started_ns) / 1e9
        points = self._calibration.points
        if self._trust is None:
            plain = estimate_from_posterior(
                posterior, points, window_s=window_s, **facts
            )
            return replace(
                plain,
                quality=Quality.DRIFTED if is_drifted else plain.quality,
                novelty=None if novelty is None else novelty.share,
            )
        return self._trust.estimate(
            posterior,
            points,
            age_s=self._trust.age_s(image.ended_ns, self._calibrated_ns),
            window_s=window_s,
            is_drifted=is_drifted,
            novelty=novelty,
            **facts,
        )
