"""A survey as a recording: captures and their list, which the device's commands take.

    001-d02/2/p3.pcapng     environment, visit and point
    survey.csv              the list; written last
    test.csv                the same of points that the survey keeps for tests alone

Days are 24 hours apart unless the survey names dates, visits an hour, and points as
long as a person walks; packets are a tenth of a second apart, as beacons are. So days,
visits and points sort by time as they were surveyed. The comment in every capture says
which survey it is of, and that its frames were encoded anew.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from edge_agent.csi.image import ImageSpec
from edge_agent.csi.raw import RawFrames
from edge_agent.csi.simulated import SIMULATED_COMMENT
from edge_agent.survey import SurveyedCapture, write_survey
from trainer.errors import UsageError
from trainer.simulate.captures import write_capture
from trainer.surveys.catalogue import SurveyCard
from trainer.surveys.device_images import legacy_tones, points_of
from trainer.surveys.environment import Environment, Integers
from trainer.surveys.frames import frames_of, receivers
from trainer.surveys.report import Skips, SurveyDataError

SURVEY_FILE, TEST_FILE = "survey.csv", "test.csv"

_TONES = np.array([k for k in range(-26, 27) if k])
"""Of a legacy frame."""

_INTERVAL_NS = 100_000_000
_DAY_NS = 86_400 * 10**9
_HOUR_NS = 3600 * 10**9
_WALK_NS = 10 * 10**9
_EPOCH = date(2020, 1, 1)
_MORNING_NS = 8 * _HOUR_NS


@dataclass(frozen=True, slots=True)
class Slot:
    """One capture: a visit of a point."""

    environment: Environment
    number: int
    """Of the environment, from 1."""

    visit: int
    point: int
    is_test: bool
    rows: Integers
    """Samples of it, in order."""

    start_ns: int

    @property
    def name(self) -> str:
        """Where the capture is below the folder."""
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", self.environment.name)
        kind = "t" if self.is_test else "p"
        folder = f"{self.number:03d}-{safe}"
        return f"{folder}/{self.visit}/{kind}{self.point}.pcapng"


def write_recording(
    folder: Path,
    environments: Sequence[Environment],
    card: SurveyCard,
    *,
    most_images: int | None = None,
    spec: ImageSpec | None = None,
    on_capture: Callable[[int, int], None] = lambda _done, _all: None,
) -> tuple[list[Path], Skips]:
    """Write a survey's captures, then their lists.

    Args:
        folder: Where; there must be nothing in it.
        environments: Of one survey, in order of time within a place.
        card: What the survey is.
        most_images: Of one visit of a point, the first ones; all by default.
        spec: With how many packets an image has, below which a visit is left out;
            that of the agent's models by default.
        on_capture: Called with captures done and to do, before each.

    Returns:
        The lists, and what was left out.

    Raises:
        UsageError: The survey has no channel state, or no image is asked for.
        SurveyDataError: The folder holds something, or no visit fills an image.
        OSError: Something cannot be written.
    """
    if any(not environment.signals.is_csi for environment in environments):
        raise UsageError(
            f"{card.name} is of received power alone; there is no channel state to "
            "make frames of. Surveys with CSI: trainer surveys"
        )
    if most_images is not None and most_images < 1:
        raise UsageError(f"--images is {most_images}, not 1 or more")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SurveyDataError(f"{folder} is not empty; name a new folder")
    spec, skips = spec or ImageSpec(), Skips()
    slots = list(_slots(environments, spec, most_images, skips))
    if not slots:
        raise SurveyDataError(
            f"no visit of {card.name} has the {spec.n_packets} packets of an image"
        )
    comment = _comment(card, environments)
    for done, slot in enumerate(slots):
        on_capture(done, len(slots))
        write_capture(folder / slot.name, _frames(slot, card, spec), comment=comment)
    return _write_lists(folder, slots), skips


def _slots(
    environments: Sequence[Environment],
    spec: ImageSpec,
    most_images: int | None,
    skips: Skips,
) -> Iterator[Slot]:
    """Yield the captures in order; each begins after the one before has ended."""
    clock, place = 0, ""
    for number, environment in enumerate(environments, 1):
        if environment.place.name != place:
            clock, place = 0, environment.place.name
        clock = max(clock + _HOUR_NS, _day_ns(environment) + _MORNING_NS)
        for visit in np.unique(environment.visit_of).tolist():
            ended = clock
            for rows, is_test in _points(environment, visit):
                images = environment.signals.images
                assert images is not None
                chosen = rows[:most_images]
                n_packets = len(chosen) * images.shape[1]
                if n_packets < spec.n_packets:
                    skips.count(
                        f"visits of a point with fewer than {spec.n_packets} packets"
                    )
                    continue
                point = int(environment.point_of[rows[0]])
                yield Slot(
                    environment, number, visit, point, is_test, chosen, ended + _WALK_NS
                )
                ended += _WALK_NS + n_packets * _INTERVAL_NS
            clock = max(clock + _HOUR_NS, ended)


def _points(environment: Environment, visit: int) -> Iterator[tuple[Integers, bool]]:
    """Yield the samples of each point of a visit, and whether they are for tests."""
    at = environment.visit_of == visit
    for is_test in (False, True):
        rows = np.flatnonzero(at & (environment.is_test == is_test))
        for point in np.unique(environment.point_of[rows]):
            yield rows[environment.point_of[rows] == point], is_test


def _day_ns(environment: Environment) -> int:
    """Return when the day of a survey began [ns since the UNIX epoch]."""
    try:
        day = date.fromisoformat(environment.name)
        offset = 0
    except ValueError:
        day, offset = _EPOCH, environment.order * _DAY_NS
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(midnight.timestamp()) * 10**9 + offset


def _frames(slot: Slot, card: SurveyCard, spec: ImageSpec) -> RawFrames:
    environment = slot.environment
    signals = environment.signals.select(slot.rows)
    assert signals.images is not None
    tones = legacy_tones(signals.images, len(_TONES), n_lowest=card.n_lowest_tones)
    packets = tones.reshape(-1, *tones.shape[2:])
    # Chance fills words without a tone; the same survey gives the same bytes.
    rng = np.random.default_rng([slot.number, slot.visit, slot.point, slot.is_test])
    return frames_of(
        packets,
        receivers(environment.place.channels, is_simulated=environment.is_simulated),
        slot.start_ns + _INTERVAL_NS * np.arange(len(packets), dtype=np.int64),
        has_level=np.any(np.isfinite(environment.signals.rss), axis=0),
        tones=_TONES,
        rng=rng,
    )


def _comment(card: SurveyCard, environments: Sequence[Environment]) -> str:
    origin = f"survey {card.name} ({card.licence}; {card.citation}; {card.url})"
    said = f"metaloc: frames encoded anew from the amplitudes of {origin}"
    if any(environment.is_simulated for environment in environments):
        return f"{SIMULATED_COMMENT}; {said}"
    return said


def _write_lists(folder: Path, slots: Sequence[Slot]) -> list[Path]:
    paths = []
    for name, is_test in ((SURVEY_FILE, False), (TEST_FILE, True)):
        rows = [
            SurveyedCapture(
                folder / slot.name,
                points_of(slot.environment.place)[slot.point],
                str(slot.visit),
                slot.environment.name,
            )
            for slot in slots
            if slot.is_test == is_test
        ]
        if rows:
            unfinished = folder / f".{name}"
            write_survey(unfinished, rows)
            unfinished.replace(folder / name)
            paths.append(folder / name)
    return paths
