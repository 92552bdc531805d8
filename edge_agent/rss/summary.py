"""What a recording of a monitor interface holds, for people and as JSON."""

import json
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

import numpy as np

from edge_agent.console import table
from edge_agent.csi.simulated import is_simulated_address
from edge_agent.frame_group import FrameGroup
from edge_agent.payload import iso_time
from edge_agent.rss.receptions import Received, Receptions, format_address


class ReceptionSummary:
    """Whom a monitor interface has heard, and how loudly."""

    def __init__(self) -> None:
        self._groups: dict[int, FrameGroup] = {}
        self.refused: Counter[StrEnum] = Counter()
        """Packets that say nothing of received power, by reason."""

        self.n_packets = 0
        self.n_frames = 0
        """Frames with received power."""

    @property
    def is_simulated(self) -> bool:
        """Whether any transmitter is reserved for simulations."""
        return any(is_simulated_address(format_address(a)) for a in self._groups)

    def add(self, received: Received) -> None:
        """Count a run of packets."""
        self.n_packets += received.n_packets
        self.refused.update(received.refused)
        heard = received.receptions
        self.n_frames += len(heard)
        order = np.argsort(heard.address, kind="stable")
        addresses, starts = np.unique(heard.address[order], return_index=True)
        runs = np.split(order, starts[1:])
        for address, rows in zip(addresses.tolist(), runs, strict=False):
            group = self._groups.setdefault(address, FrameGroup())
            group.add(heard.time_ns[rows], heard.rssi_dbm[rows])

    def lines(self) -> Iterator[str]:
        """Yield a table of the transmitters, then what else there was."""
        if self._groups:
            header = ["transmitter", "frames", "per second", "RSSI dBm"]
            rows = [
                [format_address(a), str(group.n_frames), group.rate, group.rssi_range]
                for a, group in sorted(self._groups.items())
            ]
            yield ""
            yield from table(header, rows, right={1, 2})
        if self.refused:
            yield ""
            yield "no received power of an access point:"
            for reason, count in self.refused.most_common():
                yield f"  {count:6d}  {reason}"


def reception_lines(receptions: Receptions, *, all_simulated: bool) -> Iterator[str]:
    """Yield one JSON document per frame.

    Args:
        receptions: Of a monitor interface.
        all_simulated: Whether the capture says so of all of it.
    """
    for time_ns, number, rssi_dbm in zip(
        receptions.time_ns.tolist(),
        receptions.address.tolist(),
        receptions.rssi_dbm.tolist(),
        strict=True,
    ):
        address = format_address(number)
        yield json.dumps(
            {
                "time": iso_time(time_ns) if time_ns else None,
                "mac": address,
                "rssi_dbm": rssi_dbm,
                "simulated": all_simulated or is_simulated_address(address),
            }
        )
