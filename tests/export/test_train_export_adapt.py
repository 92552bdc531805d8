"""The whole way in small: simulate, train, export, adapt to a new room, locate."""

from datetime import UTC, datetime

import numpy as np
import pytest

from edge_agent.bundles.bundle import Bundle
from edge_agent.calibration import Calibration
from edge_agent.learning.backends import Backend
from edge_agent.learning.predictor import make_predictor
from edge_agent.recording import record_environment
from edge_agent.survey import read_survey
from export import cli as export
from trainer import cli as trainer
from trainer.simulate.survey import SurveyPlan, simulate_survey

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TRAINING = SurveyPlan(n_rooms=3, n_visits=3, packets_per_capture=50)
NEW_ROOMS = SurveyPlan(n_rooms=3, n_visits=4, packets_per_capture=50)
SHOT_VISITS, LATER_VISIT = ("1", "2", "3"), "4"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """Trained on three rooms by the command line, and exported by the other."""
    folder = tmp_path_factory.mktemp("laboratory")
    survey = simulate_survey(folder / "rooms", TRAINING, seed=1)
    checkpoint, directory = folder / "checkpoint.npz", folder / "bundle"
    arguments = ["--out", str(checkpoint), "--iterations", "10", "--threads", "1"]
    assert trainer.main(["train", str(survey), *arguments]) == 0
    assert export.main([str(checkpoint), str(directory)]) == 0
    return Bundle.load(directory)


@pytest.fixture(scope="module")
def new_rooms(bundle, tmp_path_factory):
    """Rooms that training has not seen, as environments with four visits."""
    survey = simulate_survey(tmp_path_factory.mktemp("new"), NEW_ROOMS, seed=2)
    by_room = {}
    for row in read_survey(survey):
        by_room.setdefault(row.environment, []).append(row)
    return [record_environment(rows, bundle.manifest.spec) for rows in by_room.values()]


def calibrated(bundle, room):
    shots = room.select(np.flatnonzero(np.isin(room.visit_of, SHOT_VISITS)))
    return Calibration.from_shots(bundle, shots, now=NOON)


def later(room):
    rows = np.flatnonzero(room.visit_of == LATER_VISIT)
    return room.images[rows], room.heard[rows], room.point_of[rows]


def test_adaptation_lowers_the_loss_in_every_new_room(bundle, new_rooms):
    for room in new_rooms:
        losses = calibrated(bundle, room).losses

        assert losses[0] == pytest.approx(np.log(len(room.points)), rel=1e-4)
        assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("backend", [Backend.ONNXRUNTIME, Backend.NUMPY])
def test_a_later_visit_is_located_far_better_than_by_chance(bundle, new_rooms, backend):
    n_right, by_chance = 0, 0.0
    for room in new_rooms:
        images, heard, points = later(room)

        predictor = make_predictor(bundle, calibrated(bundle, room), backend)
        answers = predictor.predict(images, heard).argmax(axis=1)

        n_right += int((answers == points).sum())
        by_chance += len(points) / len(room.points)

    assert n_right > 3 * by_chance


def test_a_calibration_of_simulated_shots_says_so(bundle, new_rooms, tmp_path):
    calibration = calibrated(bundle, new_rooms[0])

    calibration.save(tmp_path / "calibration.npz")

    assert Calibration.load(tmp_path / "calibration.npz", bundle).is_simulated
