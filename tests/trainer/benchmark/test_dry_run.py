"""The table of splits."""

from tests.trainer.benchmark.synthetic import environment, hall, rows_of, survey
from trainer.benchmark.dry_run import split_table
from trainer.benchmark.plan import Extent, Survey
from trainer.benchmark.protocol import Protocol
from trainer.benchmark.regimes import REGIMES


def lines(protocol, days, *regimes, **options):
    extent = Extent((), tuple(REGIMES[r] for r in regimes), 1, **options)
    table = split_table(Survey(protocol, days, "test"), extent)
    return [" ".join(line.split()) for line in table]


def test_a_line_says_what_is_history_shot_and_query():
    protocol = Protocol("days", history=("0-2",), test=("3-5",), query="test")

    header, *rest = lines(protocol, survey(6), "3shot", max_targets=2)

    assert header.startswith("survey target regime history points known")
    assert rest == [
        "days d3 3shot d0 .. d2 (3) 12 12 36 1 6 1",
        "days d5 3shot d0 .. d2 (3) 12 12 36 1 6 1",
    ]


def test_visits_are_listed_and_same_visits_named():
    protocol = Protocol("days", history=("0",), test=("1",), images_per_point=None)

    assert lines(protocol, survey(2, visits=range(7)), "3laps")[1] == (
        "days d1 3laps d0 12 12 36 1, 2, 3 192 4, 5, 6, 7"
    )
    assert lines(protocol, survey(2, visits=range(7)), "1shot")[1] == (
        "days d1 1shot d0 12 12 12 1 288 2 .. 7 (6)"
    )
    assert lines(protocol, survey(2, visits=[0], n=6), "1shot")[1].endswith(
        "1 36 1 same visit"
    )


def test_points_to_test_count_their_own_visits():
    """A point that is surveyed to test as well has a first visit of each kind."""
    place = hall()
    rows = rows_of(range(12), [4, 6], 4) + rows_of([0], [5], 2, is_test=True)
    day = environment(place, rows, name="d0")
    protocol = Protocol("days", test=("0",), query="test")

    (line,) = lines(protocol, [day], "3shot")[1:]

    assert line == "days d0 3shot none 12 12 36 1 2 1"


def test_a_target_that_cannot_serve_a_regime_says_why():
    assert lines(Protocol("days", test=("1",)), survey(2), "zero", "1shot")[1:] == [
        "days d1 zero needs history",
        "days d1 1shot none 12 12 12 1 48 2",
    ]
