from typing import TypeAlias

import numpy as np
import numpy.typing as npt

_Bytes: TypeAlias = bytes | npt.NDArray[np.uint8]

def convert(
    data: _Bytes,
    offsets: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    needed: int,
    template: _Bytes,
    mask: _Bytes,
    header_at: int,
    words_at: int,
    swap: bool,
    matched: npt.NDArray[np.int64],
    headers: npt.NDArray[np.uint8],
    csi: npt.NDArray[np.complex64],
) -> int: ...
def walk(
    data: _Bytes,
    start: int,
    big_endian: bool,
    ns_per_tick: int,
    longest: int,
    offsets: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    times: npt.NDArray[np.int64],
) -> int: ...
