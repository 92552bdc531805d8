"""From captured packets to equally long UDP payloads, many at a time."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from edge_agent.csi.link import find_udp_payload
from edge_agent.csi.raw import RawFrames
from edge_agent.csi.refusal import Refusal

Rows = npt.NDArray[np.uint8]
"""Packets, or parts of them, of equal length: shape (n, n_bytes)."""

Indices = npt.NDArray[np.intp]

_MAX_SHARED_VERDICTS = 16


def indices_by_length(raw: RawFrames, todo: Indices | None) -> Iterator[Indices]:
    """Yield which packets have the same captured length, shortest first.

    Args:
        raw: Captured packets.
        todo: Which of them to sort; all when None.
    """
    index = np.arange(len(raw)) if todo is None else todo
    lengths = raw.lengths[index]
    if len(index) and bool((lengths == lengths[0]).all()):
        yield index
        return
    for length in np.unique(lengths).tolist():
        yield index[lengths == length]


def gather(raw: RawFrames, index: Indices) -> Rows:
    """Return equally long packets as rows; a view where they are evenly spaced."""
    length = int(raw.lengths[index[0]])
    if raw.stride is not None and len(index) == len(raw):
        start = int(raw.offsets[index[0]])
        return np.ndarray(
            (len(index), length), np.uint8, raw.data, start, (raw.stride, 1)
        )
    if length == 0:
        return np.empty((len(index), 0), np.uint8)
    pieces: npt.NDArray[np.void] = np.ndarray(
        (len(raw.data) - length + 1,), f"V{length}", raw.data, 0, (1,)
    )
    return pieces[raw.offsets[index]].view(np.uint8).reshape(len(index), length)


def udp_payloads(
    rows: Rows, link_type: int, refused: Counter[Refusal]
) -> Iterator[tuple[Indices | slice, Rows]]:
    """Yield the UDP payloads of equally long packets, and which packets they are from.

    The first packet is judged in full, then every other one that equals it in the bytes
    that decided; and so on with those that are left. After a few rounds the packets are
    a mixture that shares nothing, and are judged one by one.
    """
    todo: Indices | None = None  # all
    n_rounds = 0
    while todo is None or len(todo):
        first = rows[0 if todo is None else todo[0]].tobytes()
        verdict = find_udp_payload(first, link_type)
        n_rounds += 1
        if n_rounds > _MAX_SHARED_VERDICTS and todo is not None:
            alike = np.zeros(len(todo), np.bool_)
            alike[0] = True
        else:
            candidates = rows if todo is None else rows[todo, : verdict.examined]
            alike = _starts_with(candidates, first[: verdict.examined])
        all_alike = bool(alike.all())
        if verdict.refusal is not None:
            refused[verdict.refusal] += int(np.count_nonzero(alike))
        else:
            payload = slice(verdict.examined, verdict.examined + verdict.length)
            if todo is None and all_alike:
                yield slice(None), rows[:, payload]
            else:
                which = np.flatnonzero(alike) if todo is None else todo[alike]
                yield which, rows[which, payload]
        if all_alike:
            return
        todo = np.flatnonzero(~alike) if todo is None else todo[~alike]


def _starts_with(rows: Rows, prefix: bytes) -> npt.NDArray[np.bool_]:
    """Tell which rows begin with ``prefix``, 32 bits at a time."""
    n_words = len(prefix) // 4
    expected = np.frombuffer(prefix, "<u4", n_words)
    columns = np.ascontiguousarray(rows[:, : 4 * n_words].view("<u4").T)
    alike: npt.NDArray[np.bool_] = (columns == expected[:, None]).all(axis=0)
    for position in range(4 * n_words, len(prefix)):
        alike &= rows[:, position] == prefix[position]
    return alike
