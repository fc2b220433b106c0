"""Figures: each returns axes, draws something, leaves its inputs alone, says what it refuses."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

import lowrot
from lowrot import plots
from lowrot.plots import _style
from lowrot.plots._optima import merged_directions
from lowrot.plots._regimes import three_groups

pytestmark = pytest.mark.usefixtures("figures")

XOR = lowrot.sparse_parity(2)
CUBE = lowrot.sparse_parity(3)
PAIR = lowrot.two_points(1.3)


@pytest.fixture(scope="module")
def best():
    return lowrot.global_margin(XOR)


@pytest.fixture(scope="module")
def simulated():
    return plots.regimes(seed=0)


def at_night(colour):
    """What the pages make of a colour in dark mode: ``invert(1) hue-rotate(180deg)``."""
    grey = np.array([0.213, 0.715, 0.072])
    return np.clip(2 * grey @ (1 - colour) - (1 - colour), 0, 1)


def contrast(colour, ground):
    """The ratio of the WCAG, from 1 to 21."""
    linear = [
        np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) for c in (colour, ground)
    ]
    low, high = sorted(float(c @ [0.2126, 0.7152, 0.0722]) for c in linear)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    "name", ["POSITIVE", "NEGATIVE", "ACCENT", "SECOND", "THIRD", "MUTED", "INK"]
)
def test_every_colour_is_seen_by_day_and_by_night(name):
    colour = np.array(to_rgb(getattr(_style, name)))
    assert contrast(colour, np.ones(3)) >= 3
    assert contrast(at_night(colour), np.array(to_rgb("#121212"))) >= 3


def artists(ax: Axes) -> int:
    return len(ax.lines) + len(ax.collections) + len(ax.patches)


def test_decision_regions_draws_the_sign_of_the_predictor(best):
    ax = plots.decision_regions(XOR, best.primal, best.value, best.dual, title="XOR")
    assert isinstance(ax, Axes)
    assert artists(ax) >= 4  # two regions, the boundary, the lines of the margin, the points
    assert ax.get_title("center") == "XOR"


def test_decision_regions_without_a_predictor_draws_points_only():
    ax = plots.decision_regions(XOR, None)
    assert len(ax.collections) == 2
    assert sum(len(c.get_offsets()) for c in ax.collections) == XOR.n


def test_decision_regions_of_a_predictor_of_one_sign():
    ax = plots.decision_regions(PAIR, lambda X: X.new_ones(len(X)), 0.5)
    assert artists(ax) >= 2


def test_points_are_as_large_as_their_weights():
    q = torch.tensor([0.7, 0.3], dtype=torch.float64)
    (points,) = [
        c for c in plots.decision_regions(PAIR, None, q=q).collections if len(c.get_sizes())
    ][:1]
    sizes = points.get_sizes()
    assert sizes[0] > sizes[1]


def test_optimal_directions_shows_every_share(best):
    ax = plots.optimal_directions(XOR, best.primal, best.dual)
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
    ax = plots.dual_curve(XOR, best.dual, best.upper, best.primal)
    curve = ax.lines[0].get_ydata()
    assert abs(curve).max() <= best.upper * (1 + 1e-9)
    assert abs(curve).max() == pytest.approx(best.upper, rel=1e-9)


def test_dual_curve_leaves_the_band_elsewhere(best):
    q = torch.tensor([0.7, 0.1, 0.1, 0.1], dtype=torch.float64)
    curve = plots.dual_curve(XOR, q, best.upper).lines[0].get_ydata()
    assert abs(curve).max() > 1.5 * best.upper


def test_margin_sets_ends_where_the_diagonal_leaves_the_set():
    signed = PAIR.y[:, None] * PAIR.X
    ax = plots.margin_sets(PAIR, {"line": lambda w: float((w @ signed).norm())})
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
    ax = plots.margins_against_d(measured, curves)
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert measured == {"a": {2: [0.2, 0.3], 3: [0.1]}}
    assert curves == {"a": {2: 0.25, 3: 0.1}, "b": {2: 0.5}}
    assert len(plots.margins_against_d(measured, {}).containers) == 1


def test_tangent_predictor_has_the_margins_that_ntk_margin_maximizes():
    net = lowrot.standard(40, 2, seed=3)
    for block in ("outer", "inner", "both"):
        best = lowrot.ntk_margin(net, XOR, layers=block)
        f = plots.tangent_predictor(net, best.primal)
        assert float((XOR.y * f(XOR.X)).min()) == pytest.approx(best.value, rel=1e-9)


def test_grids_of_the_chapter():
    nets = {"XOR": lowrot.standard(40, 2, seed=0), "pair": lowrot.standard(40, 2, seed=0)}
    axes = plots.best_regions({"XOR": XOR, "pair": PAIR}, nets)
    assert [ax.get_title("center") for ax in axes[::3]] == ["line: none", "line: 0.267"]
    assert all(artists(ax) for ax in axes)
    assert all(artists(ax) for ax in plots.network_certificates({"XOR": XOR, "pair": PAIR}))


def test_figures_draw_on_the_axes_given(best):
    axes = plots.grid(4)
    assert plots.decision_regions(XOR, best.primal, ax=axes[0]) is axes[0]
    assert plots.optimal_directions(XOR, best.primal, ax=axes[1]) is axes[1]
    assert plots.dual_curve(XOR, best.dual, best.value, ax=axes[2]) is axes[2]
    assert plots.margins_against_d({}, {"a": {2: 0.1}}, axes[3]) is axes[3]


def test_figures_do_not_change_their_inputs(best):
    data = lowrot.sparse_parity(2)
    before = [t.clone() for t in (data.X, data.y, best.dual, best.primal.a, best.primal.V)]
    plots.decision_regions(data, best.primal, best.value, best.dual)
    plots.optimal_directions(data, best.primal, best.dual)
    plots.dual_curve(data, best.dual, best.value, best.primal)
    after = (data.X, data.y, best.dual, best.primal.a, best.primal.V)
    assert all(torch.equal(a, b) for a, b in zip(before, after))


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.decision_regions(CUBE, None),
        lambda: plots.optimal_directions(CUBE, lowrot.standard(2, 3)),
        lambda: plots.dual_curve(CUBE, torch.ones(8, dtype=torch.float64) / 8, 0.1),
        lambda: plots.best_regions({"cube": CUBE}, {"cube": lowrot.standard(9, 3)}),
    ],
)
def test_other_dimensions_are_refused_by_name(draw):
    with pytest.raises(ValueError, match=r"d = 3; \w+ draws d = 2 only"):
        draw()


def test_other_refusals():
    with pytest.raises(ValueError, match="net has d = 3; expected 2"):
        plots.optimal_directions(XOR, lowrot.standard(2, 3))
    with pytest.raises(ValueError, match="n = 4 points; margin_sets draws n = 2"):
        plots.margin_sets(XOR, {})
    with pytest.raises(ValueError, match="empty"):
        plots.margins_against_d({}, {})
    with pytest.raises(ValueError, match="at least one regime"):
        plots.three_regimes([])


def test_regimes_do_what_their_names_say(simulated):
    near, collapse, still = simulated
    assert all(regime.path.ok for regime in simulated)
    assert near.moved == pytest.approx(0.5 * 0.2131 * math.sqrt(2000), rel=0.05)
    assert near.key_rotation < 1 < 10 < collapse.key_rotation
    assert still.key_rotation < 1e-9
    assert all(regime.margin > 0 for regime in simulated)


def test_three_regimes_draws_each(simulated):
    before = [regime.after.V.clone() for regime in simulated]
    axes = plots.three_regimes(simulated, shown=20)
    assert [ax.get_title("center") for ax in axes] == [regime.name for regime in simulated]
    assert all(len(ax.lines) == 2 + 20 for ax in axes)
    assert all(torch.equal(a, regime.after.V) for a, regime in zip(before, simulated))


def test_figures_fit_a_phone(simulated, best):
    nets = {name: lowrot.standard(40, 2, seed=0) for name in ("XOR", "pair")}
    sets = {"XOR": XOR, "pair": PAIR}
    features = lowrot.Features.from_network(lowrot.balanced(20, 2))
    path = lowrot.coupled_flow(features, XOR, stop={"tau": 50.0})
    stated = lowrot.no_rotation(features, XOR)
    drawn = [
        plots.best_regions(sets, nets),
        plots.network_certificates({**sets, "again": XOR}),
        plots.three_regimes(simulated),
        plots.masses(features, XOR, path, [0, 1, 2, 5, 50]),
        plots.bounds(stated.check(path).frame),
        plots.proof_lines(stated.inequalities(path).frame),
    ]
    assert all(axes[0].figure.get_figwidth() <= _style.WIDEST for axes in drawn)
    assert len(drawn[3]) == 5


def test_groups_are_separated():
    data = three_groups()
    product = data.X @ data.X.T
    same = data.groups[:, None] == data.groups[None, :]
    assert bool((product[same] > 0).all())
    assert bool((product[~same] <= 0).all())


# ---------------------------------------------------------------- one-pass SGD


@pytest.fixture(scope="module")
def trained():
    net = lowrot.standard(200, 2, seed=0)
    stated = lowrot.near_init_sgd(net, XOR, samples=40)
    runs = lowrot.one_pass_sgd(
        net,
        lowrot.parity_stream(2),
        samples=40,
        eta=stated.eta,
        seeds=[0, 1],
        records=range(40),
        keep=True,
    )
    return stated, runs


def test_a_run_at_a_glance(trained):
    stated, runs = trained
    left, middle, ring = plots.sgd_at_a_glance(runs, [stated], XOR)
    assert [len(left.lines), len(middle.lines)] == [2 + 2, 2 + 1]
    assert middle.lines[-1].get_ydata()[0] == stated.displacement
    assert len(ring.lines) >= 96
    assert left.lines[0].get_ydata()[-1] == runs.paths[0]["test_error"][-1]


def test_lines_of_the_proof_and_fractions_of_the_bounds(trained):
    stated, runs = trained
    frame = stated.inequalities(runs.paths[0]).frame
    axes = plots.proof_sides(frame, {"gain": "(1)", "step": "(2)", "fresh": "(4)"})
    assert [ax.get_title("left") for ax in axes[:3]] == ["(1)", "(2)", "(4)"]
    for ax, name in zip(axes, ("gain", "step", "fresh")):
        assert list(ax.lines[1].get_ydata()) == list(frame[f"{name}_bound"])
    ax = plots.used_fractions({"rho": (frame.samples + 1, frame.step / frame.step_bound)})
    assert len(ax.lines) == 2
    assert ax.get_yscale() == "log"


def test_curves_of_a_sweep():
    rows = [
        (rule, d, m, seed, s, 0.5 / (1 + s), 1.0 / (1 + s))
        for rule in ("logistic", "perceptron")
        for d in (2, 4)
        for m in (16, 64)
        for seed in (0, 1)
        for s in (0, 1, 8)
    ]
    names = ["rule", "d", "m", "seed", "samples", "test_error", "error_bound"]
    axes = plots.error_curves(pd.DataFrame(rows, columns=names))
    assert len(axes) == 4
    assert [ax.get_title() for ax in axes] == [""] * 4
    assert [ax.get_title("left") for ax in axes] == ["d = 2", "d = 4", "", ""]
    assert list(axes[1].lines[0].get_xdata()) == [1 / 16, 8 / 16]
    assert all(len(ax.lines) >= 4 for ax in axes)


def test_power_laws_shares_and_bounds():
    x = [2, 4, 8]
    left, right = plots.power_laws(
        {"a": {"seen": (x, x, "o"), "law": (x, x, "-")}, "b": {"wide": ([1, 1000], [1, 2], "--")}},
        [("d", "y"), ("m", "z")],
    )
    assert [t.get_text() for t in left.get_xticklabels()] == ["2", "4", "8"]
    assert left.lines[0].get_linestyle() == "None"
    assert right.get_xlabel() == "m"
    frame = pd.DataFrame({"d": 2, "m": [4, 8], "conclusion": "all"})
    frame = frame.assign(share=[0.5, 1.0], low=[0.4, 0.9], high=[0.6, 1.0])
    (ax,) = plots.held_fractions(frame, {2: "d = 2"}, {2: 100.0})
    assert list(ax.lines[0].get_ydata()) == [0.5, 1.0]
    assert list(ax.lines[1].get_xdata()) == [100.0, 100.0]
    ax = plots.bounds_on_error({"bound": (x, [1, 0.5, 0.1])}, (x, [0.3, 0.1, 0.01]), "measured")
    assert len(ax.lines) == 3


def test_smoothed_margins_draws_the_first_on_top():
    ax = plots.smoothed_margins({"flow": ([0, 1], [0, 0.1]), "steps": ([0, 1], [0, 0.2])}, 0.125)
    assert ax.lines[0].get_zorder() > ax.lines[1].get_zorder()
    assert list(ax.lines[2].get_ydata()) == [0.125, 0.125]
    with pytest.raises(ValueError, match="curves is empty"):
        plots.smoothed_margins({})


def test_sliding_neurons_marks_only_what_is_on_a_kink():
    V = np.array([[[1.0, 0.2], [0.3, 1.0]], [[1.0, 0.0], [0.3, 1.0]]])
    data = lowrot.Dataset(torch.tensor([[0.0, 1.0]]).double(), torch.ones(1).double())
    path = lowrot.Path({"tau": np.arange(2.0)}, {"a": np.ones((2, 2)), "V": V})
    lines = plots.sliding_neurons(path, data).lines
    slides = [line.get_ydata() for line in lines if line.get_linewidth() == 2.6]
    assert [np.isfinite(y).tolist() for y in slides] == [[False, True], [False, False]]
    with pytest.raises(ValueError, match="d = 2 only"):
        plots.sliding_neurons(path, CUBE)


def test_convergence_draws_the_slope_it_is_told():
    x = np.array([1.0, 2.0, 4.0])
    ax = plots.convergence({"a": (x, x**3)}, ("h", "error"), 3.0)
    (first, last), (low, high) = ax.lines[-1].get_data()
    assert math.log(high / low) / math.log(last / first) == pytest.approx(3.0)
    with pytest.raises(ValueError, match="expected positive"):
        plots.convergence({"a": ([1.0], [0.0])}, ("h", "error"))


def test_steps_taken_counts_from_the_first_margin_above_one():
    path = lowrot.Path({"tau": np.arange(4.0), "min_margin": np.array([-1.0, 0.5, 2.0, 8.0])})
    ax = plots.steps_taken(path, (2.0, 1.0))
    assert ax.lines[0].get_xydata().tolist() == [[2.0, 2.0], [8.0, 3.0]]
    path.columns["min_margin"][2:] = 0.5
    with pytest.raises(ValueError, match="expected one above 1"):
        plots.steps_taken(path, (2.0, 1.0))
