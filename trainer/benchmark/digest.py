"""Digests of what a result depends on, so that no stale result is taken for a new one.

A method is its settings and its source: every module of this repository that its own
modules import, transitively. Comments count; better a result too few than a stale one.
"""

import ast
import hashlib
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trainer.surveys.environment import Environment

_OURS: Final = ("trainer", "edge_agent", "export", "tests")
"""Packages whose source is read; the others stand in the result's versions."""


def digest_of_text(*parts: str) -> str:
    """Return a digest of some texts, each told from the next."""
    return _hex(part.encode() for part in parts)


def digest_of_survey(environments: Sequence[Environment]) -> str:
    """Return a digest of everything that a survey holds."""
    digest = hashlib.blake2b(digest_size=8)
    for e in environments:
        place = (e.place.name, e.place.channels)
        digest.update(repr((e.name, e.order, e.is_simulated, place)).encode())
        arrays: list[npt.NDArray[Any]] = [e.place.locations, e.place.floors]
        arrays += [e.signals.rss, e.point_of, e.visit_of, e.is_test]
        if e.signals.images is not None:
            arrays.append(e.signals.images)
        for array in arrays:
            if array.size:
                digest.update(repr((array.shape, array.dtype.str)).encode())
                digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _Module:
    source: str
    imports: tuple[str, ...]


class CodeDigests:
    """Digests of code; each module is read once."""

    def __init__(self) -> None:
        self._modules: dict[str, _Module | None] = {}

    def of(self, settings: object, *modules: str) -> str:
        """Return a digest of an object's settings, and of the source that it runs.

        Args:
            settings: An object, e.g. a method: its fields, and theirs.
            modules: Further modules whose source counts.
        """
        used = set(modules)
        described = describe(settings, used)
        sources = self._closure(used)
        return digest_of_text(
            described, *(f"{name}\n{sources[name]}" for name in sorted(sources))
        )

    def _closure(self, modules: Iterable[str]) -> dict[str, str]:
        """Return the source of these modules of ours and of all they import."""
        sources: dict[str, str] = {}
        waiting = list(modules)
        while waiting:
            name = waiting.pop()
            if name in sources:
                continue
            if name not in self._modules:
                self._modules[name] = _read_module(name)
            module = self._modules[name]
            if module is not None:
                sources[name] = module.source
                waiting += module.imports
        return sources


def describe(value: object, modules: set[str]) -> str:
    """Return a text that is the same for equal settings in every process.

    Args:
        value: Settings: plain values, collections, arrays, dataclasses, functions.
        modules: Those that define what is met; added to.
    """
    match value:
        case None | bool() | int() | float() | str() | bytes():
            return repr(value)
        case Enum():
            return f"{type(value).__qualname__}.{value.name}"
        case np.ndarray():
            return f"array({value.shape}, {value.dtype}, {_hex([value.tobytes()])})"
        case Mapping():
            pairs = [
                (describe(k, modules), describe(v, modules)) for k, v in value.items()
            ]
            return f"{{{', '.join(f'{k}: {v}' for k, v in pairs)}}}"
        case set() | frozenset():
            return f"{{{', '.join(sorted(describe(v, modules) for v in value))}}}"
        case Sequence():
            return f"[{', '.join(describe(v, modules) for v in value)}]"
        case partial():
            parts = (value.func, value.args, value.keywords)
            return f"partial{describe(parts, modules)}"
    named = value if hasattr(value, "__qualname__") else type(value)
    module = str(getattr(named, "__module__", ""))
    modules.add(module)
    name = f"{module}.{named.__qualname__}"
    if named is value:
        return name
    return f"{name}({describe(_state(value), modules)})"


def _state(value: object) -> dict[str, object]:
    if is_dataclass(value):
        return {f.name: getattr(value, f.name) for f in fields(value)}
    return dict(sorted(vars(value).items())) if hasattr(value, "__dict__") else {}


def _read_module(name: str) -> _Module | None:
    """Return a module of ours; None for others, and for names that are no module."""
    path = _path_of(name) if name.split(".")[0] in _OURS else None
    if path is None:
        return None
    source = path.read_text(encoding="utf-8")
    imports: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imports += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # ``from package import module`` imports the module, too.
            imports += [node.module]
            imports += [f"{node.module}.{alias.name}" for alias in node.names]
    return _Module(source, tuple(dict.fromkeys(imports)))


def _path_of(module: str) -> Path | None:
    """Return where a module is, without importing any."""
    top, *below = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or spec.submodule_search_locations is None:
        return None
    for folder in spec.submodule_search_locations:
        path = Path(folder).joinpath(*below)
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
    return None  # ``from module import name``


def _hex(parts: Iterable[bytes]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()
