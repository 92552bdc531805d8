"""From captured packets to received power: who was heard, when, and how loudly.

link type 127       radiotap and 802.11 frames, of any monitor interface
all others          CSI frames of Nexmon's firmware, whose headers hold the RSSI
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
import numpy.typing as npt

from edge_agent.csi.decode import Decoder
from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi.raw import CSI_LINK_TYPES, LINK_RADIOTAP, RawFrames
from edge_agent.rss.dot11 import read_sender
from edge_agent.rss.radiotap import read_radiotap
from edge_agent.rss.refusal import RssRefusal

RSS_LINK_TYPES = (*CSI_LINK_TYPES, LINK_RADIOTAP)
"""Link types in which received power arrives."""

WEAKEST_DBM, STRONGEST_DBM = -127, 0
"""What receivers report; drivers use the rest for "unknown" [dBm]."""


@dataclass(frozen=True, slots=True, eq=False)
class Receptions:
    """Received frames in order of arrival."""

    time_ns: npt.NDArray[np.int64]
    """Capture time [ns since the UNIX epoch], shape (n,); 0 when unknown."""

    address: npt.NDArray[np.int64]
    """Transmitter address, 48 bits, the first byte highest, shape (n,)."""

    rssi_dbm: npt.NDArray[np.int16]
    """Received power [dBm], shape (n,)."""

    def __len__(self) -> int:
        return len(self.time_ns)

    @classmethod
    def concatenate(cls, parts: list[Self]) -> Self:
        """Return all receptions of several runs."""
        return cls(
            np.concatenate([np.empty(0, np.int64), *(p.time_ns for p in parts)]),
            np.concatenate([np.empty(0, np.int64), *(p.address for p in parts)]),
            np.concatenate([np.empty(0, np.int16), *(p.rssi_dbm for p in parts)]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Received:
    """What a run of captured packets held."""

    receptions: Receptions
    refused: Counter[StrEnum]
    """Packets that say nothing of received power, by reason."""

    n_packets: int


class ReceptionDecoder:
    """Decodes the packets of one receiver."""

    def __init__(self, iq_order: IqOrder = IqOrder.AUTO) -> None:
        self._csi = Decoder(iq_order)

    def decode(self, raw: RawFrames) -> Received:
        """Return the received frames among packets, and why the others are none."""
        if raw.link_type == LINK_RADIOTAP:
            return _from_radiotap(raw)
        return self._from_csi(raw)

    def _from_csi(self, raw: RawFrames) -> Received:
        decoded = self._csi.decode(raw)
        refused: Counter[StrEnum] = Counter(decoded.refused)
        index, parts = [], []
        for batch in decoded.batches:
            is_later = batch.stream != 0
            is_silent = ~is_later & ~batch.has_rssi
            is_odd = ~is_later & ~is_silent & ~_is_possible(batch.rssi)
            refused[RssRefusal.LATER_STREAM] += int(np.count_nonzero(is_later))
            refused[RssRefusal.CSI_WITHOUT_RSSI] += int(np.count_nonzero(is_silent))
            refused[RssRefusal.IMPOSSIBLE_SIGNAL] += int(np.count_nonzero(is_odd))
            rows = np.flatnonzero(~(is_later | is_silent | is_odd))
            address = np.zeros(len(rows), np.int64)
            for column in range(6):
                address = address << 8 | batch.mac[rows, column]
            index.append(batch.index[rows])
            parts.append(Receptions(batch.time_ns[rows], address, batch.rssi[rows]))
        whole = Receptions.concatenate(parts)
        order = np.argsort(np.concatenate([np.empty(0, np.int64), *index]))
        return Received(
            Receptions(
                whole.time_ns[order], whole.address[order], whole.rssi_dbm[order]
            ),
            +refused,
            decoded.n_packets,
        )


def _from_radiotap(raw: RawFrames) -> Received:
    refused: Counter[StrEnum] = Counter()
    rows, addresses, powers = [], [], []
    data = raw.data.data
    bounds = zip(raw.offsets.tolist(), raw.lengths.tolist(), strict=True)
    for row, (start, length) in enumerate(bounds):
        heard = _read(bytes(data[start : start + length]))
        if isinstance(heard, RssRefusal):
            refused[heard] += 1
            continue
        rows.append(row)
        addresses.append(heard[0])
        powers.append(heard[1])
    return Received(
        Receptions(
            raw.time_ns[np.array(rows, np.intp)],
            np.array(addresses, np.int64),
            np.array(powers, np.int16),
        ),
        refused,
        len(raw),
    )


def _read(packet: bytes) -> tuple[int, int] | RssRefusal:
    """Return address and power [dBm] of an access point's frame."""
    header = read_radiotap(packet)
    if isinstance(header, RssRefusal):
        return header
    if header.is_damaged:
        return RssRefusal.BAD_CHECKSUM
    sender = read_sender(packet[header.length : header.length + 16])
    if isinstance(sender, RssRefusal):
        return sender
    if not sender.is_access_point:
        return RssRefusal.NOT_ACCESS_POINT
    if header.signal_dbm is None:
        return RssRefusal.NO_SIGNAL
    if not WEAKEST_DBM <= header.signal_dbm <= STRONGEST_DBM:
        return RssRefusal.IMPOSSIBLE_SIGNAL
    return int.from_bytes(sender.address), header.signal_dbm


def _is_possible(rssi_dbm: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    return np.asarray((rssi_dbm >= WEAKEST_DBM) & (rssi_dbm <= STRONGEST_DBM))


def format_address(address: int) -> str:
    """Return 48 bits as ``aa:bb:cc:dd:ee:ff``."""
    return address.to_bytes(6).hex(":")


def parse_address(text: str) -> int:
    """Return the 48 bits of ``aa:bb:cc:dd:ee:ff``.

    Raises:
        ValueError: It is no such address.
    """
    data = bytes.fromhex(text.replace(":", ""))
    if len(data) != 6 or format_address(int.from_bytes(data)) != text:
        raise ValueError(f"{text!r} is no address such as dc:a6:32:01:02:03")
    return int.from_bytes(data)
