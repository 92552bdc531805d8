"""``trainer survey``: a public survey as a list of captures."""

import argparse
from pathlib import Path

from edge_agent.console import Console
from edge_agent.survey import write_survey
from trainer.errors import TrainerError
from trainer.surveys.csu import ROLES, csu_captures

_EPILOG = """\
The list is what edge_agent adapt and trainer train read.

examples:
  trainer survey csu ~/csi-rssi-dataset-indoor-nav --role ref --out corridor.csv
  edge_agent adapt corridor.csv --site corridor
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("name", choices=["csu"], help="csu: EPIC-CSU corridors")
    parser.add_argument("root", type=Path, metavar="FOLDER", help="the data set")
    parser.add_argument("--role", choices=ROLES, default="ref")
    parser.add_argument("--out", type=Path, required=True, metavar="SURVEY.csv")
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Write the list.

    Raises:
        TrainerError: The data set is incomplete, or the list cannot be written.
    """
    captures = csu_captures(args.root.resolve(), args.role)
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        write_survey(args.out, captures)
    except OSError as error:
        raise TrainerError(f"cannot write {args.out}: {error.strerror}") from error
    console.result(f"{args.out}: {len(captures)} captures")
    return 0
