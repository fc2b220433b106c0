"""Figures of gradient flow near initialization: what they draw, on small runs."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import lowrot
from figures import near_init_flow as figures

pytestmark = pytest.mark.usefixtures("headless")

XOR = lowrot.sparse_parity(2)


@pytest.fixture(scope="module")
def followed():
    net = lowrot.standard(100, 2, seed=0)
    path = lowrot.gradient_flow(net, XOR, stop={"tau": 2}, save=np.linspace(0, 2, 9))
    return lowrot.near_init_flow(net, XOR), path


def test_a_flow_at_a_glance(followed):
    stated, path = followed
    left, middle, ring = figures.flow_at_a_glance(
        path, stated, XOR, levels={"best": 0.125, "NTK": 0.07}
    )
    g = stated.start.g
    x, floor = left.lines[1].get_data()
    assert floor == pytest.approx(stated.floor(x * g))
    assert left.lines[2].get_ydata() == [g**2 / 4]
    assert [line.get_label() for line in middle.lines[1:3]] == ["best", "NTK"]
    assert list(middle.lines[0].get_ydata()) == list(path["margin"])
    assert ring.get_title("left") == r"directions, $\tau = 0$ to 1"
    assert len(ring.lines) >= 96


def test_gains_are_in_units_of_g(followed):
    stated, path = followed
    frame = path.frame()[["rho", "P"]].assign(g=stated.start.g, d=2, seed=0)
    frames = [frame.assign(loss=loss) for loss in ("exponential", "logistic")]
    axes = figures.margin_gained(pd.concat(frames))
    assert [ax.get_title("left") for ax in axes] == ["exponential loss", "logistic loss"]
    g = stated.start.g
    assert axes[0].lines[0].get_ydata() == pytest.approx((path["P"] - path["P"][0]) / g**2)
    assert axes[0].lines[1].get_ydata()[-1] == 0.5


def test_panels_against_the_width():
    series = {"d = 2": ([8, 16], [1.0, 2.0], "o-"), "law": ([8, 16], [1.0, 1.5], "--")}
    axes = figures.against_width({"moved": series, "turned": series}, [True, False])
    assert [ax.get_yscale() for ax in axes] == ["log", "linear"]
    assert axes[0].lines[1].get_linestyle() == "--"


def test_rates_fall_to_zero(followed):
    stated, _ = followed
    both = lowrot.near_init_flow(stated.net, XOR, layers="both")
    axis = figures.rates({"outer": stated, "both": both})
    outer, other = axis.lines[0].get_ydata(), axis.lines[1].get_ydata()
    assert (outer[0], outer[-1]) == (pytest.approx(1.0), pytest.approx(0.0))
    assert other[0] == pytest.approx(both.start.g / stated.start.g)


def test_the_explorer_says_whether_the_hypotheses_are_met():
    rows = [(d, m, "all", 0.1 * d, 0.0, 1.0) for d in (2, 4) for m in (8, 64)]
    share = pd.DataFrame(rows, columns=["d", "m", "conclusion", "share", "low", "high"])
    shown = figures.hypotheses_explorer(share, {2: 50.0, 4: 500.0, 6: 1e9})
    held = json.loads(re.search(r'application/json">(.*?)</script>', str(shown), re.S)[1])
    assert held["controls"] == [["d = 2", "d = 4"], ["m = 8", "m = 64"]]
    assert held["panels"][0]["readout"] == [
        "hypotheses not met (from m = 50 on); all: 20 % (0 to 100)",
        "hypotheses met; all: 20 % (0 to 100)",
        "hypotheses not met (from m = 500 on); all: 40 % (0 to 100)",
        "hypotheses not met (from m = 500 on); all: 40 % (0 to 100)",
    ]
