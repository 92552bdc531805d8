"""``edge_agent config``: the configuration in effect."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from edge_agent.commands.options import (
    add_broker,
    add_config,
    add_model,
    configuration,
)
from edge_agent.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    add_config(parser)
    add_broker(parser)
    add_model(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.epilog = (
        "The output is a valid configuration file with every key:\n"
        "  edge_agent config > ~/.config/metaloc/agent.toml\n"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the configuration."""
    document = asdict(configuration(args))
    if args.json:
        console.result(json.dumps(document))
        return 0
    for line in _toml(document):
        console.result(line)
    return 0


def _toml(document: dict[str, dict[str, Any]]) -> list[str]:
    lines = []
    for number, (section, values) in enumerate(document.items()):
        lines += [""] if number else []
        lines.append(f"[{section}]")
        # Strings and numbers look the same in JSON and in TOML.
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return lines
