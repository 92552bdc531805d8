"""``edge_agent config``: the configuration in effect."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge_agent.arrays import write_atomically
from edge_agent.commands.options import (
    NO_BROKER,
    add_broker,
    add_config,
    add_estimator,
    add_model,
    add_trusted_keys,
    configuration,
)
from edge_agent.config import load_config
from edge_agent.console import Console
from edge_agent.errors import ConfigError, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    add_config(parser)
    add_broker(parser)
    add_model(parser)
    add_estimator(parser)
    add_trusted_keys(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--write",
        type=Path,
        metavar="OUT",
        help="write it to this file instead: a new one, or a configuration to replace",
    )
    parser.epilog = (
        "The output is a valid configuration file with every key:\n"
        "  edge_agent config --write ~/.config/metaloc/agent.toml\n"
        "An empty model.bundle is the one that was installed last, else the shipped\n"
        "one; an empty model.state is a folder below the home directory. Relative\n"
        "paths count from where edge_agent is started, in the file as in flags: write\n"
        "absolute ones, or with ~.\n"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the configuration, or write it to a file.

    Raises:
        ConfigError: It makes no sense, or cannot be written, or would replace something
            else.
        UsageError: The flags say what a configuration cannot.
    """
    if args.broker == NO_BROKER:
        raise UsageError(
            f"a configuration always names a broker; give --broker {NO_BROKER} to "
            "edge_agent capture"
        )
    document = asdict(configuration(args))
    if args.json:
        console.result(json.dumps(document))
        return 0
    if args.write is None:
        for line in _toml(document):
            console.result(line)
        return 0
    if args.write.exists():
        try:
            load_config(args.write)
        except ConfigError as error:
            raise ConfigError(
                f"{args.write} is there and not a configuration, so it stays as it is "
                f"({error})"
            ) from error
    text = "".join(f"{line}\n" for line in _toml(document))
    try:
        write_atomically(args.write, text.encode())
    except OSError as error:
        raise ConfigError(f"cannot write {args.write}: {error.strerror}") from error
    console.result(str(args.write))
    return 0


def _toml(document: dict[str, dict[str, Any]]) -> list[str]:
    lines = []
    for number, (section, values) in enumerate(document.items()):
        lines += [""] if number else []
        lines.append(f"[{section}]")
        # Strings and numbers look the same in JSON and in TOML.
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return lines
