"""``edge_agent evaluate``: a recording against its labels, at a calibrated site."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_agent.arrays import write_atomically
from edge_agent.commands.options import (
    add_config,
    add_estimator,
    add_model,
    configuration,
)
from edge_agent.config import AgentConfig
from edge_agent.configured_site import open_configured_site
from edge_agent.console import Console
from edge_agent.csi.iq_order import IqOrder
from edge_agent.environment import Environment
from edge_agent.errors import CalibrationError, OutputError, SurveyError, UsageError
from edge_agent.evaluation.error_map import error_map
from edge_agent.evaluation.evaluation import Evaluation, cautions_of
from edge_agent.evaluation.json_document import to_json
from edge_agent.evaluation.judged import Judged
from edge_agent.evaluation.overlap import calibrated_with
from edge_agent.evaluation.text import report_lines
from edge_agent.models import load_model
from edge_agent.recorded_fixes import recorded_fixes
from edge_agent.site_file import SITE_FILE, Wall, read_site_file
from edge_agent.site_model import OpenSite, SiteModel
from edge_agent.site_state import SiteState
from edge_agent.sources import FileSource
from edge_agent.survey import SurveyedCapture, read_survey

_ALL_NEW = 1 << 20
"""Hop with which no two images share a packet."""

_EPILOG = """\
The list is one that edge_agent record or trainer surveys --recording has written, or of
your own making (edge_agent adapt --help). Errors are of the calibration that is in use,
and of captures that it was not made of: those that it was, and their visits, are found
by their packets and counted apart.

examples:
  edge_agent evaluate recording
  edge_agent evaluate recording --visits 2,3 --map errors.svg
  edge_agent evaluate recording/survey.csv --environment d07 --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "survey",
        type=Path,
        metavar="RECORDING",
        help="list of recorded captures, or the folder with its survey.csv",
    )
    parser.add_argument(
        "--environment", metavar="E", help="which one, if the list holds several"
    )
    parser.add_argument(
        "--visits", metavar="V,V", help="only these visits (default: all)"
    )
    parser.add_argument(
        "--hop",
        type=int,
        metavar="N",
        help="new packets per access point from one location to the next (default: "
        "those of an image, so that no two locations share a packet)",
    )
    parser.add_argument(
        "--map", type=Path, metavar="OUT.svg", help="draw the site with its errors"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_config(parser)
    add_model(parser)
    add_estimator(parser)
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Replay, judge and report.

    Raises:
        AgentError: No calibration, or a list or a capture that cannot be used.
    """
    config = configuration(args)
    if args.hop is not None and args.hop < 1:
        raise UsageError(f"--hop is {args.hop}, not 1 or more")
    if args.map is not None and args.map.suffix.lower() != ".svg":
        raise UsageError(
            f"--map is {args.map}; maps are drawn as SVG, which every browser shows "
            "(and saves as another picture): name a file that ends with .svg"
        )
    captures = _chosen(args.survey, args.environment, args.visits)

    model = load_model(config.model, on_caution=console.caution)
    folder = config.model.site_path(config.site.name)
    site = open_configured_site(
        model,
        config,
        hop=args.hop or _ALL_NEW,
        on_caution=console.caution,
    )
    used = _used(captures, model, folder, config, console)
    evaluation = _evaluate(captures, used, model, site, config.site.name, console)
    for sentence in evaluation.cautions:
        console.caution(sentence)
    if args.json:
        console.result(json.dumps(to_json(evaluation)))
    else:
        for line in report_lines(evaluation):
            console.result(line)
    if args.map is not None:  # last: whatever comes of it, the figures are there
        _draw(args.map, evaluation, folder, console)
    return 0


def _chosen(
    survey: Path, environment: str | None, visits: str | None
) -> list[SurveyedCapture]:
    """Return the captures that are asked for."""
    captures = read_survey(survey)
    names = list(dict.fromkeys(capture.environment for capture in captures))
    name = environment or names[0]
    if name not in names or (environment is None and len(names) > 1):
        raise SurveyError(
            f"{survey} has the environments {', '.join(names)}; choose one with "
            "--environment"
        )
    captures = [capture for capture in captures if capture.environment == name]
    if visits is None:
        return captures
    there = list(dict.fromkeys(capture.visit for capture in captures))
    asked = [visit.strip() for visit in visits.split(",") if visit.strip()]
    if not asked or (unknown := [visit for visit in asked if visit not in there]):
        raise SurveyError(
            f"--visits is {visits!r}: {'none' if not asked else unknown[0]} is not "
            f"among the visits of {name}, which are {', '.join(there)}"
        )
    return [capture for capture in captures if capture.visit in asked]


def _used(
    captures: Sequence[SurveyedCapture],
    model: SiteModel[Any, Any],
    folder: Path,
    config: AgentConfig,
    console: Console,
) -> set[Path]:
    """Return the captures of visits that the site was calibrated on."""
    state = SiteState(folder, model.kind)
    used: set[Path] = set()
    for path in (state.shots, state.history):
        if not path.is_file():
            continue
        try:
            shots = model.load_shots(path)
        except CalibrationError as error:
            console.caution(f"{error}; what the site was calibrated with is not known")
            continue
        if not isinstance(shots, Environment):
            console.caution(
                "whether the site was calibrated with these captures cannot be told "
                "from received power: see to it that they are of other visits"
            )
            continue
        used |= calibrated_with(
            captures,
            shots,
            IqOrder(config.capture.iq_order),
            lambda n: console.progress(f"comparing {n + 1}/{len(captures)}"),
        )
    return used


def _evaluate(
    captures: Sequence[SurveyedCapture],
    used: set[Path],
    model: SiteModel[Any, Any],
    site: OpenSite,
    name: str,
    console: Console,
) -> Evaluation:
    estimates, of_capture = [], []
    for number, capture in enumerate(captures):
        console.progress(f"locating {number + 1}/{len(captures)}: {capture.capture}")
        source = FileSource(capture.capture, link_types=model.link_types)
        for fix in recorded_fixes(site.pipeline, source, console.say):
            estimates.append(fix.estimate)
            of_capture.append(capture)
    if not estimates:
        raise SurveyError(
            f"none of the {len(captures)} captures gives a location: they have too few "
            "frames of the access points that the site was calibrated with (edge_agent "
            "frames FILE shows whose they have)"
        )
    judged = Judged(
        site.points,
        tuple(estimates),
        tuple(capture.point for capture in of_capture),
        tuple(capture.visit for capture in of_capture),
    )
    fresh = [k for k, c in enumerate(of_capture) if c.capture not in used]
    old = [k for k, c in enumerate(of_capture) if c.capture in used]
    counted = judged.select(fresh or old)
    n_silent = len(captures) - len({capture.capture for capture in of_capture})
    return Evaluation(
        name,
        site.identifier,
        model.name,
        captures[0].environment,
        counted,
        bool(fresh),
        judged.select(old) if fresh and old else None,
        len({of_capture[k].capture for k in fresh or old}),
        n_silent,
        tuple(cautions_of(counted, is_revisit=bool(fresh), n_silent=n_silent)),
    )


def _draw(path: Path, evaluation: Evaluation, folder: Path, console: Console) -> None:
    """Draw the map; of a site without coordinates, say that there is none."""
    if not evaluation.judged.is_measured.any():
        console.caution(
            f"no map, {path} is not written: no location has coordinates to be drawn "
            "at; give the points some (x_m and y_m), and calibrate with them"
        )
        return
    walls: tuple[Wall, ...] = ()
    if (folder / SITE_FILE).is_file():
        walls = read_site_file(folder / SITE_FILE).walls
    title = f"{evaluation.site}, {evaluation.environment}: {evaluation.calibration}"
    picture = error_map(evaluation.judged, walls, title)
    try:
        write_atomically(path, picture.encode())
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
    console.say(f"map: {path}")
