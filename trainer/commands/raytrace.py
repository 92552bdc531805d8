"""``trainer raytrace``: rooms traced with sionna-rt, an optional extra."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from edge_agent.console import Console
from trainer.commands.options import seed
from trainer.errors import UsageError
from trainer.simulate.raytrace.errors import TableError
from trainer.simulate.raytrace.golden import (
    GOLDEN_SETTINGS,
    GOLDEN_TONES,
    golden_room,
    write_golden,
)
from trainer.simulate.raytrace.layouts import Layout
from trainer.simulate.raytrace.probe import TIMEOUT_S, probe
from trainer.simulate.raytrace.process import Settings
from trainer.simulate.raytrace.scenarios import NAMES, TRAINING, scenario
from trainer.simulate.raytrace.tables import (
    Table,
    read_table,
    table_of,
    write_table,
    write_tables,
)
from trainer.simulate.raytrace.trace import trace

_SETTINGS = Settings(max_depth=4)
"""Deeper than usual: rooms S3 and S5 have walls behind walls."""

_EPILOG = """\
Ray tracing is an extra, and needs LLVM 17 or newer:

  pip install '.[raytrace]'                in the clone
  apt-get install libllvm19                or set DRJIT_LIBLLVM_PATH to a libLLVM.so

The scenarios that come with the package need neither.

examples:
  trainer raytrace probe
  trainer raytrace scenarios out/scenarios
  trainer raytrace scenarios out/others --seed 1 --only S3,S4
"""

_SCENARIOS = f"""\
Writes OUT/S1.npz to OUT/S6.npz, and OUT/scenarios.npz with all six: receivers, access
points, signal strengths at 20 dBm. {", ".join(TRAINING)} are for training, the
others for tests. What is there already is kept, so that an interrupted run goes on.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's subcommands and flags."""
    parser.epilog = _EPILOG
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    check = actions.add_parser("probe", help="say whether ray tracing works here")
    check.add_argument("--json", action="store_true", help="for programs")
    check.add_argument(
        "--timeout", type=_positive, default=TIMEOUT_S, metavar="S", help="[s]"
    )

    rooms = actions.add_parser(
        "scenarios", help="trace the six rooms S1 to S6", description=_SCENARIOS
    )
    rooms.add_argument("folder", type=Path, metavar="OUT", help="where to write")
    rooms.add_argument("--seed", type=seed, default=_SETTINGS.seed)
    rooms.add_argument(
        "--only",
        nargs="+",
        type=_rooms,
        metavar="A,B",
        help=f"some of {', '.join(NAMES)}; default: all",
    )
    rooms.add_argument("--depth", type=int, default=_SETTINGS.max_depth)
    rooms.add_argument(
        "--samples", type=int, default=_SETTINGS.samples, help="rays per access point"
    )
    rooms.add_argument(
        "--threads",
        type=int,
        default=_SETTINGS.threads,
        help="with 1, the same seed gives the same bytes",
    )

    reference = actions.add_parser(
        "golden", help="trace the empty room that tests compare with"
    )
    reference.add_argument("file", type=Path, metavar="FILE", help="an .npz file")


def run(args: argparse.Namespace, console: Console) -> int:
    """Probe or trace.

    Raises:
        RayTracerError: The ray tracer does not work.
        TableError: A file cannot be written, or is of another run.
        UsageError: Numbers that make no sense.
    """
    if args.action == "probe":
        return _probe(args, console)
    if args.action == "golden":
        layout = golden_room()
        traced = trace(
            layout,
            GOLDEN_TONES,
            GOLDEN_SETTINGS,
            on_batch=_reporter(console, layout.name),
        )
        write_golden(args.file, layout, traced)
        console.result(str(args.file))
        return 0
    return _scenarios(args, console)


def _probe(args: argparse.Namespace, console: Console) -> int:
    found = probe(timeout_s=args.timeout)
    if args.json:
        answer = {
            "usable": found.usable,
            "failure": found.failure and found.failure.slug,
            "detail": found.detail,
            "remedy": found.remedy,
            "versions": found.versions,
            "kernel_cache": found.kernel_cache and str(found.kernel_cache),
        }
        console.result(json.dumps(answer))
    else:
        state = "works" if found.usable else "does not work"
        console.result(f"ray tracing {state}: {found.detail}")
        if not found.usable:
            console.result(f"what to do: {found.remedy}")
        if found.kernel_cache is None:
            console.result(
                "kernels are compiled anew every time: make HOME writable, or set "
                "DRJIT_CACHE_DIR to a folder that is"
            )
    return 0 if found.usable else 1


def _scenarios(args: argparse.Namespace, console: Console) -> int:
    for name in ("depth", "samples", "threads"):
        if getattr(args, name) < 1:
            raise UsageError(f"--{name} is {getattr(args, name)}, not 1 or more")
    if args.seed >= 1 << 32:
        raise UsageError(f"--seed is {args.seed}, more than 2^32 - 1")
    settings = Settings(args.depth, args.samples, seed=args.seed, threads=args.threads)
    only = NAMES if args.only is None else [n for some in args.only for n in some]
    names = [name for name in NAMES if name in only]
    try:
        args.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:  # now, not after minutes of tracing
        raise TableError(f"cannot write to {args.folder}: {error.strerror}") from error
    tables = [
        _table(args.folder, name, settings, console, f"{number} of {len(names)}")
        for number, name in enumerate(names, 1)
    ]
    if len(tables) == len(NAMES):
        path = args.folder / "scenarios.npz"
        write_tables(path, tables)
        console.result(str(path))
    return 0


def _table(
    folder: Path, name: str, settings: Settings, console: Console, count: str
) -> Table:
    """Return a scenario's table, from disk if it is there."""
    path = folder / f"{name}.npz"
    layout = scenario(name, seed=settings.seed)
    if path.exists():
        table = read_table(path)
        _check_same(path, table, layout, settings)
        console.say(f"{path} is kept")
        return table
    traced = trace(
        layout,
        GOLDEN_TONES,
        settings,
        may_be_deaf=True,
        on_batch=_reporter(console, f"{name}, {count}"),
    )
    table = table_of(layout, traced, seed=settings.seed, settings=settings)
    write_table(path, table)
    deaf = f", {len(table.left_out)} without paths left out" if table.left_out else ""
    console.say(
        f"{name}: {len(table.receivers)} receivers{deaf}, {traced.seconds:.0f} s"
    )
    console.result(str(path))
    return table


def _check_same(path: Path, table: Table, layout: Layout, settings: Settings) -> None:
    """Refuse to take a table for one of another run."""
    receivers = np.delete(layout.receivers, table.left_out, axis=0)
    same = (
        table.name == layout.name
        and table.settings == asdict(settings)
        and np.array_equal(table.receivers, receivers.astype(np.float32))
        and np.array_equal(table.access_points, layout.access_points.astype(np.float32))
    )
    if not same:
        raise TableError(
            f"{path} is there, but was traced with another seed, other settings or "
            "another version of the rooms; delete it, or write to another folder"
        )


def _reporter(console: Console, what: str) -> Callable[[int, int], None]:
    return lambda done, count: console.progress(f"{what}: {100 * done // count} %")


def _rooms(text: str) -> list[str]:
    """Return names that a comma separates.

    Raises:
        argparse.ArgumentTypeError: One of them is no room.
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in NAMES:
            raise argparse.ArgumentTypeError(
                f"{name!r} is no room; there are {', '.join(NAMES)}"
            )
    return names


def _positive(text: str) -> float:
    """Return a time.

    Raises:
        argparse.ArgumentTypeError: Not a number above 0.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value
