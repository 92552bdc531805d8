"""Traced signal strengths on disk.

A scenario's file holds ``receivers`` float32 (n, 3) [m], ``access_points`` float32 (20,
3) [m], ``rss_dbm`` float32 (n, 20) and a JSON header: name, seed, power_dbm, size_m,
carrier_hz, settings, versions and left_out. A file of several has the arrays of each,
with ``S1_`` and so on before their names, and the headers below ``scenarios``.
"""

from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_agent.arrays import (
    Arrays,
    ArraysError,
    pack_arrays,
    unpack_arrays,
    write_atomically,
)
from trainer.simulate.raytrace.errors import NoPathsError, TableError
from trainer.simulate.raytrace.layouts import Layout
from trainer.simulate.raytrace.process import Settings
from trainer.simulate.raytrace.trace import Trace

SCHEMA = "metaloc/raytrace-scenario/1"
SCHEMA_OF_SEVERAL = "metaloc/raytrace-scenarios/1"
POWER_DBM = 20.0
_MAX_BYTES = 1 << 28
_ARRAYS = ("receivers", "access_points", "rss_dbm")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Signal strengths of one scenario, and where they come from."""

    name: str
    seed: int
    """Of the layout."""

    size_m: tuple[float, float, float]
    """Length, width and height of the room."""

    carrier_hz: float
    power_dbm: float
    """What every access point transmits."""

    settings: dict[str, Any]
    """Those it was traced with, see `Settings`."""

    versions: dict[str, str]
    """What it was traced with: sionna-rt, mitsuba, drjit and llvm."""

    left_out: list[int]
    """Receivers of the layout that did not hear all access points."""

    receivers: npt.NDArray[np.float32]
    """The others [m], shape (n_receivers, 3)."""

    access_points: npt.NDArray[np.float32]
    """[m], shape (n_aps, 3)."""

    rss_dbm: npt.NDArray[np.float32]
    """Shape (n_receivers, n_aps)."""

    def __post_init__(self) -> None:
        n_receivers, n_aps = len(self.receivers), len(self.access_points)
        expected = {
            "receivers": (n_receivers, 3),
            "access_points": (n_aps, 3),
            "rss_dbm": (n_receivers, n_aps),
        }
        for name, shape in expected.items():
            values = getattr(self, name)
            if values.shape != shape or values.dtype != np.float32:
                raise TableError(
                    f"{self.name}: {name} is {values.dtype} {values.shape}, not "
                    f"float32 {shape}"
                )
            if not np.isfinite(values).all():
                raise TableError(f"{self.name}: {name} holds what is no number")
        left_out = self.left_out
        if not isinstance(left_out, list) or not all(
            type(number) is int and 0 <= number < n_receivers + len(left_out)
            for number in left_out
        ):
            raise TableError(
                f"{self.name}: left_out is {left_out!r}, not a list of receivers of "
                "the layout"
            )


_FIELDS = frozenset(field.name for field in fields(Table))


def table_of(layout: Layout, traced: Trace, *, seed: int, settings: Settings) -> Table:
    """Return a traced layout as it is written to disk.

    Receivers that do not hear all access points are left out: points squeezed in
    between walls and cabinets of metal, where nobody stands.

    Raises:
        NoPathsError: No receiver hears all of them.
    """
    heard: npt.NDArray[np.bool] = np.all(traced.heard, axis=1, keepdims=True)[:, 0]
    if not heard.any():
        raise NoPathsError(
            f"{layout.name}: no receiver hears all access points; trace with a larger "
            "depth or more rays"
        )
    length, width, height = layout.size_m.tolist()
    return Table(
        layout.name,
        seed,
        (length, width, height),
        layout.carrier_hz,
        POWER_DBM,
        asdict(settings),
        traced.versions,
        np.flatnonzero(~heard).tolist(),
        layout.receivers[heard].astype(np.float32),
        layout.access_points.astype(np.float32),
        traced.at(heard).rss_dbm(POWER_DBM),
    )


def write_table(path: Path, table: Table) -> None:
    """Write one scenario, whole or not at all.

    Raises:
        TableError: It cannot be written.
    """
    _write(path, {"schema": SCHEMA} | _header(table), _arrays(table))


def read_table(path: Path) -> Table:
    """Read one scenario.

    Raises:
        TableError: It cannot be read, or is no such file.
    """
    header, arrays = _read(path, SCHEMA)
    return _table(path, header, arrays)


def write_tables(path: Path, tables: list[Table]) -> None:
    """Write several scenarios into one file, whole or not at all.

    Raises:
        TableError: It cannot be written.
    """
    header = {"schema": SCHEMA_OF_SEVERAL, "scenarios": [*map(_header, tables)]}
    arrays = {
        f"{table.name}_{name}": values
        for table in tables
        for name, values in _arrays(table).items()
    }
    _write(path, header, arrays)


def read_tables(path: Path | None = None) -> dict[str, Table]:
    """Return scenarios by name.

    Args:
        path: A file of several; None stands for the one that comes with the package,
            S1 to S6 of seed 0.

    Raises:
        TableError: It cannot be read, or is no such file.
    """
    if path is None:
        path = Path(str(files(__package__) / "data" / "scenarios.npz"))
    header, arrays = _read(path, SCHEMA_OF_SEVERAL)
    parts = header.get("scenarios")
    if not isinstance(parts, list) or not all(
        isinstance(part, dict) and isinstance(part.get("name"), str) for part in parts
    ):
        raise TableError(f"{path} does not say which scenarios it holds; trace it anew")
    tables = {}
    for part in parts:
        prefix = f"{part['name']}_"
        own = {
            name.removeprefix(prefix): values
            for name, values in arrays.items()
            if name.startswith(prefix)
        }
        tables[part["name"]] = _table(path, part, own)
    return tables


def _header(table: Table) -> dict[str, Any]:
    return {name: getattr(table, name) for name in _FIELDS.difference(_ARRAYS)}


def _arrays(table: Table) -> Arrays:
    return {name: getattr(table, name) for name in _ARRAYS}


def _table(path: Path, header: dict[str, Any], arrays: Arrays) -> Table:
    values: dict[str, Any] = {name: header.get(name) for name in _FIELDS}
    values |= arrays
    missing = sorted(name for name, value in values.items() if value is None)
    unknown = sorted(values.keys() - _FIELDS)
    if missing or unknown:
        raise TableError(
            f"{path} lacks {', '.join(missing) or 'nothing'} and has the unknown "
            f"{', '.join(unknown) or 'nothing'}; trace it anew"
        )
    try:
        values["size_m"] = tuple(header["size_m"])
        return Table(**values)
    except (TableError, TypeError) as error:
        raise TableError(f"{path}: {error}; trace it anew") from error


def _write(path: Path, header: dict[str, Any], arrays: Arrays) -> None:
    try:
        write_atomically(path, pack_arrays(header, arrays))
    except OSError as error:
        raise TableError(f"cannot write {path}: {error.strerror}") from error


def _read(path: Path, schema: str) -> tuple[dict[str, Any], Arrays]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TableError(f"cannot read {path}: {error.strerror}") from error
    try:
        return unpack_arrays(data, schema=schema, max_bytes=_MAX_BYTES)
    except ArraysError as error:
        raise TableError(f"{path} {error}; trace it anew") from error
