"""One rule for the digits of a number and its interval.

    below 100       two behind the point (centimetres, hundredths), or as many more as
                    show that an interval leaves out zero
    below 100 000   none
    from there on   two significant ones and a power of ten

The largest of a number and the ends of its interval decides for all three, so that
they can be held against each other digit by digit.
"""

import math
from typing import Final

_MOST: Final = 6
"""Behind the point: the JSON has no more significant ones."""


def shown(*values: float) -> list[str]:
    """Return a number, or one with the ends of its interval, as people read them.

    Args:
        values: Finite; a mean alone, or mean, low and high.
    """
    largest = max(map(abs, values))
    if largest >= 1e5:
        return [f"{value:.1e}" for value in values]
    if largest >= 100:
        return [_fixed(value, 0) for value in values]
    return [_fixed(value, _behind_the_point(values[1:])) for value in values]


def _behind_the_point(ends: tuple[float, ...]) -> int:
    if not ends or min(ends) <= 0 <= max(ends):
        return 2
    nearest = min(map(abs, ends))
    return next(n for n in range(2, _MOST + 1) if round(nearest, n) or n == _MOST)


def _fixed(value: float, digits: int) -> str:
    # What rounds to zero has no sign: "-0.00" says less than it seems to.
    rounded = round(value, digits)
    return f"{math.copysign(rounded, 1) if rounded == 0 else rounded:.{digits}f}"
