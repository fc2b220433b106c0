"""Figures of the margin in the end: what they draw, on a small sweep."""

import pandas as pd
import pytest

from figures import near_init_margin as figures

pytestmark = pytest.mark.usefixtures("headless")


def test_margins_are_shares_of_the_best():
    rows = [(2, m, seed, tau, 0.01 * tau) for m in (8, 32) for seed in (0, 1) for tau in (1, 2)]
    frame = pd.DataFrame(rows, columns=["d", "m", "seed", "tau", "normalized"])
    (axis,) = figures.margins_in_time(frame, {2: 0.1}, {2: 0.05})
    assert axis.lines[0].get_ydata() == pytest.approx([0.1, 0.2])
    assert axis.lines[3].get_ydata()[0] == pytest.approx(0.5)
