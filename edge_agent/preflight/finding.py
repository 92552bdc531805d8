"""One thing that was looked at before a walk: fine, a caution, or a reason to stop."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding means for what was about to begin."""

    STOP = "stop"
    """It cannot work."""

    CAUTION = "caution"
    """It works worse than it could."""

    OK = "ok"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do about it."""

    severity: Severity

    code: str
    """Name of the fault for programs, e.g. ``no-frames``; it does not change."""

    what: str
    """What was found, and what was expected; without a full stop."""

    do: str = ""
    """What to do; the likeliest first where there are several; empty: nothing."""

    @property
    def sentence(self) -> str:
        """Both in one line, for people."""
        return f"{self.what}: {self.do}" if self.do else self.what

    def to_json(self) -> dict[str, str]:
        """Return the fields as they go into a JSON document."""
        return asdict(self)


def stop(code: str, what: str, do: str = "") -> Finding:
    """Return a reason to stop."""
    return Finding(Severity.STOP, code, what, do)


def caution(code: str, what: str, do: str = "") -> Finding:
    """Return a caution."""
    return Finding(Severity.CAUTION, code, what, do)


def ok(code: str, what: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(Severity.OK, code, what)
