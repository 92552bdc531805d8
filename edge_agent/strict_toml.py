"""TOML files as records: every key known, every value of its type and in its range.

A table becomes a frozen dataclass; a list of tables, or of values, a tuple. A field
whose key is a word of Python's own is named otherwise and says so:
``field(metadata={"key": "from"})``.
"""

import difflib
import tomllib
import types
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from edge_agent.errors import ConfigError

_MAX_BYTES = 1 << 20
_EXACT = 1 << 53
"""Whole numbers below it are numbers too, to the last digit."""

_IN_WORDS = {
    str: "text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


def read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    """Return a file's text and what it says.

    Raises:
        ConfigError: It cannot be read, is larger than a megabyte, or is no TOML.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise ConfigError(f"{path} is larger than {_MAX_BYTES} bytes")
        text = data.decode("utf-8").replace("\r\n", "\n")
        return text, tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error


def build_record(cls: type[Any], table: Any, where: str = "") -> Any:  # noqa: ANN401  (TOML)
    """Return the record that a TOML table describes.

    Args:
        cls: Its class, a dataclass; what has a default may be left out.
        table: As `tomllib` gives it.
        where: Its key, for messages; empty for the whole file.

    Raises:
        ConfigError: A key is unknown or missing, or a value has another type; or the
            record itself says so.
    """
    if not isinstance(table, dict):
        raise ConfigError(f"{where or 'the file'} must be a table, not {table!r}")
    types_of = get_type_hints(cls)
    known = {str(f.metadata.get("key", f.name)): f for f in fields(cls)}
    prefix = f"{where}." if where else ""
    for key in table:
        if key not in known:
            raise ConfigError(_unknown(f"{prefix}{key}", key, list(known)))
    if missing := [k for k, f in known.items() if k not in table and _is_needed(f)]:
        raise ConfigError(f"{where or 'the file'} lacks {', '.join(missing)}")
    return cls(
        **{
            known[key].name: _value(types_of[known[key].name], value, f"{prefix}{key}")
            for key, value in table.items()
        }
    )


def check_range(key: str, value: float, low: float, high: float) -> None:
    """Refuse a number outside a range.

    Raises:
        ConfigError: It is, or is no number.
    """
    if not low <= value <= high:
        raise ConfigError(f"{key} is {value}, not {low} to {high}")


def check_choice(key: str, value: str, choices: list[Any]) -> None:
    """Refuse what is none of some words.

    Raises:
        ConfigError: It is none of them.
    """
    if value not in [str(choice) for choice in choices]:
        raise ConfigError(f"{key} is {value!r}, not one of {', '.join(choices)}")


def _is_needed(field: "Field[Any]") -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _value(expected: Any, value: Any, where: str) -> Any:  # noqa: ANN401  (TOML)
    if get_origin(expected) is types.UnionType:  # TOML has no None
        (expected,) = (t for t in get_args(expected) if t is not types.NoneType)
    if get_origin(expected) is tuple:
        return _values(get_args(expected), value, where)
    if is_dataclass(expected) and isinstance(expected, type):
        return build_record(expected, value, where)
    if expected is float and type(value) is int and abs(value) < _EXACT:
        return float(value)
    if type(value) is not expected:
        raise ConfigError(f"{where} must be {_IN_WORDS[expected]}, not {value!r}")
    return value


def _values(expected: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:  # noqa: ANN401
    """Return a list's values; ``expected`` is what a tuple's type has in brackets."""
    if not isinstance(value, list):
        what = f"[[{where}]] tables" if is_dataclass(expected[0]) else "a list"
        raise ConfigError(f"{where} must be {what}, not {value!r}")
    if expected[-1] is Ellipsis:
        expected = (expected[0],) * len(value)
    if len(value) != len(expected):
        raise ConfigError(f"{where} must have {len(expected)} values, not {value!r}")
    return tuple(
        _value(one, item, f"{where} {number}")
        for number, (one, item) in enumerate(zip(expected, value, strict=True), 1)
    )


def _unknown(where: str, key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    if close:
        return f"unknown key {where}; did you mean {close[0]}?"
    return f"unknown key {where}; known are {', '.join(known)}"
