"""Where `benchmarks/estimators.py` compares: simulated places, and recorded ones."""

from pathlib import Path

import numpy as np

from edge_agent.csi.image import ImageSpec
from edge_agent.environment import Environment
from edge_agent.recording import record_environment
from edge_agent.survey import Point, SurveyedCapture, read_survey
from trainer.neighbours.replays import N_SHOTS, Replay
from trainer.simulate.survey import SurveyPlan, simulate_survey
from trainer.surveys import polyu
from trainer.surveys.compact import read_compact
from trainer.surveys.csu import csu_captures
from trainer.surveys.environment import Environment as Surveyed
from trainer.surveys.power import DBM_OF_NANOWATT
from trainer.surveys.report import Skips

_HALF = 15
"""Of PolyU's 30 groups of subcarriers over 40 MHz: 20 MHz, as an image has."""


def rooms(folder: Path, n_rooms: int, seed: int) -> list[Environment]:
    """Simulate rooms, and read them as the trainer does."""
    plan = SurveyPlan(n_rooms=n_rooms)
    return environments(simulate_survey(folder, plan, seed=seed))


def environments(survey: Path) -> list[Environment]:
    """Return the environments of a survey of captures."""
    by_name: dict[str, list[SurveyedCapture]] = {}
    for capture in read_survey(survey):
        by_name.setdefault(capture.environment, []).append(capture)
    return [record_environment(part, ImageSpec()) for part in by_name.values()]


def polyu_days(path: Path) -> list[Environment]:
    """Return PolyU's days as the device would have seen them, as far as they allow.

    Recorded by an Intel 5300; the groups of the lower 20 MHz become 52 tones by
    interpolation, and the level is the one restored from RSSI and gain.
    """
    found = polyu.from_compact(path, read_compact(path), Skips())
    return [_as_images(day) for day in found]


def _as_images(day: Surveyed) -> Environment:
    spec = ImageSpec()
    assert day.signals.images is not None
    amplitude = day.signals.images[:, :, :_HALF].astype(np.float64)
    at = np.linspace(0, _HALF - 1, spec.n_tones)
    low = np.minimum(at.astype(int), _HALF - 2)
    share = (at - low)[:, None]
    tones = amplitude[:, :, low] * (1 - share) + amplitude[:, :, low + 1] * share
    with np.errstate(divide="ignore"):
        dbm = 20 * np.log10(tones) + DBM_OF_NANOWATT
    scale = 255 / (spec.ceiling_dbm - spec.floor_dbm)
    pixels = np.clip(np.rint((dbm - spec.floor_dbm) * scale), 0, 255)
    images = np.ascontiguousarray(pixels.astype(np.uint8).transpose(0, 3, 1, 2))
    return Environment(
        day.name,
        spec,
        (),
        tuple(
            Point(str(number), x, y)
            for number, (x, y) in enumerate(day.place.locations.tolist())
        ),
        images,
        np.asarray(images.any(axis=(2, 3))),
        day.point_of,
        day.visit_of.astype(np.str_),
        is_simulated=False,
    )


def csu_corridor(root: Path) -> Replay:
    """Return EPIC-CSU's corridor: real frames of a bcm43455c0, without RSSI.

    Queries are at other points than the shots, close by.
    """
    reference, test = csu_captures(root, "ref"), csu_captures(root, "test")
    spec = ImageSpec()
    shots = record_environment(reference, spec, max_images_per_capture=N_SHOTS)
    queries = record_environment(test, spec, channels=shots.channels)
    return Replay(shots.take_shots(N_SHOTS), queries)
