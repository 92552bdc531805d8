"""Tables of numbers in text files."""

import csv
import io
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer.surveys.report import SurveyDataError

_MAX_BYTES = 64 << 20


def read_numbers(path: Path, *, skip_lines: int = 0) -> npt.NDArray[np.float64]:
    """Return a table of numbers that are separated by commas.

    Args:
        path: The file.
        skip_lines: Lines before the first numbers.

    Returns:
        Shape (n_lines, n_columns).

    Raises:
        SurveyDataError: The file is missing or empty, a value is no number, or lines
            differ in length; the message names the line.
    """
    lines = read_text(path).splitlines()[skip_lines:]
    if not any(line.strip() for line in lines):
        raise SurveyDataError(f"{path} is empty; get it anew")
    try:
        return np.loadtxt(lines, delimiter=",", comments=None, ndmin=2)
    except ValueError as error:  # no number, or another number of columns
        raise SurveyDataError(f"{path} is no table of numbers: {error}") from error


def read_rows(path: Path, *, most: int | None = None) -> list[list[str]]:
    """Return the cells of each line of a CSV file; none for an empty line.

    Args:
        path: The file.
        most: Lines that are wanted, from the first; None for all.

    Raises:
        SurveyDataError: It cannot be read, or its quotation marks make no sense.
    """
    try:
        return list(islice(csv.reader(io.StringIO(read_text(path))), most))
    except csv.Error as error:
        raise SurveyDataError(f"{path} is no table: {error}") from error


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        SurveyDataError: It is missing, larger than 64 MiB, or not UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise SurveyDataError(f"{path} has {size} bytes, more than {_MAX_BYTES}")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SurveyDataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SurveyDataError(f"{path} is no text: {error}") from error
