"""Settings of units as plain values, so that the JSON says what was run."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import partial
from typing import TypeAlias

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"


def settings_json(value: object) -> Plain:
    """Return settings as plain values.

    Args:
        value: Plain values, collections, dataclasses, functions, partials. A dataclass
            becomes its fields and the name of its class, a function its name.
    """
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case None | bool() | int() | float() | str():
            return value
        case Enum():
            return settings_json(value.value)
        case Mapping():
            return {str(k): settings_json(v) for k, v in value.items()}
        case tuple() | list():
            return [settings_json(v) for v in value]
        case partial():
            return {
                "function": value.func.__qualname__,
                "of": settings_json(value.args),
            }
    if is_dataclass(value):
        names = [field.name for field in fields(value)]
        return {
            "class": type(value).__qualname__,
            **{name: settings_json(getattr(value, name)) for name in names},
        }
    return str(getattr(value, "__qualname__", type(value).__qualname__))
