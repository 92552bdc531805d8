"""One walk on disk that is being walked."""

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_agent.arrays import write_atomically
from edge_agent.csi.raw import RawFrames
from edge_agent.errors import CaptureError, WalkError
from edge_agent.pcap_writer import pcap_head, pcap_records
from edge_agent.walking.label import MAX_NUMBER, ShotLabel
from edge_agent.walking.plan import Stop, WalkPlan
from edge_agent.walking.shot_meter import ShotReport
from edge_agent.walking.verdict import Verdict
from edge_agent.walking.walk_files import (
    FINISHED,
    highest_number,
    lock_walk,
    put_aside,
    read_plan,
    read_shots,
    refusing,
    remove_leftovers,
    remove_shot,
    shot_file,
    write_plan,
)


class StoredWalk:
    """Its plan and its shots. Nobody else can open it until it is closed."""

    def __init__(self, folder: Path) -> None:
        """Open it, and remove what was half written; see `WalkStore`.

        Raises:
            WalkError: Its plan is damaged, or somebody has it open.
        """
        self.folder = folder
        self.plan = read_plan(folder)
        """What it is to be."""
        self._lock = lock_walk(folder)
        try:
            found, damaged = read_shots(folder)
            with refusing(folder, "go on with the walk in"):
                remove_leftovers(folder, found)
                self._next = 1 + highest_number(folder)
        except BaseException:
            self.close()
            raise
        self.damaged = damaged
        """What is wrong with files that do not count."""
        self._shots = {shot.stop.key: shot for shot in found}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let others open it; again does nothing."""
        if self._lock is not None:
            descriptor, self._lock = self._lock, None
            os.close(descriptor)

    @property
    def name(self) -> str:
        """When it began, e.g. ``20261123T101500Z``."""
        return self.folder.name

    @property
    def shots(self) -> tuple[ShotLabel, ...]:
        """What is stored, in the order of taking."""
        return tuple(sorted(self._shots.values(), key=lambda shot: shot.number))

    @property
    def is_finished(self) -> bool:
        """Whether it is over."""
        return (self.folder / FINISHED).exists()

    def replan(self, plan: WalkPlan) -> None:
        """Replace the plan.

        Raises:
            WalkError: It cannot be written; the old one is kept.
        """
        with refusing(self.folder, "write the plan to"):
            write_plan(self.folder, plan)
        self.plan = plan

    def save(
        self, stop: Stop, verdict: Verdict, report: ShotReport, packets: RawFrames
    ) -> ShotLabel:
        """Store a shot, in place of the one of that stop if there is one.

        Returns:
            Its label; the shot is on the disk.

        Raises:
            WalkError: It cannot be written; what was stored before is untouched.
        """
        number = self._next
        if number > MAX_NUMBER:
            raise WalkError(f"a walk has up to {MAX_NUMBER} shots; finish it")
        try:
            capture = pcap_head(packets.link_type) + pcap_records(packets)
        except CaptureError as error:
            raise WalkError(f"the shot cannot be stored: {error}") from error
        label = ShotLabel(
            number,
            stop,
            verdict,
            report.steadiness,
            report.started_ns,
            len(packets),
            len(capture),
            report.readings,
        )
        pcap = shot_file(self.folder, number, "pcap")
        with refusing(self.folder, "store the shot in"):
            try:
                write_atomically(pcap, capture)
                write_atomically(
                    shot_file(self.folder, number, "json"), label.to_bytes()
                )
            except BaseException:
                with suppress(OSError):
                    remove_shot(self.folder, number)
                raise
        self._next = number + 1
        replaced = self._shots.get(stop.key)
        self._shots[stop.key] = label
        if replaced is not None:
            # If it cannot be removed, the higher number counts all the same.
            with suppress(OSError):
                remove_shot(self.folder, replaced.number)
        return label

    def discard(self, stop: Stop) -> None:
        """Remove a stop's shot, if there is one.

        Raises:
            WalkError: It cannot be removed, and is kept.
        """
        shot = self._shots.get(stop.key)
        if shot is not None:
            with refusing(self.folder, "remove a shot from"):
                remove_shot(self.folder, shot.number)
            del self._shots[stop.key]

    def forget(self, number: int) -> ShotLabel:
        """Let a shot no longer count; its files are moved to ``discarded``.

        Returns:
            Its label.

        Raises:
            WalkError: There is none of that number, or it cannot be moved and counts.
        """
        shot = next((s for s in self._shots.values() if s.number == number), None)
        if shot is None:
            known = ", ".join(str(s.number) for s in self.shots) or "none"
            raise WalkError(
                f"the walk {self.name} has no shot {number}; there is {known}. See "
                "edge_agent calibrate --list"
            )
        with refusing(self.folder, "put a shot aside in"):
            put_aside(self.folder, number)
        del self._shots[shot.stop.key]
        return shot

    def reopen(self) -> None:
        """Let it be gone on with, although it was over.

        Raises:
            WalkError: The mark cannot be removed.
        """
        with refusing(self.folder, "go on with the walk in"):
            (self.folder / FINISHED).unlink(missing_ok=True)

    def finish(self) -> None:
        """Mark it as over.

        Raises:
            WalkError: The mark cannot be written.
        """
        with refusing(self.folder, "finish the walk in"):
            write_atomically(self.folder / FINISHED, b"")
