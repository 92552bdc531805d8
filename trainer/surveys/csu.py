"""EPIC-CSU: Nexmon captures of a Raspberry Pi along corridors (BSD-3-Clause).

    data/ref/ref_<point>_<n>.pcap      about 3,500 frames at a reference point
    data/test/test_<point>_<n>.pcap    100 frames at a test point close by
    locations/location_coords.xlsx     sheets ref_coord_path1, test_coord_path1, ...
    locations/location_info.xlsx       sheets ref_path1, ...: address, RSSI [dBm]

https://github.com/EPIC-CSU/csi-rssi-dataset-indoor-nav
L. Wang, S. Pasricha, "A Framework for CSI-Based Indoor Localization with 1D
Convolutional Neural Networks", IPIN 2022.

Reference and test captures were made minutes apart and within a metre or so: the
set shows that real captures are read and located, not how well a model lasts.
"""

import re
import zipfile
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from edge_agent.survey import Point, SurveyedCapture
from trainer.surveys.originals import refuse_doubles
from trainer.surveys.points import FARTHEST_M
from trainer.surveys.report import SurveyDataError

ROLES = ("ref", "test")
_DAMAGE = (
    InvalidFileException,
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    MemoryError,
    ValueError,
    TypeError,  # as AttributeError: an attribute of the XML that openpyxl does not know
    AttributeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    SyntaxError,  # of the XML inside
)
"""What openpyxl lets through for a file that is damaged or no spreadsheet."""

_MAX_BYTES = 64 << 20
"""Most that a spreadsheet may hold when unpacked."""

_MAX_ROWS = 10_000
"""Most rows of all sheets that are read; a sheet may claim any number of empty ones."""

_SHEET = re.compile(r"(ref|test)_coord_(path\d+)")
_INFO_SHEET = re.compile(r"(ref|test)_(path\d+)")
_WEAKEST_DBM = -127


def csu_captures(root: Path, role: str) -> list[SurveyedCapture]:
    """Return the captures of one role that have both a file and coordinates.

    Args:
        root: The dataset's folder.
        role: ``ref`` or ``test``.

    Raises:
        SurveyDataError: The spreadsheet or the captures are not there, or a point has
            two captures, or coordinates in two rows.
        ValueError: Another role.
    """
    if role not in ROLES:
        raise ValueError(f"role is {role!r}, not one of {ROLES}")
    found = [
        (path.stem.removeprefix(f"{role}_").rpartition("_")[0], path)
        for path in sorted((root / "data" / role).glob(f"{role}_*.pcap"))
    ]
    if not found:
        raise SurveyDataError(f"no {role} captures below {root / 'data' / role}")
    refuse_doubles(found)
    captures = dict(found)
    rows = [
        SurveyedCapture(captures[point.name], point, role, path)
        for path, point in _points(root / "locations" / "location_coords.xlsx", role)
        if point.name in captures
    ]
    if not rows:
        raise SurveyDataError(f"no capture below {root} has coordinates")
    return rows


def csu_powers(root: Path) -> dict[tuple[str, str, str], float]:
    """Return the received power [dBm] that the authors noted, one per capture.

    Args:
        root: The dataset's folder.

    Returns:
        By role, corridor and point; empty without locations/location_info.xlsx.

    Raises:
        SurveyDataError: The spreadsheet is damaged, or has two powers of a point.
    """
    path = root / "locations" / "location_info.xlsx"
    if not path.is_file():
        return {}
    powers: dict[tuple[str, str, str], float] = {}
    for role, corridor, (name, _, power) in _rows(path, _INFO_SHEET):
        if not (isinstance(power, float | int) and _WEAKEST_DBM <= power < 0):
            continue
        key = (role, corridor, str(name))
        if key in powers:
            raise SurveyDataError(
                f"{path}: {role} point {name} of {corridor} has two powers; delete one "
                "of the rows"
            )
        powers[key] = float(power)
    return powers


def _points(path: Path, role: str) -> list[tuple[str, Point]]:
    """Return (corridor, point) for every point in the spreadsheet."""
    points = [
        (corridor, Point(str(name), float(x), float(y)))
        for found, corridor, (name, x, y) in _rows(path, _SHEET)
        if found == role and _is_coordinate(x) and _is_coordinate(y)
    ]
    corridor_of: dict[str, str] = {}
    for corridor, point in points:
        if point.name in corridor_of:
            raise SurveyDataError(
                f"{path}: {role} point {point.name} has coordinates in "
                f"{corridor_of[point.name]} and again in {corridor}; its capture would "
                "be taken twice, delete one of the rows"
            )
        corridor_of[point.name] = corridor
    return points


def _is_coordinate(value: object) -> bool:
    """Return whether a cell holds a number of metres."""
    return isinstance(value, float | int) and abs(value) <= FARTHEST_M


def _rows(
    path: Path, title: re.Pattern[str]
) -> list[tuple[str, str, tuple[Any, Any, Any]]]:
    """Return role, corridor and the first three cells of all rows but the first."""
    found: list[tuple[str, str, tuple[Any, Any, Any]]] = []
    n_rows = 0
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > _MAX_BYTES:
            raise SurveyDataError(
                f"{path} unpacks to {size} bytes, more than {_MAX_BYTES}"
            )
        with closing(
            openpyxl.load_workbook(path, read_only=True, data_only=True)
        ) as workbook:
            for sheet in workbook:
                match = title.fullmatch(sheet.title)
                if match is None:
                    continue
                for row in sheet.iter_rows(min_row=2, max_col=3, values_only=True):
                    n_rows += 1
                    if n_rows > _MAX_ROWS:
                        raise SurveyDataError(f"{path} has more than {_MAX_ROWS} rows")
                    if len(row) == 3:
                        found.append((match[1], match[2], row))
    except _DAMAGE as error:
        raise SurveyDataError(f"{path} cannot be read: {error}") from error
    return found
