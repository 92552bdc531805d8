"""What a person is told, and asked for."""

import json

import pytest

from edge_agent.drift.causes import Cause, Kind, told

A, B, C = "dc:a6:32:01:02:03", "dc:a6:32:01:02:04", "dc:a6:32:01:02:05"


def cause(kind, name="", **overrides):
    values = {"n_stops": 7, "offset_db": None, "points": ()}
    return Cause(kind, name, **(values | overrides))


@pytest.mark.parametrize(
    ("kind", "overrides", "sentence"),
    [
        (Kind.SILENT, {"name": A}, f"access point {A} is no longer heard, in 7 stops"),
        (
            Kind.WEAKER,
            {"name": A, "offset_db": -6.4},
            f"access point {A} is 6 dB weaker than calibrated, in 7 stops",
        ),
        (
            Kind.LOUDER,
            {"name": A, "offset_db": 3.6},
            f"access point {A} is 4 dB louder than calibrated, in 7 stops",
        ),
        (
            Kind.MOVED,
            {"name": A, "n_stops": 1},
            f"access point {A} contradicts the others: it was moved, or what is around "
            "it, in one stop",
        ),
        (
            Kind.ROOM,
            {"name": "kitchen"},
            "kitchen no longer looks as calibrated, in 7 stops",
        ),
        (Kind.SITE, {}, "the site no longer looks as calibrated, in 7 stops"),
    ],
)
def test_each_says_what_has_changed(kind, overrides, sentence):
    assert cause(kind, **overrides).sentence == sentence


def test_it_asks_for_the_few_shots_that_would_mend_it():
    assert cause(Kind.ROOM, "living room").request == ("edge_agent label 'living room'")
    assert cause(Kind.SITE, points=("p1", "by the door")).request == (
        "edge_agent calibrate --points 2"
    )
    assert cause(Kind.SITE).request == "edge_agent calibrate"


def test_it_is_json_as_well():
    document = cause(Kind.WEAKER, A, offset_db=-6.44, points=("p1",)).to_json()

    assert json.loads(json.dumps(document)) == {
        "kind": "weaker",
        "name": A,
        "stops": 7,
        "offset_db": -6.4,
        "points": ["p1"],
        "says": f"access point {A} is 6 dB weaker than calibrated, in 7 stops",
        "asks": "edge_agent calibrate --points 1",
    }


@pytest.mark.parametrize(
    ("alarms", "expected"),
    [
        ([], []),
        # One access point explains why nothing looks as it did.
        ([(Kind.SITE, ""), (Kind.WEAKER, A), (Kind.MOVED, A)], [(Kind.WEAKER, A)]),
        ([(Kind.SITE, ""), (Kind.MOVED, A)], [(Kind.MOVED, A)]),
        # Most of them at once: it is the place.
        (
            [(Kind.SITE, ""), (Kind.MOVED, A), (Kind.MOVED, B)],
            [(Kind.SITE, "")],
        ),
        (
            [(Kind.SITE, ""), (Kind.WEAKER, A), (Kind.LOUDER, B)],
            [(Kind.SITE, ""), (Kind.WEAKER, A), (Kind.LOUDER, B)],
        ),
        # One room of several, and all of those visited.
        ([(Kind.SITE, ""), (Kind.ROOM, "kitchen")], [(Kind.ROOM, "kitchen")]),
        (
            [(Kind.SITE, ""), (Kind.ROOM, "kitchen"), (Kind.ROOM, "office")],
            [(Kind.SITE, "")],
        ),
        ([(Kind.ROOM, "kitchen")], [(Kind.ROOM, "kitchen")]),
    ],
)
def test_the_most_telling_is_told(alarms, expected):
    causes = [cause(kind, name) for kind, name in alarms]

    found = told(causes, n_channels=3, n_rooms=2)

    assert [(one.kind, one.name) for one in found] == expected
