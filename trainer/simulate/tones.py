"""Subcarriers that are simulated.

IEEE 802.11-2020, 19.3.11 (HT) and 21.3.10 (VHT): used ones of 20, 40 and 80 MHz.
"""

import numpy as np
import numpy.typing as npt

from trainer.errors import RoomError

Tones = npt.NDArray[np.intp]
"""Subcarrier numbers, ascending; 0 is the centre of the channel."""

SPACING_HZ = 312.5e3
"""Subcarrier spacing Δf."""

_USED = {20: (1, 28), 40: (2, 58), 80: (2, 122)}


def used_tones(bandwidth_mhz: int) -> Tones:
    """Return the subcarriers of a frame that fills the channel.

    Raises:
        RoomError: No such bandwidth.
    """
    if bandwidth_mhz not in _USED:
        raise RoomError(f"a bandwidth of {bandwidth_mhz} MHz, not 20, 40 or 80")
    first, last = _USED[bandwidth_mhz]
    return np.concatenate([np.arange(-last, 1 - first), np.arange(first, last + 1)])


TONES = used_tones(20)
"""Those of 20 MHz, of which legacy frames carry the 52 up to ±26."""


def check_tones(tones: Tones) -> None:
    """Refuse what are no subcarriers.

    Raises:
        RoomError: None, not in ascending order, or outside 80 MHz.
    """
    if len(tones) == 0 or not (np.diff(tones) > 0).all() or np.abs(tones).max() > 128:
        raise RoomError(
            f"subcarriers {tones}: there must be some, ascending, within ±128"
        )
