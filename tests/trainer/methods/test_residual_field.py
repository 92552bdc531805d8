"""The field in an office that changes."""

import numpy as np

from tests.trainer.days import NAN, day, hall, located
from trainer.methods.residual_field import ResidualField

LINE = hall([(5 * x, 0) for x in range(10)], 2)


def test_shots_that_heard_nothing_at_all_leave_the_centre():
    deaf = day(LINE, np.full((10, 2), NAN), range(10))

    found = located(ResidualField(), [], deaf, [[-40, NAN]])

    np.testing.assert_allclose(found.locations, [[22.5, 0]])
    np.testing.assert_allclose(found.posterior, 1 / 10)
