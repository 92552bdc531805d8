"""Log files of the Linux 802.11n CSI Tool (Intel 5300).

A file is a run of records:

    u16 big endian   length of what follows
    u8               code; 0xbb is a beamforming report, what else the driver logs
                     is skipped: 0x1c, 0xc0, 0xc1, 0xc3, 0xc5, 0xd0, 0xd1
    report, little endian:
      0  u32  clock of the card [us], wraps after 71 minutes
      4  u16  counter of reports
      6  u16  reserved
      8  u8   n_rx       9  u8   n_tx
     10  u8   rssi a    11  u8   rssi b    12  u8   rssi c     0: antenna silent
     13  i8   noise     14  u8   gain [dB]
     15  u8   antenna selection: two bits per antenna, lowest first
     16  u16  length of CSI        18  u16  rate and flags
     20       CSI, lowest bit first: 30 times 3 bits to skip, then n_rx x n_tx times
              real i8, imaginary i8; streams fastest

so the CSI takes ⌈30 (16 n_rx n_tx + 3) / 8⌉ bytes and ends with the record. Where it
does not, a length is damaged and what follows is no record: the file is refused.
Received power, of all antennas:

    P [dBm] = 10 lg Σ 10^(rssi/10) - 44 - gain
    scale² = 10^(P/10) / (Σ |H|² / 30)

with the sum over antennas, streams and tones: |scale H|² is in milliwatts.

D. Halperin et al., "Tool release: gathering 802.11n traces with channel state
information", ACM SIGCOMM CCR 41(1), 2011.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer.surveys.environment import Floats
from trainer.surveys.power import ROOT_NANOWATT
from trainer.surveys.report import Skips, SurveyDataError

N_TONES = 30
N_ANTENNAS = 3
MAX_STREAMS = 3
_REPORT = 0xBB
_OTHER_CODES = frozenset({0x1C, 0xC0, 0xC1, 0xC3, 0xC5, 0xD0, 0xD1})
"""Of the tool's driver (its iwl-connector.h): sent and received frames, noise."""

_HEADER = struct.Struct("<IHHBBBBBbBBHH")
_PREFIX = 3
_RSSI_OFFSET_DB = 44.0
_MAX_FILE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Reports:
    """What three antennas received, one row per packet, in order of the file."""

    time_us: npt.NDArray[np.uint32]
    """Clock of the card, shape (n,)."""

    n_streams: npt.NDArray[np.uint8]
    """Transmit streams of the packet, shape (n,)."""

    amplitudes: Floats
    """Of the first stream [√nW], shape (n, 30, 3)."""


@dataclass(frozen=True, slots=True)
class _Record:
    """Header of a report that makes sense, and where its CSI starts."""

    time_us: int
    n_streams: int
    antennas: tuple[int, int, int]
    """Antenna that each column of the CSI was received with."""

    power_dbm: float
    offset: int


def read_reports(path: Path, skips: Skips) -> Reports:
    """Return the reports of a log.

    Args:
        path: The log.
        skips: Counts a last record that was cut off, records of other kinds, and
            reports without power or of other than three antennas.

    Raises:
        SurveyDataError: The file cannot be read, or a length or code in it is
            impossible; the message names the offset of the record.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= _MAX_FILE_BYTES else b""
    except OSError as error:
        raise SurveyDataError(f"{path} cannot be read: {error.strerror}") from error
    if size > _MAX_FILE_BYTES:
        raise SurveyDataError(
            f"{path} has {size} bytes, more than any log ({_MAX_FILE_BYTES})"
        )
    return parse_reports(data, str(path), skips)


def parse_reports(data: bytes, name: str, skips: Skips) -> Reports:
    """Return the reports in a log's bytes; see `read_reports`.

    Args:
        data: The log.
        name: Named in errors.
        skips: Counts what is left out.

    Raises:
        SurveyDataError: A length or code is impossible.
    """
    records = _records(data, name, skips)
    amplitudes = np.empty((len(records), N_TONES, N_ANTENNAS), np.float32)
    n_streams = np.array([r.n_streams for r in records], np.uint8)
    for n in np.unique(n_streams).tolist():
        rows = np.flatnonzero(n_streams == n)
        amplitudes[rows] = _amplitudes(data, [records[row] for row in rows], n)
    silent = ~amplitudes.any(axis=(1, 2))
    skips.count("packets without any gain", int(silent.sum()))
    time_us = np.array([r.time_us for r in records], np.uint32)
    return Reports(time_us[~silent], n_streams[~silent], amplitudes[~silent])


def csi_length(n_rx: int, n_tx: int) -> int:
    """Return the number of bytes of CSI."""
    return (N_TONES * (16 * n_rx * n_tx + 3) + 7) // 8


def _records(data: bytes, name: str, skips: Skips) -> list[_Record]:
    records = []
    offset = 0
    while offset < len(data):
        length = int.from_bytes(data[offset : offset + 2], "big")
        end = offset + 2 + length
        if len(data) - offset >= _PREFIX:
            _check_record(data, offset, length, name)
        if len(data) - offset < _PREFIX or end > len(data):
            skips.count("last records cut off")
            break
        if data[offset + 2] == _REPORT:
            record = _record(data, offset, skips)
            if record is not None:
                records.append(record)
        else:
            skips.count("records that are no beamforming report")
        offset = end
    return records


def _check_record(data: bytes, offset: int, length: int, name: str) -> None:
    """Refuse a record that cannot be one, as far as it is there."""
    code = data[offset + 2]
    if length == 0:
        raise SurveyDataError(
            f"{name}: the record at byte {offset} has length 0; the file is "
            "damaged, get it anew"
        )
    if code in _OTHER_CODES:
        return
    if code != _REPORT:
        raise SurveyDataError(
            f"{name}: the record at byte {offset} has code {code:#04x}, which the "
            "tool does not log; the file is damaged there or before, get it anew"
        )
    available = length - 1 - _HEADER.size
    if available < 0:
        raise SurveyDataError(
            f"{name}: the report at byte {offset} has {length} bytes, fewer than its "
            f"header ({_HEADER.size + 1})"
        )
    start = offset + _PREFIX
    if start + _HEADER.size > len(data):
        return
    fields = _HEADER.unpack_from(data, start)
    n_rx, n_tx, n_bytes = fields[3], fields[4], fields[11]
    if not csi_length(n_rx, n_tx) == n_bytes == available:
        raise SurveyDataError(
            f"{name}: the report at byte {offset} says {n_bytes} bytes of CSI for "
            f"{n_rx} x {n_tx} antennas and has {available}; expected "
            f"{csi_length(n_rx, n_tx)}"
        )


def _record(data: bytes, offset: int, skips: Skips) -> _Record | None:
    """Return a report, or None where it is of no use, which is counted."""
    start = offset + _PREFIX
    fields = _HEADER.unpack_from(data, start)
    time_us, n_rx, n_tx, rssi = fields[0], fields[3], fields[4], fields[5:8]
    gain, selection = fields[9], fields[10]
    antennas = (selection & 3, selection >> 2 & 3, selection >> 4 & 3)
    power = sum(10 ** (value / 10) for value in rssi if value)
    if n_rx != N_ANTENNAS or not 1 <= n_tx <= MAX_STREAMS:
        skips.count("packets of other than three antennas")
    elif sorted(antennas) != [0, 1, 2]:
        skips.count("packets with an impossible choice of antennas")
    elif not power:
        skips.count("packets without received power")
    else:
        power_dbm = 10 * np.log10(power) - _RSSI_OFFSET_DB - gain
        return _Record(time_us, n_tx, antennas, power_dbm, start + _HEADER.size)
    return None


def _amplitudes(data: bytes, records: list[_Record], n_streams: int) -> Floats:
    """Return amplitudes of the first stream [√nW], antennas in order."""
    n_bytes, per_tone = csi_length(N_ANTENNAS, n_streams), N_ANTENNAS * n_streams
    stored = np.frombuffer(data, np.uint8)
    starts = np.array([r.offset for r in records])
    bits = np.unpackbits(
        stored[starts[:, None] + np.arange(n_bytes)], axis=1, bitorder="little"
    )
    bits = bits[:, : N_TONES * (16 * per_tone + 3)].reshape(
        len(records), N_TONES, 16 * per_tone + 3
    )
    parts = np.packbits(bits[:, :, 3:], axis=2, bitorder="little").view(np.int8)
    squares = np.square(parts.astype(np.float32)).reshape(
        len(records), N_TONES, N_ANTENNAS, n_streams, 2
    )
    power = squares.sum(axis=4)
    total = power.sum(axis=(1, 2, 3), dtype=np.float64) / N_TONES
    received = 10 ** (np.array([r.power_dbm for r in records]) / 10)
    # Nothing received although there is a power: zero, which the caller drops.
    scale = np.sqrt(
        np.divide(received, total, out=np.zeros_like(total), where=total > 0)
    )
    amplitudes: Floats = np.sqrt(power[:, :, :, 0])
    amplitudes *= (scale * ROOT_NANOWATT).astype(np.float32)[:, None, None]
    in_order = np.empty_like(amplitudes)
    for column in range(N_ANTENNAS):
        antenna = np.array([r.antennas[column] for r in records])
        in_order[np.arange(len(records)), :, antenna] = amplitudes[:, :, column]
    return in_order
