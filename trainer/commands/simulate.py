"""``trainer simulate``: surveys of places that do not exist."""

import argparse
from pathlib import Path

from edge_agent.console import Console
from trainer.commands.options import seed
from trainer.errors import TrainerError, UsageError
from trainer.simulate.flat import simulate_flat
from trainer.simulate.survey import SurveyPlan, simulate_survey

_PLAN = SurveyPlan()

_EPILOG = """\
scenes:
  rooms  many random rooms, to train on
  flat   the four-room flat of the demonstration, and a walk through it

Captures are genuine Nexmon bytes in pcapng files, marked as simulated twice over: by a
reserved transmitter prefix (02:53:49:4d) and by a comment. The same seed gives the same
bytes.

examples:
  trainer simulate rooms out/rooms
  trainer simulate rooms out/few --rooms 2 --visits 3 --seed 7
  trainer simulate flat out/flat
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("scene", choices=["rooms", "flat"])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to write")
    parser.add_argument("--seed", type=seed, default=0)
    rooms = parser.add_argument_group("rooms")
    rooms.add_argument("--rooms", type=int, default=_PLAN.n_rooms)
    rooms.add_argument("--visits", type=int, default=_PLAN.n_visits)
    rooms.add_argument(
        "--packets",
        type=int,
        default=_PLAN.packets_per_capture,
        help="per capture and access point",
    )
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Simulate and write.

    Raises:
        TrainerError: Numbers below 1, or the folder cannot be written.
    """
    for name in ("rooms", "visits", "packets"):
        if getattr(args, name) < 1:
            raise UsageError(f"--{name} is {getattr(args, name)}, not 1 or more")
    try:
        if args.scene == "flat":
            for path in simulate_flat(args.folder, seed=args.seed):
                console.result(str(path))
            return 0
        path = simulate_survey(
            args.folder,
            SurveyPlan(args.rooms, args.visits, args.packets),
            seed=args.seed,
            on_room=lambda n: console.progress(f"room {n + 1}/{args.rooms}"),
        )
    except OSError as error:
        raise TrainerError(f"cannot write {args.folder}: {error.strerror}") from error
    console.result(str(path))
    return 0
