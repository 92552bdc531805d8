"""A recording of a site as something to walk through: each capture at its stop."""

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np

from edge_agent.capture_file import CaptureFile
from edge_agent.csi.raw import RawFrames
from edge_agent.csi.simulated import says_simulated
from edge_agent.errors import SurveyError
from edge_agent.recording import in_order
from edge_agent.survey import Point, SurveyedCapture

_SLICE_NS: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What the beginnings of captures tell."""

    begun_ns: int
    """Time of the earliest packet [ns since the UNIX epoch]."""

    is_simulated: bool
    """Whether one of them says that its frames are."""


@dataclass(frozen=True, slots=True)
class RecordedSite:
    """What was recorded at one site, by point and lap."""

    points: tuple[Point, ...]
    """All of them, the one outside left out."""

    n_laps: int
    """Most laps of any point."""

    captures: dict[tuple[str, int], tuple[Path, ...]]
    """By name of the point, or ``outside``, and lap from 1."""

    @classmethod
    def of(
        cls,
        rows: Sequence[SurveyedCapture],
        *,
        environment: str | None = None,
        visits: Collection[str] | None = None,
        max_laps: int = 9,
    ) -> Self:
        """Arrange a survey: lap n of a point is its n-th visit, by name.

        Args:
            rows: Of the survey.
            environment: Which one; None where there is but one.
            visits: Only these; None: all.
            max_laps: Later visits than these are left out.

        Raises:
            SurveyError: There are several environments, or none of that name, or a
                visit that is nowhere in it.
        """
        chosen = [row for row in rows if row.environment == _chosen(rows, environment)]
        known = sorted({row.visit for row in chosen}, key=_naturally)
        if unknown := [visit for visit in visits or () if visit not in known]:
            raise SurveyError(
                f"no visit {unknown[0]!r} in {chosen[0].environment}; its visits are "
                f"{', '.join(known)}"
            )
        by_visit: dict[Point, dict[str, list[Path]]] = {}
        for row in chosen:
            if visits is None or row.visit in visits:
                of_point = by_visit.setdefault(row.point, {})
                of_point.setdefault(row.visit, []).append(row.capture)
        captures: dict[tuple[str, int], tuple[Path, ...]] = {}
        for point, of_point in by_visit.items():
            laps = sorted(of_point, key=_naturally)[:max_laps]
            for lap, visit in enumerate(laps, 1):
                captures[point.name, lap] = tuple(of_point[visit])
        points = in_order({point for point in by_visit if not point.is_outside})
        n_laps = max((lap for _, lap in captures), default=0)
        return cls(tuple(points), n_laps, captures)

    def packets(self, point: str, lap: int) -> Iterator[RawFrames]:
        """Yield what was recorded at a stop, a tenth of a second at a time.

        Args:
            point: Its name.
            lap: From 1.

        Raises:
            CaptureError: A capture cannot be read.
        """
        for path in self.captures.get((point, lap), ()):
            with CaptureFile(path) as file:
                for raw in file:
                    yield from _slices(raw)

    def first_look(self) -> FirstLook:
        """Return what the beginnings of all captures tell.

        Raises:
            CaptureError, SurveyError: As `first_look`.
        """
        return first_look(itertools.chain(*self.captures.values()))


def first_look(captures: Iterable[Path]) -> FirstLook:
    """Return what the beginnings of captures tell.

    Args:
        captures: Each of which begins with its earliest packet.

    Raises:
        CaptureError: One cannot be read.
        SurveyError: No packet has a time.
    """
    times, is_simulated = [], False
    for path in captures:
        with CaptureFile(path) as file:
            first = next(iter(file), None)
            is_simulated = is_simulated or says_simulated(file.comments)
        if first is not None and len(first) and first.time_ns[0] > 0:
            times.append(int(first.time_ns[0]))
    if not times:
        raise SurveyError(
            "no packet of the recording has a time, by which a walk is called; record "
            "again with a program that stores times"
        )
    return FirstLook(min(times), is_simulated)


def _slices(raw: RawFrames) -> Iterator[RawFrames]:
    """Yield packets in pieces, as if they came while somebody waits."""
    slots = raw.time_ns // _SLICE_NS
    bounds = [0, *(np.flatnonzero(np.diff(slots)) + 1).tolist(), len(raw)]
    for first, end in itertools.pairwise(bounds):
        if end > first:
            yield raw[first:end]


def _chosen(rows: Sequence[SurveyedCapture], environment: str | None) -> str:
    names = sorted({row.environment for row in rows})
    if environment is None and len(names) == 1:
        return names[0]
    if environment not in names:
        raise SurveyError(
            f"the recording has the environments {', '.join(names)} (its column "
            "environment, or the list's folder); choose one with --environment"
        )
    return environment


def _naturally(visit: str) -> list[tuple[int, int, str]]:
    """Return a key by which 2 comes before 10, and words by letter."""
    parts = re.split(r"([0-9]+)", visit)
    return [(1, int(p), "") if n % 2 else (0, 0, p) for n, p in enumerate(parts)]
