"""Predictors of the plane: what is drawn, what is left alone, what is refused."""

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes

import lowrot
from lowrot import plots
from lowrot.plots import _regions
from lowrot.plots._regions import merged_directions

pytestmark = pytest.mark.usefixtures("headless")

XOR = lowrot.sparse_parity(2)
CUBE = lowrot.sparse_parity(3)
PAIR = lowrot.two_points(1.3)


@pytest.fixture(scope="module")
def best():
    return lowrot.global_margin(XOR)


def artists(ax: Axes) -> int:
    return len(ax.lines) + len(ax.collections) + len(ax.patches)


def test_decision_regions_draws_the_sign_of_the_predictor(best):
    ax = plots.decision_regions(best.primal, XOR, level=best.value, q=best.dual, title="XOR")
    assert isinstance(ax, Axes)
    assert artists(ax) >= 4  # two regions, the boundary, the lines of the margin, the points
    assert ax.get_title("left") == "XOR"


def test_lines_of_the_level_pass_where_the_predictor_has_it():
    ax = plots.decision_regions(lambda X: X[:, 0], PAIR, level=0.5)
    drawn = [piece for c in ax.collections[:4] for piece in c.get_paths()]
    lines = {round(float(p.vertices[0, 0]), 9) for p in drawn if len(p) == 2}
    assert lines == {-0.5, 0.0, 0.5}
    assert max(map(len, drawn)) <= 6  # straight pieces have no vertices but their ends
    deeper = plots.decision_regions(lambda X: X[:, 0], PAIR, level=9.0)
    assert len(deeper.collections) == len(ax.collections) - 1


def test_decision_regions_without_a_predictor_draws_points_only():
    ax = plots.decision_regions(None, XOR)
    assert len(ax.collections) == 2
    assert sum(len(c.get_offsets()) for c in ax.collections) == XOR.n


def test_decision_regions_of_a_predictor_of_one_sign():
    ax = plots.decision_regions(lambda X: X.new_ones(len(X)), PAIR, level=0.5)
    assert artists(ax) >= 2


def test_optimal_directions_shows_every_share(best):
    ax = plots.optimal_directions(best.primal, XOR, q=best.dual)
    assert [t.get_text() for t in ax.texts] == ["0.25"] * 4
    assert {line.get_linestyle() for line in ax.lines[1:]} == {"-", "--"}


def test_equal_directions_are_merged():
    V = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    a = torch.tensor([1.0, 1.0, 1.0, -4.0], dtype=torch.float64)
    found = {
        (sign, *direction.tolist()): share
        for direction, sign, share in merged_directions(lowrot.Network(a, V))
    }
    assert found == {(1, 1, 0): 3 / 8, (1, 0, 1): 1 / 8, (-1, 1, 0): 4 / 8}


def test_dual_curve_stays_within_the_band_at_the_optimum(best):
    ax = plots.dual_curve(best.dual, XOR, value=best.upper, net=best.primal)
    curve = ax.lines[0].get_ydata()
    assert abs(curve).max() <= best.upper * (1 + 1e-9)
    assert abs(curve).max() == pytest.approx(best.upper, rel=1e-9)


def test_dual_curve_leaves_the_band_elsewhere(best):
    q = torch.tensor([0.7, 0.1, 0.1, 0.1], dtype=torch.float64)
    curve = plots.dual_curve(q, XOR, value=best.upper).lines[0].get_ydata()
    assert abs(curve).max() > 1.5 * best.upper


def test_dual_curve_of_a_leaky_network():
    q = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)
    curve = plots.dual_curve(q, XOR, value=1.0, slope=0.25).lines[0].get_ydata()
    size = float(XOR.X[0].norm())
    assert sorted(abs(curve[[curve.argmin(), curve.argmax()]])) == pytest.approx(
        [size / 4, size], rel=1e-4
    )


def test_tangent_predictor_has_the_margins_that_ntk_margin_maximizes():
    net = lowrot.standard(40, 2, seed=3)
    for layers in ("outer", "inner", "both"):
        best = lowrot.ntk_margin(net, XOR, layers=layers)
        f = plots.tangent_predictor(net, best.primal)
        assert float((XOR.y * f(XOR.X)).min()) == pytest.approx(best.value, rel=1e-9)


def test_figures_draw_on_the_axes_given(best):
    axes = plots.grid(3)
    assert plots.decision_regions(best.primal, XOR, ax=axes[0]) is axes[0]
    assert plots.optimal_directions(best.primal, XOR, ax=axes[1]) is axes[1]
    assert plots.dual_curve(best.dual, XOR, value=best.value, ax=axes[2]) is axes[2]


def test_figures_do_not_change_their_inputs(best):
    data = lowrot.sparse_parity(2)
    before = [t.clone() for t in (data.X, data.y, best.dual, best.primal.a, best.primal.V)]
    plots.decision_regions(best.primal, data, level=best.value, q=best.dual)
    plots.optimal_directions(best.primal, data, q=best.dual)
    plots.dual_curve(best.dual, data, value=best.value, net=best.primal)
    after = (data.X, data.y, best.dual, best.primal.a, best.primal.V)
    assert all(torch.equal(a, b) for a, b in zip(before, after))


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.decision_regions(None, CUBE),
        lambda: plots.optimal_directions(lowrot.standard(2, 3), CUBE),
        lambda: plots.dual_curve(torch.ones(8, dtype=torch.float64) / 8, CUBE, value=0.1),
    ],
)
def test_other_dimensions_are_refused_by_name(draw):
    with pytest.raises(ValueError, match=r"d = 3; \w+ draws d = 2 only"):
        draw()


def test_other_refusals():
    with pytest.raises(ValueError, match="net has d = 3; expected 2"):
        plots.optimal_directions(lowrot.standard(2, 3), XOR)
    with pytest.raises(TypeError, match="net is a Tensor; expected a Network"):
        plots.optimal_directions(XOR.X, XOR)
    with pytest.raises(TypeError, match="predict is a Tensor; expected a function"):
        plots.decision_regions(XOR.X, XOR)
    with pytest.raises(ValueError, match=r"q has shape \(2,\); expected 4"):
        plots.dual_curve(PAIR.y, XOR, value=1.0)


@pytest.mark.parametrize("unit", [1.0, 1e-9, 1e-15, 1e-100])
def test_regions_do_not_depend_on_the_unit_of_the_predictor(unit):
    ax = plots.decision_regions(lambda X: unit * X[:, 0].relu(), PAIR)
    negative, positive = (c.get_paths() for c in ax.collections[:2])
    assert not any(len(piece) for piece in negative)
    left = min(float(piece.vertices[:, 0].min()) for piece in positive if len(piece))
    assert left == pytest.approx(0.0, abs=0.02)


def test_no_region_is_drawn_where_all_neurons_are_off():
    ax = plots.decision_regions(lambda X: 0 * X[:, 0], PAIR)
    assert not any(len(piece) for c in ax.collections[:2] for piece in c.get_paths())


def test_straight_pieces_keep_the_regions_as_they_are(monkeypatch, best):
    def regions():
        return plots.decision_regions(best.primal, XOR).collections[:2]

    thin = regions()
    monkeypatch.setattr(_regions, "_straighten", lambda contours: None)
    points = np.random.default_rng(0).uniform(-1.3, 1.3, (400, 2))
    for few, many in zip(thin, regions()):
        (path,), (full,) = few.get_paths(), many.get_paths()
        assert len(path) < len(full) / 3
        assert (path.contains_points(points) == full.contains_points(points)).all()


def test_the_boundary_is_the_edge_of_both_regions():
    def kinked(X):
        return X[:, 0] + 0.4 * X[:, 1].relu() - 0.4 * (-0.3 - X[:, 1]).relu() - 0.1

    ax = plots.decision_regions(kinked, PAIR, level=0.3)
    boundary, margin = (ax.collections[k].get_paths() for k in (2, 3))
    level = {0: 0.0, 1: -0.3, 2: 0.3}
    for k, path in enumerate([*boundary, *margin]):
        points = torch.as_tensor(path.interpolated(50).vertices)
        step = 2 * 1.22 / 160  # of the mesh, on which kinks are cut
        assert len(path) < 12
        assert float((kinked(points) - level[k]).abs().max()) < 0.5 * step
    edges = np.concatenate([p.vertices for c in ax.collections[:2] for p in c.get_paths()])
    for corner in boundary[0].vertices:
        assert np.linalg.norm(edges - corner, axis=1).min() < 1e-9


def test_a_boundary_through_nodes_of_the_mesh_keeps_its_corners(best):
    ax = plots.decision_regions(best.primal, XOR)
    for path in ax.collections[2].get_paths():
        points = torch.as_tensor(path.interpolated(50).vertices)
        assert float(points.abs().amin(dim=1).max()) < 1e-6  # on the axes
