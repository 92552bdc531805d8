"""The files of one walk, and what the disk may do to them."""

import errno
import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from edge_agent.arrays import sync_directory, write_atomically
from edge_agent.errors import WalkError
from edge_agent.walking.json_fields import FieldError, Fields
from edge_agent.walking.label import MAX_BYTES, ShotLabel
from edge_agent.walking.plan import WalkPlan

PLAN: Final = "plan.json"
FINISHED: Final = "finished"
DISCARDED: Final = "discarded"
_MAX_PLAN_BYTES: Final = 1 << 20
_MAX_FILES: Final = 100_000
_SHOT: Final = re.compile(r"([0-9]{4,6})\.(pcap|json)")
_TEMPORARY: Final = re.compile(r"\.([0-9]{4,6}\.(pcap|json)|plan\.json|finished)\..+")


def shot_file(folder: Path, number: int, suffix: str) -> Path:
    """Return where a shot's packets (``pcap``) or its label (``json``) are."""
    return folder / f"{number:04d}.{suffix}"


def remove_shot(folder: Path, number: int) -> None:
    """Remove a shot: the label first, so that no label is without packets.

    Raises:
        OSError: It cannot be removed.
    """
    for suffix in ("json", "pcap"):
        shot_file(folder, number, suffix).unlink(missing_ok=True)
    sync_directory(folder)


def put_aside(folder: Path, number: int) -> None:
    """Move a shot to where it does not count; its packets are there before its label.

    A power cut leaves the shot as it was, or a copy of its packets too many.

    Raises:
        OSError: It cannot be moved.
    """
    aside = folder / DISCARDED
    aside.mkdir(exist_ok=True)
    packets = shot_file(folder, number, "pcap").read_bytes()
    write_atomically(shot_file(aside, number, "pcap"), packets)
    shot_file(folder, number, "json").replace(shot_file(aside, number, "json"))
    sync_directory(aside)
    shot_file(folder, number, "pcap").unlink(missing_ok=True)
    sync_directory(folder)


def highest_number(folder: Path) -> int:
    """Return the highest number that a shot of a walk ever had; 0 for none.

    Raises:
        OSError, WalkError: As `shot_numbers`.
    """
    aside = folder / DISCARDED
    numbers = shot_numbers(folder) + (shot_numbers(aside) if aside.is_dir() else [])
    return max(numbers, default=0)


def write_plan(folder: Path, plan: WalkPlan) -> None:
    """Replace the plan.

    Raises:
        OSError: It cannot be written; the old one is untouched.
    """
    text = json.dumps(plan.to_json(), indent=1, allow_nan=False)
    write_atomically(folder / PLAN, f"{text}\n".encode())


def read_plan(folder: Path) -> WalkPlan:
    """Return the plan of a walk.

    Raises:
        WalkError: It is damaged or cannot be read.
    """
    path = folder / PLAN
    with refusing(path, "read"):
        data = _read_bounded(path, _MAX_PLAN_BYTES)
    try:
        return WalkPlan.from_json(Fields.parse(data))
    except FieldError as error:
        raise WalkError(
            f"{path} is damaged: {error}. Its shots are kept; begin a new walk"
        ) from error


def read_shots(folder: Path) -> tuple[list[ShotLabel], tuple[str, ...]]:
    """Return the shots that count, by number, and what is wrong with others.

    Raises:
        WalkError: The folder or a file cannot be read.
    """
    found: dict[tuple[str, int, int], ShotLabel] = {}
    damaged = []
    with refusing(folder, "read"):
        numbers = shot_numbers(folder, "json")
        for number in numbers:
            path = shot_file(folder, number, "json")
            try:
                label = ShotLabel.from_bytes(_read_bounded(path, MAX_BYTES))
                _check_packets(folder, number, label)
            except FieldError as error:
                damaged.append(f"{path} is damaged ({error}); that shot does not count")
                continue
            found[label.stop.key] = label
    shots = sorted(found.values(), key=lambda shot: shot.number)
    return shots, tuple(damaged)


def _check_packets(folder: Path, number: int, label: ShotLabel) -> None:
    if label.number != number:
        raise FieldError(f"it is of shot {label.number}")
    pcap = shot_file(folder, number, "pcap")
    size = pcap.stat().st_size if pcap.is_file() else None
    if size != label.n_bytes:
        there = "not there" if size is None else f"{size} bytes long"
        raise FieldError(f"{pcap.name} is {there}, not {label.n_bytes} bytes")


def _read_bounded(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise FieldError(f"it is longer than {most} bytes")
    return data


def shot_numbers(folder: Path, suffix: str | None = None) -> list[int]:
    """Return the numbers that files of shots have, in order.

    Raises:
        WalkError: There are too many.
        OSError: The folder cannot be read.
    """
    found = set()
    for count, path in enumerate(folder.iterdir()):
        if count >= _MAX_FILES:
            raise WalkError(f"{folder} holds more than {_MAX_FILES} files; tidy it up")
        match = _SHOT.fullmatch(path.name)
        if match and suffix in (None, match[2]):
            found.add(int(match[1]))
    return sorted(found)


def remove_leftovers(folder: Path, shots: list[ShotLabel]) -> None:
    """Remove what a power cut left half done: nothing that a label belongs to.

    Args:
        folder: Of the walk.
        shots: Those that count.

    Raises:
        OSError: It cannot be removed.
    """
    counting = {shot.stop.key: shot.number for shot in shots}
    labelled = set(shot_numbers(folder, "json"))
    for number in sorted(set(shot_numbers(folder, "pcap")) - labelled):
        shot_file(folder, number, "pcap").unlink()
    for number in sorted(labelled - set(counting.values())):
        path = shot_file(folder, number, "json")
        with suppress(FieldError):  # damaged ones are for people to look at
            older = ShotLabel.from_bytes(_read_bounded(path, MAX_BYTES))
            if counting.get(older.stop.key, 0) > number == older.number:
                remove_shot(folder, number)
    for path in sorted(folder.iterdir()):
        if _TEMPORARY.fullmatch(path.name):
            path.unlink()


def lock_walk(folder: Path) -> int | None:
    """Take the walk for this process; None where the file system has no locks.

    Raises:
        WalkError: Another process has it.
    """
    with refusing(folder, "open"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise WalkError(
                f"the walk {folder.name} is being walked by another process; end that "
                "one first"
            ) from error
        return None
    return descriptor


@contextmanager
def refusing(path: Path, what: str) -> Iterator[None]:
    """Turn a disk's errors into words.

    Raises:
        WalkError: The disk failed, and what to do.
    """
    try:
        yield
    except FieldError as error:
        raise WalkError(f"cannot {what} {path}: {error}") from error
    except OSError as error:
        advice = {
            errno.ENOSPC: "the disk is full: free some space",
            errno.EDQUOT: "the quota is used up: free some space",
            errno.EFBIG: "no file may be that long here: raise the limit (ulimit -f)",
            errno.EROFS: "the disk is read-only: mount -o remount,rw, or choose "
            "another folder with --state",
            errno.EACCES: "permission denied: use sudo, or choose another folder with "
            "--state",
        }.get(error.errno or 0, f"{error.strerror}: see to the disk")
        raise WalkError(
            f"cannot {what} {path}: {advice}, then try again. Every shot that was "
            "stored is safe"
        ) from error
