"""``edge_agent calibrate``: one person, one walk -> a calibration in use."""

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime
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
from edge_agent.errors import AgentError, UsageError, WalkError
from edge_agent.guide.forgetting import forget_shot
from edge_agent.guide.json_lines import JsonLines
from edge_agent.guide.learning import Learning
from edge_agent.guide.listing import listing
from edge_agent.guide.noted_points import drop_point
from edge_agent.guide.recorded_site import RecordedSite
from edge_agent.guide.setting import (
    walk_store,
)
from edge_agent.guide.skin import Skin
from edge_agent.guide.take_walk import Asked, last_shot, take_walk
from edge_agent.guide.terminal import Terminal
from edge_agent.guide.walk_plan import ALL, Wishes
from edge_agent.preflight.run import LISTEN_S
from edge_agent.site_file import SITE_FILE, read_site_file
from edge_agent.site_state import SiteState
from edge_agent.survey import read_survey
from edge_agent.walking.plan import MAX_LAPS, MAX_POINTS, MAX_SHOTS
from edge_agent.walking.shot_events import Discarded
from edge_agent.walking.walk_store import WalkStore

_EPILOG = """\
Three laps, one shot per point and lap: shots from separate visits, with the device put
down anew each time, teach more than three in one stop. In a hurry: --shots 3 --laps 1.
A shot takes about five seconds at ten frames per second and access point. Ctrl-C gives
it up; twice, it leaves the walk, and the same command goes on with it.

Points are those of the site file, or typed as you go: docs/calibration.md.

examples:
  sudo edge_agent calibrate
  sudo edge_agent calibrate --points 5
  edge_agent calibrate --pcap csi.fifo
  edge_agent calibrate --recording survey.csv --environment day1
  edge_agent calibrate --list
  edge_agent calibrate --forget 4
  edge_agent calibrate --undo
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--iface", metavar="NAME", help="interface with the frames")
    source.add_argument(
        "--pcap", metavar="PIPE", help="named pipe with the frames, as of a phone"
    )
    source.add_argument(
        "--recording",
        type=Path,
        metavar="SURVEY.csv",
        help="walk through recorded captures instead",
    )
    parser.add_argument(
        "--environment", metavar="NAME", help="of the recording, if it holds several"
    )
    parser.add_argument(
        "--visits",
        metavar="A,B",
        help="visits of the recording that are the laps (default: the first ones)",
    )
    parser.add_argument(
        "--points",
        metavar="N",
        help=f"go to the N points that teach most, or to '{ALL}' (default: of a site "
        "with a past those that are worth the way; else, and of a recording, all)",
    )
    parser.add_argument(
        "--laps", type=int, metavar="N", help="visits of each point (default 3)"
    )
    parser.add_argument(
        "--shots", type=int, default=1, metavar="K", help="shots per visit (default 1)"
    )
    parser.add_argument(
        "--outside", action="store_true", help="every lap also goes outside"
    )
    parser.add_argument(
        "--site-file",
        type=Path,
        metavar="FILE",
        help=f"points and walls (default: {SITE_FILE} in the site's folder)",
    )
    parser.add_argument(
        "--listen",
        type=float,
        default=LISTEN_S,
        metavar="S",
        help=f"listen so long before walking, to find faults (default {LISTEN_S:g} s)",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--resume", action="store_true", help="go on with an unfinished walk or fail"
    )
    which.add_argument(
        "--fresh-walk", action="store_true", help="leave an unfinished walk as it is"
    )
    which.add_argument(
        "--undo", action="store_true", help="return to the calibration before"
    )
    which.add_argument(
        "--use", metavar="NAME", help="put a calibration in use that --list shows"
    )
    which.add_argument(
        "--forget",
        type=int,
        metavar="N",
        help="shot N of --list was wrong: leave it out, and learn again",
    )
    which.add_argument(
        "--list",
        action="store_true",
        help="show walks, calibrations, and the shots of the newest walk",
    )
    parser.add_argument(
        "--force", action="store_true", help="use what is learnt even if no better"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="JSON lines in and out, for a page or a script",
    )
    add_config(parser)
    add_model(parser)
    add_estimator(parser)
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Walk, learn, and put what was learnt in use.

    Returns:
        0 when that is done, 1 when the walk was left before its end.

    Raises:
        AgentError: It cannot begin or go on; what was stored stays stored.
    """
    wishes = _wishes(args)
    config = configuration(args)
    folder = config.model.site_path(config.site.name)
    store = walk_store(folder)
    site = SiteState(folder, Kind.CSI)
    if args.list:
        for line in listing(store, site, as_json=args.json):
            console.result(line)
        return 0
    skin: Skin = Terminal(console, is_asking=args.recording is None)
    if args.json:
        skin = JsonLines(console)
    site_file = args.site_file or folder / SITE_FILE
    learning = Learning(
        config,
        skin,
        repeated(args),
        points=read_site_file(site_file).points if site_file.exists() else (),
        force=args.force,
    )
    if args.undo:
        skin.undone(learning.undo())
        return 0
    if args.use is not None:
        learning.use(args.use)
        skin.undone(args.use)
        return 0
    if args.forget is not None:
        return _forget(args.forget, store, site_file, learning)
    if args.recording is None and not args.json and not sys.stdin.isatty():
        raise UsageError(
            "nobody can answer: standard input is no terminal. Run it in one, drive it "
            "with --json lines (docs/calibration_protocol.md), or give it a --recording"
        )
    recorded = _recorded(args)
    asked = Asked(
        wishes,
        site_file,
        args.iface,
        args.pcap,
        args.listen,
        is_resumed=args.resume,
        is_fresh=args.fresh_walk,
    )
    walked = take_walk(asked, config, store, site, recorded, skin)
    if walked is None:
        return 1
    captures = store.as_survey(walked, config.site.name)
    if not captures:
        raise WalkError("no shot was taken, so there is nothing to learn")
    now = datetime.now(UTC) if recorded is None else last_shot(store, walked)
    try:
        learning.learn(captures, now)
    except AgentError:
        if recorded is None:  # what was not learnt from is not over
            with store.open(walked) as stored:
                stored.reopen()
        raise
    return 0


def _forget(number: int, store: WalkStore, site_file: Path, learning: Learning) -> int:
    """Leave a shot out and learn from the others of its walk, if that is over."""
    skin = learning.skin
    walk, shot, is_over = forget_shot(store, number)
    skin.events([Discarded(shot.stop, "forgotten")])
    if drop_point(site_file, shot.stop.point, store):
        skin.say(f"{shot.stop.point.name} has no shot left and is no point any more")
    captures = store.as_survey(walk, learning.config.site.name)
    if not is_over:
        skin.say("the walk is not over: the same command without --forget goes on")
    elif not captures:
        skin.say(
            "it was the only one of its walk; the calibration in use stays, and "
            f"edge_agent calibrate --undo{learning.flags} returns to the one before"
        )
    else:
        # The one in use has learnt these very shots, and the wrong one as well: to
        # compare with it would flatter it.
        replace(learning, force=True).learn(captures, last_shot(store, walk))
    return 0


def _wishes(args: argparse.Namespace) -> Wishes:
    """Return what the flags ask for.

    Raises:
        UsageError: They make no sense, alone or together.
    """
    for flag, value, most in (
        ("laps", args.laps, MAX_LAPS),
        ("shots", args.shots, MAX_SHOTS),
    ):
        if value is not None and not 1 <= value <= most:
            raise UsageError(f"--{flag} is {value}, not 1 to {most}")
    if not 0.1 <= args.listen <= 60:
        raise UsageError(f"--listen is {args.listen:g}, not 0.1 to 60")
    if args.recording is None and (args.environment or args.visits):
        raise UsageError("--environment and --visits are of a --recording")
    if args.recording is not None and (args.resume or args.fresh_walk):
        raise UsageError("--resume and --fresh-walk are of walks that are taken now")
    points = args.points
    if points not in (None, ALL):
        if not (points.isdecimal() and 1 <= int(points) <= MAX_POINTS):
            raise UsageError(f"--points is {points!r}, not 1 to {MAX_POINTS} or {ALL}")
        points = int(points)
    return Wishes(args.laps, args.shots, points, args.outside)


def _recorded(args: argparse.Namespace) -> RecordedSite | None:
    if args.recording is None:
        return None
    visits = (
        None if args.visits is None else [v.strip() for v in args.visits.split(",")]
    )
    return RecordedSite.of(
        read_survey(args.recording), environment=args.environment, visits=visits
    )
