"""What networks see of a CSI survey: log amplitudes, with fewer packets.

    pixel = ln(1 + a / a_0)        zero where not heard, linear below a_0

a_0 is a tenth of the median amplitude: gains multiply amplitudes, and as a sum they
leave the shape of the channel alone. Packets of one image differ in noise more than in
anything else, and are averaged in groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from edge_agent.learning.network import Architecture
from trainer.errors import TaskError
from trainer.models.csi_tasks import amplitude_architecture
from trainer.surveys.environment import Environment, Floats, Signals

_BELOW_MEDIAN = 0.1


class SilenceError(TaskError):
    """No image hears anything."""


@dataclass(frozen=True, slots=True)
class CsiFront:
    """Makes images for a network, and knows which network takes them."""

    floor: float
    """a_0, in the unit of the images."""

    n_rows: int
    """Groups of packets, at most."""

    architecture: Architecture

    @classmethod
    def learn(
        cls,
        environments: Sequence[Environment],
        filters: tuple[int, ...],
        *,
        n_rows: int,
    ) -> Self:
        """Return the front for some surveys.

        Args:
            environments: With images of one shape; at least one image hears something.
            filters: Of each convolution. All but the last halve the image, so that
                five take 16 rows and tones, four take 8.
            n_rows: Groups of packets, at most.

        Raises:
            SilenceError: There is nothing to scale to.
            TaskError: There are no images, or they cannot be halved so often.
        """
        heard = [_images(e.signals) for e in environments if len(e)]
        amplitudes = np.concatenate(
            [images[images > 0] for images in heard] or [np.zeros(0, np.float32)]
        )
        if not len(amplitudes):
            raise SilenceError("no image hears anything; there is nothing to scale to")
        floor = _BELOW_MEDIAN * float(np.median(amplitudes))
        seen = [
            replace(e, signals=_compress(e.signals, floor, n_rows))
            for e in environments
            if len(e)
        ]
        rows, tones = _images(seen[0].signals).shape[1:3]
        if min(rows, tones) < 1 << (len(filters) - 1):
            raise TaskError(
                f"{len(filters)} layers halve an image {len(filters) - 1} times, which "
                f"{rows} rows (n_rows is {n_rows}, there are {heard[0].shape[1]} "
                f"packets) and {tones} tones do not allow: give fewer filters, or more "
                "rows where there are packets for them"
            )
        return cls(floor, n_rows, amplitude_architecture(seen, filters))

    def __call__(self, signals: Signals) -> Signals:
        """Return the signals with the images that the network takes."""
        return _compress(signals, self.floor, self.n_rows)

    def of(self, environment: Environment) -> Environment:
        """Return an environment as the network sees it, less what hears nothing."""
        rows = np.flatnonzero(_images(environment.signals).any(axis=(1, 2, 3)))
        kept = environment.select(rows)
        return replace(kept, signals=self(kept.signals))


def _compress(signals: Signals, floor: float, n_rows: int) -> Signals:
    images = _images(signals)
    n_packets = images.shape[1]
    n_rows = min(n_rows, n_packets)
    starts = np.arange(n_rows) * n_packets // n_rows
    counts = np.diff(np.append(starts, n_packets)).astype(np.float32)
    sums = np.add.reduceat(images, starts, axis=1)
    means = sums / counts[:, None, None]
    return Signals(signals.rss, np.log1p(means / np.float32(floor)))


def _images(signals: Signals) -> Floats:
    if signals.images is None:
        raise TaskError("these signals have no CSI images")
    return signals.images
