"""Values of flags that several commands share."""

import argparse


def seed(text: str) -> int:
    """Return a seed that every generator accepts.

    Raises:
        argparse.ArgumentTypeError: Not a whole number from 0 to 2^63 - 1.
    """
    if not text.isascii() or not text.isdigit() or int(text) >= 1 << 63:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)
