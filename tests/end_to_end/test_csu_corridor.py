"""Real Nexmon captures of a corridor: surveyed, calibrated, replayed into mosquitto."""

import json
from collections import Counter

import numpy as np
import pytest

from edge_agent.bundles.bundle import Bundle
from edge_agent.capture_file import CaptureFile
from edge_agent.config import SHIPPED_BUNDLE
from edge_agent.csi.decode import Decoder
from edge_agent.estimators import Estimator
from edge_agent.metrics import (
    centre_errors,
    localization_errors,
    random_point_errors,
    summarize,
)
from edge_agent.recording import record_environment
from edge_agent.site_predictor import make_site_predictor
from edge_agent.site_state import load_calibration
from edge_agent.survey import write_survey
from tests.end_to_end.conftest import run_agent
from trainer.surveys.csu import csu_captures

WINDOWS_PER_CAPTURE = 3  # 100 frames, windows of 50, hop 25


def heard_there_errors(reference, test):
    """Errors of the middle of the points where the same access point was recorded.

    Each capture here holds frames of one of two access points, which alone tells the
    half of the corridor: a claim has to beat this, not the corridor's centre.
    """
    places = {}
    for capture in reference:
        places.setdefault(transmitter(capture.capture), []).append(location(capture))
    centres = {mac: np.mean(points, axis=0) for mac, points in places.items()}
    guesses = np.array([centres[transmitter(capture.capture)] for capture in test])
    return localization_errors(guesses, np.array([location(c) for c in test]))


def transmitter(path):
    """Address that most frames of a capture come from."""
    with CaptureFile(path) as capture:
        batches = [b for raw in capture for b in Decoder().decode(raw).batches]
    addresses = Counter(bytes(mac) for batch in batches for mac in batch.mac)
    return addresses.most_common(1)[0][0]


def location(capture):
    return capture.point.x, capture.point.y


def network_errors(state, test):
    """Errors of the network, adapted to the same shots; its windows do not overlap."""
    bundle = Bundle.load(SHIPPED_BUNDLE)
    calibration = load_calibration(state / "corridor", bundle)
    images = record_environment(
        test, bundle.manifest.spec, channels=calibration.channels
    )
    _, network = make_site_predictor(bundle, calibration, Estimator.NETWORK)
    reference = np.array([(point.x, point.y) for point in calibration.points])
    found = network.predict(images.images, images.heard) @ reference
    return localization_errors(found, images.locations[images.point_of])


@pytest.mark.parametrize(
    "every", [pytest.param(1, marks=pytest.mark.slow, id="all"), 7]
)
def test_every_window_of_a_test_capture_gives_one_location(
    shared_data, tmp_path, mosquitto, subscriber, capsys, every
):
    root = shared_data("raw/csu")
    reference, test = csu_captures(root, "ref"), csu_captures(root, "test")
    assert len(test) == 49
    test = test[::every]
    survey = tmp_path / "survey.csv"
    write_survey(survey, reference)
    site = ["--state", tmp_path / "state", "--site", "corridor"]
    adapted = run_agent("adapt", survey, *site, "--shots", 3, "--json")
    assert adapted.returncode == 0, adapted.stderr
    assert json.loads(adapted.stdout)["shots"] == 3 * len(reference)

    estimates, truth = [], []
    for capture in test:
        done = run_agent(
            "capture",
            "--pcap",
            capture.capture,
            *site,
            "--broker",
            f"127.0.0.1:{mosquitto}",
            "--device",
            "pi",
            "--estimator",
            "neighbours",
        )
        assert done.returncode == 0, done.stderr
        fixes = [
            document
            for topic, document in subscriber.until_stopped()
            if topic == "metaloc/corridor/pi/location"
        ]
        # Retained from the capture before, if any, is delivered once on subscribing
        # only: what arrives here was published by this run.
        assert len(fixes) == WINDOWS_PER_CAPTURE, capture.capture.name
        assert [fix["source"] for fix in fixes] == ["replay"] * WINDOWS_PER_CAPTURE
        assert all(
            np.isfinite([fix["x"], fix["y"], fix["accuracy"]]).all() for fix in fixes
        )
        estimates += [(fix["x"], fix["y"]) for fix in fixes]
        truth += [location(capture)] * WINDOWS_PER_CAPTURE

    points = np.array([location(capture) for capture in reference])
    truth = np.array(truth)
    rows = {
        "neighbours": localization_errors(np.array(estimates), truth),
        "network": network_errors(tmp_path / "state", test),
        "floor: centre of the corridor": centre_errors(points, truth),
        "floor: random reference point": random_point_errors(points, truth),
        "floor: centre of where it is heard": heard_there_errors(reference, test),
    }
    if every > 1:  # a part of the corridor tells nothing
        return
    with capsys.disabled():
        print("\nEPIC-CSU corridor, error [m] (information, not a gate):")
        for name, errors in rows.items():
            row = summarize(errors)
            print(f"  {name:<34} mean {row.mean:5.2f}  median {row.median:5.2f}")
