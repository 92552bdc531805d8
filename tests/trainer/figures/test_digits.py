"""A number and its interval have the same digits, and enough of them."""

import pytest

from trainer.figures.digits import shown


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((1.234, 1.1, 1.3), "1.23 1.10 1.30"),
        ((0.99, 0.985, 1.0), "0.99 0.98 1.00"),
        ((1.0, 1.0, 1.0), "1.00 1.00 1.00"),
        ((1.0,), "1.00"),
        ((0.0004,), "0.00"),
        # Zero is in the interval: two digits, and no sign that says otherwise.
        ((0.011, -0.00053, 0.022), "0.01 0.00 0.02"),
        ((-0.001, -0.02, 0.0), "0.00 -0.02 0.00"),
        # It is not, and that is seen.
        ((0.206, 0.0046, 0.448), "0.206 0.005 0.448"),
        ((-0.145, -0.336, -0.0004), "-0.1450 -0.3360 -0.0004"),
        ((0.2, 1e-9, 0.4), "0.200000 0.000000 0.400000"),
        # The largest decides.
        ((99.99, 5.0, 99.994), "99.99 5.00 99.99"),
        ((41000.4, 32527.2, 51678.6), "41000 32527 51679"),
        ((2e-5, 0.0, 123.4), "0 0 123"),
        ((99_999.0, 0.0, 99_999.9), "99999 0 100000"),
        ((1.0, 0.0, 100_000.0), "1.0e+00 0.0e+00 1.0e+05"),
        ((3e11, 2e5, 4e12), "3.0e+11 2.0e+05 4.0e+12"),
        ((-3e11,), "-3.0e+11"),
    ],
)
def test_a_number_and_its_ends_are_shown_alike(values, text):
    assert " ".join(shown(*values)) == text
