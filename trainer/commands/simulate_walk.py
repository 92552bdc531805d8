"""``trainer simulate walk``: a survey, and a recorded walk through the place."""

import argparse
from pathlib import Path

from edge_agent.console import Console
from trainer.commands.options import seed
from trainer.errors import TrainerError
from trainer.simulate.lab_walk import simulate_lab_walk

_EPILOG = """\
Beside survey.csv and walk.pcapng, walk.csv says where the walk rests and when.

examples:
  trainer simulate walk out/walk
  trainer simulate walk out/another --seed 3
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to write")
    parser.add_argument("--seed", type=seed, default=0)
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Simulate and write.

    Raises:
        TrainerError: The folder holds something else, or cannot be written.
    """
    try:
        paths = simulate_lab_walk(args.folder, seed=args.seed)
    except OSError as error:
        raise TrainerError(f"cannot write {args.folder}: {error.strerror}") from error
    for path in paths:
        console.result(str(path))
    return 0
