"""``edge_agent frames``: what a capture holds."""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_agent.capture_file import CaptureFile
from edge_agent.console import Console, table
from edge_agent.csi.chanspec import decode_chanspec
from edge_agent.csi.decode import Decoder
from edge_agent.csi.frame import (
    NO_FRAME_CONTROL,
    NO_RSSI,
    WORD_FORMATS,
    FrameBatch,
    Generation,
    chip_name,
    format_mac,
)
from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi.raw import LINK_RADIOTAP
from edge_agent.csi.refusal import Refusal
from edge_agent.csi.simulated import is_simulated, says_simulated
from edge_agent.csi.subcarriers import FrameFormat, frame_formats
from edge_agent.errors import CaptureError
from edge_agent.frame_group import FrameGroup
from edge_agent.npz_writer import write_frames
from edge_agent.payload import iso_time
from edge_agent.rss.receptions import RSS_LINK_TYPES, ReceptionDecoder
from edge_agent.rss.summary import ReceptionSummary, reception_lines

_MONITOR_MODE = "was recorded in monitor mode and holds received power, no CSI"

_EPILOG = """\
examples:
  edge_agent frames walk.pcap
  edge_agent frames --json walk.pcapng | head -1
  edge_agent frames walk.pcap --npz walk.npz
  edge_agent frames monitor.pcap   (802.11 with radiotap: beacons, probe responses)
  tcpdump -i wlan0 -w - -c 100 udp dst port 5500 | edge_agent frames -

arrays of --npz, for n frames of N subcarriers (numpy.load reads them):
  csi       complex64 (n, N)  I+jQ as received; column k is subcarrier k, from N/2
                              on k - N; guards and overwritten words are still in it
  rssi      int16 (n,)        [dBm]; -32768 where the firmware sends none
  mac       uint8 (n, 6)      transmitter
  seq_ctl, chanspec, chip     uint16 (n,) as sent; chip: 1 bcm4339,
                              3 bcm4358, 0x65 bcm43455c0, 0x6a bcm4366c0
  core, stream                uint8 (n,) receive core, spatial stream
  ts_sec, ts_usec             int64, int32 (n,) capture time since 1970, UTC
Frames of several N go to OUT_64.npz, OUT_128.npz, OUT_256.npz.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "capture", metavar="FILE", help="pcap or pcapng file, or - for standard input"
    )
    parser.add_argument("--json", action="store_true", help="print one line per frame")
    parser.add_argument(
        "--npz",
        type=Path,
        metavar="OUT",
        help="write csi, rssi, mac and the other fields as numpy arrays",
    )
    parser.add_argument(
        "--iq-order",
        choices=[str(order) for order in IqOrder],
        default=str(IqOrder.AUTO),
        help="order of I and Q where the firmware's header does not tell it",
    )
    parser.epilog = _EPILOG


@dataclass(frozen=True, slots=True, order=True)
class _Kind:
    """Frames that the summary counts together."""

    mac: str
    chip: str
    generation: Generation
    frame_format: FrameFormat
    chanspec: int
    core: int
    stream: int


@dataclass(slots=True)
class _Summary:
    groups: dict[_Kind, FrameGroup] = field(default_factory=dict)
    refused: Counter[Refusal] = field(default_factory=Counter)
    n_packets: int = 0
    n_frames: int = 0
    simulated: bool = False
    heard: ReceptionSummary = field(default_factory=ReceptionSummary)
    """Of what was recorded in monitor mode."""


def run(args: argparse.Namespace, console: Console) -> int:
    """Summarise or convert a capture.

    Raises:
        CaptureError: It cannot be read, or holds packets but neither CSI frames nor
            received power; or no CSI that could be written.
    """
    summary, kept = _Summary(), []
    decoder, receptions = Decoder(IqOrder(args.iq_order)), ReceptionDecoder()
    with CaptureFile(args.capture, RSS_LINK_TYPES) as capture:
        for raw in capture:
            if raw.link_type == LINK_RADIOTAP:
                received = receptions.decode(raw)
                summary.heard.add(received)
                if args.json:
                    for line in reception_lines(
                        received.receptions,
                        all_simulated=says_simulated(capture.comments),
                    ):
                        console.result(line)
                continue
            decoded = decoder.decode(raw)
            summary.n_packets += decoded.n_packets
            summary.n_frames += decoded.n_frames
            summary.refused.update(decoded.refused)
            for batch in decoded.batches:
                if args.json:
                    all_simulated = says_simulated(capture.comments)
                    for line in _frame_lines(batch, all_simulated=all_simulated):
                        console.result(line)
                else:
                    _add(summary, batch)
                if args.npz:
                    kept.append(batch)
        summary.refused.update(capture.refused)
        summary.n_packets += capture.refused.total()
        summary.simulated |= says_simulated(capture.comments)
        damage = capture.damage
    if not args.json:
        for line in _describe(summary):
            console.result(line)
    if damage:
        console.caution(f"{capture.name} is damaged: {damage}")
    if args.npz and kept:
        for path in write_frames(args.npz, kept):
            console.say(f"wrote {path}")
    heard = summary.heard
    if summary.n_frames == 0 and heard.n_frames:
        if args.npz:
            raise CaptureError(f"{capture.name} {_MONITOR_MODE}: nothing to write")
        console.say(f"{capture.name} {_MONITOR_MODE}; CSI arrives as UDP on wlan0")
    elif summary.n_frames == 0 and (damage or summary.n_packets or heard.n_packets):
        raise CaptureError(_no_frames(capture.name, summary))
    return 0


def _no_frames(name: str, summary: _Summary) -> str:
    heard = summary.heard
    if heard.n_packets > summary.n_packets:
        why, count = heard.refused.most_common(1)[0]
        return (
            f"no beacon or probe response with received power in {name}: {count} of "
            f"{heard.n_packets} packets {why}"
        )
    if not summary.n_packets:
        return f"no CSI frame in {name}"
    reason, count = summary.refused.most_common(1)[0]
    hint = {
        Refusal.TRUNCATED: "; capture whole packets: tcpdump -s 0",
        Refusal.LINK_TYPE: "; capture on wlan0, not on mon0",
        Refusal.BAD_CHANSPEC: "; is the interface up? (nexutil -k)",
    }.get(reason, "")
    return (
        f"no CSI frame in {name}: {count} of {summary.n_packets} packets {reason}{hint}"
    )


def _add(summary: _Summary, batch: FrameBatch) -> None:
    """Count a batch of frames by kind."""
    summary.simulated |= bool(is_simulated(batch.mac).any())
    kinds: dict[_Kind, list[int]] = {}
    for row, kind in enumerate(_kinds(batch)):
        kinds.setdefault(kind, []).append(row)
    for kind, rows in kinds.items():
        rssi = batch.rssi[rows]
        group = summary.groups.setdefault(kind, FrameGroup())
        group.add(batch.time_ns[rows], rssi[rssi != NO_RSSI])


def _kinds(batch: FrameBatch) -> Iterator[_Kind]:
    format_of, formats = frame_formats(batch)
    for row in range(len(batch)):
        yield _Kind(
            format_mac(batch.mac[row]),
            chip_name(int(batch.chip[row]), WORD_FORMATS[batch.word_format[row]]),
            Generation(batch.generation[row]),
            formats[format_of[row]],
            int(batch.chanspec[row]),
            int(batch.core[row]),
            int(batch.stream[row]),
        )


def _describe(summary: _Summary) -> Iterator[str]:
    heard = summary.heard
    found = f"{summary.n_packets + heard.n_packets} packets"
    if summary.n_packets or not heard.n_packets:
        found += f", {summary.n_frames} CSI frames"
    if heard.n_packets:
        found += f", {heard.n_frames} frames with received power"
    marks = ", SIMULATED" if summary.simulated or heard.is_simulated else ""
    yield found + marks
    if summary.groups:
        header = [
            "transmitter",
            "chip",
            "header",
            "channel",
            "format",
            "core/stream",
            "frames",
            "per second",
            "RSSI dBm",
        ]
        rows = [_row(kind, group) for kind, group in sorted(summary.groups.items())]
        yield ""
        yield from table(header, rows, right={6, 7})
    if summary.refused:
        yield ""
        yield "not CSI:"
        for reason, count in summary.refused.most_common():
            yield f"  {count:6d}  {reason}"
    yield from heard.lines()


def _row(kind: _Kind, group: FrameGroup) -> list[str]:
    return [
        kind.mac,
        kind.chip,
        kind.generation.name.lower().replace("_", " "),
        str(decode_chanspec(kind.chanspec)) if kind.chanspec else "-",
        str(kind.frame_format),
        f"{kind.core}/{kind.stream}",
        str(group.n_frames),
        group.rate,
        group.rssi_range,
    ]


def _frame_lines(batch: FrameBatch, *, all_simulated: bool) -> Iterator[str]:
    """Yield one JSON document per frame."""
    simulated = is_simulated(batch.mac) | all_simulated
    for row, kind in enumerate(_kinds(batch)):
        rssi, control = int(batch.rssi[row]), int(batch.frame_control[row])
        time_ns = int(batch.time_ns[row])
        channel = str(decode_chanspec(kind.chanspec)) if kind.chanspec else None
        document: dict[str, Any] = {
            "time": iso_time(time_ns) if time_ns else None,
            "mac": kind.mac,
            "rssi_dbm": None if rssi == NO_RSSI else rssi,
            "frame_control": None if control == NO_FRAME_CONTROL else control,
            "seq_ctl": int(batch.seq_ctl[row]),
            "core": kind.core,
            "stream": kind.stream,
            "chanspec": kind.chanspec,
            "channel": channel,
            "chip": kind.chip,
            "header": kind.generation.name.lower(),
            "format": str(kind.frame_format),
            "n_subcarriers": batch.n_subcarriers,
            "simulated": bool(simulated[row]),
        }
        yield json.dumps(document)
