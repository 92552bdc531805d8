"""``edge_agent explain``: one location taken apart."""

import argparse
import json
import re
import time
from collections.abc import Iterator

from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.files import BundleFiles, Kind
from edge_agent.bundles.model_in_use import load_files
from edge_agent.calibration import Calibration
from edge_agent.capture_file import STANDARD_INPUT
from edge_agent.commands.options import (
    add_config,
    add_estimator,
    add_model,
    configuration,
)
from edge_agent.config import AgentConfig
from edge_agent.configured_site import open_configured_site
from edge_agent.console import Console, clock
from edge_agent.csi.image import CsiImage
from edge_agent.csi.iq_order import IqOrder
from edge_agent.drift.site_watch import calibrated_ns, site_examiner
from edge_agent.environment import Environment
from edge_agent.errors import CalibrationError, CaptureError, UsageError
from edge_agent.estimators import Estimator
from edge_agent.explain.explanation import Explanation, Shelf, View, candidates_of
from edge_agent.explain.words import lines
from edge_agent.history import align, pooled
from edge_agent.models import model_of
from edge_agent.pipeline import Fix
from edge_agent.recorded_fixes import recorded_fixes
from edge_agent.recording import read_frames
from edge_agent.site_model import OpenSite
from edge_agent.site_predictor import chosen_estimator
from edge_agent.site_state import SiteState, load_calibration
from edge_agent.sources import FileSource
from edge_agent.tracking.site_tracker import make_tracker
from edge_agent.tracking.tracker import Tracked, Tracker

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d")

_EPILOG = """\
Locates in the capture as `edge_agent locate` does, up to one location, and shows what
that is made of: the frames of each access point, used or not and why; the nearest
shots, and how much each access point adds to their distance; the candidates; whether
the site still is what it was calibrated to. "Why office, when I am in the kitchen?" is
answered by --expect kitchen, access point by access point. docs/drift.md explains the
columns.

examples:
  edge_agent explain --pcap walk.pcap
  edge_agent explain --pcap walk.pcap --at 12
  edge_agent explain --pcap walk.pcap --time 09:41:05 --expect kitchen
  edge_agent explain --pcap walk.pcap --at 12 --json | jq .access_points
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "--pcap", required=True, metavar="FILE", help="pcap or pcapng file"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--at",
        type=int,
        metavar="N",
        help="the N-th location, from 0, as edge_agent locate counts (default: the "
        "last)",
    )
    which.add_argument(
        "--time",
        metavar="HH:MM:SS",
        help="the first location from this time on, as clocks here showed it",
    )
    parser.add_argument(
        "--expect", metavar="PLACE", help="room or point where the device was"
    )
    parser.add_argument(
        "--hop",
        type=int,
        metavar="N",
        help="new packets per access point from one location to the next, at most "
        "those of an image",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_config(parser)
    add_model(parser)
    add_estimator(parser)
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Take one location apart.

    Raises:
        AgentError: No calibration, or a capture that cannot be read.
    """
    _check(args)
    config = configuration(args)

    files = load_files(config.model, on_caution=console.caution)
    model = model_of(files, Estimator(config.model.estimator))
    site = open_configured_site(
        model,
        config,
        hop=args.hop or config.capture.hop,
        on_caution=console.caution,
    )
    source = FileSource(args.pcap, link_types=model.link_types)
    started = time.perf_counter()
    tracker = make_tracker(config, site.points, on_caution=console.caution)
    number, fix, tracked = _wanted(
        args, recorded_fixes(site.pipeline, source, console.say), tracker
    )
    each_ms = (time.perf_counter() - started) * 1e3 / (number + 1)
    view, calibration = None, None
    if files.kind is Kind.CSI:
        calibration, view = _view(args, config, files, site, fix)
        names = _names(calibration)
    elif args.expect is not None:
        raise UsageError(
            f"{model.name} locates from received power and compares with no shots; do "
            "without --expect"
        )
    else:
        folder = config.model.site_path(config.site.name)
        names = tuple(model.load_calibration(folder).transmitters)
    explanation = Explanation(
        number,
        fix,
        tracked,
        f"{model.name}+{site.identifier}",
        site.backend,
        _age_s(calibration, fix),
        names,
        _heard(calibration, fix),
        view.span_s if view else fix.estimate.window_s,
        view.air if view else (),
        view.shots if view else (),
        candidates_of(
            fix,
            site.points,
            view.by_shots if view else None,
            _temperature(config, files, calibration, fix),
        ),
        view.comparison if view else None,
        fix.drift,
        {"location, all stages": each_ms}
        | ({"comparing with shots": view.took_ms} if view else {}),
    )
    if args.json:
        console.result(json.dumps(explanation.to_json(), allow_nan=False))
    else:
        for line in lines(explanation):
            console.result(line)
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.pcap == STANDARD_INPUT:
        raise UsageError(
            "--pcap - cannot be explained: the capture is read twice. Store it first: "
            "cat > walk.pcap"
        )
    if args.at is not None and args.at < 0:
        raise UsageError(f"--at is {args.at}, not 0 or more")
    if args.hop is not None and args.hop < 1:
        raise UsageError(f"--hop is {args.hop}, not 1 or more")
    if args.time is not None and not _TIME.fullmatch(args.time):
        raise UsageError(f"--time is {args.time!r}, not HH:MM:SS, as 09:41:05")


def _wanted(
    args: argparse.Namespace, fixes: Iterator[Fix], tracker: Tracker | None
) -> tuple[int, Fix, Tracked | None]:
    """Return the location that is asked about, its number, and the way that led there.

    Raises:
        CaptureError: The capture has none, or not this one.
    """
    number, newest, tracked = -1, None, None
    for number, fix in enumerate(fixes):
        newest = fix
        if tracker is not None:
            tracked = tracker.update(fix.estimate, fix.unrest)
        if args.at == number:
            return number, fix, tracked
        if args.time is not None and _clock_s(fix) >= args.time:
            return number, fix, tracked
    if newest is None:
        raise CaptureError(
            f"{args.pcap}: no location; edge_agent frames shows what it holds"
        )
    if args.at is not None:
        raise CaptureError(
            f"{args.pcap} has the locations 0 to {number}; there is no {args.at}"
        )
    if args.time is not None:
        raise CaptureError(
            f"{args.pcap}: the last location is of {_clock_s(newest)}, before "
            f"{args.time}"
        )
    return number, newest, tracked


def _clock_s(fix: Fix) -> str:
    """Return when a location was, as clocks here showed it; empty without a time."""
    return clock(fix.estimate.time_ns) if fix.estimate.time_ns else ""


def _view(
    args: argparse.Namespace,
    config: AgentConfig,
    files: BundleFiles,
    site: OpenSite,
    fix: Fix,
) -> tuple[Calibration, View | None]:
    bundle = Bundle.from_files(files)
    folder = config.model.site_path(config.site.name)
    calibration = load_calibration(folder, bundle)
    examiner = site_examiner(bundle, calibration)
    if examiner is None:
        if args.expect is not None:
            raise UsageError(
                "this model has no neighbours to compare shots with; do without "
                "--expect"
            )
        return calibration, None
    visits = _visits(SiteState(folder, Kind.CSI), calibration)
    shelf = Shelf(examiner, calibration.channels, visits)
    frames = read_frames(args.pcap, IqOrder(config.capture.iq_order))
    assert isinstance(fix.sample, CsiImage)
    view = shelf.look(
        fix.sample, (part for part, _ in frames), site.points, args.expect
    )
    return calibration, view


def _visits(state: SiteState, calibration: Calibration) -> tuple[str, ...]:
    """Return the visit of each shot of a calibration, as far as they are kept."""
    try:
        shots = Environment.load(state.shots)
        if shots.digest != calibration.shots_digest and state.history.is_file():
            shots = pooled(*align(shots, Environment.load(state.history)))
    except CalibrationError:
        return ()
    if shots.digest != calibration.shots_digest:
        return ()
    return tuple(shots.visit_of.tolist())


def _temperature(
    config: AgentConfig,
    files: BundleFiles,
    calibration: Calibration | None,
    fix: Fix,
) -> float | None:
    """Return what probabilities of a location were tempered with, if they were."""
    if calibration is None:
        return None
    wanted = Estimator(config.model.estimator)
    bundle = Bundle.from_files(files)
    chosen = chosen_estimator(bundle, wanted, calibration.trusts)
    trust = calibration.trust_in(chosen)
    if trust is None:
        return None
    age_s = trust.age_s(fix.estimate.time_ns, calibrated_ns(calibration))
    return trust.stage(age_s).temperature


def _age_s(calibration: Calibration | None, fix: Fix) -> float | None:
    if calibration is None or not fix.estimate.time_ns:
        return None
    return (fix.estimate.time_ns - calibrated_ns(calibration)) / 1e9


def _names(calibration: Calibration) -> tuple[str, ...]:
    """Return what channels are called: addresses, with cores where one has several."""
    macs = [channel.mac for channel in calibration.channels]
    return tuple(
        f"{c.mac}/{c.core}" if macs.count(c.mac) > 1 else c.mac
        for c in calibration.channels
    )


def _heard(calibration: Calibration | None, fix: Fix) -> tuple[bool, ...]:
    assert fix.sample is not None
    heard = fix.sample.heard.tolist()
    return tuple(heard if calibration is None else heard[: len(calibration.channels)])
