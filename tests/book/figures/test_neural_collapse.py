"""Figures of neural collapse: what they draw, on paths and data small enough to count."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

import lowrot
from figures import neural_collapse as figures
from lowrot.path import Path
from lowrot.theorems import plane_arcs

pytestmark = pytest.mark.usefixtures("headless")

THREE = lowrot.collapsed_groups(3, 2, spread=0.1)
XOR = lowrot.infer_groups(lowrot.sparse_parity(2))


def turning(net, degrees):
    """A path on which the neurons turn by the given angles and the first doubles its mass."""
    V, a = [], []
    for angle in degrees:
        t = math.radians(angle)
        turn = torch.tensor([[math.cos(t), -math.sin(t)], [math.sin(t), math.cos(t)]])
        V.append((net.V @ turn.double().T).numpy())
        a.append(net.a.numpy() * np.where(np.arange(net.m) == 0, 1 + angle / 90, 1.0))
    tau = np.arange(len(degrees), dtype=float)
    return Path({"tau": tau}, {"a": np.stack(a), "V": np.stack(V)})


def test_angles_to_groups_are_those_of_their_sign():
    beta = lowrot.neural_collapse(lowrot.standard(3, 2, seed=0), THREE).beta
    net = lowrot.Network([1.0, -1.0, 2.0], torch.stack([beta[0], 2 * beta[0], beta[2]]))
    theorem = lowrot.neural_collapse(net, THREE)
    angle, mass = figures.angle_to_groups(turning(net, [0, 20]), theorem)
    # The second neuron has the sign of the second group only, at 120 degrees from the first.
    assert angle[0] == pytest.approx([0, 120, 0], abs=1e-5)
    assert angle[1] == pytest.approx([20, 100, 20])
    assert mass[0] == pytest.approx([0.2, 0.4, 0.4])


def test_arcs_are_those_of_the_theorem():
    axes = figures.good_directions({"three": THREE, "XOR": XOR}, opposite=["XOR"])
    assert [ax.get_title("left") for ax in axes] == ["three", "XOR"]
    assert [len(ax.patches) for ax in axes] == [3, 4]
    corners = axes[0].patches[0].get_xy()
    start, length = plane_arcs(THREE)[0]
    found = np.unwrap(np.arctan2(corners[:60, 1], corners[:60, 0]))
    assert found[-1] - found[0] == pytest.approx(length)
    assert math.cos(found[0] - start) == pytest.approx(1.0)
    assert len(figures.good_directions({"XOR": XOR})[0].patches) == 0
    with pytest.raises(ValueError, match="d = 3"):
        figures.good_directions({"cube": lowrot.infer_groups(lowrot.sparse_parity(3))})


def test_rotation_is_weighted_by_mass():
    net = lowrot.balanced(4, 2, seed=1)
    path = turning(net, [0, 30, 90])
    everyone = torch.ones(4, dtype=torch.bool)
    assert figures.mean_rotation(path, net, everyone) == pytest.approx([0, 30, 90])
    assert np.isnan(figures.mean_rotation(path, net, ~everyone)).all()
    first = torch.tensor([True, False, False, False])
    left, right = figures.rotation_and_share(path, net, first)
    assert [line.get_label() for line in left.lines] == ["good", "others"]
    assert right.lines[0].get_ydata() == pytest.approx([1 / 4, (4 / 3) / (13 / 3), 2 / 5])
    assert right.lines[1].get_xydata().tolist() == [[0.0, 1 / 4]]


def test_heavy_neurons_count_more():
    net = lowrot.Network([1.0, -1.0], [[1.0, 0.0], [0.0, 3.0]])
    V = np.array([[[0.0, 1.0], [0.0, 3.0]]])  # the light one turns by 90 degrees
    path = Path({"tau": np.zeros(1)}, {"a": np.array([[2.0, -1.0]]), "V": V})
    assert figures.mean_rotation(path, net, torch.ones(2)) == pytest.approx([90 * 2 / 5])


def test_metrics_that_vanish_leave_a_gap():
    frame = pd.DataFrame({"tau": [0.0, 1.0, 2.0], "NC1": [1.0, 0.5, 0.1], "NC2": [1.0, 0.0, 1e-16]})
    axes = figures.collapse_lines({"groups": frame})
    assert [ax.get_title("left") for ax in axes] == ["NC1", "NC2"]
    assert axes[0].lines[0].get_ydata().tolist() == [0.5, 0.1]
    assert np.isnan(axes[1].lines[0].get_ydata()).all()


def test_errors_are_drawn_against_n_and_n_over_r():
    rows = [(r, n, seed, 1 / n + seed) for r in (2, 4) for n in (4, 8) for seed in (0, 1)]
    frame = pd.DataFrame(rows, columns=["r", "n", "seed", "error"])
    left, right = figures.errors_by_groups(frame)
    assert left.lines[1].get_xdata().tolist() == [4, 8]
    assert right.lines[1].get_xdata().tolist() == [1, 2]
    assert right.lines[1].get_ydata() == pytest.approx([0.75, 0.625])
    band = right.collections[1].get_paths()[0].vertices[:, 1]  # two standard errors of 0 and 1
    assert (band.min(), band.max()) == pytest.approx((0.625 - 1, 0.75 + 1))


def test_missing_groups_draws_curves_bounds_and_intervals():
    curve = {"a": {10: 0.5, 20: 0.1}}
    sampled = pd.DataFrame(
        [("a", 10, 0.5, 0.4, 0.6)], columns=["label", "m", "rate", "low", "high"]
    )
    ax = figures.missing_groups(curve, {"a": {10: 0.7, 20: 0.1}}, sampled)
    assert [t.get_text() for t in ax.figure.legends[0].get_texts()] == [
        "union bound",
        "a",
    ]
    (bars,) = ax.containers
    segment = bars[2][0].get_segments()[0]
    assert segment[:, 1].tolist() == pytest.approx([0.4, 0.6])


def test_products_put_one_label_after_the_other():
    (ax,) = figures.products({"three": THREE})
    shown = np.asarray(ax.images[0].get_array())
    assert shown.shape == (12, 12)
    assert np.diag(shown) == pytest.approx(np.ones(12))
    assert shown[:4, 4:].max() < 0 < shown[:4, :4].min()  # the four points labelled -1 come first
    (hatches,) = ax.patches
    for row, column in ((0, 4), (5, 1), (0, 0), (4, 8)):
        inside = hatches.get_path().contains_point((column, row))
        assert inside == (shown[row, column] < -1 / 3)


def test_products_sort_by_group_within_a_label_where_asked():
    rows = torch.randperm(12, generator=torch.manual_seed(0))
    mixed = lowrot.Dataset(THREE.X[rows], THREE.y[rows], THREE.groups[rows])
    plain, sorted_ = figures.products({"plain": mixed, "sorted": mixed}, order=["sorted"])
    shown = [np.asarray(ax.images[0].get_array()) for ax in (plain, sorted_)]
    assert all((image[:4, 4:] < 0).all() for image in shown)
    assert (shown[1][4:8, 4:8] > 0).all()
    assert not (shown[0][4:8, 4:8] > 0).all()


def test_bounds_are_drawn_from_both_frames():
    tau = np.array([1.0, 2.0])
    conclusion = pd.DataFrame(
        dict.fromkeys(("tau", "margin", "bound", "bound_a_priori", "limit", "ceiling"), tau)
    )
    proof = pd.DataFrame(
        dict.fromkeys(("tau", "growth", "potential", "ln_norm", "norm_bound"), tau)
    )
    left, right = figures.collapse_bounds(conclusion, proof, best=1.0)
    assert (len(left.lines), len(right.lines)) == (4, 4)
    assert left.lines[-1].get_label() == "$1/(2S)$, best of all networks"
    left, _ = figures.collapse_bounds(conclusion, proof, best=1.5)
    assert left.lines[-1].get_ydata()[0] == 1.5
