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
    add = parser.add_argument
    add("--seed", type=seed, default=0, help="another seed, other rooms (default 0)")
    for flag, default, what in (
        ("--rooms", _PLAN.n_rooms, "each another place"),
        ("--visits", _PLAN.n_visits, "of every point of a room"),
    ):
        text = f"{what} (default {default})"
        add(flag, type=int, default=default, metavar="N", help=text)
    parser.add_argument(
        "--packets",
        type=int,
        default=_PLAN.packets_per_capture,
        metavar="N",
        help=f"per capture and access point (default {_PLAN.packets_per_capture})",
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
