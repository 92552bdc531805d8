"""``trainer benchmark``: all methods on all surveys."""

import argparse
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from edge_agent.console import Console
from trainer.benchmark.dry_run import split_table
from trainer.benchmark.paper_figures import write_paper_figures
from trainer.benchmark.plan import Extent
from trainer.benchmark.protocol import (
    Protocol,
    load_protocol,
    nearest,
    shipped_names,
    shipped_protocol,
    shipped_text,
)
from trainer.benchmark.regimes import REGIMES
from trainer.benchmark.run import Progress, run_benchmark
from trainer.benchmark.workers import Bench
from trainer.errors import UsageError
from trainer.methods.registry import methods
from trainer.surveys.catalogue import CARDS
from trainer.surveys.registry import load_survey

_SAY_EVERY_S: Final = 60.0
"""Also where nobody watches a progress line."""

_SEEDS: Final = 5
_QUICK_SEEDS: Final = 1
_QUICK_CURVE_SEEDS: Final = 2
"""One training has no interval."""

_QUICK_TARGETS: Final = 2
_QUICK_HISTORY: Final = 6

_EPILOG = """\
Protocols say which environments are history, validation and test: docs/benchmark.md.
A run that was interrupted goes on where it stopped when it is started again.

examples:
  trainer benchmark --data ~/surveys --out out/benchmark
  trainer benchmark --data ~/surveys --out out/quick --quick --jobs 2
  trainer benchmark --data ~/surveys --surveys polyu,mtloc --regimes 3shot --dry-run
  trainer benchmark --data ~/surveys --protocol mine.toml --out out/mine
  trainer benchmark --surveys simhall,simlab --out out/simulated
  trainer benchmark --show-protocol polyu
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="where surveys are; what is simulated needs none",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where results go")
    parser.add_argument(
        "--surveys",
        type=_names,
        metavar="A,B",
        help="default: all that were recorded, or --protocol's",
    )
    parser.add_argument(
        "--methods",
        type=_names,
        metavar="A,B",
        help="default: all that docs/benchmark.md lists",
    )
    parser.add_argument(
        "--regimes", type=_names, metavar="A,B", help=f"of {', '.join(REGIMES)}"
    )
    parser.add_argument(
        "--protocol",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="instead of the one that comes with its survey; may be repeated",
    )
    parser.add_argument("--evaluate", choices=["test", "validation"], default="test")
    parser.add_argument("--seeds", type=int, metavar="N", help=f"default {_SEEDS}")
    parser.add_argument(
        "--targets", type=int, metavar="N", help="at most so many per survey"
    )
    parser.add_argument(
        "--against",
        metavar="METHOD",
        help="compare all with this one, too: one more column of the table",
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"{_QUICK_TARGETS} targets, the latest {_QUICK_HISTORY} environments of "
        f"their history, {_QUICK_SEEDS} seed, short training",
    )
    parser.add_argument(
        "--curves",
        action="store_true",
        help="also train the networks anew, once per seed "
        f"({_QUICK_CURVE_SEEDS} with --quick), watching: error against "
        "meta-iterations and against gradient steps (Fig. 13 and 14)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print the splits, and stop"
    )
    parser.add_argument(
        "--show-protocol", metavar="SURVEY", help="print a protocol, and stop"
    )
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the benchmark, or print what it would do.

    Raises:
        TrainerError: Something asked for does not exist, a survey cannot be read, or
            the results cannot be written.
    """
    if args.show_protocol is not None:
        console.result(shipped_text(args.show_protocol).rstrip())
        return 0
    protocols = _protocols(args.protocol, args.surveys)
    if args.data is None and not all(_is_made_here(p.survey) for p in protocols):
        raise UsageError("--data is missing: the folder where the surveys are")
    if args.data is not None and args.data.exists() and not args.data.is_dir():
        raise UsageError(
            f"--data {args.data} is not a folder: name the one that holds the surveys"
        )
    if args.out is None and not args.dry_run:
        raise UsageError("--out is missing: a folder for the results")
    bench = Bench(
        data=args.data or Path(),
        out=args.out or Path(),
        protocols=tuple(
            _shortened(protocol) if args.quick else protocol for protocol in protocols
        ),
        role=args.evaluate,
        load=load_survey,
        make_methods=partial(methods, quick=args.quick),
    )
    extent = _extent(args)
    if args.dry_run:
        for protocol in bench.protocols:
            for line in split_table(bench.survey(protocol.survey), extent):
                console.result(line)
        return 0
    _use_one_thread()
    try:
        rows = run_benchmark(
            bench,
            extent,
            n_processes=_at_least_one("jobs", args.jobs),
            on_progress=_Talk(console),
        )
    except KeyboardInterrupt:
        console.say(f"{args.out} keeps what is done; the same command goes on from it")
        raise
    console.result(f"{args.out / 'table.md'}: {len(rows)} rows")
    if args.curves:
        made = methods(quick=args.quick)
        for path in write_paper_figures(
            args.out,
            [bench.survey(protocol.survey) for protocol in bench.protocols],
            [made[name] for name in extent.methods],
            n_seeds=_curve_seeds(args),
            on_method=console.progress,
        ):
            console.result(str(path))
    return 0


def _curve_seeds(args: argparse.Namespace) -> int:
    """Return how often each network is trained for --curves."""
    if args.seeds is not None:
        return _at_least_one("seeds", args.seeds)
    return _QUICK_CURVE_SEEDS if args.quick else _SEEDS


class _Talk:
    """A progress line, and one line that stays for each survey."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._survey = ""
        self._said = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        if progress.survey != self._survey:
            self._survey = progress.survey
            self._console.say(
                f"{progress.survey}: {progress.n_units} units, {progress.n_done} of "
                "them done before"
            )
        self._console.progress(str(progress))
        if time.monotonic() - self._said > _SAY_EVERY_S:
            self._said = time.monotonic()
            self._console.say(str(progress))


def _use_one_thread() -> None:
    """Let torch use as many threads here as in a worker: sums depend on it."""
    import torch

    torch.set_num_threads(1)


def _extent(args: argparse.Namespace) -> Extent:
    names = args.methods or list(methods(quick=args.quick))
    _check_known("method", names, methods(quick=args.quick))
    if args.against is not None:
        _check_known("method", [args.against], names)
    regimes = args.regimes or list(REGIMES)
    _check_known("regime", regimes, REGIMES)
    quick_targets = _QUICK_TARGETS if args.quick else None
    seeds = _QUICK_SEEDS if args.quick else _SEEDS
    return Extent(
        methods=tuple(names),
        regimes=tuple(REGIMES[name] for name in REGIMES if name in regimes),
        n_seeds=seeds if args.seeds is None else _at_least_one("seeds", args.seeds),
        role=args.evaluate,
        max_targets=quick_targets
        if args.targets is None
        else _at_least_one("targets", args.targets),
        against=args.against,
        is_quick=args.quick,
    )


def _protocols(paths: Sequence[Path], surveys: Sequence[str] | None) -> list[Protocol]:
    """Return one protocol per survey, those of files before those that are shipped."""
    own: dict[str, Protocol] = {}
    for path in paths:
        protocol = load_protocol(path)
        if protocol.survey in own:
            raise UsageError(
                f"{path} is the second protocol for {protocol.survey}; run them one by "
                "one, with an --out for each"
            )
        own[protocol.survey] = protocol
    recorded = [name for name in shipped_names() if not _is_made_here(name)]
    wanted = surveys or list(own) or recorded
    for name in own:
        if name not in wanted:
            raise UsageError(f"--protocol is for {name}, which --surveys leaves out")
    return [own.get(name) or shipped_protocol(name) for name in dict.fromkeys(wanted)]


def _is_made_here(survey: str) -> bool:
    return any(card.name == survey and card.is_made_here for card in CARDS)


def _shortened(protocol: Protocol) -> Protocol:
    """Return the protocol with less to learn from; the results show it."""
    return replace(protocol, last=min(protocol.last or _QUICK_HISTORY, _QUICK_HISTORY))


def _check_known(
    kind: str, names: Sequence[str], known: Collection[str] | Mapping[str, object]
) -> None:
    for name in names:
        if name not in known:
            raise UsageError(
                f"there is no {kind} {name!r}{nearest(name, known)}; there are "
                f"{', '.join(known)}"
            )


def _at_least_one(name: str, value: int) -> int:
    if value < 1:
        raise UsageError(f"--{name} is {value}, not 1 or more")
    return value


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of names such as a,b")
    return names
