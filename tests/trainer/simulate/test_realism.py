"""How alike simulated captures are: as alike as real ones.

Shape differences [dB] of normalised amplitudes, measured on public captures (Intel
5300, eight points, 27 days; median): 0.86 within a capture, 2.26 to the same point on
the same day, 4.70 to the same point another day, 5.48 to another point. A simulator
that gets their order wrong, or is off by more than a factor of 2.5, would teach a
network something else.
"""

from itertools import combinations

import numpy as np
import pytest

from trainer.simulate.receiver import place_device, receive
from trainer.simulate.room import draw_room, next_day

N_ROOMS, N_POINTS = 3, 5
FACTOR = 2.5


def normalised(csi):
    amplitude = np.abs(csi)
    return amplitude / np.sqrt(np.square(amplitude).mean(axis=-1, keepdims=True))


def decibels(amplitude):
    return 20 * np.log10(np.maximum(amplitude, 0.01))


def shape_of(csi):
    """Median amplitude per tone [dB], normalised."""
    return decibels(normalised(np.median(normalised(csi), axis=0)))


def difference(first, second):
    return np.sqrt(np.square(first - second).mean())


def spread_within(csi):
    """Standard deviation per tone [dB], of the median tone."""
    return np.median(decibels(normalised(csi)).std(axis=0))


@pytest.fixture(scope="module")
def statistics():
    """Medians over rooms, access points and points: four kinds of difference."""
    rng = np.random.default_rng(5)
    found = {"within": [], "same day": [], "other day": [], "other point": []}
    for _ in range(N_ROOMS):
        room = draw_room(rng, size=(rng.uniform(5, 12), rng.uniform(4, 9), 2.6))
        later = next_day(room, rng)
        length, width, _ = room.size
        spots = rng.uniform((1, 1), (length - 1, width - 1), (N_POINTS, 2))
        for access_point in range(3):
            first, again, next_time = (
                [record(rng, day, access_point, spot) for spot in spots]
                for day in (room, room, later)
            )
            shapes = [shape_of(csi) for csi in first]
            found["within"] += [spread_within(csi) for csi in first]
            for kind, captures in (("same day", again), ("other day", next_time)):
                found[kind] += [
                    difference(shape, shape_of(csi))
                    for shape, csi in zip(shapes, captures, strict=True)
                ]
            found["other point"] += [difference(*p) for p in combinations(shapes, 2)]
    return {kind: float(np.median(values)) for kind, values in found.items()}


def record(rng, room, access_point, spot):
    """A minute at a point, after the device was put down anew."""
    place = place_device(rng, *spot)
    return receive(rng, room, access_point, place, n_packets=200, interval_s=0.3).csi


@pytest.mark.parametrize(
    ("kind", "real_db"),
    [("within", 0.86), ("same day", 2.26), ("other day", 4.70), ("other point", 5.48)],
)
def test_captures_differ_as_real_ones_do(statistics, kind, real_db):
    assert real_db / FACTOR < statistics[kind] < real_db * FACTOR


def test_differences_grow_in_the_order_of_real_ones(statistics):
    kinds = ["within", "same day", "other day", "other point"]

    assert sorted(kinds, key=lambda kind: statistics[kind]) == kinds
