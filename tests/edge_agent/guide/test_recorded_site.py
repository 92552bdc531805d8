"""A survey becomes stops: which captures belong to which point in which lap."""

import pytest

from edge_agent.errors import SurveyError
from edge_agent.guide.recorded_site import FirstLook, RecordedSite
from edge_agent.survey import Point, SurveyedCapture, read_survey
from tests.edge_agent.sites import POINTS, START_US, pcapng_bytes, write_site

TABLE = Point("table", 1.0, 0.0, "kitchen")
SOFA = Point("sofa", 2.0, 0.0, "lounge")
OUTSIDE = Point("outside", None, None)


@pytest.fixture
def row(tmp_path):
    """One line of a survey, with an empty capture."""

    def row(name, point, visit="1", environment="home"):
        path = tmp_path / name
        path.touch()
        return SurveyedCapture(path, point, visit, environment)

    return row


def names(site, point, lap):
    return [path.name for path in site.captures.get((point, lap), ())]


def test_lap_n_of_a_point_is_its_nth_visit(row):
    site = RecordedSite.of(
        [
            row("t10", TABLE, "10"),
            row("t9", TABLE, "9"),
            row("s10", SOFA, "10"),
            row("t9b", TABLE, "9"),
        ]
    )

    assert site.points == (SOFA, TABLE)
    assert site.n_laps == 2
    assert names(site, "table", 1) == ["t9", "t9b"]
    assert names(site, "table", 2) == ["t10"]
    assert names(site, "sofa", 1) == ["s10"]
    assert names(site, "sofa", 2) == []


def test_visits_can_be_chosen(row):
    rows = [row(f"t{n}", TABLE, f"day/{n}") for n in range(1, 5)]

    site = RecordedSite.of(rows, visits=["day/4", "day/2"])

    assert names(site, "table", 1) == ["t2"]
    assert names(site, "table", 2) == ["t4"]


def test_a_visit_that_is_not_there_is_named_with_those_that_are(row):
    rows = [row("a", TABLE, "10"), row("b", TABLE, "2")]

    with pytest.raises(SurveyError, match="no visit '3' in home; its visits are 2, 10"):
        RecordedSite.of(rows, visits=["2", "3"])


def test_of_several_environments_one_must_be_chosen(row):
    rows = [row("a", TABLE), row("b", SOFA, "1", "office")]

    assert RecordedSite.of(rows, environment="office").points == (SOFA,)
    for wrong in (None, "attic"):
        with pytest.raises(SurveyError, match=r"environments home, office \(its"):
            RecordedSite.of(rows, environment=wrong)


def test_outside_is_visited_in_laps_and_is_no_point(row):
    rows = [row("o1", OUTSIDE, "1"), row("o2", OUTSIDE, "2"), row("t", TABLE)]

    site = RecordedSite.of(rows)

    assert site.points == (TABLE,)
    assert names(site, "outside", 1) == ["o1"]
    assert names(site, "outside", 2) == ["o2"]
    assert site.n_laps == 2


def test_later_laps_than_asked_for_are_left_out(row):
    site = RecordedSite.of([row(f"t{n}", TABLE, str(n)) for n in range(5)], max_laps=3)

    assert site.n_laps == 3
    assert ("table", 4) not in site.captures


def test_packets_are_those_of_the_captures(tmp_path):
    site = RecordedSite.of(read_survey(write_site(tmp_path)))

    assert site.points == POINTS
    assert sum(map(len, site.packets("p1", 1))) == 48
    assert list(site.packets("p1", 9)) == []
    assert site.first_look() == FirstLook(START_US * 1000, is_simulated=False)


def test_a_recording_without_a_single_packet_has_no_time(row):
    site = RecordedSite.of([row("t", TABLE)])
    site.captures["table", 1][0].write_bytes(pcapng_bytes([]))

    with pytest.raises(SurveyError, match="no packet of the recording has a time"):
        site.first_look()
