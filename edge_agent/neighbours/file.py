"""``neighbours.npz`` of a bundle: what the whitened neighbours learnt from history.

    header   schema, freedom, temperature, unheard     `neighbours.estimator.Kernel`
    scale    σ, float32 (n_tones + 1,)                 `neighbours.whitening.Whitening`
    root     S^(-1/2), float32 (n_tones + 1, n_tones + 1)

A bundle without this file has the network alone.
"""

from dataclasses import asdict

import numpy as np

from edge_agent.arrays import ArraysError, pack_arrays, unpack_arrays
from edge_agent.csi.image import ImageSpec
from edge_agent.neighbours.estimator import Kernel, Neighbours
from edge_agent.neighbours.whitening import Whitening

NEIGHBOURS = "neighbours.npz"
NEIGHBOURS_SCHEMA = "metaloc.neighbours/1"

_MAX_ARRAYS = 4 << 20
_ARRAYS = {"root", "scale"}


def pack_neighbours(neighbours: Neighbours) -> bytes:
    """Return the file, in single precision."""
    whitening = neighbours.whitening
    return pack_arrays(
        {"schema": NEIGHBOURS_SCHEMA} | asdict(neighbours.kernel),
        {
            "scale": whitening.scale.astype(np.float32),
            "root": whitening.root.astype(np.float32),
        },
    )


def unpack_neighbours(data: bytes, spec: ImageSpec) -> Neighbours:
    """Return the estimator.

    Args:
        data: The file.
        spec: What the bundle's images look like.

    Raises:
        ValueError: It is damaged, of another schema or for other images, lacks
            something, or holds values that make no sense.
    """
    header, arrays = unpack_arrays(
        data, schema=NEIGHBOURS_SCHEMA, max_bytes=_MAX_ARRAYS
    )
    if arrays.keys() != _ARRAYS:
        raise ArraysError(f"holds {sorted(arrays)}, not {sorted(_ARRAYS)}")
    for name, array in arrays.items():
        if array.dtype != np.float32:
            raise ArraysError(f"{name} is {array.dtype}, not float32")
    whitening = Whitening(
        arrays["scale"].astype(np.float64), arrays["root"].astype(np.float64)
    )
    return Neighbours(whitening, _kernel(header)).check(spec)


def _kernel(header: dict[str, object]) -> Kernel:
    values = {}
    for name in ("freedom", "temperature", "unheard"):
        value = header.get(name)
        if type(value) not in (int, float):
            raise ArraysError(f"{name} is {value!r}, not a number")
        values[name] = float(str(value))
    return Kernel(**values)
