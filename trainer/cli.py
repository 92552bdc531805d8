"""The command ``trainer``.

Exit codes: 0 done, 1 failure, 2 usage.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

from edge_agent.console import Console
from edge_agent.errors import AgentError
from edge_agent.threads import use_one_blas_thread
from edge_agent.version import version
from trainer.errors import TrainerError

_COMMANDS = {
    "simulate": "write a simulated survey: captures of rooms, and where they were made",
    "train": "meta-train a network on surveyed captures",
    "survey": "list the captures of a public survey with their coordinates",
}

_EPILOG = """\
examples:
  trainer simulate rooms out/rooms
  trainer train out/rooms/survey.csv --out out/checkpoint.npz
  python -m export out/checkpoint.npz out/bundle
"""


def build_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser; only the chosen command's module is imported."""
    parser = argparse.ArgumentParser(
        prog="trainer",
        description="Meta-learned indoor location: surveys, simulation, training.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version())
    parser.add_argument(
        "--debug", action="store_true", help="show where an error comes from"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((word for word in arguments if word in _COMMANDS), None)
    for name, summary in _COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        # Also behind the command, where one remembers it; the default stands in front.
        command.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,
            help=argparse.SUPPRESS,
        )
        if name == chosen:
            module = importlib.import_module(f"trainer.commands.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    use_one_blas_thread()
    arguments = sys.argv[1:] if arguments is None else arguments
    console = Console()
    try:
        args = build_parser(arguments).parse_args(arguments)
    except ImportError as error:
        console.say(f"trainer: {error}; install it with: pip install 'metaloc[train]'")
        return 1
    try:
        code: int = args.run(args, console)
    except KeyboardInterrupt:
        console.say("trainer: interrupted")
        return 1
    except (AgentError, TrainerError) as error:
        if args.debug:
            raise
        console.say(f"trainer: {error}")
        return 1
    return code
