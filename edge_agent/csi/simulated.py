"""How simulated frames are told from real ones.

Either mark is enough: a transmitter address below the reserved, locally administered
prefix 02:53:49:4d ("SIM" in ASCII), which no vendor can own; or the pcapng comment. A
location made from such frames is never published as anything but simulated.
"""

import numpy as np
import numpy.typing as npt

SIMULATED_PREFIX = bytes.fromhex("0253494d")
SIMULATED_COMMENT = "metaloc: simulated"


def is_simulated(mac: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Tell which transmitter addresses are reserved for simulations.

    Args:
        mac: Shape (n, 6).

    Returns:
        Shape (n,).
    """
    prefix = np.frombuffer(SIMULATED_PREFIX, np.uint8)
    reserved: npt.NDArray[np.bool_] = (mac[:, : len(prefix)] == prefix).all(axis=1)
    return reserved


def is_simulated_address(mac: str) -> bool:
    """Tell whether a transmitter's address, as ``02:53:49:4d:00:01``, is reserved."""
    return mac.startswith(SIMULATED_PREFIX.hex(":"))


def says_simulated(comments: list[str]) -> bool:
    """Tell whether a capture's comments mark it as simulated."""
    return any(SIMULATED_COMMENT in comment for comment in comments)
