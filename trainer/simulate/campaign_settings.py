"""What a folder of simulated captures was made with: it is finished likewise."""

import json
from dataclasses import asdict
from pathlib import Path

from edge_agent.version import version
from trainer.simulate.campaign import Campaign, CampaignError
from trainer.simulate.captures import Container

SETTINGS_FILE = "simulation.json"
_SCHEMA = "metaloc.simulation/1"


def settings_text(campaign: Campaign, container: Container) -> str:
    """Return the settings as the file has them."""
    facts = {
        "schema": _SCHEMA,
        "version": version(),
        "format": container.value,
        "campaign": asdict(campaign),
    }
    return json.dumps(facts, indent=1) + "\n"


def check_settings(folder: Path, settings: str) -> None:
    """Refuse a folder whose content this campaign would mix with or replace.

    Raises:
        CampaignError: It holds another campaign, or something else.
        OSError: It cannot be read.
    """
    path = folder / SETTINGS_FILE
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text)
    except FileNotFoundError:
        if folder.is_dir() and any(folder.iterdir()):
            raise CampaignError(
                f"{folder} is not empty, and holds no simulation to go on with: choose "
                "a new folder"
            ) from None
        return
    except (ValueError, RecursionError) as error:  # of JSON, of UTF-8; too deep
        raise CampaignError(
            f"{path} is damaged ({error}); choose a new folder"
        ) from error
    wanted = json.loads(settings)
    if found != wanted:
        raise CampaignError(
            f"{folder} holds a simulation with other settings: "
            f"{_difference(found, wanted)}; choose a new folder, or repeat the command "
            "that began it"
        )


def _difference(found: object, wanted: object) -> str:
    """Say in which settings two simulations differ."""
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
