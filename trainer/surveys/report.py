"""What a loader found, and what it left out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.errors import TrainerError


class SurveyDataError(TrainerError):
    """A public survey is missing files, or they are not what they should be."""


class UnknownSurveyError(SurveyDataError):
    """Nobody knows a survey of this name; exit code 2."""

    exit_code = 2


class Skips:
    """Counts by reason what a loader leaves out although the rest is sound."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def count(self, reason: str, n: int = 1) -> None:
        """Count ``n`` more; none is not worth a line."""
        if n:
            self._counts[reason] += int(n)

    @property
    def counts(self) -> dict[str, int]:
        """Number left out by reason, reasons in alphabetical order."""
        return dict(sorted(self._counts.items()))


@dataclass(frozen=True, slots=True)
class SurveyReport:
    """Where a survey was read from, and what was left out."""

    name: str
    """As in `trainer.surveys.registry.survey_names`."""

    source: Path | None
    """Folder of the originals, or the compact copy; None where it was made here."""

    is_compact: bool
    """Whether it was read from a compact copy."""

    n_environments: int

    skipped: Mapping[str, int]
    """What was left out: number by reason."""
