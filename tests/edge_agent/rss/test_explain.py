"""What ``edge_agent explain`` says of a location made from received power."""

import json

import pytest

from tests.edge_agent.rss.places import (
    ADDRESSES,
    POINTS,
    beacons,
    write_site,
)


@pytest.fixture
def explain(run_agent, rss_directory, tmp_path, capfd, rng):
    """Calibrate a site, and explain a recording of its first point."""
    survey = write_site(tmp_path, rng)
    model = ("--bundle", rss_directory, "--state", tmp_path / "state")
    assert run_agent("adapt", survey, *model) == 0
    walk = tmp_path / "walk.pcap"
    heard = [bytes(6) if a == ADDRESSES[1] else a for a in ADDRESSES]
    walk.write_bytes(beacons(0, 9, rng, seconds=5, addresses=heard))

    def explain(*arguments):
        capfd.readouterr()
        code = run_agent("explain", "--pcap", walk, *model, *arguments)
        out, err = capfd.readouterr()
        return code, out, err

    return explain


def test_levels_and_candidates_are_said(explain):
    code, out, _ = explain()

    assert code == 0
    n = len(ADDRESSES)
    assert f"{n - 1} heard of the {n} that are calibrated" in out
    assert "candidates:" in out
    assert "nobody watches" in out
    assert "nearest shots" not in out


def test_the_document_has_what_applies(explain):
    document = json.loads(explain("--json", "--at", "0")[1])

    assert document["drift"] is None
    assert document["nearest_shots"] == []
    heard = {c["name"]: c["heard"] for c in document["channels"]}
    assert heard == {address.hex(":"): address != ADDRESSES[1] for address in ADDRESSES}
    named = {point.name for point in POINTS}
    assert {candidate["point"] for candidate in document["candidates"]} <= named
    assert sum(c["p"] for c in document["candidates"]) <= 1.001


def test_a_place_cannot_be_expected(explain):
    code, out, err = explain("--expect", "kitchen")

    assert (code, out) == (2, "")
    assert "compares with no shots; do without --expect" in err
