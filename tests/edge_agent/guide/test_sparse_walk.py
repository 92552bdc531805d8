"""A site with a past is walked at the points that teach most."""

import json

import numpy as np
import pytest

from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.files import Kind
from edge_agent.cli import main
from edge_agent.config import SHIPPED_BUNDLE
from edge_agent.guide.sparse_points import expected_of, past_of, worth_walking_to
from edge_agent.site_state import SiteState
from edge_agent.survey import Point
from edge_agent.walking.walk_store import WalkStore
from tests.edge_agent.sites import START_US, packets_at, pcapng_bytes

POINTS = tuple(Point(f"p{n}", 3.0 * n, 0.0, f"room {n}") for n in range(4))
DAY_US = 86_400_000_000


def write_day(folder, day, points=POINTS):
    """Record two laps of a site; every day is another."""
    folder.mkdir()
    lines = ["capture,x_m,y_m,point,room,visit,environment"]
    for place, point in enumerate(points):
        for lap in (1, 2):
            name = f"{point.name}-{lap}.pcapng"
            start_us = START_US + day * DAY_US + lap * 60_000_000
            packets = packets_at(
                place, n=54, seed=10 * day + lap, start_us=start_us + place * 4_000_000
            )
            (folder / name).write_bytes(pcapng_bytes(packets))
            lines.append(f"{name},{point.x},{point.y},{point.name},{point.room},{lap},")
    survey = folder / "survey.csv"
    survey.write_text("\n".join(f"{x}home" if n else x for n, x in enumerate(lines)))
    return survey


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """State of a site that was walked once; for reading only."""
    folder = tmp_path_factory.mktemp("walked")
    survey = write_day(folder / "day0", 0)
    state = folder / "state"
    assert main(["calibrate", "--recording", str(survey), "--state", str(state)]) == 0
    return state


@pytest.fixture(scope="module")
def past(walked):
    return past_of(SiteState(walked / "home", Kind.CSI))


@pytest.fixture(scope="module")
def shipped():
    return Bundle.load(SHIPPED_BUNDLE)


def test_points_are_ordered_by_what_they_teach(shipped, past):
    found = worth_walking_to(shipped, past, POINTS, 2)

    assert sorted(found.points) == sorted(POINTS)
    assert 0 <= found.n_worth <= len(POINTS)
    assert found == worth_walking_to(shipped, past, POINTS, 2), "the same every time"


def test_points_that_nobody_ever_shot_come_first(shipped, past):
    attic = Point("attic", 20.0, 0.0, "attic")

    found = worth_walking_to(shipped, past, (*POINTS, attic), 2)

    assert found.points[0] == attic
    assert found.n_worth >= 1


def test_only_where_one_can_go_one_is_sent(shipped, past):
    found = worth_walking_to(shipped, past, POINTS[:2], 2)

    assert sorted(found.points) == sorted(POINTS[:2])


def test_what_to_expect_is_said_for_few_points_and_for_all(shipped, past):
    found = expected_of(shipped, past)

    assert [one.n_points for one in found] == [1, 3, 4]
    assert all(np.isfinite([one.low, one.high]).all() for one in found)


def test_a_second_day_is_walked_at_as_many_points_as_asked_for(
    walked, tmp_path, capsys
):
    survey = write_day(tmp_path / "day1", 1)
    flags = ["--state", str(walked), "--points", "2", "--json"]

    assert main(["calibrate", "--recording", str(survey), *flags]) == 0

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    by_kind = {event["event"]: event for event in events}
    assert [size["points"] for size in by_kind["expected"]["sizes"]] == [1, 3, 4]
    assert by_kind["said"]["text"].startswith("2 of 4 points, those that teach most")
    assert by_kind["begun"]["points"] == 2
    walks = WalkStore(walked / "home" / "walks")
    newest = walks.read(walks.walks()[-1])
    assert len({shot.stop.point.name for shot in newest}) == 2
