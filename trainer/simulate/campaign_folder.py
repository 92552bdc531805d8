"""A campaign as a folder of captures that can be finished later.

    simulation.json        what it is; another campaign does not go into the same folder
    captures.log           one line per finished capture: name, bytes, CRC-32
    day1/visit1/p01.pcapng and so on
    survey.csv             what trainer train and edge_agent adapt read; written last

A capture is kept if the log has it and the file is what the log says; everything else
is written again, to the same bytes. So it may be interrupted at any time, by a power
cut too.
"""

import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from edge_agent.arrays import write_atomically
from edge_agent.survey import SurveyedCapture, write_survey
from trainer.errors import TrainerError
from trainer.simulate.campaign import Campaign, Slot, record_slot
from trainer.simulate.captures import Container, capture_bytes, capture_size
from trainer.simulate.finished import Finished, read_finished
from trainer.simulate.folder_settings import check_folder, claim_folder
from trainer.simulate.pool import work_off

LOG_FILE, SURVEY_FILE = "captures.log", "survey.csv"
_SPARE_BYTES = 16 << 20


class DiskSpaceError(TrainerError):
    """The captures do not fit on the disk."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is."""

    n_captures: int
    """Of the whole campaign."""

    n_kept: int
    """That were there before."""

    n_written: int
    elapsed_s: float

    @property
    def n_done(self) -> int:
        """Kept or written."""
        return self.n_kept + self.n_written

    @property
    def left_s(self) -> float | None:
        """How long it will still take, as fast as until now; None at the start."""
        if not self.n_written:
            return None
        return (self.n_captures - self.n_done) * self.elapsed_s / self.n_written


def campaign_size(campaign: Campaign, container: Container) -> int:
    """Return how long all captures are together, if nothing is out of reach [bytes]."""
    return sum(_size(campaign, slot, container) for slot in campaign.slots())


def write_campaign(
    folder: Path,
    campaign: Campaign,
    container: Container = Container.PCAPNG,
    *,
    jobs: int = 1,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
) -> Path:
    """Write the captures that are not there yet, then the list of all.

    Args:
        folder: Where; created if need be.
        campaign: What.
        container: Format of the captures.
        jobs: Processes that write, at most; what is written is the same.
        on_progress: Called before the first capture and after each.

    Returns:
        The list. Its environments are the days.

    Raises:
        FolderError: It holds another simulation, or something else.
        DiskSpaceError: What is missing does not fit on the disk.
        WorkerLostError: One of the processes was killed.
        TrainerError: As `record_slot`.
        OSError: Something cannot be written.
    """
    settings = {"format": container.value, "campaign": asdict(campaign)}
    check_folder(folder, settings)
    slots = {_name(slot, campaign, container): slot for slot in campaign.slots()}
    done = {
        found.name: found
        for found in read_finished(folder / LOG_FILE)
        if found.name in slots and found.is_intact(folder)
    }
    missing = {name: slot for name, slot in slots.items() if name not in done}
    _check_space(folder, campaign, container, list(missing.values()))

    claim_folder(folder, settings)
    _remove_strays(folder)
    _write_log(folder, done.values())
    started, n_kept = time.monotonic(), len(done)
    on_progress(Progress(len(slots), n_kept, 0, 0.0))
    write = partial(_write, folder=folder, campaign=campaign, container=container)
    with (
        closing(work_off(write, missing.items(), jobs=jobs)) as written,
        (folder / LOG_FILE).open("a", encoding="ascii", buffering=1) as log,
    ):
        for number, found in enumerate(written, 1):
            done[found.name] = found
            log.write(found.line)
            elapsed_s = time.monotonic() - started
            on_progress(Progress(len(slots), n_kept, number, elapsed_s))
    _write_log(folder, (done[name] for name in slots))  # in order, whatever came first
    return _write_list(folder, campaign, slots)


def _write_log(folder: Path, done: Iterable[Finished]) -> None:
    lines = "".join(found.line for found in done)
    write_atomically(folder / LOG_FILE, lines.encode())


def _write(
    task: tuple[str, Slot], *, folder: Path, campaign: Campaign, container: Container
) -> Finished:
    name, slot = task
    data = capture_bytes(record_slot(campaign, slot), container)
    write_atomically(folder / name, data)
    return Finished.of(name, data)


def _name(slot: Slot, campaign: Campaign, container: Container) -> str:
    """Return where a capture is below the folder."""
    file = campaign.point(slot).name + container.suffix
    return f"day{slot.day}/visit{slot.visit}/{file}"


def _size(campaign: Campaign, slot: Slot, container: Container) -> int:
    return capture_size(campaign.n_frames(slot), campaign.frame_bytes, container)


def _write_list(folder: Path, campaign: Campaign, slots: dict[str, Slot]) -> Path:
    rows = [
        SurveyedCapture(
            folder / name,
            campaign.point(slot),
            str(slot.visit),
            campaign.environment(slot),
        )
        for name, slot in slots.items()
    ]
    path = folder / SURVEY_FILE
    unfinished = folder / f".{SURVEY_FILE}"
    write_survey(unfinished, rows)
    unfinished.replace(path)
    return path


def _remove_strays(folder: Path) -> None:
    """Remove what a power cut left of captures."""
    for stray in folder.glob("day*/visit*/.p*"):
        stray.unlink()


def _check_space(
    folder: Path, campaign: Campaign, container: Container, missing: list[Slot]
) -> None:
    needed = sum(_size(campaign, slot, container) for slot in missing) + _SPARE_BYTES
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if missing and free < needed:
        raise DiskSpaceError(
            f"{needed / 1e9:.2f} GB are still to be written, and {there} has "
            f"{free / 1e9:.2f} GB of space: choose another disk, or fewer points, "
            "days, images or packets"
        )
