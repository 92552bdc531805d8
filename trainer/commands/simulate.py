"""``trainer simulate``: surveys of places that do not exist."""

import argparse
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from edge_agent.console import Console
from trainer.commands import simulate_rooms, simulate_rss, simulate_scene, simulate_walk

_EPILOG = """\
Captures are genuine Nexmon bytes, marked as simulated twice over: by a reserved
transmitter prefix (02:53:49:4d) and by a comment in the pcapng file. The same seed
gives the same bytes. Flags of a scene: trainer simulate SCENE --help.

examples:
  trainer simulate rooms out/rooms
  trainer simulate hall out/hall
  trainer simulate lab out/lab --points 12 --days 2 --images 6
  trainer simulate walk out/walk
  trainer simulate rss out/mall --model e --correlated
"""


class _Scene(NamedTuple):
    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Console], int]


_SCENES = {
    "rooms": _Scene(
        "many random rooms, to train on",
        simulate_rooms.add_arguments,
        simulate_rooms.run,
    ),
    "hall": _Scene(
        "the paper's hall: 90 points, three access points, five days",
        partial(simulate_scene.add_arguments, scene="hall"),
        simulate_scene.run,
    ),
    "lab": _Scene(
        "the paper's laboratory, likewise",
        partial(simulate_scene.add_arguments, scene="lab"),
        simulate_scene.run,
    ),
    "walk": _Scene(
        "sixteen points of the laboratory, and two minutes of walking between them",
        simulate_walk.add_arguments,
        simulate_walk.run,
    ),
    "rss": _Scene(
        "received power alone, by path-loss models",
        simulate_rss.add_arguments,
        simulate_rss.run,
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a parser per scene."""
    parser.epilog = _EPILOG
    scenes = parser.add_subparsers(dest="scene", metavar="SCENE", required=True)
    for name, scene in _SCENES.items():
        one = scenes.add_parser(
            name,
            help=scene.summary,
            description=scene.summary[0].upper() + scene.summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        one.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,
            help=argparse.SUPPRESS,
        )
        scene.add_arguments(one)


def run(args: argparse.Namespace, console: Console) -> int:
    """Simulate and write.

    Raises:
        TrainerError: As the scene's own command.
    """
    return _SCENES[args.scene].run(args, console)
