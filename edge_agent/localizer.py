"""Images to locations, for one calibrated site."""

from edge_agent.calibration import Calibration
from edge_agent.csi.image import CsiImage
from edge_agent.estimate import Estimate, estimate_from_posterior
from edge_agent.learning.predictor import Predictor


class Localizer:
    """Locates images with a site's adapted network."""

    def __init__(self, calibration: Calibration, predictor: Predictor) -> None:
        self._calibration = calibration
        self._predictor = predictor

    def locate(self, image: CsiImage) -> Estimate:
        """Return where the image was taken."""
        posterior = self._predictor.predict(image.pixels[None], image.heard[None])[0]
        return estimate_from_posterior(
            posterior,
            self._calibration.points,
            time_ns=image.ended_ns,
            n_frames=image.n_frames,
            window_s=(image.ended_ns - image.started_ns) / 1e9,
            n_heard=int(image.heard.sum()),
            n_channels=len(self._calibration.channels),
        )
