"""UJI_LIB: a library, 25 months on two floors (CC BY 4.0).

https://doi.org/10.5281/zenodo.1066041, files as in `trainer.surveys.fingerprint_sets`
One environment per month, one visit per walk over the points. Six scans of month 1 have
floor 0; the floors are 3 and 5.
"""

from pathlib import Path

from trainer.surveys import fingerprint_sets
from trainer.surveys.compact import Arrays
from trainer.surveys.environment import Environment
from trainer.surveys.fingerprint_sets import SetFormat
from trainer.surveys.report import Skips

FORMAT = SetFormat("uji", "m", "month", "xyf", unset_floor=0)


def from_compact(source: Path, arrays: Arrays, skips: Skips) -> list[Environment]:
    """Return one environment per month, see `fingerprint_sets.from_compact`."""
    return fingerprint_sets.from_compact(FORMAT, source, arrays, skips)


def from_original(root: Path, skips: Skips) -> list[Environment]:
    """Return one environment per month, see `fingerprint_sets.from_original`."""
    return fingerprint_sets.from_original(FORMAT, root, skips)
