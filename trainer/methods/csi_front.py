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

from edge_agent.network import Architecture
from trainer.errors import TaskError
from trainer.models.csi_tasks import amplitude_architecture
from trainer.surveys.environment import Environment, Floats, Signals

_BELOW_MEDIAN = 0.1


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
            filters: Of each convolution, as many of them as the images allow.
            n_rows: Groups of packets, at most.

        Raises:
            TaskError: There is nothing to scale to.
        """
        heard = [_images(e.signals) for e in environments if len(e)]
        amplitudes = np.concatenate(
            [images[images > 0] for images in heard] or [np.zeros(0, np.float32)]
        )
        if not len(amplitudes):
            raise TaskError("no image hears anything; there is nothing to scale to")
        floor = _BELOW_MEDIAN * float(np.median(amplitudes))
        seen = [
            replace(e, signals=_compress(e.signals, floor, n_rows))
            for e in environments
            if len(e)
        ]
        shortest = min(_images(seen[0].signals).shape[1:3])
        n_layers = min(len(filters), shortest.bit_length())
        return cls(floor, n_rows, amplitude_architecture(seen, filters[:n_layers]))

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
