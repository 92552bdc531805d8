"""Figures of captures: of made-up ones by hand, of recorded ones as published."""

from dataclasses import fields

import numpy as np
import pytest

from trainer.simulate.statistics import (
    CaptureFigures,
    Visit,
    compare_visits,
    cut_visits,
    describe_capture,
    difference_db,
    median_figures,
    shape_db,
    spread_within_db,
)


def visit(day, number, point, shape, *, level_db=0.0, n_packets=4):
    amplitude = np.tile(10 ** (np.array(shape, float) / 20), (n_packets, 1))[..., None]
    return Visit(day, number, point, amplitude, np.full(n_packets, level_db))


def tilted(size_db):
    """A shape of two tones that are so far apart, of equal weight nearly."""
    return (size_db / 2, -size_db / 2)


# -- shapes ----------------------------------------------------------------------------


def test_a_shape_is_the_median_over_packets_whatever_their_level():
    packets = np.array([[1.0, 7.0], [2.0, 14.0], [1000.0, 7000.0], [1.0, 1.0]])

    shape = shape_db(packets[..., None])

    # 1 and 7 have a root mean square of 5.
    expected = 20 * np.log10(np.array([[1 / 5], [7 / 5]]))
    np.testing.assert_allclose(shape, expected)


def test_channels_are_normalised_together():
    packets = np.array([[[3.0, 4.0]]])

    shape = shape_db(packets)

    root = np.sqrt(12.5)
    np.testing.assert_allclose(shape, 20 * np.log10([[3 / root, 4 / root]]))


def test_what_is_40_db_below_the_level_is_as_if_it_were_40_db():
    shape = shape_db(np.array([[[1e-9], [1.0]]]))

    assert shape[0, 0] == -40


def test_the_difference_of_shapes_is_a_root_mean_square():
    assert difference_db(np.array([3.0, 0.0]), np.array([0.0, 4.0])) == pytest.approx(
        (25 / 2) ** 0.5
    )


def test_the_spread_within_a_visit_is_that_of_the_median_tone():
    """Three tones; one moves by 1 dB up and down, and the level with it a little."""
    db = np.zeros((100, 101))
    db[::2, 0], db[1::2, 0] = 20, -20
    db[::2, 1:], db[1::2, 1:] = 1, -1
    amplitude = 10 ** (db / 20)

    found = spread_within_db(amplitude[..., None])

    level = 10 * np.log10(np.square(amplitude).mean(axis=1))
    expected = np.std(db[:, 1] - level)
    assert found == pytest.approx(expected)


# -- visits ----------------------------------------------------------------------------


@pytest.fixture
def visits():
    """Two points, two days, two visits; shapes of two tones that tilt."""
    tilts = {
        (1, 1, 1): 2.0,
        (1, 2, 1): 2.4,
        (2, 1, 1): 3.0,
        (2, 2, 1): 3.4,
        (1, 1, 2): 6.0,
        (1, 2, 2): 6.4,
        (2, 1, 2): 7.0,
        (2, 2, 2): 7.4,
    }
    return [
        visit(day, number, point, tilted(tilt), level_db=-40 - 3 * tilt)
        for (day, number, point), tilt in tilts.items()
    ]


def test_visits_are_compared_pair_by_pair(visits):
    figures = compare_visits(visits)

    # A tilt that grows by δ moves both tones by δ / 2, for their level is theirs too.
    shape = {
        v.point * 100 + v.day * 10 + v.visit: shape_db(v.amplitude) for v in visits
    }
    far = {(a, b): difference_db(shape[a], shape[b]) for a in shape for b in shape}
    assert figures.same_day == pytest.approx(
        np.median([far[111, 112], far[121, 122], far[211, 212], far[221, 222]])
    )
    assert figures.next_day == pytest.approx(
        np.median(
            [
                far[p + 10 + i, p + 20 + j]
                for p in (100, 200)
                for i in (1, 2)
                for j in (1, 2)
            ]
        )
    )
    assert figures.other_point == pytest.approx(
        np.median([far[111, 211], far[112, 212], far[121, 221], far[122, 222]])
    )
    assert figures.level_same_day == pytest.approx(1.2)
    assert figures.level_next_day == pytest.approx(3.0)
    assert figures.level_other_point == pytest.approx(12.0)
    assert figures.within == figures.halves == figures.level_within == 0


def test_static_is_the_spread_over_tones(visits):
    (figure,) = {round(compare_visits([v, *visits]).static, 6) for v in visits[:1]}

    spreads = [shape_db(v.amplitude).std() for v in [visits[0], *visits[1:]]]
    assert figure == pytest.approx(np.median(spreads), abs=1e-6)


def test_the_nearest_shape_is_looked_for(visits):
    """Tilts 2, 2.4 | 6, 6.4 are told apart, and 3, 3.4 | 7, 7.4 by them."""
    figures = compare_visits(visits)

    assert figures.found_same_day == 1
    assert figures.found_next_day == 1


def test_the_nearest_shape_may_be_another_points(visits):
    swapped = [
        Visit(
            v.day,
            v.visit,
            3 - v.point if v.day == 2 else v.point,
            v.amplitude,
            v.level_db,
        )
        for v in visits
    ]

    figures = compare_visits(swapped)

    assert figures.found_same_day == 1
    assert figures.found_next_day == 0


def test_the_next_day_is_the_next_that_there_is(visits):
    later = [
        Visit(9 * v.day, v.visit, v.point, v.amplitude, v.level_db) for v in visits
    ]

    assert compare_visits(later).next_day == compare_visits(visits).next_day


def test_what_cannot_be_compared_is_not_a_number(visits):
    alone = compare_visits(visits[:1])

    assert np.isnan(alone.same_day)
    assert np.isnan(alone.next_day)
    assert np.isnan(alone.found_same_day)
    assert alone.within == 0


def test_a_recording_is_cut_where_day_visit_or_point_changes():
    amplitude = np.arange(1.0, 13).reshape(6, 2, 1)
    scale = np.array([1, 2, 1, 1, 1, 10.0])

    visits = cut_visits(
        amplitude,
        scale,
        day=np.array([1, 1, 1, 1, 2, 2]),
        visit=np.array([1, 1, 2, 2, 2, 2]),
        point=np.array([1, 1, 1, 3, 3, 3]),
    )

    assert [(v.day, v.visit, v.point) for v in visits] == [
        (1, 1, 1),
        (1, 2, 1),
        (1, 2, 3),
        (2, 2, 3),
    ]
    assert [len(v.amplitude) for v in visits] == [2, 1, 1, 2]
    np.testing.assert_array_equal(visits[1].amplitude, amplitude[2:3])
    # 3 and 4: the mean square is 12.5; the level is twice that amplitude.
    assert visits[0].level_db[1] == pytest.approx(20 * np.log10(2 * 12.5**0.5))


# -- captures --------------------------------------------------------------------------


def test_levels_are_described(rng):
    slow = np.repeat(rng.normal(0, 1, 400), 50)  # of 50 packets each
    level_db = 20 * np.log10(500) + slow
    amplitude = np.tile(10 ** (level_db / 20), (52, 1)).T

    figures = describe_capture(amplitude)

    assert figures.level_std_db == pytest.approx(slow.std())
    assert figures.level_lag_1 == pytest.approx(49 / 50, abs=0.01)
    assert figures.level_lag_10 == pytest.approx(40 / 50, abs=0.03)
    jumps = np.abs(np.diff(slow)) > 2
    assert figures.jumps == jumps.mean()
    assert 0.001 < figures.jumps < 0.006
    assert figures.level_counts == pytest.approx(amplitude[:, 0].mean())
    assert figures.noise == figures.static_db == 0


def test_noise_is_that_of_the_amplitude(rng):
    shape = 1 + 0.3 * np.cos(np.arange(52))
    amplitude = 500 * (shape + rng.normal(0, 0.02, (4000, 52)))

    figures = describe_capture(amplitude)

    level = np.sqrt(np.square(shape).mean())
    assert figures.noise == pytest.approx(0.02 / level, rel=0.03)
    assert figures.static_db == pytest.approx((20 * np.log10(shape)).std(), rel=0.01)


def test_figures_of_captures_are_medians():
    names = [field.name for field in fields(CaptureFigures)]
    three = [CaptureFigures(*[value] * len(names)) for value in (1.0, 9.0, 2.0)]

    assert median_figures(three) == CaptureFigures(*[2.0] * len(names))


# -- recorded --------------------------------------------------------------------------


def test_polyus_figures_are_those_that_were_measured(shared_data):
    """By another program: 0.64, 2.26, 4.70, 5.48 dB; 95 %, 36 %; RSS 4.66 dB."""
    with np.load(shared_data("surveys/polyu_csi.npz")) as file:
        names = ("amp", "scale", "day", "period", "loc")
        visits = cut_visits(*(file[name] for name in names))

    figures = compare_visits(visits)

    assert len(visits) > 800
    assert figures.halves == pytest.approx(0.64, rel=0.03)
    assert figures.same_day == pytest.approx(2.26, rel=0.05)
    assert figures.next_day == pytest.approx(4.70, rel=0.05)
    assert figures.other_point == pytest.approx(5.48, rel=0.05)
    assert figures.found_same_day == pytest.approx(0.95, abs=0.03)
    assert figures.found_next_day == pytest.approx(0.36, abs=0.03)
    assert figures.level_other_point == pytest.approx(4.66, rel=0.1)


def test_the_chips_figures_are_those_that_were_measured(shared_data):
    """By another program: 588 counts, 0.89 dB, 0.58, 0.39, 5.8 %, 1.6 %, 2.5 dB.

    That was on 45 captures; these are all of the reference points.
    """
    with np.load(shared_data("surveys/csu_csi.npz")) as file:
        amplitude, point, role = file["amp"], file["pt"], file["pt_role"]
    captures = [
        describe_capture(amplitude[point == number])
        for number in np.unique(point)
        if role[number] == 0
    ]

    figures = median_figures(captures)

    assert len(captures) > 100
    assert figures.level_counts == pytest.approx(588, rel=0.02)
    assert figures.level_std_db == pytest.approx(0.89, rel=0.05)
    assert figures.level_lag_1 == pytest.approx(0.58, abs=0.05)
    assert figures.level_lag_10 == pytest.approx(0.39, abs=0.1)
    assert figures.jumps == pytest.approx(0.058, abs=0.006)
    assert figures.noise == pytest.approx(0.016, rel=0.05)
    assert figures.static_db == pytest.approx(2.5, rel=0.03)
