"""``trainer simulate rooms``: captures of many random rooms."""

import argparse
from pathlib import Path

from edge_agent.console import Console
from trainer.commands.options import seed
from trainer.errors import TrainerError
from trainer.simulate.survey import SurveyPlan, simulate_survey

_PLAN = SurveyPlan()

_EPILOG = """\
examples:
  trainer simulate rooms out/rooms
  trainer simulate rooms out/few --rooms 2 --visits 3 --seed 7
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to write")
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument("--rooms", type=int, default=_PLAN.n_rooms, metavar="N")
    parser.add_argument("--visits", type=int, default=_PLAN.n_visits, metavar="N")
    parser.add_argument(
        "--packets",
        type=int,
        default=_PLAN.packets_per_capture,
        metavar="N",
        help="per capture and access point",
    )
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Simulate and write.

    Raises:
        TrainerError: Numbers below 1 or too large, a folder of something else, or one
            that cannot be written.
    """
    plan = SurveyPlan(args.rooms, args.visits, args.packets)
    try:
        path = simulate_survey(
            args.folder,
            plan,
            seed=args.seed,
            on_room=lambda n: console.progress(f"room {n + 1}/{args.rooms}"),
        )
    except OSError as error:
        raise TrainerError(f"cannot write {args.folder}: {error.strerror}") from error
    console.result(str(path))
    return 0
