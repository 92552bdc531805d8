"""Decode captured packets into CSI frames, thousands at a time.

    RawFrames --link.py--> UDP payloads --header.py--> fields, words --words.py--> CSI

Every check is written once, for one packet (`find_udp_payload`, `_meaning`), and its
verdict is shared by all packets that agree in the bytes it looked at: in a capture
nearly all do. So files are decoded at the speed of a few array passes, live frames by
the same code, and nothing is trusted because a neighbour was good.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.csi.chanspec import ChanspecError, decode_chanspec
from edge_agent.csi.chips import CHIPS, UNNAMED_CHIP, WordFormat
from edge_agent.csi.frame import (
    NO_FRAME_CONTROL,
    NO_RSSI,
    PHYSTATUS_GENERATIONS,
    WORD_FORMATS,
    FrameBatch,
    Generation,
)
from edge_agent.csi.header import (
    LAYOUTS,
    OLD_RSSI_AND_FRAME_CONTROL,
    PLUS_SIGNATURE,
    Layout,
)
from edge_agent.csi.iq_order import IqOrder, IqOrderEstimate
from edge_agent.csi.link import find_udp_payload
from edge_agent.csi.raw import RawFrames
from edge_agent.csi.refusal import Refusal
from edge_agent.csi.words import (
    Words,
    infer_word_format,
    words_to_csi,
)

Rows = npt.NDArray[np.uint8]
"""Packets, or parts of them, of equal length: shape (n, n_bytes)."""

Indices = npt.NDArray[np.intp]

_MAX_SHARED_VERDICTS = 16
_MAX_CORE = 3
_MAX_STREAM = 3


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """What a run of captured packets held."""

    batches: tuple[FrameBatch, ...]
    """One batch per number of subcarriers, each in order of arrival."""

    refused: Counter[Refusal]
    """Packets that are no CSI frame, by reason."""

    n_packets: int

    @property
    def n_frames(self) -> int:
        """Number of CSI frames in all batches."""
        return sum(len(batch) for batch in self.batches)


class Decoder:
    """Decodes the packets of one receiver; remembers its order of I and Q."""

    def __init__(self, iq_order: IqOrder = IqOrder.AUTO) -> None:
        self._iq_order = IqOrderEstimate(iq_order)

    def decode(self, raw: RawFrames) -> Decoded:
        """Return the CSI frames among packets, and why the others are none."""
        refused: Counter[Refusal] = Counter()
        parts: dict[int, list[FrameBatch]] = {}
        for same_length, rows in _rows_by_length(raw):
            for accepted, payloads in _udp_payloads(rows, raw.link_type, refused):
                layout = LAYOUTS.get(payloads.shape[1])
                if layout is None:
                    refused[Refusal.NOT_CSI] += len(payloads)
                    continue
                index = same_length[accepted]
                for batch in self._frames(payloads, layout, index, raw, refused):
                    parts.setdefault(layout.n_subcarriers, []).append(batch)
        return Decoded(
            tuple(_in_order_of_arrival(parts[n]) for n in sorted(parts)),
            refused,
            len(raw),
        )

    def _frames(
        self,
        payloads: Rows,
        layout: Layout,
        index: Indices,
        raw: RawFrames,
        refused: Counter[Refusal],
    ) -> Iterator[FrameBatch]:
        """Decode payloads of one layout; yields one batch per kind of frame."""
        size = layout.record.itemsize
        header = np.ascontiguousarray(payloads[:, :size]).view(layout.record)[:, 0]
        words = payloads[:, size:].view("<u4")
        for rows, meaning in _meanings(header, layout, refused):
            if rows is None:
                yield self._batch(header, words, index, meaning, raw)
            else:
                yield self._batch(header[rows], words[rows], index[rows], meaning, raw)

    def _batch(
        self,
        header: npt.NDArray[np.void],
        words: Words,
        index: Indices,
        meaning: "_Meaning",
        raw: RawFrames,
    ) -> FrameBatch:
        n, generation = len(words), meaning.generation
        # Only firmware before 28 October 2019 leaves the format open. Words that look
        # like none are integers: the chips that were common then.
        word_format = (
            meaning.word_format or infer_word_format(words) or WordFormat.INT16
        )
        names = header.dtype.names or ()
        imaginary_first = (
            word_format is WordFormat.INT16
            and generation in (Generation.OLD, Generation.PR169)
            and self._iq_order.imaginary_first(words)
        )
        has_rssi = "rssi" in names and generation is not Generation.OLD
        return FrameBatch(
            index=index,
            time_ns=raw.time_ns if n == len(raw) else raw.time_ns[index],
            mac=header["mac"],
            rssi=header["rssi"].astype(np.int16) if has_rssi else _full(n, NO_RSSI),
            frame_control=(
                (header["frame_control"] & 0xFF).astype(np.int16)
                if has_rssi
                else _full(n, NO_FRAME_CONTROL)
            ),
            seq_ctl=header["seq_ctl"] if "seq_ctl" in names else np.zeros(n, np.uint16),
            core=np.full(n, meaning.core, np.uint8),
            stream=np.full(n, meaning.stream, np.uint8),
            chanspec=np.full(n, meaning.chanspec, np.uint16),
            chip=np.full(n, meaning.chip, np.uint16),
            generation=np.full(n, generation, np.uint8),
            word_format=np.full(n, WORD_FORMATS.index(word_format), np.uint8),
            imaginary_first=np.full(n, imaginary_first),
            phystatus=_phystatus(words, generation),
            agc_gain=header["agc_gain"] if "agc_gain" in names else _full(n, 0),
            csi=words_to_csi(words, word_format, imaginary_first=imaginary_first),
        )


def _full(n: int, value: int) -> npt.NDArray[np.int16]:
    return np.full(n, value, np.int16)


def _in_order_of_arrival(batches: list[FrameBatch]) -> FrameBatch:
    if len(batches) == 1:
        return batches[0]
    batch = FrameBatch.concatenate(batches)
    return batch[np.argsort(batch.index)]


# -- packets to payloads ---------------------------------------------------------------


def _rows_by_length(raw: RawFrames) -> Iterator[tuple[Indices, Rows]]:
    """Yield packets of equal captured length as rows, and which packets they are."""
    n = len(raw)
    if n == 0:
        return
    if raw.stride is not None:
        length = int(raw.lengths[0])
        rows = np.ndarray(
            (n, length), np.uint8, raw.data, int(raw.offsets[0]), (raw.stride, 1)
        )
        yield np.arange(n), rows
        return
    for length in np.unique(raw.lengths).tolist():
        index = np.flatnonzero(raw.lengths == length)
        yield index, _gather(raw.data, raw.offsets[index], length)


def _gather(data: Rows, offsets: npt.NDArray[np.int64], length: int) -> Rows:
    """Copy pieces of one length out of a buffer: one memcpy each."""
    if length == 0:
        return np.empty((len(offsets), 0), np.uint8)
    pieces: npt.NDArray[np.void] = np.ndarray(
        (len(data) - length + 1,), f"V{length}", data, 0, (1,)
    )
    return pieces[offsets].view(np.uint8).reshape(len(offsets), length)


def _udp_payloads(
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


# -- payloads to header fields and words -----------------------------------------------


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What the header fields say that do not change from frame to frame."""

    generation: Generation
    chip: int
    word_format: WordFormat | None
    """None where the firmware did not name the chip: the words must tell."""

    chanspec: int
    core: int
    stream: int


def _meanings(
    header: npt.NDArray[np.void], layout: Layout, refused: Counter[Refusal]
) -> Iterator[tuple[Indices | None, _Meaning]]:
    """Yield the rows that are CSI frames, by meaning; None stands for all."""
    if layout.generation is Generation.MOBISYS_2018:
        chip = CHIPS[0x0001]
        meaning = _Meaning(layout.generation, chip.number, chip.word_format, 0, 0, 0)
        good = np.flatnonzero(header["magic"] == layout.magic)
        if len(good) < len(header):
            refused[Refusal.BAD_MAGIC] += len(header) - len(good)
        if len(good):
            yield good, meaning
        return

    keys = _keys(header, layout)
    kinds: list[tuple[int, Indices | None]] = [(int(keys[0]), None)]
    if not (keys == keys[0]).all():
        kinds = [(k, np.flatnonzero(keys == k)) for k in np.unique(keys).tolist()]
    for key, rows in kinds:
        meaning_or_refusal = _meaning(key, layout)
        if isinstance(meaning_or_refusal, Refusal):
            n = len(header) if rows is None else len(rows)
            refused[meaning_or_refusal] += n
        else:
            yield rows, meaning_or_refusal


def _keys(header: npt.NDArray[np.void], layout: Layout) -> npt.NDArray[np.uint64]:
    """Pack all that decides a frame's meaning into 50 bits, shape (n,)."""
    good = header["magic"] == layout.magic
    old = np.zeros(len(header), np.bool_)
    if layout.generation is Generation.NEW:
        old = (header["rssi"] == OLD_RSSI_AND_FRAME_CONTROL) & (
            header["frame_control"] == OLD_RSSI_AND_FRAME_CONTROL
        )
    elif layout.generation is Generation.PLUS:
        good = good & (header["signature"] == PLUS_SIGNATURE)
    keys = header["chip"].astype(np.uint64)
    keys |= header["chanspec"].astype(np.uint64) << np.uint64(16)
    keys |= header["core_stream"].astype(np.uint64) << np.uint64(32)
    keys |= good.astype(np.uint64) << np.uint64(48)
    keys |= old.astype(np.uint64) << np.uint64(49)
    return keys


def _meaning(key: int, layout: Layout) -> _Meaning | Refusal:
    """Interpret one value of `_keys`."""
    chip_number, chanspec = key & 0xFFFF, key >> 16 & 0xFFFF
    core_stream, good, old = key >> 32 & 0xFFFF, key >> 48 & 1, key >> 49 & 1
    if not good:
        return Refusal.BAD_MAGIC
    generation = Generation.OLD if old else layout.generation
    chip = CHIPS.get(chip_number)
    if chip is None and not (old and chip_number == UNNAMED_CHIP):
        return Refusal.UNKNOWN_CHIP
    try:
        bandwidth = decode_chanspec(chanspec).bandwidth_mhz
    except ChanspecError:
        return Refusal.BAD_CHANSPEC
    if 64 * bandwidth != 20 * layout.n_subcarriers:
        return Refusal.BANDWIDTH_MISMATCH
    shift = 0 if chip is None else chip.core_stream_shift
    core, stream = core_stream >> shift & 0b111, core_stream >> (shift + 3) & 0b111
    unused = core_stream & ~(0b111111 << shift)
    if unused or core > _MAX_CORE or stream > _MAX_STREAM:
        return Refusal.BAD_CORE_STREAM
    word_format = None if chip is None else chip.word_format
    return _Meaning(generation, chip_number, word_format, chanspec, core, stream)


def _phystatus(words: Words, generation: Generation) -> npt.NDArray[np.uint16]:
    if generation not in PHYSTATUS_GENERATIONS:
        return np.zeros((len(words), 6), np.uint16)
    start = phystatus_start(words.shape[1])
    return np.ascontiguousarray(words[:, start : start + 3]).view("<u2")


def phystatus_start(n_subcarriers: int) -> int:
    """Return the first of the three words that PhyRxStatus overwrites.

    Source: firmware_notes/csi_udp_format.md, section 6.
    """
    return 28 if n_subcarriers == 64 else 0
