"""The command line of a benchmark that has no flags of its own."""

import argparse


def only_help(document: str | None) -> None:
    """Print a module's docstring and end for --help; refuse any other argument.

    Args:
        document: The docstring.
    """
    argparse.ArgumentParser(
        description=document, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
