"""How fast the most similar reference images are found, Eq. (2) of the paper.

    python benchmarks/histogram.py

From a 50 x 52 x 3 image to its ten most similar references, histogram included, on one
core; beside the same in numpy as one would write it down.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.command_line import only_help
from edge_agent.csi.similarity import HistogramIndex, image_histogram

ROUNDS = 200
LIMITS_US = {90: 50, 10_000: 2000}


def as_written(references: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return the ten most similar references, by the formula."""
    counts = [np.histogram(channel, 256, (0, 256))[0] for channel in image]
    sums = np.minimum(references, np.concatenate(counts)).sum(axis=1)
    return np.argsort(-sums)[:10]


def median_us(function: Callable[[], object], rounds: int) -> float:
    """Return the median time of a call [µs]."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return float(np.median(times)) * 1e6


def main() -> None:
    """Measure small and large."""
    only_help(__doc__)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (3, 50, 52), dtype=np.uint8)
    for n, limit in LIMITS_US.items():
        references = rng.multinomial(2600, np.full(256, 1 / 256), (n, 3))
        references = references.reshape(n, -1)
        index = HistogramIndex(references.astype(np.uint16))

        def ours(index: HistogramIndex = index) -> object:
            return index.nearest(image_histogram(image), 10)

        def naive(references: np.ndarray = references) -> object:
            return as_written(references, image)

        ours(), naive()
        ratios, mine = [], []
        for _ in range(5):
            mine.append(median_us(ours, ROUNDS // 5))
            ratios.append(median_us(naive, 10) / mine[-1])
        print(
            f"{n} references: {np.median(mine):.0f} us (limit {limit}), "
            f"{np.median(ratios):.1f} x faster than as written"
        )


if __name__ == "__main__":
    main()
