"""How alike simulated captures are: as alike as recorded ones.

Recorded figures are medians of public surveys (docs/simulation.md); that they are
computed as they were there, test_statistics.py says. Rooms are recorded as those were:
three antennas and 40 MHz for PolyU's figures, a receiver and beacons for EPIC-CSU's.
"""

import pytest

from trainer.simulate.likeness import (
    figures_like_csu,
    mean_figures,
    one_antenna,
    visits_like_polyu,
)
from trainer.simulate.scenes import SCENES
from trainer.simulate.statistics import compare_visits

N_PLACES = 4
SHARE = 0.25


@pytest.fixture(scope="module", params=SCENES.values(), ids=SCENES)
def recorded(request):
    """Figures of a scene: three antennas and 40 MHz; one and 20 MHz; the receiver."""
    places = [visits_like_polyu(request.param, place) for place in range(N_PLACES)]
    return (
        mean_figures([compare_visits(visits) for visits in places]),
        mean_figures([compare_visits(one_antenna(visits)) for visits in places]),
        *figures_like_csu(request.param),
    )


@pytest.mark.parametrize(
    ("figure", "median"),
    [
        ("within", 0.65),
        ("same_day", 2.34),
        ("next_day", 4.61),
        ("other_point", 5.56),
        ("static", 3.01),
        ("level_within", 1.35),
        ("level_next_day", 1.70),
    ],
)
def test_captures_differ_as_recorded_ones_do(recorded, figure, median):
    assert getattr(recorded[0], figure) == pytest.approx(median, rel=SHARE)


def test_differences_grow_in_the_order_of_recorded_ones(recorded):
    for figures in recorded[:2]:
        assert (
            figures.within < figures.same_day < figures.next_day < figures.other_point
        )
        # A day is nearly as far as another point: recorded, 0.83 of it.
        assert figures.next_day / figures.other_point == pytest.approx(0.83, abs=0.1)


def test_a_point_is_found_again_on_the_same_day_and_not_on_the_next(recorded):
    """Recorded: 97 % and 36 % of eight points; by chance one in eight."""
    figures = recorded[0]

    assert figures.found_same_day > 0.8
    assert figures.found_next_day == pytest.approx(0.36, abs=0.12)


def test_one_antenna_and_20_mhz_have_the_shape_of_recorded_ones(recorded):
    """Recorded: 2.1 dB in the lower half, 2.3 dB in the upper."""
    assert recorded[1].static == pytest.approx(2.2, rel=SHARE)
    assert recorded[1].within == pytest.approx(0.38, rel=SHARE)


@pytest.mark.parametrize(
    ("figure", "median", "share"),
    [
        ("level_counts", 594, 0.05),
        ("level_std_db", 0.86, 0.15),
        ("level_lag_1", 0.61, 0.15),
        ("level_lag_10", 0.46, 0.25),
        ("jumps", 0.054, 0.2),
        ("noise", 0.0156, 0.25),
        ("static_db", 2.5, SHARE),
    ],
)
def test_the_receiver_is_as_the_recorded_one(recorded, figure, median, share):
    assert getattr(recorded[2], figure) == pytest.approx(median, rel=share)


def test_as_many_packets_are_missing_as_in_recordings(recorded):
    """Recorded: 0.03, 0.17 and 0.43 % (10, 50, 90 % of captures)."""
    assert 0.0003 < recorded[3] < 0.0043
