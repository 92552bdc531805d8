"""Real Nexmon captures of a corridor: surveyed, calibrated, replayed into mosquitto."""

import json

import numpy as np
import pytest

from edge_agent.metrics import (
    centre_errors,
    localization_errors,
    random_point_errors,
    summarize,
)
from edge_agent.survey import write_survey
from tests.end_to_end.conftest import run_agent
from trainer.surveys.csu import csu_captures

WINDOWS_PER_CAPTURE = 3  # 100 frames, windows of 50, hop 25


def test_every_window_of_every_test_capture_gives_one_location(
    shared_data, tmp_path, mosquitto, subscriber, capsys
):
    root = shared_data("raw/csu")
    reference, test = csu_captures(root, "ref"), csu_captures(root, "test")
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
        truth += [(capture.point.x, capture.point.y)] * WINDOWS_PER_CAPTURE

    points = np.array([(c.point.x, c.point.y) for c in reference])
    truth = np.array(truth)
    rows = {
        "adapted CNN": localization_errors(np.array(estimates), truth),
        "floor: centre of the corridor": centre_errors(points, truth),
        "floor: random reference point": random_point_errors(points, truth),
    }
    with capsys.disabled():
        print("\nEPIC-CSU corridor, error [m] (information, not a gate):")
        for name, errors in rows.items():
            row = summarize(errors)
            print(f"  {name:<30} mean {row.mean:5.2f}  median {row.median:5.2f}")
    assert len(test) == pytest.approx(49)
