"""``edge_agent locate``: the locations of recorded captures, the same every time."""

import argparse
from pathlib import Path

from edge_agent.capture_file import STANDARD_INPUT
from edge_agent.commands.options import (
    add_config,
    add_estimator,
    add_model,
    configuration,
)
from edge_agent.configured_site import open_configured_site
from edge_agent.console import Console
from edge_agent.errors import UsageError
from edge_agent.models import load_model
from edge_agent.payload import FixContext, to_json
from edge_agent.recorded_fixes import captures_in, recorded_fixes
from edge_agent.replayed_payloads import ReplayedPayloads
from edge_agent.sources import FileSource
from edge_agent.tracking.site_tracker import make_tracker

_EPILOG = """\
One line of JSON per location, in the order of the captures; docs/mqtt says what is in
it. Besides, "capture" is the file, as it was named or found. The same captures, model
and calibration give the same bytes: times are those of the captures, and identifiers
follow from what the lines say. Nothing is published.

examples:
  edge_agent locate --pcap walk.pcap
  edge_agent locate --pcap monday.pcap tuesday.pcapng --site office
  edge_agent locate --pcap recording/ | jq -r '[.capture, .room] | @tsv'
  edge_agent locate --pcap - < walk.pcap
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "--pcap",
        nargs="+",
        required=True,
        metavar="FILE",
        help="pcap or pcapng files, folders of them, or - for standard input",
    )
    parser.add_argument(
        "--hop",
        type=int,
        metavar="N",
        help="new packets per access point from one location to the next, at most "
        "those of an image",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="as always; so that scripts may say what they expect",
    )
    parser.add_argument(
        "--device", metavar="NAME", help="the agent's name in the documents"
    )
    add_config(parser)
    add_model(parser)
    add_estimator(parser)
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Locate what the captures hold.

    Raises:
        AgentError: No calibration, or a capture that cannot be read.
    """
    config = configuration(args)
    if args.hop is not None and args.hop < 1:
        raise UsageError(f"--hop is {args.hop}, not 1 or more")
    if args.pcap.count(STANDARD_INPUT) > 1:
        raise UsageError("--pcap names standard input twice; it can be read once")

    model = load_model(config.model, on_caution=console.caution)
    site = open_configured_site(
        model,
        config,
        hop=args.hop or config.capture.hop,
        on_caution=console.caution,
    )
    payloads = ReplayedPayloads(
        FixContext(config.site.device, f"{model.name}+{site.identifier}")
    )
    n_all = 0
    for path in _captures(args.pcap):
        n_here = 0
        tracker = make_tracker(config, site.points, on_caution=console.caution)
        source = FileSource(path, link_types=model.link_types)
        for fix in recorded_fixes(site.pipeline, source, console.say):
            n_here += 1
            tracked = None
            if tracker is not None:
                tracked = tracker.update(fix.estimate, fix.unrest)
            document = payloads.document(fix, tracked) | {"capture": str(path)}
            console.result(to_json(document))
        n_all += n_here
        if not n_here:
            console.say(f"{source.name}: no location")
    counters = site.pipeline.counters
    console.say(
        f"{counters.packets} packets, {counters.frames} "
        f"{site.pipeline.wording.frames}, {n_all} locations"
    )
    return 0


def _captures(names: list[str]) -> list[Path | str]:
    found: list[Path | str] = []
    for name in names:
        found += [name] if name == STANDARD_INPUT else captures_in(Path(name))
    return found
