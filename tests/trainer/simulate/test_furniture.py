"""Furniture: what it weakens, what it scatters, and where it may stand."""

import numpy as np
import pytest

from trainer.simulate.furniture import (
    NO_FURNITURE,
    Furniture,
    Scatterers,
    draw_furniture,
    draw_scatterers,
    move_furniture,
    move_scatterers,
    scattered_paths,
)

SIZE = np.array((7.0, 5.0, 2.5))
NOWHERE = np.empty((0, 2))
GRID = np.array([(x, y) for x in (1.0, 2.5, 4.0, 5.5) for y in (1.0, 2.5, 4.0)])
DESK = Furniture(np.array([[2.0, 1.0]]), np.array([[1.0, 2.0, 0.75]]), np.array([3.0]))
"""From (2, 1) to (3, 3), 0.75 m high."""


def loss_db(furniture, start, end):
    passed = furniture.passes(np.array(start, float), np.array(end, float))
    return -20 * np.log10(passed)


# -- boxes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ((1, 2, 0.5), (4, 2, 0.5), 3.0),  # right through
        ((1, 2, 1.0), (4, 2, 1.0), 0.0),  # above
        ((1, 2, 1.0), (4, 2, 0.4), 3.0),  # from above down into it
        ((1, 0.5, 0.5), (4, 0.5, 0.5), 0.0),  # beside
        ((1, 2, 0.5), (1.9, 2, 0.5), 0.0),  # ends before
        ((3.1, 2, 0.5), (4, 2, 0.5), 0.0),  # begins behind
        ((2.5, 2, 0.5), (4, 2, 0.5), 3.0),  # begins inside
        ((2.5, 2, 2.0), (2.5, 2, 0.1), 3.0),  # straight down
        ((2.5, 0, 0.5), (2.5, 4, 0.5), 3.0),  # along y
        ((1, 1, 0.5), (4, 3.5, 0.5), 3.0),  # at an angle
        ((1, 2.5, 0.5), (2.4, 4, 0.5), 0.0),  # past a corner
    ],
)
def test_a_path_through_a_desk_loses_3_db(start, end, expected):
    assert loss_db(DESK, start, end) == pytest.approx(expected)
    assert loss_db(DESK, end, start) == pytest.approx(expected)


def test_losses_add_up():
    both = Furniture(
        np.array([[2.0, 1.0], [4.0, 1.0]]),
        np.array([[1.0, 2.0, 0.75], [0.5, 2.0, 1.7]]),
        np.array([3.0, 12.0]),
    )

    assert loss_db(both, (1, 2, 0.5), (5, 2, 0.5)) == pytest.approx(15)
    assert loss_db(both, (1, 2, 0.9), (5, 2, 0.9)) == pytest.approx(12)


def test_nothing_in_the_room_weakens_nothing():
    assert loss_db(NO_FURNITURE, (1, 2, 0.5), (4, 2, 0.5)) == 0


def test_many_paths_are_tested_at_once(rng):
    starts, ends = rng.uniform(0, 1, (2, 40, 3)) * SIZE

    table = DESK.passes(starts[:, None], ends)

    assert table.shape == (40, 40)
    for i, j in ((0, 0), (3, 17), (39, 5)):
        assert table[i, j] == DESK.passes(starts[i], ends[j])
    assert 0 < (table < 1).mean() < 1


def walked_into(furniture, start, end):
    """Whether any of many steps along a path is inside a box: the slow way."""
    steps = start + np.linspace(0, 1, 4001)[:, None] * (end - start)
    return furniture.holds(steps).any()


def test_paths_agree_with_walking_along_them(rng):
    for start, end in rng.uniform(0, 1, (150, 2, 3)) * SIZE:
        crossed = DESK.passes(start, end) < 1
        assert crossed == walked_into(DESK, start, end)


@pytest.mark.parametrize(
    ("place", "clearance_m", "inside"),
    [
        ((2.5, 2, 0.5), 0.0, True),
        ((2.5, 2, 0.8), 0.0, False),
        ((2.5, 2, 0.8), 0.1, True),
        ((1.9, 2, 0.5), 0.0, False),
        ((1.9, 2, 0.5), 0.15, True),
    ],
)
def test_a_place_is_inside_or_not(place, clearance_m, inside):
    held = DESK.holds(np.array([place, (6, 4, 1)]), clearance_m=clearance_m)

    assert held.tolist() == [inside, False]


# -- drawing and moving ----------------------------------------------------------------


def is_clear(furniture, places):
    """By hand: no place within 0.15 m of the floor area of any box."""
    low = furniture.corners[:, None] - 0.15
    high = furniture.corners[:, None] + furniture.sizes[:, None, :2] + 0.15
    return not ((places > low) & (places < high)).all(axis=2).any()


def test_drawn_furniture_stands_inside_and_leaves_places_free(rng):
    drawn = [draw_furniture(rng, SIZE, 15, cabinets=0.4, free=GRID) for _ in range(20)]

    for furniture in drawn:
        assert 10 < len(furniture) <= 15
        assert (furniture.corners >= 0).all()
        ends = furniture.corners + furniture.sizes[:, :2]
        assert (ends <= SIZE[:2]).all()
        assert is_clear(furniture, GRID)
    tall = np.concatenate([furniture.loss_db for furniture in drawn]) == 12
    # Tall ones are a little less often in the way of nobody; 300 drawn.
    assert tall.mean() == pytest.approx(0.4, abs=0.12)
    heights = np.concatenate([furniture.sizes[:, 2] for furniture in drawn])
    np.testing.assert_allclose(heights, np.where(tall, 1.7, 0.75))


def test_where_nothing_fits_there_is_nothing(rng):
    everywhere = np.array(
        [(x, y) for x in np.arange(0, 7, 0.3) for y in np.arange(0, 5, 0.3)]
    )

    assert len(draw_furniture(rng, SIZE, 5, cabinets=0, free=everywhere)) == 0
    assert len(draw_furniture(rng, SIZE, 0, cabinets=0, free=NOWHERE)) == 0


def test_a_share_of_the_furniture_moves_by_half_a_metre(rng):
    before = draw_furniture(rng, SIZE, 15, cabinets=0.4, free=GRID)

    shifts = []
    for _ in range(40):
        after = move_furniture(rng, before, SIZE, moved=0.35, shift_m=0.6, free=GRID)
        assert is_clear(after, GRID)
        assert (after.corners >= 0).all()
        assert (after.corners + after.sizes[:, :2] <= SIZE[:2]).all()
        np.testing.assert_array_equal(after.sizes, before.sizes)
        shifts.append(after.corners - before.corners)
    moved = np.concatenate(shifts)
    n_moved = moved.any(axis=1)

    # 600 pieces: four standard deviations of their share.
    assert n_moved.mean() == pytest.approx(0.35, abs=4 * (0.35 * 0.65 / 600) ** 0.5)
    # Less than drawn, for walls and free places keep them.
    assert 0.3 < np.sqrt(np.square(moved[n_moved]).mean()) < 0.65


@pytest.mark.parametrize(("moved", "n"), [(0.0, 0), (1.0, 10)])
def test_none_or_all_of_it_moves(rng, moved, n):
    before = draw_furniture(rng, SIZE, 10, cabinets=0.4, free=NOWHERE)

    after = move_furniture(rng, before, SIZE, moved=moved, shift_m=0.6, free=NOWHERE)

    assert (after.corners != before.corners).any(axis=1).sum() == n


# -- scatterers ------------------------------------------------------------------------


def test_a_scatterer_follows_the_radar_equation():
    """P_r / P_t = λ² σ / ((4π)³ d₁² d₂²), with distances of 3 m and 4 m."""
    one = Scatterers(np.array([[3.0, 0.0, 1.0]]), np.array([0.5 * np.exp(0.8j)]))

    lengths, gains = scattered_paths(
        one, np.array((0.0, 0.0, 1.0)), np.array([(3.0, 4.0, 1.0)]), 0.0579
    )

    expected = 0.0579 * 0.5 / ((4 * np.pi) ** 1.5 * 3 * 4)
    # Both distances are 5 cm longer, so that none can be zero.
    assert abs(gains[0, 0]) == pytest.approx(expected, rel=0.05 / 3 + 0.05 / 4)
    assert np.angle(gains[0, 0]) == pytest.approx(0.8)
    assert lengths[0, 0] == pytest.approx(7.1)


def test_a_scatterer_at_the_antenna_is_not_infinitely_loud():
    one = Scatterers(np.array([[3.0, 0.0, 1.0]]), np.array([0.5 + 0j]))

    _, gains = scattered_paths(one, one.positions[0], one.positions, 0.0579)

    assert np.isfinite(gains).all()


def test_scatterers_are_anywhere_in_the_room(rng):
    drawn = draw_scatterers(rng, SIZE, 4000)

    assert ((drawn.positions > 0) & (drawn.positions < SIZE)).all()
    np.testing.assert_allclose(drawn.positions.mean(axis=0), SIZE / 2, rtol=0.04)
    level_db = 20 * np.log10(np.abs(drawn.amplitudes))
    assert level_db.mean() == pytest.approx(-2, abs=0.3)
    assert level_db.std() == pytest.approx(5, abs=0.3)
    assert abs(np.exp(1j * np.angle(drawn.amplitudes)).mean()) < 0.06


def test_a_share_of_the_scatterers_moves_over_the_floor(rng):
    before = draw_scatterers(rng, SIZE, 4000)

    after = move_scatterers(rng, before, SIZE, moved=0.35, shift_m=0.6)

    shift = after.positions - before.positions
    moved = shift.any(axis=1)
    assert moved.mean() == pytest.approx(0.35, abs=0.03)
    np.testing.assert_array_equal(after.amplitudes, before.amplitudes)
    assert ((after.positions > 0) & (after.positions < SIZE)).all()
    assert shift[moved, :2].std() == pytest.approx(0.55, abs=0.05)
    # Up and down only those do that were at the floor or the ceiling.
    assert np.median(np.abs(shift[moved, 2])) == 0
