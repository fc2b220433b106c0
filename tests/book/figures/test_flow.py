"""Figures of the flow chapter: margins in order, steps counted from the right one."""

import numpy as np
import pytest

import lowrot
from figures import flow as figures

pytestmark = pytest.mark.usefixtures("headless")


def test_smoothed_margins_draws_the_first_on_top():
    curves = {"flow": ([0, 1], [0, 0.1]), "steps": ([0, 1], [0, 0.2])}
    ax = figures.smoothed_margins(curves, best=0.125)
    assert ax.lines[0].get_zorder() > ax.lines[1].get_zorder()
    assert list(ax.lines[2].get_ydata()) == [0.125, 0.125]
    with pytest.raises(ValueError, match="curves is empty"):
        figures.smoothed_margins({})


def test_steps_taken_counts_from_the_first_margin_above_one():
    path = lowrot.Path({"tau": np.arange(4.0), "min_margin": np.array([-1.0, 0.5, 2.0, 8.0])})
    ax = figures.steps_taken(path, (2.0, 1.0))
    assert ax.lines[0].get_xydata().tolist() == [[2.0, 2.0], [8.0, 3.0]]
    assert ax.lines[1].get_ydata() == pytest.approx(2.0 + np.log([2.0, 8.0]))
    path.columns["min_margin"][2:] = 0.5
    with pytest.raises(ValueError, match="expected one above 1"):
        figures.steps_taken(path, (2.0, 1.0))
