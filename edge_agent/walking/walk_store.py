"""The walks of a site on disk.

    walks/20261123T101500Z/plan.json     points, laps; replaced when a point is added
                           0001.pcap     packets of a shot, as captured
                           0001.json     its label; a shot counts from here on
                           finished      empty; the walk is over
                           discarded/    shots that were forgotten; they do not count

Whatever is written appears whole, by its name, once it is on the disk: first the
packets, then the label. A power cut between the two leaves packets without a label,
which are removed when the walk is gone on with. A shot that is taken again is removed
only when the new one is complete; of two shots of one stop the higher number counts.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from edge_agent.arrays import sync_directory
from edge_agent.errors import WalkError
from edge_agent.survey import SurveyedCapture
from edge_agent.walking.label import ShotLabel
from edge_agent.walking.plan import WalkPlan
from edge_agent.walking.stored_walk import StoredWalk
from edge_agent.walking.walk_files import (
    FINISHED,
    PLAN,
    read_shots,
    refusing,
    shot_file,
    write_plan,
)

_WALK: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")


def walk_name(time_ns: int) -> str:
    """Return what a walk is called that begins at a time, e.g. ``20261123T101500Z``.

    Args:
        time_ns: [ns since the UNIX epoch].

    Raises:
        WalkError: The calendar has no such time.
    """
    try:
        begun = datetime.fromtimestamp(time_ns // 1_000_000_000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise WalkError(
            f"a walk cannot begin {time_ns} ns after 1970; set the clock"
        ) from error
    return begun.strftime("%Y%m%dT%H%M%SZ").rjust(16, "0")


class WalkStore:
    """All walks of a site."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made when the first walk begins.

        Args:
            folder: ``<state>/<site>/walks``.
        """
        self._folder = folder

    def walks(self) -> tuple[str, ...]:
        """Return the names of all walks that began, in order of time.

        Raises:
            WalkError: The folder cannot be read.
        """
        if not self._folder.is_dir():
            return ()
        with refusing(self._folder, "read"):
            names = sorted(path.name for path in self._folder.iterdir())
        return tuple(
            name
            for name in names
            if _WALK.fullmatch(name) and (self._folder / name / PLAN).is_file()
        )

    def unfinished(self) -> str | None:
        """Return the newest walk, if it is to be gone on with.

        Raises:
            WalkError: The folder cannot be read.
        """
        newest = self.walks()[-1:]
        if not newest or (self._folder / newest[0] / FINISHED).exists():
            return None
        return newest[0]

    def begin(self, plan: WalkPlan, name: str) -> StoredWalk:
        """Begin a walk.

        Args:
            plan: What it is to be.
            name: See `walk_name`.

        Raises:
            WalkError: There is one of that name, or it cannot be written.
        """
        if not _WALK.fullmatch(name):
            raise WalkError(f"a walk is called as 20261123T101500Z, not {name!r}")
        folder = self._folder / name
        if (folder / PLAN).exists():
            raise WalkError(
                f"a walk {name} has begun already, within the same second; begin again"
            )
        with refusing(folder, "begin a walk in"):
            folder.mkdir(parents=True, exist_ok=True)
            sync_directory(self._folder)
            write_plan(folder, plan)
        return StoredWalk(folder)

    def open(self, name: str) -> StoredWalk:
        """Return a walk, to add shots to it; close it in the end.

        Raises:
            WalkError: There is none, its plan is damaged, or somebody has it open.
        """
        return StoredWalk(self._existing(name))

    def read(self, name: str) -> tuple[ShotLabel, ...]:
        """Return the shots of a walk without touching any file.

        Raises:
            WalkError: There is no such walk, or it cannot be read.
        """
        return tuple(read_shots(self._existing(name))[0])

    def as_survey(self, name: str, environment: str) -> list[SurveyedCapture]:
        """Return a walk's shots as surveyed captures, in the order of taking.

        Args:
            name: Of the walk; visits are called ``<walk>/<lap>``.
            environment: What the site is called in it.

        Raises:
            WalkError: There is no such walk, or it cannot be read.
        """
        folder = self._existing(name)
        return [
            SurveyedCapture(
                shot_file(folder, shot.number, "pcap"),
                shot.stop.point,
                f"{name}/{shot.stop.lap}",
                environment,
            )
            for shot in read_shots(folder)[0]
        ]

    def _existing(self, name: str) -> Path:
        folder = self._folder / name
        if not (_WALK.fullmatch(name) and (folder / PLAN).is_file()):
            known = ", ".join(self.walks()[-3:]) or "none"
            raise WalkError(f"there is no walk {name[:40]!r} here; there is {known}")
        return folder
