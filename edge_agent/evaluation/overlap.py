"""Which captures a site's shots were made of: an error there says nothing of tomorrow.

Each packet's row of an image becomes 64 bits. A capture that holds as many different
rows of the shots as half an image has packets has been calibrated with, whatever it is
called now; and so have all captures of its visit: the device lay where it lay, and
people stood where they stood.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_agent.csi.image import channels_of, tone_pixels
from edge_agent.csi.iq_order import IqOrder
from edge_agent.environment import Environment
from edge_agent.recording import read_frames
from edge_agent.survey import SurveyedCapture

Keys = npt.NDArray[np.uint64]

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Odd, as that of Knuth's multiplicative hashing: 2^64 over the golden ratio."""


def calibrated_with(
    captures: Iterable[SurveyedCapture],
    shots: Environment,
    iq_order: IqOrder,
    on_capture: Callable[[int], None] = lambda _n: None,
) -> set[Path]:
    """Return the captures of visits that shots were recorded on.

    Args:
        captures: With their visits.
        shots: What the site is calibrated to.
        iq_order: For firmware whose header does not tell the order of I and Q.
        on_capture: Called with the number of captures read so far.

    Raises:
        CaptureError: A capture cannot be read.
    """
    known = np.unique(_keys(shots.images.reshape(-1, shots.spec.n_tones)))
    enough = max(shots.spec.n_packets // 2, 1)
    by_visit: dict[tuple[str, str], list[Path]] = {}
    visits = set()
    for number, capture in enumerate(captures):
        on_capture(number)
        visit = (capture.environment, capture.visit)
        by_visit.setdefault(visit, []).append(capture.capture)
        if visit not in visits and _n_known(
            capture.capture, shots, known, iq_order
        ) >= (enough):
            visits.add(visit)
    return {path for visit in visits for path in by_visit[visit]}


def _n_known(path: Path, shots: Environment, known: Keys, iq_order: IqOrder) -> int:
    """Return how many packets of a capture the shots hold."""
    found = []
    for part, _ in read_frames(path, iq_order):
        for batch in part.batches:
            channel_of, channels = channels_of(batch)
            for number, channel in enumerate(channels):
                if channel in shots.channels:
                    rows = np.flatnonzero(channel_of == number)
                    pixels = tone_pixels(batch[rows], channel, shots.spec)
                    found.append(_keys(pixels))
    if not found:
        return 0
    return int(np.isin(np.unique(np.concatenate(found)), known).sum())


def _keys(rows: npt.NDArray[np.uint8]) -> Keys:
    """Return a polynomial in the pixels, modulo 2^64, of each row; shape (n,)."""
    keys = np.zeros(len(rows), np.uint64)
    for column in rows.T:
        keys = (keys + column) * _FACTOR
        keys ^= keys >> np.uint64(29)
    return keys
