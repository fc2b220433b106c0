"""Series on logarithmic axes, and the slope beside them."""

import math

import numpy as np
import pytest

from lowrot import plots

pytestmark = pytest.mark.usefixtures("headless")


def test_convergence_draws_the_slope_it_is_told():
    x = np.array([1.0, 2.0, 4.0])
    ax = plots.convergence({"a": (x, x**3)}, labels=("h", "error"), slope=3.0)
    (first, last), (low, high) = ax.lines[-1].get_data()
    assert math.log(high / low) / math.log(last / first) == pytest.approx(3.0)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("h", "error")


def test_convergence_without_slope_or_lines():
    (axis,) = plots.grid(1)
    ax = plots.convergence({"a": ([1, 2], [1, 2])}, labels=("h", "e"), lines=False, ax=axis)
    assert ax is axis
    assert [line.get_linestyle() for line in ax.lines] == ["None"]


def test_convergence_refuses_what_has_no_logarithm():
    with pytest.raises(ValueError, match="expected positive"):
        plots.convergence({"a": ([1.0], [0.0])}, labels=("h", "error"))
    with pytest.raises(ValueError, match="expected positive"):
        plots.convergence({"a": ([-1.0], [1.0])}, labels=("h", "error"))
    with pytest.raises(ValueError, match="series is empty"):
        plots.convergence({}, labels=("h", "error"))
