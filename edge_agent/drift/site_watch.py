"""The watch of a calibrated site, if it can have one."""

from datetime import datetime

from edge_agent.bundles.bundle import Bundle
from edge_agent.calibration import Calibration
from edge_agent.drift.baseline import Revisits
from edge_agent.drift.watch import DriftWatch
from edge_agent.evidence import Examiner
from edge_agent.trust.novelty import Familiarity


def drift_watch(bundle: Bundle, calibration: Calibration) -> DriftWatch | None:
    """Return what notices that a site has changed.

    Args:
        bundle: The model.
        calibration: Of the site, made with it.

    Returns:
        None where images have nothing to be compared with: the bundle has no
        neighbours, or the calibration is of agents before they were kept.
    """
    if (examiner := site_examiner(bundle, calibration)) is None:
        return None
    past = calibration.revisits
    return DriftWatch.of(
        examiner,
        Revisits.of([], bundle.manifest.spec.n_channels) if past is None else past,
        calibration.points,
        [channel.mac for channel in calibration.channels],
        calibrated_ns=calibrated_ns(calibration),
    )


def site_examiner(bundle: Bundle, calibration: Calibration) -> Examiner | None:
    """Return what compares images with the shots of a site.

    Args:
        bundle: The model.
        calibration: Of the site, made with it.
    """
    if bundle.neighbours is None or calibration.fingerprints is None:
        return None
    return Examiner.of(
        bundle.neighbours, bundle.manifest.spec, calibration.fingerprints
    )


def site_familiarity(bundle: Bundle, calibration: Calibration) -> Familiarity | None:
    """Return what images of a site's points look like, by which others are noticed.

    Args:
        bundle: The model.
        calibration: Of the site, made with it.

    Returns:
        None where nobody knows: no neighbours, no re-visits, or a single point.
    """
    neighbours, shots = bundle.neighbours, calibration.fingerprints
    if neighbours is None or shots is None or calibration.revisits is None:
        return None
    return Familiarity.of(calibration.revisits.nearest, neighbours.kernel, shots)


def calibrated_ns(calibration: Calibration) -> int:
    """Return when a calibration was made [ns since the UNIX epoch]."""
    made = datetime.fromisoformat(calibration.calibrated_at)
    return int(made.timestamp()) * 1_000_000_000
