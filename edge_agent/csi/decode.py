"""Decode captured packets into CSI frames, thousands at a time.

    RawFrames --link.py--> UDP payloads --header.py--> fields, words --words.py--> CSI

Every check is written once, for one packet (`find_udp_payload`, `meaning.py`), and its
verdict is shared by all packets that agree in the bytes it looked at: in a capture
nearly all do. So files are decoded at the speed of a few array passes, live frames by
the same code, and nothing is trusted because a neighbour was good.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.csi import kernel
from edge_agent.csi.chips import WordFormat
from edge_agent.csi.frame import (
    NO_FRAME_CONTROL,
    NO_RSSI,
    PHYSTATUS_GENERATIONS,
    WORD_FORMATS,
    FrameBatch,
    Generation,
)
from edge_agent.csi.header import LAYOUTS, Layout
from edge_agent.csi.iq_order import IqOrder, IqOrderEstimate
from edge_agent.csi.meaning import Headers, Indices, Meaning, meanings
from edge_agent.csi.payloads import Rows, gather, indices_by_length, udp_payloads
from edge_agent.csi.raw import RawFrames
from edge_agent.csi.refusal import Refusal
from edge_agent.csi.words import (
    Csi,
    Words,
    exchange_parts,
    infer_word_format,
    words_to_csi,
)

_MAX_KERNEL_PASSES = 8
"""Kinds of frames per run of packets that the kernel looks for."""


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
        for batch in self._batches(raw, refused):
            parts.setdefault(batch.n_subcarriers, []).append(batch)
        return Decoded(
            tuple(_in_order_of_arrival(parts[n]) for n in sorted(parts)),
            refused,
            len(raw),
        )

    def _batches(
        self, raw: RawFrames, refused: Counter[Refusal]
    ) -> Iterator[FrameBatch]:
        todo: Indices | None = None  # all
        for _ in range(_MAX_KERNEL_PASSES):
            run = kernel.convert_like(
                raw, todo, imaginary_first=self._iq_order.imaginary_first
            )
            if run is None:
                break
            yield self._finish_run(run, raw)
            if len(run.index) == len(raw):
                return
            todo = _without(run.index, todo, len(raw))
        for index in indices_by_length(raw, todo):
            for accepted, payloads in udp_payloads(
                gather(raw, index), raw.link_type, refused
            ):
                layout = LAYOUTS.get(payloads.shape[1])
                if layout is None:
                    refused[Refusal.NOT_CSI] += len(payloads)
                    continue
                yield from self._frames(payloads, layout, index[accepted], raw, refused)

    def _finish_run(self, run: kernel.Run, raw: RawFrames) -> FrameBatch:
        """Make a batch of what the kernel converted."""
        generation, csi = run.meaning.generation, run.csi
        swapped = False
        if kernel.leaves_order_open(generation):
            assumed = self._iq_order.imaginary_first
            swapped = self._iq_order.observe(csi, swapped=assumed)
            if swapped is not assumed:
                exchange_parts(csi)
        status = None
        if generation in PHYSTATUS_GENERATIONS:
            start = phystatus_start(csi.shape[1])
            parts = np.ascontiguousarray(csi[:, start : start + 3]).view(np.float32)
            status = parts.astype("<i2").view("<u2")
        return _batch(
            run.headers,
            csi,
            status,
            run.index,
            run.meaning,
            WordFormat.INT16,
            swapped,
            raw,
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
        headers = np.ascontiguousarray(payloads[:, :size]).view(layout.record)[:, 0]
        words = payloads[:, size:].view("<u4")
        for rows, meaning in meanings(headers, layout, refused):
            if rows is None:
                yield self._of_one_kind(headers, words, index, meaning, raw)
            else:
                yield self._of_one_kind(
                    headers[rows], words[rows], index[rows], meaning, raw
                )

    def _of_one_kind(
        self,
        headers: Headers,
        words: Words,
        index: Indices,
        meaning: Meaning,
        raw: RawFrames,
    ) -> FrameBatch:
        # Only firmware before 28 October 2019 leaves the format open. Words that look
        # like none are integers: the chips that were common then.
        word_format = (
            meaning.word_format or infer_word_format(words) or WordFormat.INT16
        )
        csi = words_to_csi(words, word_format)
        swapped = False
        if word_format is WordFormat.INT16 and kernel.leaves_order_open(
            meaning.generation
        ):
            swapped = self._iq_order.observe(csi, swapped=False)
            if swapped:
                exchange_parts(csi)
        status = None
        if meaning.generation in PHYSTATUS_GENERATIONS:
            start = phystatus_start(words.shape[1])
            status = np.ascontiguousarray(words[:, start : start + 3]).view("<u2")
        return _batch(headers, csi, status, index, meaning, word_format, swapped, raw)


def _batch(
    headers: Headers,
    csi: Csi,
    phystatus: npt.NDArray[np.uint16] | None,
    index: Indices,
    meaning: Meaning,
    word_format: WordFormat,
    swapped: bool,
    raw: RawFrames,
) -> FrameBatch:
    n, generation = len(csi), meaning.generation
    names = headers.dtype.names or ()
    rssi, frame_control = _full(n, NO_RSSI), _full(n, NO_FRAME_CONTROL)
    if "rssi" in names and generation is not Generation.OLD:
        rssi = headers["rssi"].astype(np.int16)
        frame_control = (headers["frame_control"] & 0xFF).astype(np.int16)
    return FrameBatch(
        index=index,
        time_ns=raw.time_ns if n == len(raw) else raw.time_ns[index],
        mac=headers["mac"],
        rssi=rssi,
        frame_control=frame_control,
        seq_ctl=headers["seq_ctl"] if "seq_ctl" in names else np.zeros(n, np.uint16),
        core=np.full(n, meaning.core, np.uint8),
        stream=np.full(n, meaning.stream, np.uint8),
        chanspec=np.full(n, meaning.chanspec, np.uint16),
        chip=np.full(n, meaning.chip, np.uint16),
        generation=np.full(n, generation, np.uint8),
        word_format=np.full(n, WORD_FORMATS.index(word_format), np.uint8),
        imaginary_first=np.full(n, swapped),
        phystatus=np.zeros((n, 6), np.uint16) if phystatus is None else phystatus,
        agc_gain=headers["agc_gain"] if "agc_gain" in names else _full(n, 0),
        csi=csi,
    )


def _without(done: Indices, todo: Indices | None, n: int) -> Indices:
    """Return what is left to do."""
    left = np.ones(n, np.bool_)
    left[done] = False
    return np.flatnonzero(left) if todo is None else todo[left[todo]]


def _full(n: int, value: int) -> npt.NDArray[np.int16]:
    return np.full(n, value, np.int16)


def _in_order_of_arrival(batches: list[FrameBatch]) -> FrameBatch:
    if len(batches) == 1:
        return batches[0]
    batch = FrameBatch.concatenate(batches)
    return batch[np.argsort(batch.index)]


def phystatus_start(n_subcarriers: int) -> int:
    """Return the first of the three words that PhyRxStatus overwrites.

    Source: firmware_notes/csi_udp_format.md, section 6.
    """
    return 28 if n_subcarriers == 64 else 0
