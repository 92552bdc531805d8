"""``trainer surveys``: what there is, under which licence, how to get it, is it sound.

Without a name: all surveys. With a name: what is known about one, and the commands that
obtain it. With ``--data``: what is found there, what was left out, and whether the
files whose checksums are known are there and intact; exit code 1 where they are not.
With ``--recording``: a survey of channel state as captures and their list, which the
device's commands take; read from ``--data``, else from below METALOC_DATA.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge_agent.console import Console, table
from trainer.errors import TrainerError, UsageError
from trainer.surveys.catalogue import CARDS, SurveyCard
from trainer.surveys.environment import Environment
from trainer.surveys.recording import write_recording
from trainer.surveys.registry import (
    find_survey,
    load_survey,
    load_survey_with_report,
    survey_card,
)
from trainer.surveys.report import SurveyDataError, SurveyReport
from trainer.surveys.verify import FileCheck, check_files, known_files

_EPILOG = """\
Nothing is downloaded: the commands that are shown do it. docs/surveys.md has more.

examples:
  trainer surveys polyu
  trainer surveys
  trainer surveys polyu --data data
  trainer surveys --data data --json

A survey as the device would have recorded it, and what takes that:
  trainer surveys simlab --recording out/lab --images 3
  edge_agent adapt out/lab/survey.csv --environment d1 --site lab
  edge_agent evaluate out/lab/survey.csv --environment d2 --site lab
"""

_DATA_VARIABLE = "METALOC_DATA"
"""Environment variable that names the folder of the surveys."""

_MOST_NAMES = 8
"""Missing files and environments that are named before the rest is counted."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="one survey; NAME:raw, NAME:compact"
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="check what is in this folder; with --recording: read it from there "
        f"(default ${_DATA_VARIABLE})",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--recording",
        type=Path,
        metavar="FOLDER",
        help="write the survey's captures and their list (survey.csv) there",
    )
    parser.add_argument(
        "--environment",
        action="append",
        metavar="E",
        help="with --recording: this day or area, and others named so; default all",
    )
    parser.add_argument(
        "--images",
        type=int,
        metavar="N",
        help="with --recording: of a visit of a point, the first ones; default all",
    )
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """List or check.

    Raises:
        SurveyDataError: There is no such survey, none of its data, or it is not sound.
        UsageError: Flags that mean nothing together.
    """
    if args.recording is not None:
        return _record(args, console)
    if args.environment or args.images is not None:
        raise UsageError("--environment and --images are for --recording FOLDER")
    if args.data is not None:
        return _check(args, console)
    cards = CARDS if args.name is None else (survey_card(args.name),)
    if args.json:
        console.result(json.dumps({"surveys": [_card_json(c) for c in cards]}))
    elif args.name is None:
        _list(console)
    else:
        _describe(cards[0], console)
    return 0


def _record(args: argparse.Namespace, console: Console) -> int:
    """Write a survey as a recording."""
    if args.name is None:
        raise UsageError("--recording needs the name of a survey: trainer surveys")
    card = survey_card(args.name)
    data: Path | None = args.data
    if data is None and (named := os.environ.get(_DATA_VARIABLE)):
        data = Path(named)
    if data is None and not card.is_made_here:
        raise UsageError(
            f"--recording of {card.name} needs --data DIR, or {_DATA_VARIABLE}, where "
            "it is"
        )
    console.progress(f"reading {args.name}")
    environments = load_survey(args.name, data or Path())
    names = [environment.name for environment in environments]
    if unknown := set(args.environment or ()) - set(names):
        raise UsageError(
            f"{card.name} has no environment {min(unknown)}; found {_some(names)}"
        )
    chosen = [e for e in environments if e.name in (args.environment or names)]
    try:
        lists, skips = write_recording(
            args.recording,
            chosen,
            card,
            most_images=args.images,
            on_capture=lambda n, of: console.progress(f"capture {n + 1}/{of}"),
        )
    except OSError as error:
        raise TrainerError(
            f"cannot write {args.recording}: {error.strerror}"
        ) from error
    for reason, number in skips.counts.items():
        console.say(f"left out: {number} {reason}")
    if args.json:
        result = {"lists": [str(path) for path in lists], "skipped": skips.counts}
        console.result(json.dumps(result))
    else:
        for path in lists:
            console.result(str(path))
    return 0


def _list(console: Console) -> None:
    rows = [
        [
            card.name,
            card.signal,
            _origin(card),
            str(len(card.environments) or ""),
            "yes" if card.may_ship else "no",
            card.licence,
            card.title,
        ]
        for card in CARDS
    ]
    header = ["NAME", "SIGNAL", "ORIGIN", "ENVIRONMENTS", "SHIP", "LICENCE", "WHAT"]
    for line in table(header, rows, right={3}):
        console.result(line)
    console.say("SHIP: whether the data may be passed on; results always may")
    made = ", ".join(card.name for card in CARDS if card.is_made_here)
    console.say(
        f"simulated: no radio received any of it; {made} need no files, they are made "
        "when they are loaded"
    )


def _origin(card: SurveyCard) -> str:
    return "simulated" if card.is_simulated else "recorded"


def _describe(card: SurveyCard, console: Console) -> None:
    ship = "may" if card.may_ship else "must not"
    console.result(f"{card.name}: {card.title}")
    console.result(f"licence:  {card.licence}; the data {ship} be passed on")
    console.result(f"cite:     {card.citation}")
    console.result(f"from:     {card.url}")
    if card.is_made_here:
        console.result(
            "obtain:   nothing; it is made here when it is loaded, always the same"
        )
        return
    console.result("obtain:")
    for command in card.obtain:
        console.result(f"  {command}")
    if not card.reads_originals:
        console.result(f"  # then a compact copy: only {card.compact_file} can be read")


def _card_json(card: SurveyCard) -> dict[str, Any]:
    return {
        "name": card.name,
        "title": card.title,
        "signal": card.signal,
        "environments": list(card.environments),
        "licence": card.licence,
        "may_ship": card.may_ship,
        "citation": card.citation,
        "url": card.url,
        "obtain": list(card.obtain),
        "simulated": card.is_simulated,
    }


def _check(args: argparse.Namespace, console: Console) -> int:
    """Check one survey, or all that are found."""
    if not args.data.is_dir():
        raise SurveyDataError(f"{args.data} is no folder")
    names = [args.name] if args.name else _found(args.data)
    if not names:
        raise SurveyDataError(
            f"found no survey below {args.data}; how to get one: trainer surveys NAME"
        )
    results, is_sound = [], True
    for name in names:
        console.progress(f"reading {name}")
        card = survey_card(name)
        try:
            environments, report = load_survey_with_report(name, args.data)
            files = None
            if report.source is not None and not report.is_compact:
                files = _check_files(card, report.source)
        except SurveyDataError as error:
            if args.name:
                raise
            is_sound = False
            console.say(f"{name}: {error}")
            results.append({"name": card.name, "error": str(error)})
            continue
        is_sound = is_sound and not (files and (files.damaged or files.missing))
        results.append(_check_json(card, report, environments, files))
        if not args.json:
            _show(card, report, environments, files, console)
    if args.json:
        console.result(json.dumps({"surveys": results}))
    return 0 if is_sound else 1


def _check_files(card: SurveyCard, root: Path) -> FileCheck | None:
    """Compare with the checksums that are known; None where there are none."""
    known = known_files(card.name)
    return check_files(root, known) if known else None


def _found(data: Path) -> list[str]:
    """Return what there is; a survey may be there in both forms."""
    names = []
    for card in CARDS:
        for choice in ("compact", "raw"):
            try:
                find_survey(f"{card.name}:{choice}", data)
            except SurveyDataError:
                continue
            names.append(f"{card.name}:{choice}")
    return names


def _show(
    card: SurveyCard,
    report: SurveyReport,
    environments: Sequence[Environment],
    files: FileCheck | None,
    console: Console,
) -> None:
    origin = "made here (simulated)"
    if report.source is not None:
        form = "compact copy" if report.is_compact else "original files"
        origin = f"from {report.source} ({form})"
    of = f" of {len(card.environments)}" if card.environments else ""
    console.result(
        f"{card.name}: {len(environments)}{of} environments, "
        f"{sum(map(len, environments))} samples, {origin}"
    )
    rows = [
        [f"  {place}", *map(str, numbers)]
        for place, numbers in _by_place(environments).items()
    ]
    header = ["  PLACE", "ENVIRONMENTS", "POINTS", "CHANNELS", "VISITS", "SAMPLES"]
    for line in table(
        header, [[f"  {r[0]}", *r[1:]] for r in rows], right={*range(1, 6)}
    ):
        console.result(line)
    for reason, number in report.skipped.items():
        console.result(f"  left out: {number} {reason}")
    if missing := _missing(card, environments):
        console.result(f"  not there: {_some(missing)}")
    if files is None:
        if card.is_simulated:
            made = "; ".join(dict.fromkeys(e.origin for e in environments if e.origin))
            console.result(
                f"  values: simulated ({made or 'nothing says by what'}), so that "
                "there is nothing to compare them with"
            )
        elif report.is_compact:
            console.result("  values: not verified, a compact copy has no checksum")
        elif report.source is not None:
            console.result("  files: not verified, no checksums are known")
        return
    console.result(f"  files: {files.n_intact} intact")
    if files.missing:
        console.result(f"  missing: {_some(files.missing)}")
    for text in files.damaged:
        console.result(f"  damaged: {text}")


def _missing(card: SurveyCard, environments: Sequence[Environment]) -> list[str]:
    """Return the environments of the complete survey that were not found."""
    found = {environment.name for environment in environments}
    return [name for name in card.environments if name not in found]


def _some(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _by_place(environments: Sequence[Environment]) -> dict[str, list[int]]:
    """Return environments, points, channels, visits and samples of each place."""
    places: dict[str, list[int]] = {}
    for environment in environments:
        numbers = places.setdefault(
            environment.place.name,
            [0, environment.n_points, len(environment.place.channels), 0, 0],
        )
        numbers[0] += 1
        numbers[3] += len(np.unique(environment.visit_of))
        numbers[4] += len(environment)
    return places


def _check_json(
    card: SurveyCard,
    report: SurveyReport,
    environments: Sequence[Environment],
    files: FileCheck | None,
) -> dict[str, Any]:
    return {
        "name": report.name,
        "source": None if report.source is None else str(report.source),
        "compact": report.is_compact,
        "environments": [
            {
                "name": e.name,
                "place": e.place.name,
                "order": e.order,
                "points": e.n_points,
                "channels": len(e.place.channels),
                "visits": len(np.unique(e.visit_of)),
                "samples": len(e),
                "test_samples": int(e.is_test.sum()),
            }
            for e in environments
        ],
        "not_there": _missing(card, environments),
        "skipped": dict(report.skipped),
        "files": None
        if files is None
        else {
            "intact": files.n_intact,
            "missing": list(files.missing),
            "damaged": list(files.damaged),
        },
    }
