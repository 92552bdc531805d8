"""``edge_agent label``: one more shot where somebody stands, then learn again."""

import argparse
import contextlib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge_agent.bundles.files import Kind
from edge_agent.commands.options import (
    add_config,
    add_estimator,
    add_model,
    configuration,
    repeated,
)
from edge_agent.console import Console
from edge_agent.csi.raw import RawFrames
from edge_agent.guide.json_lines import JsonLines
from edge_agent.guide.learning import Learning
from edge_agent.guide.named_point import point_called
from edge_agent.guide.recorded_site import FirstLook, first_look
from edge_agent.guide.setting import (
    csi_bundle,
    mark_simulated,
    packet_source,
    walk_store,
)
from edge_agent.guide.single_shot import packet_clock, take_shot
from edge_agent.guide.skin import Skin
from edge_agent.guide.terminal import Terminal
from edge_agent.guide.walk_plan import known_channels, known_points
from edge_agent.site_file import SITE_FILE
from edge_agent.site_state import SiteState
from edge_agent.walking.engine import Walk
from edge_agent.walking.plan import WalkPlan
from edge_agent.walking.walk_store import WalkStore, walk_name

SAME_WALK = timedelta(hours=12)
"""A shot so soon after a walk began belongs to it; a later one begins another, as what
the radio channel is like changes from day to day."""

_EPILOG = """\
The device rests where it is; the shot begins at once and takes some five seconds. It
becomes part of the newest walk, or, half a day after that, of a new one, and the site
is learnt again. A new point has a name and a room, or a place.

examples:
  sudo edge_agent label kitchen
  sudo edge_agent label "table, kitchen, 1.2, 0.5"
  sudo edge_agent label outside
  edge_agent label kitchen --pcap kitchen.pcap
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("point", metavar="POINT", help="its name, or the room's")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--iface", metavar="NAME", help="interface with the frames")
    source.add_argument("--pcap", metavar="FILE", help="capture, or a named pipe")
    parser.add_argument(
        "--site-file",
        type=Path,
        metavar="FILE",
        help=f"points of the site (default: {SITE_FILE} in the site's folder)",
    )
    parser.add_argument(
        "--force", action="store_true", help="use what is learnt even if no better"
    )
    parser.add_argument("--json", action="store_true", help="JSON lines out")
    add_config(parser)
    add_model(parser)
    add_estimator(parser)
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Take one shot and learn again.

    Raises:
        AgentError: No such point, no packets, a shot that is no good, or nothing that
            can be learnt. What was stored stays stored.
    """
    config = configuration(args)
    skin: Skin = Terminal(console, is_asking=False)
    if args.json:
        skin = JsonLines(console)
    folder = config.model.site_path(config.site.name)
    site, store = SiteState(folder, Kind.CSI), walk_store(folder)
    bundle = csi_bundle(config, skin)
    source = packet_source(config, args.iface, args.pcap)
    is_file = args.pcap is not None and Path(args.pcap).is_file()
    known = known_points(bundle, site, args.site_file or folder / SITE_FILE)
    look = FirstLook(time.time_ns(), is_simulated=False)
    if is_file:
        look = first_look([Path(args.pcap)])
    begun_ns = look.begun_ns
    name = _walk_to_join(store, begun_ns)
    channels = known_channels(bundle, site)
    with contextlib.ExitStack() as stack:
        opened = None if name is None else stack.enter_context(store.open(name))
        planned = () if opened is None else opened.plan.points
        names = {point.name for point in planned}
        others = (point for point in known if point.name not in names)
        point = point_called(args.point, (*planned, *others))
        if opened is None:
            points = () if point.is_outside else (point,)
            plan = WalkPlan(points, 1, with_outside=point.is_outside)
            opened = stack.enter_context(store.begin(plan, walk_name(begun_ns)))
            opened.finish()  # nobody shall go on with it as if it were a round
        if look.is_simulated:
            mark_simulated(opened.folder)
        walk = Walk(
            opened,
            bundle.manifest.spec,
            expected=tuple(dict.fromkeys(channel.mac for channel in channels)),
        )
        packets = stack.enter_context(
            contextlib.closing(raw for raw in source.packets(lambda: 1))
        )
        take_shot(walk, point, skin, packets, packet_clock() if is_file else _now)
        captures = store.as_survey(opened.name, config.site.name)
    now = datetime.fromtimestamp(begun_ns // 1_000_000_000, UTC)
    learning = Learning(config, skin, repeated(args), force=args.force)
    learning.learn(captures, now)
    return 0


def _walk_to_join(store: WalkStore, now_ns: int) -> str | None:
    """Return the newest walk, if it began shortly before."""
    earliest_ns = now_ns - round(SAME_WALK.total_seconds() * 1e9)
    newest = store.walks()[-1:]
    if newest and walk_name(max(earliest_ns, 0)) <= newest[0] <= walk_name(now_ns):
        return newest[0]
    return None


def _now(_raw: RawFrames | None) -> float:
    return time.monotonic()
