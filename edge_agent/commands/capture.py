"""``edge_agent capture``: frames in, locations on MQTT out."""

import argparse
from collections.abc import Callable
from dataclasses import replace

from edge_agent.commands.options import (
    NO_BROKER,
    add_broker,
    add_config,
    add_estimator,
    add_model,
    configuration,
)
from edge_agent.console import Console
from edge_agent.drift.sentinel import Sentinel, sentinel_at
from edge_agent.errors import UsageError
from edge_agent.fix_line import COLUMNS
from edge_agent.models import load_model
from edge_agent.pipeline import Fix
from edge_agent.session import open_session
from edge_agent.sources import FileSource, LiveSource, PacketSource, StreamSource

_EPILOG = """\
Without a calibration there is nothing to locate with: see edge_agent adapt --help.

examples:
  sudo edge_agent capture --iface wlan0
  edge_agent capture --pcap walk.pcap --broker none --json
  edge_agent capture --pcap walk.pcap --broker none --estimator network
  edge_agent capture --pcap walk.pcap --broker none --raw
  edge_agent capture --pcap walk.pcap --speed 1 --broker 192.168.1.10
  sudo edge_agent capture --iface wlan0 --sentinel shelf
  edge_agent capture --pcap simulated.pcapng --broker 192.168.1.10 --allow-simulated
  adb exec-out su -c "tcpdump -i wlan0 -s 0 -U -w - udp dst port 5500" \\
    | edge_agent capture --pcap -

With a bundle that locates from received power (docs/rss.md), in monitor mode:

  sudo edge_agent capture --iface mon0
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--iface", metavar="NAME", help="capture live from this interface"
    )
    source.add_argument(
        "--pcap", metavar="FILE", help="read a pcap or pcapng file, or - for a pipe"
    )
    parser.add_argument(
        "--speed",
        type=float,
        metavar="X",
        help="replay a file X times as fast as it was recorded (default: at once)",
    )
    parser.add_argument(
        "--hop",
        type=int,
        metavar="N",
        help="new packets per access point from one location to the next, at most "
        "those of an image",
    )
    parser.add_argument(
        "--sentinel",
        metavar="POINT",
        help="this receiver rests at this point: say so when it is no longer located "
        "there (docs/drift.md)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print each location as the JSON published"
    )
    parser.add_argument(
        "--raw",
        action="store_true",
        help="every location by itself: without tracking, and without events",
    )
    add_config(parser)
    add_broker(parser)
    add_model(parser)
    add_estimator(parser)
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Locate until the source ends or somebody presses Ctrl-C.

    Raises:
        AgentError: No calibration, source or broker.
    """
    config = configuration(args)
    if args.raw:
        config = replace(config, tracking=replace(config.tracking, enabled=False))
    if args.hop is not None and args.hop < 1:
        raise UsageError(f"--hop is {args.hop}, not 1 or more")
    if args.speed is not None and not args.speed > 0:
        raise UsageError(f"--speed is {args.speed:g}; it must be above 0")
    if args.speed is not None and args.pcap in (None, "-"):
        raise UsageError("--speed needs a recorded file: --pcap FILE")
    model = load_model(config.model, on_caution=console.caution)
    remark: Callable[[Fix], str] = _no_remark
    if args.sentinel is not None:
        folder = config.model.site_path(config.site.name)
        points = model.load_calibration(folder).points
        remark = _remark_of(sentinel_at(args.sentinel, points), console)
    source: PacketSource
    if args.pcap is None:
        source = LiveSource(
            args.iface or config.capture.interface,
            config.capture.buffer_frames,
            model.link_types,
        )
    elif args.pcap == "-":
        source = StreamSource(model.link_types)
    else:
        source = FileSource(args.pcap, speed=args.speed, link_types=model.link_types)
    with open_session(
        config,
        console,
        hop=args.hop or config.capture.hop,
        publish=args.broker != NO_BROKER,
        as_json=args.json,
        model=model,
        check_source=source.check,
        is_recording=args.pcap not in (None, "-"),
    ) as session:
        if not args.json:
            console.say(COLUMNS)
        session.run(source, remark=remark)
    return 0


def _no_remark(_fix: Fix) -> str:
    return ""


def _remark_of(sentinel: Sentinel, console: Console) -> Callable[[Fix], str]:
    """Return what a sentinel says about each location; an alarm is told at once."""
    was_alarm = False

    def remark(fix: Fix) -> str:
        nonlocal was_alarm
        state = sentinel.update(fix.estimate)
        if state.is_alarm and not was_alarm:
            console.caution(sentinel.caution)
        was_alarm = state.is_alarm
        return state.sentence

    return remark
