"""All surveys by name: where their data is found, and how it is read.

Below a folder of data, each survey is looked for as a compact copy
(``data/surveys/<file>.npz`` or ``data/<file>.npz``) and in its original format
(``data/raw/<folder>`` or ``data/<folder>``); `trainer.surveys.catalogue` has the names.
The compact copy is taken where both are there, because people keep a few original files
at hand as samples; ``<name>:raw`` and ``<name>:compact`` ask for one of them. What is
made here is made when it is loaded, and looked for nowhere.

The module of a survey is imported when the survey is loaded: what reads spreadsheets,
MATLAB files, HDF5 and images is not needed for the others.
"""

import importlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.surveys.catalogue import CARDS, SurveyCard
from trainer.surveys.compact import read_compact
from trainer.surveys.environment import Environment
from trainer.surveys.report import (
    Skips,
    SurveyDataError,
    SurveyReport,
    UnknownSurveyError,
)


@dataclass(frozen=True, slots=True)
class Found:
    """Where a survey's data is."""

    card: SurveyCard

    path: Path
    """The compact copy, or the folder of the originals."""

    is_compact: bool


def survey_names() -> tuple[str, ...]:
    """Return the names of all surveys."""
    return tuple(card.name for card in CARDS)


def survey_card(name: str) -> SurveyCard:
    """Return what is known about a survey.

    Args:
        name: One of `survey_names`, perhaps with ``:raw`` or ``:compact``.

    Raises:
        UnknownSurveyError: There is no such survey.
    """
    survey, _, choice = name.partition(":")
    for card in CARDS:
        if card.name == survey and choice in ("", "raw", "compact"):
            return card
    raise UnknownSurveyError(
        f"{name!r} is no survey; there are {', '.join(survey_names())}, each perhaps "
        "with :raw (original files) or :compact"
    )


def find_survey(name: str, data: Path) -> Found:
    """Return where a survey's data is.

    Args:
        name: One of `survey_names`, perhaps with ``:raw`` or ``:compact``.
        data: Folder of data, see the module.

    Raises:
        SurveyDataError: There is no such survey, none of its data, or it is simulated.
    """
    card = survey_card(name)
    if card.is_made_here:
        raise SurveyDataError(
            f"{name}: there are no files of what is simulated; load it as {card.name}"
        )
    choice = name.partition(":")[2]
    copies, folders = _candidates(card, data)
    if choice != "raw":
        for path in copies:
            if path.is_file():
                return Found(card, path, is_compact=True)
    if choice != "compact":
        for path in folders:
            if path.is_dir():
                return Found(card, path, is_compact=False)
    looked = copies * (choice != "raw") + folders * (choice != "compact")
    raise SurveyDataError(
        f"no data of {name}: looked for {', '.join(map(str, looked)) or 'nothing'}. "
        f"How to get it: trainer surveys {card.name}"
    )


def _candidates(card: SurveyCard, data: Path) -> tuple[list[Path], list[Path]]:
    """Return where compact copies and originals may be."""
    copies = []
    if card.compact_file is not None:
        copies = [data / "surveys" / card.compact_file, data / card.compact_file]
    folders = []
    if card.reads_originals:
        folders = [data / up / name for name in card.folders for up in ("raw", "")]
    return copies, folders


def load_survey(name: str, data: Path) -> list[Environment]:
    """Return a survey's environments, sorted by place, order and name.

    Args:
        name: One of `survey_names`, perhaps with ``:raw`` or ``:compact``.
        data: Folder of data, see the module.

    Raises:
        SurveyDataError: There is no such survey, nothing of it is found, or what is
            found is not sound; the message names the file and the place in it.
    """
    return load_survey_with_report(name, data)[0]


def _refuse_equal_names(source: Path, environments: list[Environment]) -> None:
    """Check what `Environment.name` promises, whoever made them."""
    names = Counter(environment.name for environment in environments)
    if twice := [name for name, n in names.items() if n > 1]:
        raise SurveyDataError(
            f"{source}: several environments are called {', '.join(twice[:3])}; a day, "
            "month or area may be there only once"
        )


def load_survey_with_report(
    name: str, data: Path
) -> tuple[list[Environment], SurveyReport]:
    """Return a survey's environments, and what was left out.

    Arguments and errors are those of `load_survey`.
    """
    card, skips = survey_card(name), Skips()
    module: Any = importlib.import_module(f"trainer.surveys.{card.module}")
    environments: list[Environment]
    if card.is_made_here and name == card.name:
        environments = module.simulate(name)
        report = SurveyReport(
            name, None, is_compact=False, n_environments=len(environments), skipped={}
        )
        return environments, report
    found = find_survey(name, data)
    if found.is_compact:
        arrays = read_compact(found.path)
        environments = module.from_compact(found.path, arrays, skips)
    else:
        environments = module.from_original(found.path, skips)
    _refuse_equal_names(found.path, environments)
    environments.sort(key=lambda e: (e.place.name, e.order, e.name))
    report = SurveyReport(
        found.card.name, found.path, found.is_compact, len(environments), skips.counts
    )
    return environments, report
