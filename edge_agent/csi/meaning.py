"""What the header fields say that do not change from frame to frame."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.csi.chanspec import ChanspecError, decode_chanspec
from edge_agent.csi.chips import CHIPS, UNNAMED_CHIP, WordFormat
from edge_agent.csi.frame import Generation
from edge_agent.csi.header import (
    OLD_RSSI_AND_FRAME_CONTROL,
    PLUS_SIGNATURE,
    Layout,
)
from edge_agent.csi.refusal import Refusal

Headers = npt.NDArray[np.void]
"""Records of one layout, shape (n,)."""

Indices = npt.NDArray[np.intp]

_MAX_CORE = 3
_MAX_STREAM = 3


@dataclass(frozen=True, slots=True)
class Meaning:
    """What frames of one kind have in common."""

    generation: Generation
    chip: int
    word_format: WordFormat | None
    """None where the firmware did not name the chip: the words must tell."""

    chanspec: int
    core: int
    stream: int


def meanings(
    headers: Headers, layout: Layout, refused: Counter[Refusal]
) -> Iterator[tuple[Indices | None, Meaning]]:
    """Yield the rows that are CSI frames, by meaning; None stands for all."""
    if layout.generation is Generation.MOBISYS_2018:
        chip = CHIPS[0x0001]
        meaning = Meaning(layout.generation, chip.number, chip.word_format, 0, 0, 0)
        good = np.flatnonzero(headers["magic"] == layout.magic)
        if len(good) < len(headers):
            refused[Refusal.BAD_MAGIC] += len(headers) - len(good)
        if len(good):
            yield good, meaning
        return

    keys = _keys(headers, layout)
    kinds: list[tuple[int, Indices | None]] = [(int(keys[0]), None)]
    if not (keys == keys[0]).all():
        kinds = [(k, np.flatnonzero(keys == k)) for k in np.unique(keys).tolist()]
    for key, rows in kinds:
        meaning_or_refusal = _interpret(key, layout)
        if isinstance(meaning_or_refusal, Refusal):
            n = len(headers) if rows is None else len(rows)
            refused[meaning_or_refusal] += n
        else:
            yield rows, meaning_or_refusal


def meaning_of(header: np.void, layout: Layout) -> Meaning | None:
    """Return the meaning of one header, or None where it is no CSI frame's."""
    if layout.generation is Generation.MOBISYS_2018:
        return None
    good = header["magic"] == layout.magic
    old = False
    if layout.generation is Generation.NEW:
        both = OLD_RSSI_AND_FRAME_CONTROL
        old = header["rssi"] == both and header["frame_control"] == both
    elif layout.generation is Generation.PLUS:
        good = good and header["signature"] == PLUS_SIGNATURE
    chip, chanspec = int(header["chip"]), int(header["chanspec"])
    core_stream = int(header["core_stream"])
    found = _interpret(
        chip | chanspec << 16 | core_stream << 32 | bool(good) << 48 | bool(old) << 49,
        layout,
    )
    return None if isinstance(found, Refusal) else found


def looks_old(headers: Headers) -> npt.NDArray[np.bool_]:
    """Tell which headers of 18 bytes are of the old generation, shape (n,)."""
    both = OLD_RSSI_AND_FRAME_CONTROL
    old: npt.NDArray[np.bool_] = (headers["rssi"] == both) & (
        headers["frame_control"] == both
    )
    return old


def _keys(headers: Headers, layout: Layout) -> npt.NDArray[np.uint64]:
    """Pack all that decides a frame's meaning into 50 bits, shape (n,)."""
    good = headers["magic"] == layout.magic
    old = np.zeros(len(headers), np.bool_)
    if layout.generation is Generation.NEW:
        old = looks_old(headers)
    elif layout.generation is Generation.PLUS:
        good = good & (headers["signature"] == PLUS_SIGNATURE)
    keys = headers["chip"].astype(np.uint64)
    keys |= headers["chanspec"].astype(np.uint64) << np.uint64(16)
    keys |= headers["core_stream"].astype(np.uint64) << np.uint64(32)
    keys |= good.astype(np.uint64) << np.uint64(48)
    keys |= old.astype(np.uint64) << np.uint64(49)
    return keys


def _interpret(key: int, layout: Layout) -> Meaning | Refusal:
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
    return Meaning(generation, chip_number, word_format, chanspec, core, stream)
