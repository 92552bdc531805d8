"""Recordings of beacons: record, locate and evaluate with received power."""

import json
import os
import sys
from pathlib import Path

import pytest

from edge_agent.capture_file import CaptureFile
from edge_agent.csi.raw import LINK_RADIOTAP
from edge_agent.survey import read_survey
from tests.builders import packets_of
from tests.edge_agent.rss.places import write_site


@pytest.fixture
def survey(tmp_path, rng):
    return write_site(tmp_path / "survey", rng)


@pytest.fixture
def agent(run_agent, capsys, rss_directory, tmp_path, monkeypatch):
    """Run a command with nobody at the keyboard; exit code, results and talk."""
    model = ("--bundle", rss_directory, "--state", tmp_path / "state")

    def agent(*arguments):
        with Path(os.devnull).open() as nobody:
            monkeypatch.setattr(sys, "stdin", nobody)
            code = run_agent(*arguments, *model)
        out, err = capsys.readouterr()
        return code, out, err

    return agent


def test_beacons_are_recorded_as_they_are(agent, survey, tmp_path):
    capture = read_survey(survey)[0].capture
    assert agent("record", tmp_path / "out", "--pcap", capture)[0] == 0
    stored = []
    for path in (capture, tmp_path / "out" / "000001.pcap"):
        with CaptureFile(path, (LINK_RADIOTAP,)) as file:
            stored.append(packets_of(file))
    assert stored[0] == stored[1] != []


def test_recordings_are_located_and_judged(agent, survey):
    """Whether it had been calibrated with them cannot be told, which is said."""
    assert agent("adapt", survey)[0] == 0
    code, out, err = agent("evaluate", survey, "--json")
    found = json.loads(out)
    assert code == 0
    assert "cannot be told from received power" in err
    assert found["error_m"]["mean"] < found["error_m"]["centre"]

    rows = read_survey(survey)
    _, lines, _ = agent("locate", "--pcap", *(row.capture for row in rows))
    assert len(lines.splitlines()) == found["locations"]
