"""Maps of a few points by hand."""

import numpy as np

from tests.trainer.days import hall
from trainer.methods.field_map import FieldMap, FieldSettings
from trainer.methods.rows import Rows

LINE = hall([(0, 0), (5, 0), (10, 0), (15, 0)], 2)


def blank(place=LINE, *, settings=None, sensor=1.0):
    """A map on which nothing is drawn."""
    return FieldMap.blank(
        settings or FieldSettings(), place, len(place.channels), sensor
    )


def rows(values, points, stops=None):
    """Samples above the floor; each at a stop of its own, or where one says."""
    points = np.array(points, np.intp)
    stops = np.arange(len(points)) if stops is None else np.array(stops, np.intp)
    return Rows(np.array(values, np.float64).reshape(len(points), -1), points, stops)


def test_a_channel_that_history_never_heard_varies_around_what_is_heard_today():
    past = rows([[30, 0], [20, 0], [10, 0], [10, 0]], [0, 1, 2, 3])

    bent = blank().drawn(past).bent(rows([[30, 40], [20, 40]], [0, 1]))

    # Heard alike at both points, it is expected alike everywhere.
    np.testing.assert_allclose(bent.level[:, 1], 40)
