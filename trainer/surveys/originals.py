"""Original files, each of which may be there only once.

People keep a clone beside an unpacked archive, or a second download of one folder: what
is found twice would be learnt from twice, and tested on what was learnt.
"""

from collections.abc import Hashable, Iterable
from pathlib import Path

from trainer.surveys.report import SurveyDataError


def refuse_doubles(found: Iterable[tuple[Hashable, Path]]) -> None:
    """Check that no two files hold the same part of a survey.

    Args:
        found: What a file holds, e.g. day, period and spot, and the file; in the order
            in which they are to be named.

    Raises:
        SurveyDataError: Two files hold the same; it names both.
    """
    first: dict[Hashable, Path] = {}
    for part, path in found:
        if part in first:
            raise SurveyDataError(
                f"{first[part]} and {path} are the same part of the survey; move one "
                "of them elsewhere"
            )
        first[part] = path
