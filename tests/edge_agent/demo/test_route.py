"""The walk's rests, and locations beside them."""

import pytest

from edge_agent.demo.route import Comparison, first_packet_ns, read_route, route_table
from edge_agent.errors import CaptureError, SurveyError
from edge_agent.estimate import Estimate, Position
from edge_agent.payload import Source
from edge_agent.pipeline import Fix
from tests.edge_agent.sites import REAL, START_US, packets_at, pcapng_bytes

BEGAN_NS = 1_795_391_940_000_000_000  # 2026-11-22T23:59:00Z
HEADER = "start_s,end_s,x_m,y_m,point,room\n"
ROUTE = HEADER + "0.00,9.30,0,0.6,door,entrance\n12.80,21.95,3,2.4,desk 2,desks\n"


@pytest.fixture
def rests(tmp_path):
    path = tmp_path / "walk.csv"
    path.write_text(ROUTE)
    return read_route(path, began_ns=BEGAN_NS)


def fix(time_s, window_s, x, y, room="entrance"):
    """A location whose last packet came so long after the walk began."""
    estimate = Estimate(
        time_ns=BEGAN_NS + round(time_s * 1e9),
        position=Position(x, y, (1.0, 0.0, 1.0), 1.0, 2.0),
        floor=0,
        rooms=((room, 1.0),) if room else (),
        posterior=(1.0,),
        n_frames=150,
        window_s=window_s,
        n_heard=3,
        n_channels=3,
    )
    return Fix(estimate, Source.SIMULATED)


def test_a_walk_begins_with_its_first_packet(tmp_path):
    path = tmp_path / "walk.pcapng"
    path.write_bytes(pcapng_bytes(packets_at(0, n=3, macs=REAL[:1])))

    assert first_packet_ns(path) == START_US * 1000


def test_a_recording_without_packets_is_no_walk(tmp_path):
    path = tmp_path / "walk.pcapng"
    path.write_bytes(pcapng_bytes([]))

    with pytest.raises(CaptureError, match=r"walk.pcapng holds no packet"):
        first_packet_ns(path)


def test_the_route_is_shown_in_the_times_of_the_clock(rests, utc):
    assert route_table(rests) == [
        "from      to        room      point      x     y",
        "23:59:00  23:59:09  entrance  door    0.00  0.60",
        "23:59:12  23:59:21  desks     desk 2  3.00  2.40",
    ]


@pytest.mark.parametrize(
    ("time_s", "window_s", "expected"),
    [
        (2.5, 2.5, "5.00 m off"),  # from the first instant of the rest on
        (9.3, 2.5, "5.00 m off"),  # to its last
        (2.5, 2.6, ""),
        (9.4, 2.5, ""),
        (11.0, 0.5, ""),
        (14.0, 2.5, ""),
        (30.0, 2.5, ""),
    ],
)
def test_what_was_heard_at_one_rest_alone_is_compared(
    rests, time_s, window_s, expected
):
    # A triangle of 3, 4 and 5 m from the door at (0, 0.6).
    assert Comparison(rests).remark(fix(time_s, window_s, 3.0, 4.6)) == expected


def test_a_location_in_another_room_is_told_the_right_one(rests):
    lap = Comparison(rests)

    assert lap.remark(fix(15.0, 2.0, 3.0, 1.4)) == "1.00 m off, truly in desks"
    assert lap.remark(fix(15.0, 2.0, 3.0, 1.4, None)) == "1.00 m off, truly in desks"
    assert lap.remark(fix(15.0, 2.0, 3.0, 1.4, "desks")) == "1.00 m off"


def test_a_lap_is_summed_up_over_what_was_compared(rests):
    lap = Comparison(rests)
    for n in range(1, 12):  # 0.1 to 1.1 m from the door, the last in a wrong room
        lap.remark(fix(5.0, 2.0, n / 10, 0.6, "entrance" if n < 11 else "desks"))
    lap.remark(fix(11.0, 2.0, 50.0, 50.0))  # on the way

    assert lap.summary() == (
        "at rest: room right 10 of 11, median error 0.60 m, 90 % within 1.00 m"
    )


def test_a_lap_without_anything_to_compare_says_so(rests):
    assert Comparison(rests).summary() == "at rest: no location"


def test_a_route_that_is_not_there_is_said(tmp_path):
    with pytest.raises(SurveyError, match=r"cannot read .*none.csv: No such file"):
        read_route(tmp_path / "none.csv", began_ns=0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "names no rest"),
        (HEADER, "names no rest"),
        ("start_s,end_s\n0,1\n", r"is damaged \(KeyError\('x_m'\)\): every line has"),
        (HEADER + "0,1\n", r"is damaged \(TypeError"),
        (HEADER + "0,one,1,1,door,entrance\n", r"is damaged \(ValueError"),
        (HEADER + "0,inf,1,1,door,entrance\n", r"is damaged \(OverflowError"),
        (HEADER + "0,1,1,1,door,\xff\n", r"is damaged \(UnicodeDecodeError"),
    ],
)
def test_a_damaged_route_is_refused(tmp_path, text, reason):
    path = tmp_path / "walk.csv"
    path.write_bytes(text.encode("latin-1"))

    with pytest.raises(SurveyError, match=reason):
        read_route(path, began_ns=0)
