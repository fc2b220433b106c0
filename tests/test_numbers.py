"""Numbers: three digits, what counts in full, and their HTML."""

import math

import numpy as np
import pytest

from lowrot import _numbers


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (True, "yes"),
        (np.bool_(False), "no"),
        (7, "7"),
        (1500, "1500"),
        (np.int64(15_000), "15\u202f000"),
        (999_999, "999\u202f999"),
        (1_000_000, "1e+06"),
        (-12_345_678, "-1.23e+07"),
        (999_999.5, "1.00e+06"),
        (0.0, "0.00"),
        (0.21564, "0.216"),
        (-3.14159, "-3.14"),
        (16.0, "16.0"),
        (409.7, "410"),
        (1024.0, "1024"),
        (2483.4, "2480"),
        (12_356.0, "12\u202f356"),
        (12_356.5, "12\u202f400"),
        (1.0957e8, "1.10e+08"),
        (3.7e-15, "3.70e-15"),
        (math.inf, "inf"),
        (-np.inf, "-inf"),
        (math.nan, ""),
    ],
)
def test_numbers_have_three_digits(number, shown):
    assert _numbers.plain(number) == shown


@pytest.mark.parametrize(
    ("plain", "shown"),
    [
        ("0.5", "0.5"),
        ("-2.5e-07", "−2.5&nbsp;·&nbsp;10<sup>−7</sup>"),
        ("1e+04", "10\u202f000"),
        ("1e+06", "10<sup>6</sup>"),
        ("-1e-12", "−10<sup>−12</sup>"),
        ("1.00e+06", "1.00&nbsp;·&nbsp;10<sup>6</sup>"),
        ("-inf", "−∞"),
    ],
)
def test_numbers_are_set(plain, shown):
    assert _numbers.typeset(plain) == shown


def test_numbers_of_a_text_are_in_full():
    text = "3.5e+05 of 2000000, 12345.5, -12345, 1e-12, x12345 and 1.10e+08"
    assert _numbers.in_full(text) == (
        "350\u202f000 of 2e+06, 12\u202f345.5, -12\u202f345, 1e-12, x12345 and 1.10e+08"
    )
