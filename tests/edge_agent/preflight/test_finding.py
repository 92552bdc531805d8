"""What one finding says, to people and to programs."""

import json

from edge_agent.preflight.finding import Finding, Severity, caution, ok, stop


def test_a_finding_says_what_was_found_and_what_to_do():
    assert stop("no-air", "nothing is heard", "listen").sentence == (
        "nothing is heard: listen"
    )
    assert ok("clock", "the clock runs").sentence == "the clock runs"


def test_a_finding_is_four_texts_for_programs():
    assert json.loads(json.dumps(caution("slow", "is slow", "wait").to_json())) == {
        "severity": "caution",
        "code": "slow",
        "what": "is slow",
        "do": "wait",
    }


def test_each_severity_has_its_word():
    assert stop("a", "b") == Finding(Severity.STOP, "a", "b", "")
    assert caution("a", "b") == Finding(Severity.CAUTION, "a", "b", "")
    assert ok("a", "b") == Finding(Severity.OK, "a", "b", "")
