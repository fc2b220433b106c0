"""Figures of the chapter on bad KKT points: what they draw, on data small enough to count."""

import json
import math
import re

import numpy as np
import pandas as pd
import pytest

import lowrot
from figures import bad_kkt as figures
from lowrot.path import Path
from lowrot.theorems import escape_margins

pytestmark = pytest.mark.usefixtures("headless")

PHI = math.radians(75)


def test_trajectories_show_shares():
    a = np.array([[1.0, 1.0], [1.0, 2.0]])
    V = np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 2.0]]])
    path = Path({"tau": np.array([0.0, 10.0])}, {"a": a, "V": V})
    (axis,) = figures.escape_trajectories({"two": path}, lowrot.two_points(PHI))
    tracks = [collection.get_segments()[0] for collection in axis.collections[:2]]
    assert tracks[0] == pytest.approx(np.array([[0.5, 0.0], [0.2, 0.0]]))
    assert tracks[1] == pytest.approx(np.array([[0.0, 0.5], [0.0, 0.8]]))
    with pytest.raises(ValueError, match="d = 3"):
        figures.escape_trajectories({"two": path}, lowrot.sparse_parity(3))


def test_margins_cross_at_sixty_degrees():
    ended = pd.DataFrame({"degrees": [65, 70, 85], "margin": [0.2, 0.25, 0.04]})
    left, right = figures.margins_by_angle(ended)
    optimum, tilted, bad, flows = left.lines
    assert flows.get_ydata().tolist() == [0.2, 0.25]  # the last is far beyond the tilted point
    x, y = tilted.get_data()
    assert np.isnan(y[x > 67.5]).all()
    assert np.isfinite(y[x < 67.5]).all()
    assert (optimum.get_ydata() > bad.get_ydata()).all()
    turn, rate = right.lines[0].get_data()
    assert np.sign(rate - 1).tolist() == np.sign(60 - turn).tolist()


def test_shares_have_intervals_and_laws():
    frame = pd.DataFrame(
        [("a", 1, "bad", 0.2, 0.1, 0.3, 0.25), ("a", 2, "bad", 0.1, 0.05, 0.2, 0.15)],
        columns=["panel", "m", "outcome", "share", "low", "high", "law"],
    )
    (axis,) = figures.outcome_shares(frame, "panel", "m", "width")
    (bars,) = axis.containers
    assert bars[2][0].get_segments()[0][:, 1] == pytest.approx([0.1, 0.3])
    assert axis.lines[-1].get_ydata().tolist() == [0.25, 0.15]
    (bare,) = figures.outcome_shares(frame.drop(columns="law"), "panel", "m", "width")
    assert len(bare.lines) == len(axis.lines) - 1


def test_barrier_and_bound_are_drawn():
    names = ("tau", "imbalance", "margin", "bound")
    frame = pd.DataFrame({name: [0.0, 1.0, 2.0] for name in names})
    levels = escape_margins(PHI)
    left, right = figures.escape_proof(frame, levels)
    heights = sorted(line.get_ydata()[0] for line in left.lines[1:])
    assert heights == pytest.approx([-levels.kappa, -levels.inner, levels.inner, levels.kappa])
    assert right.lines[0].get_xdata().tolist() == [1.0, 2.0]


def test_the_angle_explorer_shows_each_angle():
    rows, paths = [], []
    for degrees in (65, 75):
        pair = lowrot.two_points(math.radians(degrees))
        for net in (lowrot.in_plane([1, -2], [1e-2, 2e-2]), lowrot.in_plane([degrees, -1], [1, 1])):
            paths.append(lowrot.gradient_flow(net, pair, stop={"tau": 5}))
            rows.append((degrees, paths[-1]["normalized"][-1]))
    ended = pd.DataFrame(rows, columns=["degrees", "margin"])
    shown = figures.angle_explorer(ended, paths)
    text = re.search(r'application/json">(.*?)</script>', str(shown), re.S)[1]
    held = json.loads(text)
    assert held["controls"] == [["φ = 65°", "φ = 75°"]]
    said = held["panels"][1]["readout"]
    assert "tilted 0." in said[0]
    assert "no tilted point" in said[1]
    assert f"flow from both ends at {ended.margin[2]:.3f}" in said[1]
    assert shown.source["name"] == "angle_explorer"


def test_two_ends_draws_each_network():
    pair = lowrot.two_points(1.2)
    nets = {"a": lowrot.balanced(4, 2, 0), "b": lowrot.balanced(4, 2, 1)}
    axes = figures.two_ends(nets, pair)
    assert [ax.get_title("left") for ax in axes] == ["a", "b"]
