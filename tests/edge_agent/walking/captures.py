"""Packets of a capture file in one piece."""

import numpy as np

from edge_agent.capture_file import CaptureFile
from edge_agent.csi.raw import RawFrames


def packets_of_file(path):
    with CaptureFile(path) as file:
        parts = list(file)
    starts = np.cumsum([0, *(len(part.data) for part in parts[:-1])])
    return RawFrames(
        np.concatenate([part.data for part in parts]),
        np.concatenate(
            [part.offsets + start for part, start in zip(parts, starts, strict=True)]
        ),
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.time_ns for part in parts]),
        parts[0].link_type,
    )
