"""``edge_agent selftest``: does this machine compute what the bundle's author did?"""

import argparse
import functools
import json
import math
from pathlib import Path
from typing import Any

from edge_agent import backends
from edge_agent.backends import Backend
from edge_agent.bundle_files import BundleFiles, Kind
from edge_agent.commands.options import add_config, configuration
from edge_agent.config import ModelConfig
from edge_agent.console import Console, table
from edge_agent.errors import BackendError, BundleError, UsageError
from edge_agent.machine import built, machine, versions
from edge_agent.measurement import N_SHOTS
from edge_agent.model_in_use import load_files
from edge_agent.selftest import Result, Verdict, run_backend

_ORDER = (Backend.KERNEL, Backend.ONNXRUNTIME, Backend.NUMPY)
_TIMEOUT_S = 300.0

_EPILOG = f"""\
For each back end that is installed, in a process of its own: the golden task of the
bundle, that is some shots and images, and what a network in double precision made of
them; then the time of adapting to {N_SHOTS} shots, and in the median of locating one
image; and the most memory that the process took. Exit code 0: all is as it should be;
1: it is not, and the output says what to do.

The output can go into a bug report as it is: it holds no name of a host or user, no
address, and no path below the home directory.

examples:
  edge_agent selftest
  edge_agent selftest --quick
  edge_agent selftest --backend numpy --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    add_config(parser)
    parser.add_argument(
        "--bundle", metavar="DIR", help="model bundle (default: the one in use)"
    )
    parser.add_argument(
        "--state", metavar="DIR", help="where calibrations and bundles are kept"
    )
    parser.add_argument(
        "--backend",
        choices=[str(backend) for backend in _ORDER],
        help="try this one alone (default: all that are installed)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="repeat the golden task, without timing"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=_TIMEOUT_S,
        metavar="SECONDS",
        help=f"longest that a back end may take (default {_TIMEOUT_S:g})",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Try every back end, or the one that was named, and say what came out.

    Raises:
        ConfigError: The configuration makes no sense.
        UsageError: The time-out is no time.
    """
    if not 0 < args.timeout < math.inf:
        raise UsageError(f"--timeout is {args.timeout:g}; it must be above 0")
    model = configuration(_without_backend(args)).model
    facts: dict[str, Any] = {
        "versions": versions(),
        "machine": machine(),
        "built": built(),
    }
    results: list[Result] = []
    try:
        files = load_files(model, on_caution=lambda text: _caution(console, text))
    except BundleError as error:
        facts["bundle"] = {"error": without_home(str(error))}
    else:
        facts["bundle"] = {
            "name": files.name,
            "kind": str(files.kind),
            "digest": files.digest,
        }
        wanted = _wanted(args.backend, files.kind)
        results = _results(args, console, files, wanted)
    facts["used"] = _used(model, facts["bundle"].get("kind"), console)
    facts["backends"] = {str(r.backend): _anonymous(r.to_json()) for r in results}
    faults = _faults(facts["bundle"], results, asked=args.backend)
    facts["passed"] = not faults
    if args.json:
        console.result(json.dumps(facts))
        return 1 if faults else 0
    for line in [*_described(facts), "", *_table(facts, results), ""]:
        console.result(line)
    for line in faults or [
        "passed: this machine computes what the bundle's author did"
    ]:
        console.result(line)
    return 1 if faults else 0


def without_home(text: str) -> str:
    """Return a text in which the home directory is ``~``: it holds the user's name."""
    home = str(Path.home())
    return text if home == "/" else text.replace(home, "~")


def _without_backend(args: argparse.Namespace) -> argparse.Namespace:
    """Return the flags that are as in other commands: here it is the one to try."""
    return argparse.Namespace(**vars(args) | {"backend": None})


def _caution(console: Console, text: str) -> None:
    console.say(f"caution: {without_home(text)}")


def _wanted(asked: str | None, kind: Kind) -> tuple[Backend, ...]:
    if asked:
        return (Backend(asked),)
    # The network of received power takes microseconds, and is computed in NumPy alone.
    return (Backend.NUMPY,) if kind is Kind.RSS else _ORDER


def _results(
    args: argparse.Namespace,
    console: Console,
    bundle: BundleFiles,
    wanted: tuple[Backend, ...],
) -> list[Result]:
    results = []
    for number, backend in enumerate(wanted, 1):
        where = f"{number}/{len(wanted)} {backend}"
        console.progress(f"{where}: starting")
        results.append(
            run_backend(
                bundle,
                backend,
                quick=args.quick,
                timeout_s=args.timeout,
                on_stage=functools.partial(_progress, console, where),
            )
        )
    return results


def _progress(console: Console, where: str, stage: str) -> None:
    console.progress(f"{where}: {stage}")


def _used(
    model: ModelConfig, kind: str | None, console: Console
) -> dict[str, str | None]:
    """Return which back end the agent uses for what; None: it cannot."""
    wanted = Backend.NUMPY if kind == Kind.RSS else Backend(model.backend)
    used: dict[str, str | None] = {}
    for purpose, choose in (
        ("adapting", backends.for_adapting),
        ("predicting", backends.for_predicting),
    ):
        try:
            used[purpose] = str(choose(wanted, lambda text: _caution(console, text)))
        except BackendError:
            used[purpose] = None
    return used


def _anonymous(document: dict[str, Any]) -> dict[str, Any]:
    reason = document["reason"]
    return document | {"reason": without_home(reason) if reason else None}


def _faults(
    bundle: dict[str, str], results: list[Result], *, asked: str | None
) -> list[str]:
    """Return what is wrong and what to do about it, one line each."""
    if "error" in bundle:
        return [
            f"FAILED: {bundle['error']}",
            "Copy or install the bundle again; without --bundle the one in use is "
            "tested.",
        ]
    wrong = [r for r in results if r.is_wrong]
    if asked:
        wrong += [r for r in results if r.verdict is Verdict.ABSENT]
    if not wrong:
        return []
    lines = [
        f"FAILED: {r.backend} ({r.verdict}): {without_home(r.reason)}" for r in wrong
    ]
    good = [r.backend for r in results if r.verdict is Verdict.PASSED]
    if good:
        lines.append(
            f'Avoid it for now: backend = "{good[0]}" below [model] in the '
            "configuration (edge_agent config), and report this output."
        )
    elif len(results) > 1:
        lines.append(
            "No back end can be relied on with this bundle: install MetaLoc and the "
            "bundle again, and report this output if that does not help."
        )
    else:
        lines.append("Try the others: edge_agent selftest, without --backend.")
    return lines


# -- for people ------------------------------------------------------------------------


def _described(facts: dict[str, Any]) -> list[str]:
    computer, compiled, bundle = facts["machine"], facts["built"], facts["bundle"]
    parts = [f"{name} {v or '(none)'}" for name, v in facts["versions"].items()]
    processor = [computer["model"], computer["processor"], computer["architecture"]]
    threads = compiled["blas_threads"]
    lines = {
        "versions": ", ".join(parts),
        "machine": ", ".join(filter(None, processor)),
        "cores": f"{computer['cores']}, {computer['cores_usable']} of them usable",
        "memory": f"{computer['memory_mb']} MB",
        "system": ", ".join(
            filter(
                None,
                [
                    computer["kernel"],
                    computer["libc"],
                    f"Python of {computer['python_bits']} bits",
                ],
            )
        ),
        "built": "CSI decoder in C: {}; layers in C: {}".format(
            "yes" if compiled["csi_kernel"] else "no",
            ", ".join(compiled["layer_kernel"]) or "no",
        ),
        "algebra": f"{compiled['blas']}, threads: {threads or 'not limited'}",
        "bundle": (
            bundle["error"]
            if "error" in bundle
            else f"{bundle['name']} ({bundle['kind']}), {bundle['digest'][:16]}"
        ),
    }
    width = max(map(len, lines))
    return [f"{name:<{width}}  {text}" for name, text in lines.items()]


def _table(facts: dict[str, Any], results: list[Result]) -> list[str]:
    header = ["back end", "result", "adapts", "locates", "memory", "threads", "used"]
    rows = []
    for result in results:
        measured = result.measurement
        purposes = [k for k, name in facts["used"].items() if name == result.backend]
        rows.append(
            [
                str(result.backend),
                str(result.verdict),
                _number(measured.adaptation_s, "{:.2f} s"),
                _number(measured.prediction_s, "{:.2f} ms", 1000),
                _number(measured.peak_memory_mb, "{:.0f} MB"),
                _number(measured.threads, "{:.0f}"),
                "for " + " and ".join(purposes) if purposes else "",
            ]
        )
    if not rows:
        return ["no back end was tried"]
    lines = table(header, rows, right={2, 3, 4, 5})
    steps = {r.measurement.n_steps for r in results} - {None}
    if steps:
        lines.append(
            f"(adapts: {N_SHOTS} shots, {steps.pop()} steps; locates: one image)"
        )
    return lines


def _number(value: float | None, form: str, factor: float = 1) -> str:
    return "-" if value is None else form.format(value * factor)
