"""Decode like packets in one pass, where the C kernel was built.

The kernel copies headers and converts int16 words of the packets that agree with one of
them in every byte that decides what they mean; the others go the general way in
decode.py. Without a compiler at installation there is no kernel, and everything goes
the general way, at about half the speed.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from edge_agent.csi.chips import WordFormat
from edge_agent.csi.frame import Generation
from edge_agent.csi.header import LAYOUTS, Layout
from edge_agent.csi.link import find_udp_payload
from edge_agent.csi.meaning import Headers, Indices, Meaning, looks_old, meaning_of
from edge_agent.csi.raw import RawFrames

try:
    from edge_agent.csi._kernel import convert, walk

    AVAILABLE = True
except ImportError:
    AVAILABLE = False

__all__ = ["AVAILABLE", "Run", "convert_like", "leaves_order_open", "walk"]

_WORTH_IT = 8
"""Packets; below, setting up costs more than it saves."""

_DECIDING = ("magic", "signature", "core_stream", "chanspec", "chip")
"""Header fields that frames of one meaning have in common."""

_DECIDING_IF_OLD = (*_DECIDING, "rssi", "frame_control")
"""In the old header they repeat the magic; in the new one they vary."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Like packets."""

    index: Indices
    """Which packets they are, shape (n,)."""

    headers: Headers
    """Shape (n,)."""

    csi: npt.NDArray[np.complex64]
    """Shape (n, n_subcarriers)."""

    meaning: Meaning


def convert_like(
    raw: RawFrames, todo: Indices | None, *, imaginary_first: bool
) -> Run | None:
    """Decode all packets that are like the first.

    Args:
        raw: Captured packets.
        todo: Which of them; all when None.
        imaginary_first: Whether frames that do not tell the order of I and Q hold Q,I.

    Returns:
        None when there is no kernel, or the first packet is no int16 CSI frame.
    """
    n = len(raw) if todo is None else len(todo)
    if not AVAILABLE or n < _WORTH_IT:
        return None
    first = 0 if todo is None else int(todo[0])
    start = int(raw.offsets[first])
    packet = raw.data[start : start + int(raw.lengths[first])].tobytes()
    verdict = find_udp_payload(packet, raw.link_type)
    layout = LAYOUTS.get(verdict.length)
    if verdict.refusal is not None or layout is None:
        return None
    words_at = verdict.examined + layout.record.itemsize
    header = np.frombuffer(packet, layout.record, 1, verdict.examined)[0]
    meaning = meaning_of(header, layout)
    if meaning is None or meaning.word_format is not WordFormat.INT16:
        return None

    headers = np.empty((n, layout.record.itemsize), np.uint8)
    csi = np.empty((n, layout.n_subcarriers), np.complex64)
    matched = np.empty(n, np.int64)
    n_matched = convert(
        raw.data,
        raw.offsets if todo is None else raw.offsets[todo],
        raw.lengths if todo is None else raw.lengths[todo],
        verdict.examined + verdict.length,
        packet[:words_at],
        _mask(layout, meaning.generation, verdict.examined),
        verdict.examined,
        words_at,
        imaginary_first and leaves_order_open(meaning.generation),
        matched,
        headers,
        csi,
    )
    records = headers[:n_matched].view(layout.record)[:, 0]
    index = matched[:n_matched] if todo is None else todo[matched[:n_matched]]
    if meaning.generation is Generation.NEW and bool((old := looks_old(records)).any()):
        index, records, csi = index[~old], records[~old], csi[:n_matched][~old]
    return Run(index, records, csi[: len(index)], meaning)


def leaves_order_open(generation: Generation) -> bool:
    """Tell whether int16 frames of this generation may hold I,Q or Q,I."""
    return generation in (Generation.OLD, Generation.PR169)


@lru_cache(maxsize=64)
def _mask(layout: Layout, generation: Generation, n_transport: int) -> bytes:
    """Return ones where packets must agree: transport headers and deciding fields."""
    mask = np.zeros(n_transport + layout.record.itemsize, np.uint8)
    mask[:n_transport] = 0xFF
    header = mask[n_transport:].view(layout.record)
    old = generation is Generation.OLD
    for name in _DECIDING_IF_OLD if old else _DECIDING:
        if name in (layout.record.names or ()):
            field = header[name]
            field[...] = ~field  # from all zeros to all ones
    return mask.tobytes()
