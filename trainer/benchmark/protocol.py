"""What is history, validation and test in a survey: a small TOML file.

Every key is described in ``docs/benchmark.md``; `Protocol` is its table of contents.
"""

import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from trainer.benchmark.errors import ProtocolError
from trainer.surveys.environment import Environment

T = TypeVar("T")

Role = Literal["validation", "test"]
"""What can be a target."""

Visits = str | tuple[int, ...]
"""A rule, or the numbers of a point's visits, the first being 1."""

CALIBRATE: Final = ("reference", "checkerboard")
QUERY: Final = ("reference", "test", "others")
CALIBRATION_VISITS: Final = ("first", "last", "all-but-last", "all")
QUERY_VISITS: Final = ("later", "last")

_ORDERS: Final = re.compile(r"(\d+)(?:-(\d+))?")


@dataclass(frozen=True, slots=True)
class Protocol:
    """How one survey is split; the defaults are those of a file without the key."""

    survey: str
    """Name of the survey, as in ``trainer surveys``."""

    test: tuple[str, ...] = ()
    """Targets of the table; selections as in `select`."""

    validation: tuple[str, ...] = ()
    """Targets while something is tuned; history of the test targets."""

    history: tuple[str, ...] = ()
    """What methods may learn from."""

    exclude: tuple[str, ...] = ()
    """Left out as if the survey did not have them."""

    rolling: bool = False
    """Whether a target's history holds earlier targets too."""

    last: int | None = None
    """Only so many of the latest environments of the target's place are history."""

    ties: bool = False
    """Whether an environment of the same order as the target can be its history: for
    surveys that do not say when."""

    other_places: bool = False
    """Whether listed environments of other places are history."""

    calibrate: str = "reference"
    """Points that can be calibrated: all that are not surveyed to test only, or one
    colour of the checkerboard of them."""

    query: str = "reference"
    """Points to be located: those that can be calibrated, those surveyed to test only,
    or the checkerboard's others."""

    calibration_visits: Visits = "first"
    """Visits of a point that shots are drawn from."""

    query_visits: Visits = "later"
    """Visits of a point that queries are drawn from, always after those."""

    images_per_point: int | None = 5
    """Queries per point, evenly over its query visits; None (``"all"``) for all."""

    def __post_init__(self) -> None:
        _one_of("calibrate", self.calibrate, CALIBRATE)
        _one_of("query", self.query, QUERY)
        _check_visits("calibration_visits", self.calibration_visits, CALIBRATION_VISITS)
        _check_visits("query_visits", self.query_visits, QUERY_VISITS)
        if (self.query == "others") != (self.calibrate == "checkerboard"):
            raise ProtocolError(
                'query = "others" and calibrate = "checkerboard" need each other; '
                f"found {self.query!r} and {self.calibrate!r}"
            )
        if self.calibration_visits == "all" and self.query == "reference":
            raise ProtocolError(
                'calibration_visits = "all" leaves no visit to query = "reference"; '
                'expected "first", "last", "all-but-last" or numbers'
            )
        for name in ("last", "images_per_point"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ProtocolError(f"{name} is {value}, not 1 or more")

    @property
    def digest(self) -> str:
        """Changes with any setting, not with comments or layout."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def without_excluded(
        self, environments: Sequence[Environment]
    ) -> list[Environment]:
        """Return the survey less what the protocol leaves out.

        Raises:
            ProtocolError: Nothing like an excluded environment is there.
        """
        excluded = {e.name for e in self.select("exclude", environments)}
        return [e for e in environments if e.name not in excluded]

    def targets(
        self, environments: Sequence[Environment], role: Role
    ) -> list[Environment]:
        """Return what is to be located, in the survey's order.

        Args:
            environments: Of the survey, less those that are excluded.
            role: ``validation`` or ``test``.

        Raises:
            ProtocolError: The file names none, or some that the survey does not have,
                or one in two roles.
        """
        of_role = {
            name: self.select(name, environments)
            for name in ("history", "validation", "test")
        }
        _check_disjoint(of_role)
        if not of_role[role]:
            raise ProtocolError(f"the protocol of {self.survey} has no {role}")
        return of_role[role]

    def history_of(
        self, target: Environment, environments: Sequence[Environment], role: Role
    ) -> list[Environment]:
        """Return what may be learnt before the target, oldest first.

        Environments of other places come before those of the target's.

        Args:
            target: Of this role.
            environments: Of the survey, less those that are excluded.
            role: Of the target.
        """
        latest = target.order if self.ties else target.order - 1
        listed = [*self.select("history", environments)]
        if role == "test":
            listed += self.select("validation", environments)
        if self.rolling:
            # Later targets are nobody's history, of whatever place they are.
            listed += [e for e in self.select(role, environments) if e.order <= latest]
        known = {e.name for e in listed} - {target.name}
        here, elsewhere = [], []
        for environment in environments:
            if environment.name not in known:
                continue
            if environment.place.name != target.place.name:
                elsewhere.append(environment)
            elif environment.order <= latest:
                here.append(environment)
        here.sort(key=lambda e: e.order)
        elsewhere = sorted(elsewhere, key=lambda e: e.order)
        here = here if self.last is None else here[-self.last :]
        return [*(elsewhere if self.other_places else ()), *here]

    def select(
        self, key: str, environments: Sequence[Environment]
    ) -> list[Environment]:
        """Return the environments that a list of the protocol selects.

        An entry is a name, a number or range of orders (``7``, ``0-69``), a range of
        names (``d02..d18``: all of one place from the one to the other), a glob of
        names, or a place or glob of places; ``place/`` before any of the first four
        keeps to places that match.

        Args:
            key: ``history``, ``validation``, ``test`` or ``exclude``.
            environments: To select from; their order is kept.

        Raises:
            ProtocolError: An entry selects nothing.
        """
        chosen: set[str] = set()
        for entry in getattr(self, key):
            names = _selected(entry, environments)
            if not names:
                raise ProtocolError(
                    f"{key}: {entry!r} is no environment of {self.survey}"
                    f"{nearest(entry, [e.name for e in environments])}; there are "
                    f"{_abridged([f'{e.name} ({e.order})' for e in environments])}"
                )
            chosen |= names
        return [e for e in environments if e.name in chosen]


# -- files -----------------------------------------------------------------------------


def read_protocol(text: str, source: str) -> Protocol:
    """Return the protocol that a TOML text holds.

    Args:
        text: TOML.
        source: Where it is from, for messages.

    Raises:
        ProtocolError: No TOML, an unknown key, or a value that means nothing.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError(f"{source} is no TOML: {error}") from error
    try:
        return _protocol(table)
    except ProtocolError as error:
        raise ProtocolError(f"{source}: {error}") from error


def load_protocol(path: Path) -> Protocol:
    """Return the protocol in a file.

    Raises:
        ProtocolError: As `read_protocol`, or the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ProtocolError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ProtocolError(f"{path} is not UTF-8: {error}") from error
    return read_protocol(text, str(path))


def shipped_names() -> list[str]:
    """Return the surveys that have a protocol here, sorted."""
    folder = files("trainer.benchmark") / "protocols"
    return sorted(
        item.name.removesuffix(".toml")
        for item in folder.iterdir()
        if item.name.endswith(".toml")
    )


def shipped_text(name: str) -> str:
    """Return a shipped protocol as it is written.

    Raises:
        ProtocolError: There is none of this name.
    """
    names = shipped_names()
    if name not in names:
        raise ProtocolError(
            f"there is no protocol {name!r}{nearest(name, names)}; there are "
            f"{', '.join(names)}. Another survey needs --protocol FILE"
        )
    file = files("trainer.benchmark") / "protocols" / f"{name}.toml"
    return file.read_text(encoding="utf-8")


def shipped_protocol(name: str) -> Protocol:
    """Return a shipped protocol.

    Raises:
        ProtocolError: There is none of this name.
    """
    return read_protocol(shipped_text(name), f"protocols/{name}.toml")


def _protocol(table: Mapping[str, Any]) -> Protocol:
    known = [field.name for field in fields(Protocol)]
    for key in table:
        if key not in known:
            raise ProtocolError(
                f"unknown key {key!r}{nearest(key, known)}; the keys are "
                f"{', '.join(known)}"
            )
    if "survey" not in table:
        raise ProtocolError('no survey; expected for example survey = "polyu"')
    return Protocol(**{key: _value(key, value) for key, value in table.items()})


def _value(key: str, value: object) -> Any:  # noqa: ANN401  (checked by the key)
    match key:
        case "history" | "validation" | "test" | "exclude":
            return _entries(key, value)
        case "rolling" | "ties" | "other_places":
            return _typed(key, value, bool, "true or false")
        case "last":
            return _typed(key, value, int, "a number")
        case "images_per_point":
            return (
                None if value == "all" else _typed(key, value, int, 'a number, "all"')
            )
        case "calibration_visits" | "query_visits":
            if isinstance(value, list):
                numbers = [_typed(key, v, int, "numbers of visits") for v in value]
                return tuple(numbers)
    return _typed(key, value, str, "text")


def _entries(key: str, value: object) -> tuple[str, ...]:
    entries = value if isinstance(value, list) else [value]
    for entry in entries:
        if isinstance(entry, bool) or not isinstance(entry, str | int):
            raise ProtocolError(
                f"{key} holds {entry!r}; expected names, ranges or orders, for "
                'example ["d02..d18", "0-69", 7]'
            )
    return tuple(map(str, entries))


def _typed(key: str, value: object, kind: type[T], expected: str) -> T:
    # True is an int to Python, and a mistake here.
    if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
        raise ProtocolError(f"{key} is {value!r}; expected {expected}")
    return value


# -- what the values must be -----------------------------------------------------------


def _one_of(key: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ProtocolError(
            f"{key} is {value!r}{nearest(value, choices)}; expected one of "
            f"{', '.join(choices)}"
        )


def _check_visits(key: str, value: Visits, rules: Sequence[str]) -> None:
    if isinstance(value, str):
        if value not in rules:
            raise ProtocolError(
                f"{key} is {value!r}{nearest(value, rules)}; expected one of "
                f"{', '.join(rules)}, or numbers of visits such as [1, 2, 3]"
            )
    elif not value or min(value) < 1 or len(set(value)) < len(value):
        raise ProtocolError(
            f"{key} is {list(value)}; expected different numbers of visits from 1 on"
        )


def _check_disjoint(of_role: Mapping[str, Iterable[Environment]]) -> None:
    role_of: dict[str, str] = {}
    for role, environments in of_role.items():
        for environment in environments:
            if environment.name in role_of:
                raise ProtocolError(
                    f"{environment.name} is {role_of[environment.name]} and {role}; "
                    "an environment has one role"
                )
            role_of[environment.name] = role


def _selected(entry: str, environments: Sequence[Environment]) -> set[str]:
    names = {e.name for e in environments}
    if entry in names:
        return {entry}
    place, slash, rest = entry.rpartition("/")
    if slash:
        there = [e for e in environments if fnmatchcase(e.place.name, place)]
        if within := _matching(rest, there):
            return within
    return _matching(entry, environments) or {
        e.name for e in environments if fnmatchcase(e.place.name, entry)
    }


def _matching(entry: str, environments: Sequence[Environment]) -> set[str]:
    """Return the names that a name, orders, a range of names or a glob stands for."""
    by_name = {e.name: e for e in environments}
    if entry in by_name:
        return {entry}
    if orders := _ORDERS.fullmatch(entry):
        first = int(orders[1])
        last = int(orders[2] or first)
        return {e.name for e in environments if first <= e.order <= last}
    start, dots, end = entry.partition("..")
    if dots and start in by_name and end in by_name:
        first, last = by_name[start].order, by_name[end].order
        if first > last:
            raise ProtocolError(
                f"{entry!r} is backwards: {start} is later than {end}; write "
                f'"{end}..{start}"'
            )
        place = by_name[start].place.name
        return {
            e.name
            for e in environments
            if e.place.name == place and first <= e.order <= last
        }
    return {name for name in by_name if fnmatchcase(name, entry)}


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ``, did you mean 'x'?``, or nothing where nothing is like it."""
    close = difflib.get_close_matches(name, list(names), n=1)
    return f", did you mean {close[0]!r}?" if close else ""


def _abridged(names: Sequence[str], n: int = 8) -> str:
    if len(names) <= n:
        return ", ".join(names)
    return f"{', '.join(names[: n - 1])}, .. {names[-1]}"
