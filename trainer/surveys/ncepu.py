"""NCEPU: a university building, six weeks (MIT).

https://github.com/zhouhongbo/ncepu-wifi-fingerprint-database, files as in
`trainer.surveys.fingerprint_sets`
One environment per week, one visit per walk over the points. "95" is week 5 walked
backwards, in the same hours: neither is the past of the other. Test sets were made
before the reference sets of their week, so their visits come first. The third
coordinate is -1 throughout and kept as the floor.
"""

from pathlib import Path

from trainer.surveys import fingerprint_sets
from trainer.surveys.compact import Arrays
from trainer.surveys.environment import Environment
from trainer.surveys.fingerprint_sets import SetFormat
from trainer.surveys.report import Skips

FORMAT = SetFormat("ncepu", "w", "week", "xy", first_reversed=90)


def from_compact(source: Path, arrays: Arrays, skips: Skips) -> list[Environment]:
    """Return one environment per week, see `fingerprint_sets.from_compact`."""
    return fingerprint_sets.from_compact(FORMAT, source, arrays, skips)


def from_original(root: Path, skips: Skips) -> list[Environment]:
    """Return one environment per week, see `fingerprint_sets.from_original`."""
    return fingerprint_sets.from_original(FORMAT, root, skips)
