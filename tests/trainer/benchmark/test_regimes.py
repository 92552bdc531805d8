"""The regimes that the product promises."""

from trainer.benchmark.regimes import REGIMES


def test_regimes_are_those_of_the_protocol():
    assert {r.name: (r.shots, r.laps, r.points) for r in REGIMES.values()} == {
        "zero": (0, 1, "all"),
        "1shot": (1, 1, "all"),
        "3shot": (3, 1, "all"),
        "3laps": (3, 3, "all"),
        "quarter": (3, 1, "quarter"),
        "five": (3, 1, "five"),
    }
    assert list(REGIMES) == [r.name for r in REGIMES.values()]
