"""Figures of margins: sets, dimensions, and the grids of the chapter."""

import math

import pytest
import torch

import lowrot
from figures import margins as figures
from lowrot import plots

pytestmark = pytest.mark.usefixtures("headless")

XOR = lowrot.sparse_parity(2)
CUBE = lowrot.sparse_parity(3)
PAIR = lowrot.two_points(1.3)


def artists(ax):
    return len(ax.lines) + len(ax.collections) + len(ax.patches)


def test_grids_of_the_chapter():
    nets = {"XOR": lowrot.standard(40, 2, seed=0), "pair": lowrot.standard(40, 2, seed=0)}
    axes = figures.best_regions({"XOR": XOR, "pair": PAIR}, nets)
    assert [ax.get_title("left") for ax in axes[::3]] == ["line: none", "line: 0.267"]
    assert [ax.get_title("left")[:7] for ax in axes[1::3]] == ["tangent"] * 2
    assert [ax.get_title("left") for ax in axes[2::3]] == ["network: 0.250", "network: 0.500"]
    assert all(artists(ax) for ax in axes)
    below = figures.network_certificates({"XOR": XOR, "pair": PAIR, "again": XOR})
    assert all(artists(ax) for ax in below)
    assert [ax.get_title("left") for ax in below[:3]] == ["XOR", "pair", "again"]
    for drawn in (axes, below):
        assert drawn[0].figure.get_figwidth() <= plots.WIDEST


def test_margin_sets_ends_where_the_diagonal_leaves_the_set():
    signed = PAIR.y[:, None] * PAIR.X
    ax = figures.margin_sets({"line": lambda w: float((w @ signed).norm())}, PAIR)
    end = next(line for line in ax.lines if line.get_marker() == "o").get_xdata()[0]
    assert end == pytest.approx(math.cos(1.3), rel=1e-4)
    edge = ax.lines[0].get_xydata()
    inside = torch.linalg.solve(signed @ signed.T, torch.as_tensor(edge.T.copy()))
    assert torch.allclose(
        (torch.as_tensor(edge.T.copy()) * inside).sum(0),
        torch.ones(721, dtype=torch.float64),
        atol=1e-3,
    )


def test_margins_against_d_draws_curves_and_spreads():
    measured, curves = {"a": {2: [0.2, 0.3], 3: [0.1]}}, {"a": {2: 0.25, 3: 0.1}, "b": {2: 0.5}}
    ax = figures.margins_against_d(measured, curves)
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert measured == {"a": {2: [0.2, 0.3], 3: [0.1]}}
    assert curves == {"a": {2: 0.25, 3: 0.1}, "b": {2: 0.5}}
    assert len(figures.margins_against_d(measured, {}).containers) == 1


def test_figures_draw_on_the_axes_given():
    left, right = plots.grid(2)
    assert figures.margins_against_d({}, {"a": {2: 0.1}}, ax=left) is left
    assert figures.margin_sets({"disc": lambda w: float(w.norm())}, PAIR, ax=right) is right


def test_refusals():
    with pytest.raises(ValueError, match="n = 4 points; margin_sets draws n = 2"):
        figures.margin_sets({}, XOR)
    with pytest.raises(ValueError, match="empty"):
        figures.margins_against_d({}, {})
    with pytest.raises(ValueError, match=r"d = 3; \w+ draws d = 2 only"):
        figures.best_regions({"cube": CUBE}, {"cube": lowrot.standard(9, 3)})
