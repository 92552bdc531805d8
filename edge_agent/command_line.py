"""A program with subcommands, each in a module that is loaded when it is chosen."""

import argparse
import importlib
from collections.abc import Mapping, Sequence

from edge_agent.version import version


def command_parser(
    prog: str,
    description: str,
    epilog: str,
    commands: Mapping[str, str],
    arguments: Sequence[str],
) -> argparse.ArgumentParser:
    """Return the parser; only the chosen command's module is imported.

    A module ``<prog>.commands.<name>``, with ``_`` where the name has ``-``, has
    ``add_arguments(parser)`` and ``run(args, console)``, which is left in ``args.run``.

    Args:
        prog: Name of the program and of its package.
        description: What it is for.
        epilog: Examples.
        commands: What each subcommand does, by name.
        arguments: The command line to be parsed.
    """
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog=prog, description=description, epilog=epilog, formatter_class=layout
    )
    parser.add_argument("--version", action="version", version=version())
    parser.add_argument(
        "--debug", action="store_true", help="show where an error comes from"
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((word for word in arguments if word in commands), None)
    for name, summary in commands.items():
        command = subparsers.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=layout,
        )
        # Also behind the command, where one remembers it; the default stands in front.
        command.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,
            help=argparse.SUPPRESS,
        )
        if name == chosen:
            module = importlib.import_module(
                f"{prog}.commands.{name.replace('-', '_')}"
            )
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser
