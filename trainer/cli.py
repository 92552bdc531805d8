"""The command ``trainer``.

Exit codes: 0 done, 1 failure, 2 usage.
"""

import argparse
import sys
from collections.abc import Sequence

from edge_agent.command_line import command_parser
from edge_agent.console import Console, close_quietly
from edge_agent.errors import AgentError
from edge_agent.threads import use_one_blas_thread
from trainer.errors import TrainerError

_COMMANDS = {
    "simulate": "write a simulated survey: captures of rooms, and where they were made",
    "train": "meta-train a network on surveyed captures",
    "train-rss": "meta-train a network on received power, where there is no CSI",
    "benchmark": "run all methods on all surveys, and write the table",
    "figures": "draw the paper's simulated experiments again, with numbers and notes",
    "raytrace": "trace rooms with sionna-rt, an optional extra; or say what it lacks",
    "survey": "list the captures of a public survey with their coordinates",
    "surveys": "list public surveys with licence and source, and check what is there",
}

_EPILOG = """\
Everything is set up by make trainer, in the clone: torch for train and benchmark, onnx
for export.

examples:
  trainer simulate rooms out/rooms
  trainer train out/rooms/survey.csv --out out/checkpoint.npz
  python -m export out/checkpoint.npz out/bundle
"""


def build_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser; only the chosen command's module is imported."""
    return command_parser(
        "trainer",
        "Meta-learned indoor location: surveys, simulation, training.",
        _EPILOG,
        _COMMANDS,
        arguments,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    use_one_blas_thread()
    arguments = sys.argv[1:] if arguments is None else arguments
    console = Console()
    try:
        args = build_parser(arguments).parse_args(arguments)
    except ImportError as error:
        console.say(f"trainer: {error}; in the clone: pip install '.[train]'")
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
        return error.exit_code
    except BrokenPipeError:  # the reader had enough, as in `| head`
        close_quietly(sys.stdout)
        return 0
    return code
