"""Numbers of any type, and of any size, in single precision."""

from typing import Any

import numpy as np
import numpy.typing as npt


def single(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return a copy in single precision; what is too large for it is infinite.

    Callers count what is not finite; numpy alone would warn about it, each time.
    """
    with np.errstate(over="ignore"):
        return values.astype(np.float32)
