"""``edge_agent record``: raw frames to disk, with labels as ground truth."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from edge_agent.capture_file import STANDARD_INPUT
from edge_agent.commands.options import add_config, add_model, configuration
from edge_agent.config import AgentConfig
from edge_agent.console import Console
from edge_agent.csi.raw import CSI_LINK_TYPES, LINK_RADIOTAP
from edge_agent.errors import ConfigError, UsageError
from edge_agent.guide.interrupts import Interrupts
from edge_agent.guide.line_reader import LineReader
from edge_agent.guide.typed_point import FORMS
from edge_agent.recorder.folder import RecordingFolder
from edge_agent.recorder.recorder import Limits, Recorder, labelled_point
from edge_agent.site_file import SITE_FILE, read_site_file
from edge_agent.sources import FileSource, LiveSource, PacketSource, StreamSource
from edge_agent.survey import Point

_LINK_TYPES = (*CSI_LINK_TYPES, LINK_RADIOTAP)

_EPILOG = """\
While it records, type where you are and press Enter: a room, a point of the site file,
or a point with its place; - when you go on. Every file has one label; survey.csv lists
those that have one, and can be used at any time, also while this goes on.

examples:
  sudo edge_agent record monday --iface wlan0
  sudo edge_agent record monday --point table --room kitchen --x 1.2 --y 0.5
  sudo edge_agent record beacons --iface mon0 --max-mb 200 --rotate-s 600
  edge_agent record phone --pcap - --point kitchen < walk.pcap
  edge_agent evaluate monday
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help="where; a recording that is there is continued",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--iface", metavar="NAME", help="record from this interface")
    source.add_argument(
        "--pcap", metavar="FILE", help="take a capture's packets, or - for a pipe's"
    )
    parser.add_argument("--point", metavar="NAME", help="where it begins")
    parser.add_argument("--room", metavar="R", help="of that point")
    parser.add_argument("--x", type=float, metavar="M", help="of that point [m]")
    parser.add_argument("--y", type=float, metavar="M", help="of that point [m]")
    parser.add_argument(
        "--max-mb",
        type=float,
        default=1000.0,
        metavar="N",
        help="room for all files; then those without a label go, the oldest first "
        "(default 1000)",
    )
    parser.add_argument(
        "--rotate-mb",
        type=float,
        default=20.0,
        metavar="M",
        help="begin another file after so much (default 20)",
    )
    parser.add_argument(
        "--rotate-s", type=float, metavar="S", help="or after so many seconds"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_config(parser)
    add_model(parser)
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Record until the source ends or somebody presses Ctrl-C.

    Raises:
        AgentError: No packets, nowhere to put them, or a label that makes no sense.
    """
    config = configuration(args)
    limits = _limits(args)
    source = _source(args, config)
    if source.check():
        raise UsageError(
            f"{source.name} is marked as simulated, which the pcap files of a "
            "recording cannot say; use it as it is: edge_agent locate --pcap"
        )
    with RecordingFolder(args.folder, int(args.max_mb * 1e6)) as folder:
        known = _known(config, folder)
        first = _first_point(args, known(), folder)
        with Recorder(folder, limits, console.say) as recorder:
            if first is not None:
                recorder.label(first)
            _record(source, recorder, _lines(args), known, console)
        _report(args, folder, recorder, source, console)
    return 0


def _record(
    source: PacketSource,
    recorder: Recorder,
    lines: LineReader | None,
    known: Callable[[], tuple[Point, ...]],
    console: Console,
) -> None:
    is_open = False
    with Interrupts() as interrupts:
        for raw in source.packets(lambda: 1):
            if not is_open:
                is_open = True
                console.say(source.doing)
                if lines is not None:
                    console.say(f"where you are: {FORMS}  or - (under way)")
            if raw is not None:
                recorder.write(raw)
            for line in lines.take() if lines is not None else ():
                _label(line, recorder, known, console)
            if interrupts.take() is not None:
                return


def _label(
    line: str,
    recorder: Recorder,
    known: Callable[[], tuple[Point, ...]],
    console: Console,
) -> None:
    """Follow what was typed; what cannot be understood is no label, not the old one."""
    try:
        point = labelled_point(line, known())
    except ConfigError as error:
        console.say(f"no label: {error}")
        point = None
    recorder.label(point)


def _limits(args: argparse.Namespace) -> Limits:
    for name in ("max_mb", "rotate_mb", "rotate_s"):
        value = getattr(args, name)
        if value is not None and not 0 < value < 1e9:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} is {value:g}; it must be above 0")
    rotate_ns = None if args.rotate_s is None else int(args.rotate_s * 1e9)
    return Limits(int(args.rotate_mb * 1e6), rotate_ns)


def _source(args: argparse.Namespace, config: AgentConfig) -> PacketSource:
    if args.pcap == STANDARD_INPUT:
        return StreamSource(_LINK_TYPES)
    if args.pcap is not None:
        return FileSource(args.pcap, link_types=_LINK_TYPES)
    interface = args.iface or config.capture.interface
    return LiveSource(interface, config.capture.buffer_frames, _LINK_TYPES)


def _known(
    config: AgentConfig, folder: RecordingFolder
) -> Callable[[], tuple[Point, ...]]:
    """Return what tells the points whose places are known by now."""
    path = config.model.site_path(config.site.name) / SITE_FILE
    of_site = read_site_file(path).points if path.is_file() else ()

    def known() -> tuple[Point, ...]:
        listed = folder.points
        names = {point.name for point in listed}
        return (*listed, *(point for point in of_site if point.name not in names))

    return known


def _first_point(
    args: argparse.Namespace, known: tuple[Point, ...], folder: RecordingFolder
) -> Point | None:
    if args.point is None:
        if args.room is not None or args.x is not None or args.y is not None:
            raise UsageError("--room, --x and --y are those of --point NAME")
        return None
    if (args.x is None) != (args.y is None):
        raise UsageError("--x and --y belong together; give both, or neither")
    text = args.point
    if args.room is not None or args.x is not None:
        if "," in args.point or "," in (args.room or ""):
            raise UsageError("--point and --room are names without commas")
        place = [] if args.x is None else [f"{args.x:f}", f"{args.y:f}"]
        text = ", ".join([args.point, args.room or args.point, *place])
    try:
        return labelled_point(text, known)
    except ConfigError as error:
        raise UsageError(f"--point in {folder.path}: {error}") from error


def _lines(args: argparse.Namespace) -> LineReader | None:
    """Return where people type; nowhere if packets come from there, or it is closed."""
    if args.pcap == STANDARD_INPUT or sys.stdin is None:
        return None
    return LineReader(sys.stdin.fileno())


def _report(
    args: argparse.Namespace,
    folder: RecordingFolder,
    recorder: Recorder,
    source: PacketSource,
    console: Console,
) -> None:
    for reason, n in source.losses().most_common():
        console.say(f"  {n:6d}  {reason}")
    survey = str(folder.survey) if folder.n_labelled else None
    if args.json:
        result = {
            "survey": survey,
            "packets": recorder.n_packets,
            "labelled_captures": folder.n_labelled,
            "bytes": folder.n_bytes,
        }
        console.result(json.dumps(result))
        return
    console.result(
        f"{recorder.n_packets} packets recorded; {folder.path} holds "
        f"{folder.n_bytes / 1e6:.1f} MB, {folder.n_labelled} captures with a label"
    )
    if survey is not None:
        console.say(f"next: edge_agent evaluate {folder.path}")
