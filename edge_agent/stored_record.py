"""Records read from disk: what is not known is refused, never left out.

A newer agent may have written what this one would misread if it passed over a part.
"""

from collections.abc import Collection
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, get_type_hints


class StoredRecordError(ValueError):
    """A stored record is of another version of the agent."""


def check_keys(
    facts: object,
    what: str,
    *,
    needed: Collection[str],
    optional: Collection[str] = (),
) -> None:
    """Refuse what does not have the keys of a record.

    Args:
        facts: As read.
        what: The record in words.
        needed: Keys that it must have.
        optional: Keys that it may have; older agents wrote none.

    Raises:
        StoredRecordError: It is no record, has others, or lacks one.
    """
    if not isinstance(facts, dict):
        raise StoredRecordError(f"{what} is {facts!r}, not a record of named values")
    if unknown := sorted(str(key) for key in facts.keys() - {*needed, *optional}):
        raise StoredRecordError(
            f"{what} has {unknown[0]!r}, of which this agent knows nothing: it was "
            "made by a newer agent. Update this one, or make it again (edge_agent "
            "adapt)"
        )
    if lacking := sorted(set(needed) - facts.keys()):
        raise StoredRecordError(
            f"{what} lacks {lacking[0]!r}: it was made by another version of the "
            "agent, or is damaged. Make it again (edge_agent adapt)"
        )


def check_record(facts: object, record: type, what: str) -> None:
    """Refuse what does not have the fields of a dataclass, or of one within.

    Args:
        facts: As read; as `dataclasses.asdict` returns it.
        record: The dataclass.
        what: The record in words.

    Raises:
        StoredRecordError: As of `check_keys`.
    """
    parts = fields(record)
    check_keys(
        facts,
        what,
        needed=[part.name for part in parts if not _has_default(part)],
        optional=[part.name for part in parts if _has_default(part)],
    )
    assert isinstance(facts, dict)
    for name, kind in get_type_hints(record).items():
        if name in facts and isinstance(kind, type) and is_dataclass(kind):
            check_record(facts[name], kind, f"{name} of {what}")


def _has_default(part: Field[Any]) -> bool:
    return part.default is not MISSING or part.default_factory is not MISSING
