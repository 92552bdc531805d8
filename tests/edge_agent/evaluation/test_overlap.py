"""Which captures calibrated a site, told by their packets."""

import pytest

from edge_agent.csi.iq_order import IqOrder
from edge_agent.evaluation.overlap import calibrated_with
from edge_agent.recording import record_environment
from edge_agent.survey import read_survey
from tests.edge_agent.sites import SPEC, packets_at, pcapng_bytes, write_site


@pytest.fixture
def captures(tmp_path):
    """Three points on three visits."""
    return read_survey(write_site(tmp_path / "survey"))


def names(found):
    return sorted(path.name for path in found)


def of_visit(captures, visit):
    return [capture for capture in captures if capture.visit == visit]


def test_captures_of_a_visit_that_calibrated_are_found(captures):
    shots = record_environment(of_visit(captures, "2"), SPEC)
    found = calibrated_with(captures, shots, IqOrder.AUTO)
    assert names(found) == ["p1-2.pcapng", "p2-2.pcapng", "p3-2.pcapng"]


def test_one_shared_capture_is_enough_to_know_its_visit(captures):
    shots = record_environment(of_visit(captures, "2")[:1], SPEC)
    found = calibrated_with(captures, shots, IqOrder.AUTO)
    assert len(found) == 3


def test_another_name_and_another_visit_do_not_hide_a_capture(captures):
    shots = record_environment(of_visit(captures, "1"), SPEC)
    old, new = of_visit(captures, "1")[0], of_visit(captures, "3")[0]
    new.capture.write_bytes(old.capture.read_bytes())
    found = calibrated_with(of_visit(captures, "3"), shots, IqOrder.AUTO)
    assert len(found) == 3


def test_the_same_places_on_another_visit_are_not_the_same_packets(captures):
    shots = record_environment(of_visit(captures, "1"), SPEC)
    assert not calibrated_with(of_visit(captures, "3"), shots, IqOrder.AUTO)


def test_fewer_packets_than_half_an_image_are_chance(captures):
    shots = record_environment(of_visit(captures, "1"), SPEC)
    new = of_visit(captures, "3")[0]
    few = SPEC.n_packets // 4 - 1  # of each of two transmitters
    strays = packets_at(0, seed=1)[: 2 * few]
    new.capture.write_bytes(pcapng_bytes([*strays, *packets_at(0, seed=9, n=8)]))
    assert not calibrated_with([new], shots, IqOrder.AUTO)


def test_environments_have_visits_of_their_own(captures, tmp_path):
    elsewhere = read_survey(write_site(tmp_path / "other", environment="away"))
    for capture in elsewhere:  # other packets than at home
        place = packets_at(50 + int(capture.point.name[1:]), seed=int(capture.visit))
        capture.capture.write_bytes(pcapng_bytes(place))
    shots = record_environment(of_visit(captures, "2"), SPEC)
    found = calibrated_with([*captures, *elsewhere], shots, IqOrder.AUTO)
    assert {path.parent for path in found} == {captures[0].capture.parent}


def test_a_capture_of_nobody_that_the_site_knows_shares_nothing(captures):
    shots = record_environment(of_visit(captures, "1"), SPEC)
    new = of_visit(captures, "3")[0]
    new.capture.write_bytes(pcapng_bytes([]))
    assert not calibrated_with([new], shots, IqOrder.AUTO)


def test_progress_is_told(captures):
    shots, told = record_environment(captures, SPEC), []
    calibrated_with(captures, shots, IqOrder.AUTO, told.append)
    assert told == list(range(len(captures)))
