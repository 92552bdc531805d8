"""The map: what is drawn where, read back as XML."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from edge_agent.errors import SurveyError
from edge_agent.evaluation.error_map import error_map
from edge_agent.site_file import Wall
from edge_agent.survey import Point
from tests.edge_agent.evaluation.locations import OUT, REFERENCE, estimate, judged

P1, P2, P3 = REFERENCE
SVG = "{http://www.w3.org/2000/svg}"


def drawn(found, walls=(), title="home"):
    return ElementTree.fromstring(error_map(found, walls, title))


def rings(picture):
    """What each ring says, by the beginning of it, and where it is."""
    return {
        ring.find(f"{SVG}title").text.split(":")[0]: (
            float(ring.get("cx")),
            float(ring.get("cy")),
        )
        for ring in picture.iter(f"{SVG}circle")
        if ring.find(f"{SVG}title") is not None
    }


def words(picture):
    return [text.text for text in picture.iter(f"{SVG}text")]


ALL = judged(
    (P1, estimate((0.0, 0.0))), (P2, estimate((2.0, 3.0))), (P3, estimate((0.0, 3.5)))
)


def test_x_is_to_the_right_and_y_up_at_one_scale():
    found = rings(drawn(ALL))
    assert set(found) == {"p1, kitchen", "p2, kitchen", "p3, office"}
    (x1, y1), (x2, y2), (x3, y3) = (found[key] for key in sorted(found))
    assert x2 > x1 == x3
    assert y3 < y1 == y2
    assert (x2 - x1) / 2 == pytest.approx((y1 - y3) / 4, abs=0.05)


def test_a_line_leads_from_each_point_to_the_mean_of_its_locations():
    found = judged(
        (P1, estimate((1.0, 0.0))), (P1, estimate((1.0, 2.0))), (P3, estimate((0, 4)))
    )
    picture = drawn(found)
    truth = rings(picture)["p1, kitchen"]
    scale = (truth[1] - rings(picture)["p3, office"][1]) / 4
    line = next(
        line
        for line in picture.iter(f"{SVG}line")
        if (float(line.get("x1")), float(line.get("y1"))) == truth
    )
    assert float(line.get("x2")) - truth[0] == pytest.approx(scale, abs=0.11)
    assert truth[1] - float(line.get("y2")) == pytest.approx(scale, abs=0.11)


def test_the_largest_error_has_another_colour_than_none_and_is_named():
    picture = drawn(ALL)
    strokes = {
        ring.find(f"{SVG}title").text[:2]: ring.get("stroke")
        for ring in picture.iter(f"{SVG}circle")
        if ring.find(f"{SVG}title") is not None
    }
    assert strokes["p1"] != strokes["p2"]
    assert "p2: 3.0 m" in words(picture)


def test_walls_are_drawn_on_their_floor_and_within_the_picture():
    walls = (Wall((-5.0, -5.0), (9.0, -5.0)), Wall((0.0, 0.0), (1.0, 1.0), floor=7))
    picture = drawn(ALL, walls)
    grey = [
        line for line in picture.iter(f"{SVG}line") if line.get("stroke") == "#9a9a9a"
    ]
    assert len(grey) == 1
    width = float(picture.get("viewBox").split()[2])
    assert 0 < float(grey[0].get("x1")) < float(grey[0].get("x2")) < width


def test_every_floor_has_a_map():
    upstairs = Point("u", 1.0, 1.0, "attic", 1)
    picture = drawn(judged((P1, estimate()), (upstairs, estimate((1.0, 1.5), floor=1))))
    assert {"floor 0", "floor 1"} <= set(words(picture))
    found = rings(picture)
    assert found["u, attic"][1] > found["p1, kitchen"][1]


def discs(picture):
    return [c for c in picture.iter(f"{SVG}circle") if c.get("fill-opacity") == "0.06"]


def test_few_points_show_what_was_stated_and_many_only_what_was_missed():
    assert len(discs(drawn(ALL))) == 3
    points = [Point(str(k), float(k), 0.0) for k in range(20)]
    good = [(p, estimate((p.x, 0.1))) for p in points[:-1]]
    bad = (points[-1], estimate((0.0, 0.0)))
    picture = drawn(judged(*good, bad))
    assert len(discs(picture)) == 1
    assert any("where it misses" in text for text in words(picture))


def test_nothing_lies_outside_of_the_picture_but_discs(rng):
    found = judged(*((P1, estimate(tuple(rng.normal(0, 9, 2)))) for _ in range(40)))
    picture = drawn(found)
    _, _, width, height = map(float, picture.get("viewBox").split())
    for circle in picture.iter(f"{SVG}circle"):
        if circle.get("fill-opacity") != "0.06":
            assert 0 <= float(circle.get("cx")) <= width
            assert 0 <= float(circle.get("cy")) <= height


def test_the_scale_bar_and_the_legend_are_round_numbers():
    picture = drawn(ALL)
    bars = [text for text in words(picture) if re.fullmatch(r"[\d.]+ m", text)]
    assert bars == ["0.5 m"]
    assert [t for t in words(picture) if t.startswith(("to ", "over "))] == [
        "to 1",
        "to 2",
        "to 3",
        "to 4",
        "over 4",
    ]


def test_names_of_others_do_not_break_the_picture():
    point = Point("<b>&\"'", 0.0, 0.0, "a & b")
    picture = drawn(judged((point, estimate((0.0, 1.0)))), title='x < "y" & z')
    assert 'x < "y" & z' in words(picture)
    assert "<b>&\"', a & b" in rings(picture)


def test_no_error_at_all_is_a_map_too():
    assert np.isfinite(
        rings(drawn(judged((P1, estimate((0.0, 0.0))))))["p1, kitchen"]
    ).all()


def test_rooms_alone_make_no_map():
    with pytest.raises(SurveyError, match="no location has coordinates"):
        error_map(judged((OUT, estimate()), (P1, estimate(None))), (), "home")


def test_rooms_are_named_in_the_middle_of_their_points():
    picture = drawn(ALL)
    found = rings(picture)
    (kitchen,) = [t for t in picture.iter(f"{SVG}text") if t.text == "kitchen"]
    (office,) = [t for t in picture.iter(f"{SVG}text") if t.text == "office"]
    middle = (found["p1, kitchen"][0] + found["p2, kitchen"][0]) / 2

    assert float(kitchen.get("x")) == pytest.approx(middle, abs=0.1)
    assert float(office.get("y")) < float(kitchen.get("y"))


def test_the_names_of_the_worst_points_are_there_however_close_these_are():
    points = [Point(f"point {k}", 0.01 * k, 0.0) for k in range(8)]
    picture = drawn(
        judged(*((p, estimate((p.x + k, 1.0))) for k, p in enumerate(points)))
    )
    names = [word for word in words(picture) if word.startswith("point ")]

    assert sorted(name.split(":")[0] for name in names) == [
        f"point {k}" for k in range(3, 8)
    ]


def crosses(picture):
    return [x for x in picture.iter(f"{SVG}line") if x.get("stroke-width") == "1.6"]


def test_a_point_beyond_the_stated_r95_has_a_cross_and_is_said_to_be():
    sure = judged((P1, estimate((0.0, 0.0))), (P2, estimate((2.0, 3.0), r95=1.0)))
    unsure = judged((P1, estimate((0.0, 0.0))), (P2, estimate((2.0, 3.0), r95=3.5)))
    picture = drawn(sure)
    place = rings(picture)["p2, kitchen"]

    assert len(crosses(picture)) == 2
    for stroke in crosses(picture):
        ends = [[float(stroke.get(f"{a}{n}")) for a in "xy"] for n in (1, 2)]
        assert np.mean(ends, axis=0) == pytest.approx(place, abs=0.1)
    titles = [t.text for t in picture.iter(f"{SVG}title")]
    assert [t[:2] for t in titles if "sure, and wrong" in t] == ["p2"]
    assert not crosses(drawn(unsure))


def test_a_disc_that_is_larger_than_the_plan_is_an_outline():
    found = judged((P1, estimate((0.0, 0.1))), (P3, estimate((0.0, 4.1), r95=40.0)))

    assert sorted(disc.get("fill") == "none" for disc in discs(drawn(found))) == [
        False,
        True,
    ]
