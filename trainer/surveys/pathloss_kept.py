"""What is there already: a simulated survey is kept, or refused, but never replaced."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.simulate.folder_settings import FolderError, difference
from trainer.surveys.compact import read_compact
from trainer.surveys.pathloss import about_of
from trainer.surveys.report import SurveyDataError


def is_kept(path: Path, about: Mapping[str, Any]) -> bool:
    """Return whether a file of `trainer.surveys.pathloss.write_days` is there.

    Args:
        path: The file.
        about: What it is to be made with.

    Raises:
        FolderError: It was made with something else, or is no such file.
        SurveyDataError: A folder that it is to be in is none.
    """
    _check_folders(path)
    if not path.exists():
        return False
    try:
        found = about_of(path, read_compact(path))
    except SurveyDataError as error:
        raise FolderError(f"{error}; delete it, or choose another name") from error
    wanted = json.loads(json.dumps(dict(about)))
    if found != wanted:
        raise FolderError(
            f"{path} was simulated with other settings: {difference(found, wanted)}; "
            "delete it, or choose another name"
        )
    return True


def _check_folders(path: Path) -> None:
    """Refuse a path through something that is no folder; the system's words mislead."""
    for folder in path.parents:
        if folder.is_dir():
            return
        if folder.exists():
            raise SurveyDataError(f"cannot write {path}: {folder} is not a folder")
