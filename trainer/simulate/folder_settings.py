"""What a folder of simulated captures was made with: nothing else goes into it.

What was interrupted is finished, or written again, by the same command; a survey that
somebody recorded is never replaced.
"""

import json
from pathlib import Path
from typing import Any

from edge_agent.arrays import write_atomically
from edge_agent.version import version
from trainer.errors import TrainerError

SETTINGS_FILE = "simulation.json"
_SCHEMA = "metaloc.simulation/1"


class FolderError(TrainerError):
    """A folder that holds something else."""

    exit_code = 2


def check_folder(folder: Path, settings: dict[str, Any]) -> None:
    """Refuse a folder whose content a simulation would mix with or replace.

    Args:
        folder: Where it is to be written; there may be none yet.
        settings: What it is made with.

    Raises:
        FolderError: It holds another simulation, or something else.
        OSError: It cannot be read.
    """
    path = folder / SETTINGS_FILE
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text)
    except FileNotFoundError:
        if folder.is_dir() and any(folder.iterdir()):
            raise FolderError(
                f"{folder} is not empty, and holds no simulation to go on with: choose "
                "a new folder"
            ) from None
        return
    except (ValueError, RecursionError) as error:  # of JSON, of UTF-8; too deep
        raise FolderError(
            f"{path} is damaged ({error}); choose a new folder"
        ) from error
    wanted = json.loads(_text(settings))
    if found != wanted:
        raise FolderError(
            f"{folder} holds a simulation with other settings: "
            f"{difference(found, wanted)}; choose a new folder, or repeat the command "
            "that began it"
        )


def claim_folder(folder: Path, settings: dict[str, Any]) -> None:
    """Write down what a folder is for, as `check_folder` reads it.

    Raises:
        OSError: It cannot be written.
    """
    write_atomically(folder / SETTINGS_FILE, _text(settings).encode())


def _text(settings: dict[str, Any]) -> str:
    facts = {"schema": _SCHEMA, "version": version()} | settings
    return json.dumps(facts, indent=1) + "\n"


def difference(found: object, wanted: object) -> str:
    """Say in which settings two simulations differ.

    Args:
        found: Settings, as JSON has them, of what is there.
        wanted: Of what is asked for.
    """
    flat = [_flat(settings) for settings in (found, wanted)]
    names = [name for name in flat[1] if flat[0].get(name) != flat[1][name]]
    said = [f"{n} is {flat[0].get(n)} there, {flat[1][n]} here" for n in names]
    return ", ".join(said) or "some that this version does not know"


def _flat(settings: object, prefix: str = "") -> dict[str, object]:
    if not isinstance(settings, dict):
        return {prefix or "it": settings}
    flat: dict[str, object] = {}
    for name, value in settings.items():
        flat |= _flat(value, str(name).removeprefix("n_"))
    return flat
