"""What our device would have made of a survey's packets: 52 tones of 20 MHz, as images.

tones    a survey's tones lie evenly over its band. Those of the lowest 20 MHz are
         drawn out to the 52 of a legacy frame by linear interpolation of amplitudes
pixels   edge_agent.csi.image, with the level that the survey has restored
"""

import numpy as np
import numpy.typing as npt

from edge_agent.csi.image import ImageSpec
from edge_agent.environment import Environment as DeviceEnvironment
from edge_agent.survey import Point
from trainer.surveys.environment import Environment, Floats, Place
from trainer.surveys.power import DBM_OF_NANOWATT
from trainer.surveys.report import SurveyDataError


def legacy_tones(
    images: Floats, n_tones: int, *, n_lowest: int | None = None
) -> npt.NDArray[np.float64]:
    """Return amplitudes at the tones of a 20 MHz frame.

    Args:
        images: Amplitudes, shape (n, n_packets, n_tones of the survey, n_channels).
        n_tones: Tones of the frame.
        n_lowest: How many of the survey's tones lie in its lowest 20 MHz; None: all.

    Returns:
        In the unit of the survey, shape (n, n_packets, n_tones, n_channels).
    """
    amplitude = images[:, :, :n_lowest].astype(np.float64)
    n_there = amplitude.shape[2]
    if n_there == n_tones:
        return amplitude
    at = np.linspace(0, n_there - 1, n_tones)
    low = np.minimum(at.astype(int), max(n_there - 2, 0))
    share = (at - low)[:, None]
    high = np.minimum(low + 1, n_there - 1)
    return np.asarray(
        amplitude[:, :, low] * (1 - share) + amplitude[:, :, high] * share
    )


def device_environment(
    day: Environment, spec: ImageSpec, *, n_lowest: int | None = None
) -> DeviceEnvironment:
    """Return a survey's occasion as images of the device, its points numbered.

    Args:
        day: With images.
        spec: What an image looks like.
        n_lowest: As of `legacy_tones`.

    Raises:
        SurveyDataError: The survey has no channel state, or images of another size.
    """
    images = day.signals.images
    if images is None or images.shape[1] != spec.n_packets:
        raise SurveyDataError(
            f"{day.name} has no images of {spec.n_packets} packets: its signals are "
            f"{'received power alone' if images is None else images.shape}"
        )
    tones = legacy_tones(images, spec.n_tones, n_lowest=n_lowest)
    with np.errstate(divide="ignore"):
        dbm = 20 * np.log10(tones) + DBM_OF_NANOWATT
    scale = 255 / (spec.ceiling_dbm - spec.floor_dbm)
    pixels = np.clip(np.rint((dbm - spec.floor_dbm) * scale), 0, 255)
    stacked = np.ascontiguousarray(pixels.astype(np.uint8).transpose(0, 3, 1, 2))
    return DeviceEnvironment(
        day.name,
        spec,
        (),
        points_of(day.place),
        stacked,
        np.asarray(stacked.any(axis=(2, 3))),
        day.point_of,
        day.visit_of.astype(np.str_),
        is_simulated=day.is_simulated,
    )


def points_of(place: Place) -> tuple[Point, ...]:
    """Return the points of a place for the device, called by their numbers."""
    return tuple(
        Point(str(number), x, y, None, floor)
        for number, ((x, y), floor) in enumerate(
            zip(place.locations.tolist(), place.floors.tolist(), strict=True)
        )
    )
