"""Figures of the landing page: the three regimes do what their names say, and are drawn."""

import json
import math
import re

import pandas as pd
import pytest

from figures import index as figures

pytestmark = pytest.mark.usefixtures("headless")


@pytest.fixture(scope="module")
def simulated():
    return figures.regimes(seed=0)


def test_regimes_do_what_their_names_say(simulated):
    near, collapse, still = simulated
    assert all(regime.path.ok for regime in simulated)
    assert near.moved == pytest.approx(0.5 * 0.2131 * math.sqrt(2000), rel=0.05)
    assert near.key_rotation < 1 < 10 < collapse.key_rotation
    assert still.key_rotation < 1e-9
    assert all(regime.margin > 0 for regime in simulated)


def test_groups_are_separated():
    data = figures.three_groups()
    product = data.X @ data.X.T
    same = data.groups[:, None] == data.groups[None, :]
    assert bool((product[same] > 0).all())
    assert bool((product[~same] <= 0).all())


def test_regimes_in_time_begin_and_end_as_they_did(simulated):
    found = simulated
    held = json.loads(
        re.search(r'application/json">(.*?)</script>', str(figures.regimes_in_time(found)), re.S)[1]
    )
    assert held["controls"] == [[f"{round(100 * k / 24)} %" for k in range(25)]]
    assert [panel["title"] for panel in held["panels"]] == [regime.name for regime in found]
    for panel, regime in zip(held["panels"], found):
        assert panel["readout"][0].startswith("τ = 0, ")
        turned = float(panel["readout"][-1].rsplit(" ", 1)[1])
        assert turned == pytest.approx(regime.key_rotation, abs=0.05, rel=0.02)
    assert len(held["panels"][2]["directions"]) == 1  # nothing turns


def test_the_margins_of_the_landing_page():
    ends = pd.DataFrame(
        [(d, m, s, tau, tau / 100 + s, 0.2) for d in (2, 4) for m in (8, 16) for s in (0, 1)
         for tau in (1, 20)],
        columns=["d", "m", "seed", "tau", "normalized", "gamma"],
    )  # fmt: skip
    frame = figures.margins_by_dimension(ends)
    assert frame.best.tolist() == pytest.approx([0.25, 1 / math.sqrt(32)])
    assert frame.tangent.tolist() == pytest.approx([0.2, 0.2])
    assert frame[["low", "flow", "high"]].to_numpy()[0] == pytest.approx([0.4, 1.4, 2.4])
    ax = figures.global_and_tangent(frame)
    assert list(ax.lines[0].get_ydata()) == frame.best.tolist()
