"""``edge_agent adapt``: recorded shots -> a model adapted to the site."""

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge_agent.bundles.store import BundleStore
from edge_agent.cautions import cautions
from edge_agent.commands.options import add_config, add_model, configuration, repeated
from edge_agent.config import AgentConfig
from edge_agent.console import Console
from edge_agent.csi.iq_order import IqOrder
from edge_agent.errors import CalibrationError, SurveyError
from edge_agent.guide.learning import next_command
from edge_agent.learning.backends import Backend
from edge_agent.models import load_model
from edge_agent.site_learning import keep
from edge_agent.site_model import Shots, SiteCalibration, SiteModel
from edge_agent.site_state import SiteState
from edge_agent.survey import read_survey

_EPILOG = """\
To calibrate a site with the device in the hand, use edge_agent calibrate: it says where
to go, and whether a shot is any good. This command learns from captures that are there
already; "edge_agent record monday" makes them, and their list monday/survey.csv.

The list, or survey, is a CSV file with one line per recorded capture:

  capture,x_m,y_m,point,room,visit
  kitchen-1.pcap,1.2,0.5,table,kitchen,1
  kitchen-2.pcap,1.2,0.5,table,kitchen,2
  street-1.pcap,,,outside,,1

Points have coordinates [m] or, all of them, a room alone. The point outside, of which
all else is empty, is everywhere else: recorded on as many laps as the others, it lets
the agent say that the device is at none of them.

Captures may come from other programs; the device rests at the point for at least 50
frames per access point:

  sudo timeout 10 tcpdump -i wlan0 -s 0 -w kitchen-1.pcap udp dst port 5500

For a model of received power (docs/rss.md) an interface in monitor mode will do:

  sudo timeout 15 tcpdump -i mon0 -y IEEE802_11_RADIO -w kitchen-1.pcap

Three short recordings on three laps teach more than one long one: pick the device up
and put it down again in between, and count the visits.

examples:
  edge_agent adapt survey.csv
  edge_agent adapt monday/survey.csv
  edge_agent adapt survey.csv --site office --shots 3
  edge_agent adapt                 (again from the stored shots, after a new bundle)
"""

_WAITING = "waiting for another edge_agent bundle or adapt command to end (Ctrl-C)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "survey",
        nargs="?",
        type=Path,
        metavar="SURVEY.csv",
        help="list of recorded captures; without it, the site's stored shots",
    )
    parser.add_argument(
        "--shots", type=int, default=3, metavar="K", help="images per point (default 3)"
    )
    parser.add_argument(
        "--environment", metavar="NAME", help="which one, if the list holds several"
    )
    parser.add_argument(
        "--set",
        dest="parameter_set",
        metavar="NAME",
        help="parameters to start from, where the model has some for several "
        "environments (default: those that the shots are like); total: those of all",
    )
    add_config(parser)
    add_model(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Adapt and store; nobody installs a bundle meanwhile.

    One that is installed adapts to the shots that are stored: were they replaced while
    it does, its calibration would be of older ones.

    Raises:
        AgentError: Survey, captures, bundle or state cannot be used.
    """
    config = configuration(args)
    caution = _unrepeated(console)
    model = load_model(
        config.model, on_caution=caution, parameter_set=args.parameter_set
    )
    site = SiteState(config.model.site_path(config.site.name), model.kind)
    shots = _shots(args, console, config, model, site)
    store = BundleStore(config.model.state_path)
    with store.locked(on_wait=lambda: console.say(_WAITING)):
        # While we read and waited, somebody may have put another in use.
        model = load_model(
            config.model, on_caution=caution, parameter_set=args.parameter_set
        )
        history = None
        if args.survey is None:
            shots = model.load_shots(site.shots)
            if site.history.is_file():
                history = model.load_shots(site.history)
        return _adapt(args, console, config, model, site, (shots, history), caution)


def _adapt(
    args: argparse.Namespace,
    console: Console,
    config: AgentConfig,
    model: SiteModel[Any, Any],
    site: SiteState,
    shots_and_history: tuple[Shots, Shots | None],
    caution: Callable[[str], None],
) -> int:
    shots, history = shots_and_history
    n_points = len(shots.points)
    console.say(
        f"adapting to {len(shots)} shots of {n_points} points, "
        f"{shots.n_access_points} access points"
    )
    warnings = cautions(shots, n_asked=args.shots)
    for warning in warnings:
        caution(warning)
    now = datetime.now(UTC)
    calibration = model.adapt(
        shots,
        history=history,
        now=now,
        backend=Backend(config.model.backend),
        on_caution=caution,
        on_step=lambda step, loss: console.progress(f"step {step}: loss {loss:.3f}"),
    )
    name, _ = keep(site, shots, history, calibration, now)
    site.generations.activate(name)
    site.generations.prune()
    if args.json:
        result = _result(config, shots, calibration)
        result |= {"parameter_set": model.start(calibration), "cautions": warnings}
        console.result(json.dumps(result))
        return 0
    console.result(
        f"site {config.site.name} is calibrated: {n_points} points, {len(shots)} "
        f"shots, {model.summary(calibration)}"
    )
    command = next_command(calibration, model.interface(shots))
    console.say(f"next: {command}{repeated(args)}")
    return 0


def _unrepeated(console: Console) -> Callable[[str], None]:
    """Return what says each caution once."""
    said: set[str] = set()

    def caution(sentence: str) -> None:
        if sentence not in said:
            said.add(sentence)
            console.caution(sentence)

    return caution


def _shots(
    args: argparse.Namespace,
    console: Console,
    config: AgentConfig,
    model: SiteModel[Any, Any],
    site: SiteState,
) -> Shots:
    """Return the site's shots: recorded ones, or those that are stored."""
    if args.shots < 1:
        raise SurveyError(f"--shots is {args.shots}, not 1 or more")
    if args.survey is None:
        if not site.shots.is_file():
            raise CalibrationError(
                f"site {site.site} has no stored shots yet; list recorded "
                "captures in a CSV file: edge_agent adapt survey.csv (see --help)"
            )
        stored: Shots = model.load_shots(site.shots)
        return stored
    captures = read_survey(args.survey)
    names = sorted({capture.environment for capture in captures})
    name = args.environment or names[0]
    if name not in names or (args.environment is None and len(names) > 1):
        raise SurveyError(
            f"{args.survey} has the environments {', '.join(names)} (its column "
            "environment, or the list's folder); choose one with --environment"
        )
    chosen = [capture for capture in captures if capture.environment == name]
    recorded: Shots = model.record(
        chosen,
        n_per_point=args.shots,
        iq_order=IqOrder(config.capture.iq_order),
        on_capture=lambda n, capture: console.progress(
            f"reading {n + 1}/{len(chosen)}: {capture.capture.name}"
        ),
    )
    return recorded


def _result(
    config: AgentConfig, shots: Shots, calibration: SiteCalibration
) -> dict[str, object]:
    return {
        "site": config.site.name,
        "calibration": calibration.identifier,
        "points": len(shots.points),
        "shots": len(shots),
        "access_points": shots.n_access_points,
        "losses": [round(loss, 4) for loss in calibration.losses],
        "simulated": calibration.is_simulated,
    }
