"""``trainer figures``: the paper's simulated experiments, drawn again."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from edge_agent.console import Console
from trainer.errors import UsageError
from trainer.figures.registry import NAMES, figures
from trainer.figures.run import Progress, run_figures
from trainer.figures.workers import use_one_thread

_SAY_EVERY_S: Final = 60.0
"""Also where nobody watches a progress line."""

_EPILOG = """\
Each figure is a plot, its numbers as JSON, and a note of what the paper shows, what
this shows, and why they differ: docs/figures.md. OUT/README.md links them. A run that
was interrupted goes on where it stopped when it is started again.

examples:
  trainer figures out/figures --quick --jobs 2
  trainer figures out/figures --jobs 2
  trainer figures out/figures --only fig8,fig9,theorem1 --seeds 20
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the figures")
    parser.add_argument(
        "--only", metavar="A,B", help=f"some of {', '.join(NAMES)}; default: all"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="short training, few seeds, minutes: shows that it works, not what it can",
    )
    parser.add_argument("--seeds", type=int, metavar="N", help="seeds 0 to N - 1")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Make the figures.

    Raises:
        TrainerError: Something asked for does not exist, or a file cannot be written.
    """
    names = _chosen(args.only)
    for flag in ("seeds", "jobs"):
        value = getattr(args, flag)
        if value is not None and value < 1:
            raise UsageError(f"--{flag} is {value}, not 1 or more")
    made = figures(quick=args.quick)
    use_one_thread()
    try:
        written, missing = run_figures(
            args.out,
            [made[name] for name in names],
            quick=args.quick,
            n_seeds=args.seeds,
            n_processes=args.jobs,
            on_progress=_Talk(console),
        )
    except KeyboardInterrupt:
        console.say(f"{args.out} keeps what is done; the same command goes on from it")
        raise
    for title, reason in missing.items():
        console.say(f"{title}: not made; {reason}")
    for path in written:
        console.result(str(path))
    return 0


class _Talk:
    """A progress line, and once a minute one that stays."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said = -_SAY_EVERY_S

    def __call__(self, progress: Progress) -> None:
        self._console.progress(str(progress))
        if time.monotonic() - self._said > _SAY_EVERY_S:
            self._said = time.monotonic()
            self._console.say(str(progress))


def _chosen(only: str | None) -> Sequence[str]:
    if only is None:
        return NAMES
    wanted = [name.strip() for name in only.split(",")]
    for name in wanted:
        if name not in NAMES:
            raise UsageError(
                f"there is no figure {name!r}; there are {', '.join(NAMES)}"
            )
    return [name for name in NAMES if name in wanted]
