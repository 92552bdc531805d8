"""Labels beside their places."""

import re
from itertools import combinations

import pytest

from edge_agent.evaluation.labels import TEXT, Box, labels

PICTURE = Box(0.0, 0.0, 420.0, 300.0)


def boxes(drawn):
    """Where each label is, with letters as wide as half their height."""
    found = {}
    for part in drawn:
        if match := re.match(r'<text x="(.*?)" y="(.*?)".*>(.*)</text>', part):
            x, y = float(match[1]), float(match[2])
            width = 0.5 * TEXT * len(match[3])
            found[match[3]] = Box(x, y - 0.8 * TEXT, x + width, y)
    return found


def test_a_label_with_room_is_to_the_right_of_its_place():
    (box,) = boxes(labels([((100.0, 100.0), "desk")], PICTURE)).values()

    assert 100 < box.left < 120
    assert abs(box.bottom - 100) < TEXT


def test_at_the_right_edge_it_is_to_the_left():
    (box,) = boxes(labels([((410.0, 100.0), "a long name")], PICTURE)).values()

    assert box.right < 410


@pytest.mark.parametrize(
    "corner", [(0.0, 0.0), (420.0, 0.0), (0.0, 300.0), (420.0, 300.0)]
)
def test_labels_of_one_place_are_all_there_and_none_lies_on_another(corner):
    names = [f"point {k}" for k in range(9)]
    drawn = labels([(corner, name) for name in names], PICTURE)
    found = boxes(drawn)

    assert set(found) == set(names)
    for box in found.values():
        assert PICTURE.holds(box)
    for one, other in combinations(found.values(), 2):
        assert not one.meets(other)
    assert any(part.startswith("<line") for part in drawn)


def test_where_there_is_no_room_labels_lie_on_each_other_rather_than_be_missing():
    low = Box(0.0, 0.0, 100.0, 16.0)
    found = boxes(labels([((50.0, 8.0), f"point {k}") for k in range(4)], low))

    assert len(found) == 4
    assert all(low.holds(box) for box in found.values())


def test_boxes_meet_where_they_share_a_part():
    box = Box(0.0, 0.0, 2.0, 2.0)

    assert box.meets(Box(1.0, 1.0, 3.0, 3.0))
    assert not box.meets(Box(2.0, 0.0, 3.0, 2.0))
    assert not box.meets(Box(0.0, 2.0, 2.0, 3.0))
    assert box.holds(Box(0.0, 1.0, 2.0, 2.0))
    assert not box.holds(Box(0.0, 1.0, 2.0, 2.1))
