"""``trainer figures``: the paper's simulated experiments, drawn again."""

import argparse
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

from edge_agent.console import Console
from trainer.errors import UsageError
from trainer.figures.registry import NAMES, figures
from trainer.figures.run import Progress, run_figures
from trainer.figures.workers import use_one_thread

_SAY_FIRST_S: Final = 2.0
"""When the first units run."""

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
        "--only",
        metavar="A,B",
        help=f"some of {', '.join(NAMES)}; default: all",
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
        with _Talk(console) as talk:
            written, missing = run_figures(
                args.out,
                [made[name] for name in names],
                quick=args.quick,
                n_seeds=args.seeds,
                n_processes=args.jobs,
                on_progress=talk,
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
    """A progress line, and where a run stands at its beginning and once a minute.

    By a clock of its own: a unit may be silent for minutes.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._latest: tuple[float, Progress] | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._say_often, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()

    def __call__(self, progress: Progress) -> None:
        with self._lock:
            if self._latest is None:
                self._console.say(str(progress))
            self._latest = (time.monotonic(), progress)
            self._console.progress(str(progress))

    def _say_often(self) -> None:
        wait = _SAY_FIRST_S
        while not self._ended.wait(wait):
            wait = _SAY_EVERY_S
            with self._lock:
                if self._latest is not None:
                    self._console.say(str(_aged(*self._latest)))


def _aged(since: float, progress: Progress) -> Progress:
    """Return what was said then as of now."""
    if progress.seconds_left is None:
        return progress
    left = max(0.0, progress.seconds_left - (time.monotonic() - since))
    return replace(progress, seconds_left=left)


def _chosen(only: str | None) -> Sequence[str]:
    """Return names that were given with commas, with spaces, or with both."""
    if only is None:
        return NAMES
    wanted = re.split(r"\s*,\s*|\s+", only.strip())
    for name in wanted:
        if name not in NAMES:
            raise UsageError(
                f"there is no figure {name!r}; there are {', '.join(NAMES)}"
            )
    return [name for name in NAMES if name in wanted]
