"""Flags that several commands share: their values, and what is checked of them."""

import argparse
import os
from pathlib import Path

from trainer.errors import CheckpointError


def seed(text: str) -> int:
    """Return a seed that every generator accepts.

    Raises:
        argparse.ArgumentTypeError: Not a whole number from 0 to 2^63 - 1.
    """
    if not text.isascii() or not text.isdigit() or int(text) >= 1 << 63:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def check_writable(path: Path) -> None:
    """Find out now, not after training, whether the checkpoint can be written.

    Raises:
        CheckpointError: It cannot.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error.strerror}") from error
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise CheckpointError(
            f"cannot write {path}: it is a folder, or below one that is not writable"
        )
