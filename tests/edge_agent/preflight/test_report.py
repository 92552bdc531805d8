"""The order in which findings are said, and what programs read."""

import json

import pytest

from edge_agent.errors import PreflightError
from edge_agent.preflight.finding import caution, ok, stop
from edge_agent.preflight.report import AccessPoint, Report

FINE = ok("clock", "the clock runs")
SLOW = caution("slow", "it is slow", "wait")
FULL = stop("disk-full", "the disk is full", "remove something")
SILENT = stop("no-frames", "nothing is heard", "listen")


def test_what_stops_comes_first_then_cautions_each_in_their_order():
    report = Report((FINE, SLOW, SILENT, FULL))

    assert report.findings == (SILENT, FULL, SLOW, FINE)
    assert report.stops == (SILENT, FULL)
    assert report.cautions == (SLOW,)


@pytest.mark.parametrize(
    ("stops", "message"),
    [
        ((FULL,), "cannot begin: the disk is full"),
        ((FULL, SILENT), "cannot begin: the disk is full (and 1 more)"),
    ],
)
def test_the_first_that_stops_is_the_error(stops, message):
    report = Report((SLOW, *stops))

    assert not report.passed
    with pytest.raises(PreflightError) as raised:
        report.require_passed()
    assert str(raised.value) == message


def test_cautions_do_not_stop():
    report = Report((SLOW, FINE))

    assert report.passed
    report.require_passed()


def test_a_report_is_one_json_document():
    report = Report(
        (FINE,),
        (AccessPoint("dc:a6:32:01:02:03", 31, 10.333, is_expected=True),),
        "36/20",
        3.0017,
        4.84,
    )

    assert json.loads(json.dumps(report.to_json())) == {
        "passed": True,
        "findings": [
            {"severity": "ok", "code": "clock", "what": "the clock runs", "do": ""}
        ],
        "access_points": [
            {
                "mac": "dc:a6:32:01:02:03",
                "frames": 31,
                "frames_per_s": 10.3,
                "expected": True,
                "antennas": 1,
            }
        ],
        "channel": "36/20",
        "listened_s": 3.0,
        "shot_s": 4.8,
    }


def test_a_look_that_heard_nothing_has_nothing_to_tell():
    document = Report((SILENT,)).to_json()

    assert document["access_points"] == []
    assert document["channel"] is None
    assert document["shot_s"] is None
