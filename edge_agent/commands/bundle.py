"""``edge_agent bundle``: what the model is, whose it is, and taking another one."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from edge_agent.bundles.files import BundleFiles
from edge_agent.bundles.installation import Change, Progress, install, roll_back
from edge_agent.bundles.listing import listing
from edge_agent.bundles.model_in_use import (
    load_directory,
    load_files,
    load_named,
    terms_of,
)
from edge_agent.bundles.proof import prove
from edge_agent.bundles.report import description, lines, signed_by
from edge_agent.bundles.store import SHIPPED, BundleStore
from edge_agent.commands.options import add_trusted_keys, configuration, repeated
from edge_agent.config import SHIPPED_BUNDLE, ModelConfig
from edge_agent.console import Console, table
from edge_agent.errors import BundleError, UsageError

_EPILOG = """\
examples:
  edge_agent bundle show                  (the one in use)
  edge_agent bundle verify new-bundle
  edge_agent bundle install new-bundle
  edge_agent bundle rollback
  edge_agent bundle install --shipped     (back to the one that came with the program)
  edge_agent bundle list --json

docs/bundles.md: how to ship one, sign it, and what each refusal means.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands and their flags."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary, action in (
        ("show", "say what a bundle is", _show),
        ("verify", "check a bundle on this machine, and say who signed it", _verify),
        ("list", "list the bundles that are installed", _list),
        ("install", "take another bundle; every site is adapted to it first", _install),
        ("rollback", "return to the bundle before", _rollback),
    ):
        command = actions.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(act=action)
        _add_flags(command, name)
    parser.epilog = _EPILOG


def _add_flags(command: argparse.ArgumentParser, name: str) -> None:
    if name in ("show", "verify"):
        command.add_argument(
            "directory",
            nargs="?",
            type=Path,
            metavar="DIR",
            help="the bundle (default: the one in use)",
        )
    if name == "install":
        which = command.add_mutually_exclusive_group(required=True)
        which.add_argument(
            "directory", nargs="?", type=Path, metavar="DIR", help="the bundle"
        )
        which.add_argument(
            "--shipped",
            action="store_true",
            help="return to the bundle that came with the program",
        )
    if name in ("install", "rollback"):
        command.add_argument(
            "--skip-site",
            action="append",
            default=[],
            metavar="NAME",
            help="a site that may be without a calibration afterwards; repeatable",
        )
    command.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration file (TOML)"
    )
    command.add_argument(
        "--state", metavar="DIR", help="where sites and installed bundles are kept"
    )
    add_trusted_keys(command)
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument(
        "--debug",
        action="store_true",
        default=argparse.SUPPRESS,
        help=argparse.SUPPRESS,
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Do what is asked for.

    Raises:
        AgentError: The bundle is refused, or the state cannot be written.
    """
    code: int = args.act(args, console, configuration(args).model)
    return code


def _show(args: argparse.Namespace, console: Console, model: ModelConfig) -> int:
    files = _files(args.directory, console, model)
    if args.json:
        console.result(json.dumps(description(files)))
        return 0
    for line in lines(files):
        console.result(line)
    return 0


def _verify(args: argparse.Namespace, console: Console, model: ModelConfig) -> int:
    files = _files(args.directory, console, model)
    is_proven = prove(files, model)
    if args.json:
        facts = description(files) | {"golden": is_proven}
        console.result(json.dumps(facts))
        return 0
    computed = (
        "this machine computes what its author computed"
        if is_proven
        else "it brings nothing to compute as a test"
    )
    console.result(
        f"{files.directory}: {files.name} is whole, {signed_by(files)}; {computed}"
    )
    return 0


def _list(args: argparse.Namespace, console: Console, model: ModelConfig) -> int:
    rows = listing(model, console.caution)
    if args.json:
        console.result(json.dumps(rows))
        return 0
    header = ["bundle", "role", "name", "kind", "signature"]
    cells = [
        [
            *(row.get(column, "") for column in header[:-1]),
            row.get("signature") or f"refused: {row['refused']}",
        ]
        for row in rows
    ]
    for line in table(header, cells, right=set()):
        console.result(line)
    return 0


def _install(args: argparse.Namespace, console: Console, model: ModelConfig) -> int:
    _check_follows_store(model)
    directory = SHIPPED_BUNDLE if args.shipped else args.directory
    files = load_directory(directory, terms_of(model))
    change = install(
        files,
        model,
        skip=args.skip_site,
        now=datetime.now(UTC),
        progress=_progress(console),
    )
    return _said(change, args, console, model)


def _rollback(args: argparse.Namespace, console: Console, model: ModelConfig) -> int:
    _check_follows_store(model)
    change = roll_back(
        model,
        skip=args.skip_site,
        now=datetime.now(UTC),
        progress=_progress(console),
    )
    return _said(change, args, console, model)


def _files(directory: Path | None, console: Console, model: ModelConfig) -> BundleFiles:
    if directory is None:
        return load_files(model, on_caution=console.caution)
    return load_directory(directory, terms_of(model))


def _check_follows_store(model: ModelConfig) -> None:
    if model.bundle:
        raise UsageError(
            f"model.bundle is {model.bundle}, which the agent takes whatever is "
            "installed; remove it from the configuration first"
        )


def _progress(console: Console) -> Progress:
    return Progress(console.progress, console.caution)


def _said(
    change: Change, args: argparse.Namespace, console: Console, model: ModelConfig
) -> int:
    """Say what came of a change."""
    if args.json:
        facts = {
            "name": change.files.name,
            "digest": change.files.digest,
            "in_use": change.in_use.current,
            "before": change.in_use.previous,
            "adapted": change.adapted,
            "fits": dict(change.fits),
            "kept": change.kept,
            "skipped": change.skipped,
        }
        console.result(json.dumps(facts))
        return 0
    sites = "; ".join(
        f"{what} {', '.join(names)}"
        for what, names in (
            ("adapted to", change.adapted),
            ("calibrated before to", change.kept),
            ("without a calibration:", change.skipped),
        )
        if names
    )
    console.result(f"{change.files.name} is in use; {sites or 'no site yet'}")
    for site, fit in change.fits.items():
        console.result(f"  {site}: {fit}")
    console.say("an agent that is running changes over when it is started again")
    if (way := _way_back(change, model)) is not None:
        console.say(f"to return to the {way}{repeated(args)}")
    return 0


def _way_back(change: Change, model: ModelConfig) -> str | None:
    """Return the command that returns, unless it is known to be refused."""
    if change.in_use.previous is None:
        return None
    try:
        store = BundleStore(model.state_path)
        load_named(store, change.in_use.previous, terms_of(model))
    except BundleError:
        if change.in_use.current == SHIPPED:
            return None
        return "shipped one: edge_agent bundle install --shipped"
    return "one before: edge_agent bundle rollback"
