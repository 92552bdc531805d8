"""What one device hears of several transmitters, as packets in order of arrival."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.csi.chips import WordFormat
from edge_agent.csi.raw import RawFrames
from trainer.simulate.firmware import Firmware, FrameKind
from trainer.simulate.nexmon import Measurements, encode_frames, simulated_mac
from trainer.simulate.receiver import Reception
from trainer.simulate.words import nearest

_UNIT = {
    WordFormat.INT16: 1.0,
    WordFormat.FLOAT_9_5: 2.0**-9,
    WordFormat.FLOAT_12_6: 2.0**-8,
}
"""What a count of the receiver is in the chip's words: int16 chips report some 590,
recordings of the bcm4358 and bcm4366c0 have typical gains of 1.2 and 2.2."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """The packets of one transmitter."""

    mac: bytes
    """Its address, six bytes."""

    time_ns: npt.NDArray[np.int64]
    """When each arrived [ns since the UNIX epoch], shape (n,)."""

    sequence: npt.NDArray[np.int64]
    """802.11 sequence numbers, shape (n,): lost packets leave gaps."""

    csi: npt.NDArray[np.complex64]
    """Counts of the receiver, shape (n, n_tones)."""

    rssi_dbm: npt.NDArray[np.int8]
    """Received power [dBm], shape (n,)."""


def with_spares(n_packets: int) -> int:
    """Return how many packets to send so that so many are heard, losses or not."""
    return n_packets + n_packets // 50 + 6


def beacons(
    rng: np.random.Generator,
    receptions: Sequence[Reception],
    *,
    site: int,
    first: int = 0,
    start_us: int,
    interval_s: float,
    n_kept: int,
) -> list[Heard]:
    """Return the packets that were heard of each access point.

    Access points send in turn, at regular intervals but for up to a fifth of one: a
    beacon waits until the channel is free.

    Args:
        rng: Source of that delay.
        receptions: By access point, what would be heard of every packet sent.
        site: Goes into the transmitter addresses.
        first: So does this, added to the number of the access point: places that are
            alike but for their seed have transmitters of their own.
        start_us: Time of the first packet [µs since the UNIX epoch].
        interval_s: Between packets of one access point [s].
        n_kept: The recording of an access point ends with so many packets.
    """
    found = []
    for access_point, reception in enumerate(receptions):
        n_sent = len(reception.heard)
        offset = access_point / len(receptions)
        late = offset + rng.uniform(0, 0.2, n_sent)
        times = start_us + (np.arange(n_sent) + late) * interval_s * 1e6
        kept = np.flatnonzero(reception.heard)[:n_kept]
        found.append(
            Heard(
                simulated_mac(site, first + access_point),
                times.astype(np.int64)[kept] * 1000,
                kept,
                reception.csi[kept],
                reception.rssi_dbm[kept],
            )
        )
    return found


def record(
    firmware: Firmware,
    heard: Sequence[Heard],
    tones: npt.NDArray[np.intp],
    rng: np.random.Generator,
    *,
    kind: FrameKind = FrameKind.BEACON,
) -> RawFrames:
    """Return the packets of all transmitters in order of arrival.

    Args:
        firmware: Of the device.
        heard: Of each transmitter.
        tones: Subcarrier of each column, shape (n_tones,).
        rng: Source of the leftovers in null words.
        kind: Of the Wi-Fi frames.

    Raises:
        FirmwareError: As `encode_frames`.
    """
    counts = np.concatenate([one.csi for one in heard])
    gains = (counts * np.float32(_UNIT[firmware.word_format])).astype(np.complex64)
    time_ns = np.concatenate([one.time_ns for one in heard])
    order = np.argsort(time_ns, kind="stable")
    address = np.array([list(one.mac) for one in heard], np.uint8)
    measured = Measurements(
        time_ns[order],
        nearest(gains, firmware.word_format)[order],
        tones,
        np.repeat(address, [len(one.time_ns) for one in heard], axis=0)[order],
        np.concatenate([one.rssi_dbm for one in heard])[order],
        np.concatenate([one.sequence for one in heard])[order],
        kind=kind,
    )
    return encode_frames(firmware, measured, rng)
