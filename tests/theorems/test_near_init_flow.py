"""Near initialization, gradient flow: numbers by hand, exact and small paths, broken paths."""

import functools
import math

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from lowrot import Dataset, Network, NotSeparable, sparse_parity, standard
from lowrot.losses import dual_weights, soft_margin
from lowrot.path import Path
from lowrot.theorems import near_init_flow
from lowrot.theorems._flips import Flips

XOR = sparse_parity(2)
POINT = Dataset(torch.tensor([[1.0, 0.0]], dtype=torch.float64), [1])


def columns(net, start, data, loss):
    p = net.margins(data)
    P = float(soft_margin(p, loss))
    moved = math.hypot(float((net.a - start.a).norm()), float((net.V - start.V).norm()))
    row = {"P": P, "rho": moved, "min_margin": float(p.min())}
    row |= {"norm_a": float(net.a.norm()), "norm_V": float(net.V.norm())}
    return row | {
        "norm_squared": net.norm_squared,
        "margin": max(P, 0.0) / net.norm_squared,
    }


def as_path(rows, nets, loss):
    states = {
        "a": np.stack([n.a.numpy() for n in nets]),
        "V": np.stack([n.V.numpy() for n in nets]),
    }
    return Path(
        {name: np.array([row[name] for row in rows]) for name in rows[0]},
        states,
        meta={"loss": loss},
    )


@functools.cache
def logistic_path():
    """A path that meets the logistic hypotheses."""
    return quiet(1800), explicit_path(quiet(1800), XOR, "logistic", 1.2, 3600, 18)


def explicit_path(start, data, loss, tau, steps, every=1):
    """Midpoint steps in the clock tau, with the left derivative at kinks."""
    h, net, rows, nets = tau / steps, start, [], []

    def slope(net):
        return net.gradient(data, dual_weights(net.margins(data), loss)[0])

    def moved(net, step, along):
        return Network(net.a + step * along[0], net.V + step * along[1], net.slope)

    for k in range(steps + 1):
        if k % every == 0:
            rows.append({"tau": k * h} | columns(net, start, data, loss))
            nets.append(net)
        net = moved(net, h, slope(moved(net, h / 2, slope(net))))
    return as_path(rows, nets, loss)


def quiet(m):
    """A start of small output weights: it meets the logistic hypotheses at a small width.

    The step of an explicit method is limited by ``1/||W||^2``.
    """
    net = standard(m, 2, seed=3)
    return Network(0.05 * net.a, net.V)


def hyperbola(a, c, tau):
    """One neuron along one point: a' = c, c' = a, exactly."""
    grown = a * np.cosh(tau) + c * np.sinh(tau), c * np.cosh(tau) + a * np.sinh(tau)
    nets = [
        Network(torch.tensor([x], dtype=torch.float64), torch.tensor([[y, 0.0]]).double())
        for x, y in zip(*grown, strict=True)
    ]
    rows = [{"tau": t} | columns(n, nets[0], POINT, "exponential") for t, n in zip(tau, nets)]
    return nets[0], as_path(rows, nets, "exponential")


def tampered(path, **changed):
    return Path({**path.columns, **changed}, path.states, meta=path.meta)


def test_numbers_of_one_neuron_on_one_point():
    start, path = hyperbola(0.25, 2.0, np.linspace(0.0, 3.0, 301))
    stated = near_init_flow(start, POINT)
    # theta = 1, <G, theta> = s(v.x) = 2; n = 1, so ln n = 0 and P = p.
    assert stated.start.g == pytest.approx(2.0, rel=1e-12)
    assert (stated.P0, stated.start.N, stated.start.A) == (0.5, 0.0, 0.25)
    assert stated.holds
    assert stated.gain(1.0) == pytest.approx(1.5)
    assert stated.gain(7.0) == stated.gain(2.0) == pytest.approx(2.0)
    assert stated.floor(1.0) == pytest.approx(2.0)
    assert stated.time(1.0) == pytest.approx(1.0)
    assert stated.time(2.0) == math.inf
    assert stated.reached(1.0) == pytest.approx(1.0)
    assert stated.bound(1.0) == pytest.approx(2.0)
    assert stated.ratio_after(1.0) == pytest.approx(2.0 / (1.25 * 3.0))
    # The best D on the grid is the best D.
    dense = np.linspace(0, 2, 20001)
    assert stated.limit == pytest.approx(stated.ratio_after(dense).max() / 2, rel=1e-5)
    assert stated.ratio_after(stated.best_distance) == pytest.approx(2 * stated.limit)
    check, proof = stated.check(path), stated.inequalities(path)
    assert check.holds, check.slack
    assert proof.holds, proof.slack
    # P/(||a|| ||V||) is 1 for ever here, P/||W||^2 tends to 1/2: above the floors, as it must.
    assert check.frame.ratio.min() == pytest.approx(1.0)
    assert check.frame.margin.iloc[-1] == pytest.approx(0.5, abs=1e-2)
    assert stated.limit <= 0.5


def test_explicit_paths_converge():
    net = standard(60, 2, seed=0)
    ends = [explicit_path(net, XOR, "exponential", 0.5, n, n)["P"][-1] for n in (40, 80, 160, 320)]
    gaps = np.abs(np.diff(ends))
    assert np.all(gaps[1:] < 0.6 * gaps[:-1])
    assert gaps[-1] < 1e-4


@pytest.mark.parametrize(
    ("loss", "m", "block", "steps"),
    [
        ("exponential", 800, "outer", 600),
        ("exponential", 800, "both", 600),
        ("logistic", 1800, "outer", 3600),
        ("logistic", 800, "both", 600),
        ("exponential", 16, "outer", 200),
        ("logistic", 16, "both", 200),
    ],
)
def test_conclusions_and_proof_hold_along_a_path(loss, m, block, steps):
    net, path = quiet(m), None
    if m == 1800:
        net, path = logistic_path()
    stated = near_init_flow(net, XOR, loss=loss, layers=block)
    assert stated.holds == (m > 16)
    path = path or explicit_path(net, XOR, loss, 1.2, steps, steps // 200)
    check, proof = stated.check(path), stated.inequalities(path)
    assert check.holds, check.slack
    assert proof.holds, proof.slack
    assert ("corollary: P >= g^2/4" in check.slack) == (stated.holds and block == "outer")
    assert ("outward motion while P < 0" in proof.slack) == (path["P"][0] < 0)


def test_false_conclusions_are_seen():
    net, path = logistic_path()
    stated = near_init_flow(net, XOR, loss="logistic")
    assert stated.check(path).holds
    g, P, later = stated.start.g, path["P"], path["tau"] > 0

    def slack(**changed):
        return stated.check(tampered(path, **changed)).slack

    assert slack(P=np.where(later, P - 0.7 * P[-1], P))["P(0) + gain <= P"] < -1e-3
    assert slack(P=np.where(path["tau"] >= 1, g**2 / 5, P))["corollary: P >= g^2/4"] < 0
    assert slack(min_margin=P - 1.0)["P <= min p"] < -1e-3
    assert slack(rho=0.01 * path["rho"])["distance by tau <= rho"] < -1e-3
    assert slack(rho=0.01 * path["rho"])["corollary: rho >= g/2 by tau = 1"] < -1e-3
    assert slack(P=np.where(path["tau"] > 0.5, stated.P0, P))["bound at tau <= P"] < -1e-3
    assert slack(norm_V=9 * path["norm_V"])["floor <= P/(||a|| ||V||)"] < -1e-3
    assert slack(margin=0 * path["margin"])["floor <= P/||W||^2"] < -1e-3
    frozen = {"a": np.repeat(path["a"][:1], len(path), 0), "V": 0 * path["V"]}
    proof = stated.inequalities(Path(path.columns, frozen, meta=path.meta))
    assert proof.slack["<W - W_0, theta> >= tau (g - rho - Phi)"] < 0


def test_a_path_saved_at_few_times_is_not_blamed():
    net, path = logistic_path()
    stated, few = near_init_flow(net, XOR, loss="logistic"), [0, 20, len(path) - 1]
    coarse = Path(
        {name: values[few] for name, values in path.columns.items()},
        {name: values[few] for name, values in path.states.items()},
        meta=path.meta,
    )
    assert coarse["tau"][1] < 1 < coarse["tau"][2]
    assert coarse["rho"][1] < stated.start.g / 2 < coarse["rho"][2]
    assert stated.check(coarse).holds
    assert stated.inequalities(coarse).holds
    early = Path({name: values[:2] for name, values in coarse.columns.items()}, meta=path.meta)
    assert not [line for line in stated.check(early).slack if "corollary" in line]


def test_hypotheses_on_both_sides_of_their_limits():
    # One neuron, one point: g = c, A = a, and P(0) = a c (or l^{-1} of l).
    def stated(a, c, loss):
        net = Network(torch.tensor([a]).double(), torch.tensor([[c, 0.0]]).double())
        return near_init_flow(net, POINT, loss=loss)

    # Exponential: 8 N <= g^2 with N = -a c, that is |a| <= c/8.
    assert stated(-0.99 / 8, 1.0, "exponential").holds
    assert not stated(-1.01 / 8, 1.0, "exponential").holds
    # Logistic: g >= 16 A; 32 (ln 2 + N) <= g^2.
    assert stated(0.99 * 5 / 16, 5.0, "logistic").holds
    assert not stated(1.01 * 5 / 16, 5.0, "logistic").holds
    edge = math.sqrt(32 * math.log(2))
    assert stated(1e-6, edge * 1.001, "logistic").holds
    assert not stated(1e-6, edge * 0.999, "logistic").holds
    # 64 copies of the point: P(0) is about -64 ln 2, but P >= 0 comes before g/8 all the same,
    # and the floor at g/2 is 33/128 g^2, above g^2/4.
    copies = Dataset(POINT.X.repeat(64, 1), torch.ones(64).double())
    net = Network(torch.tensor([1e-9]).double(), torch.tensor([[12.5, 0.0]]).double())
    late = near_init_flow(net, copies, loss="logistic")
    g = late.start.g
    assert late.holds
    assert pytest.approx(-64 * math.log(2), rel=1e-6) == late.P0
    assert late.floor(g / 2) == pytest.approx(33 / 128 * g**2)
    assert late.floor(g / 8) == pytest.approx(0.0, abs=1e-12)
    assert late.floor(g / 9) == pytest.approx(late.P0 + late.gain(g / 9))
    assert late.limit_explicit == pytest.approx(2 / 9 * late.start.g / (1.5 * late.start.g))
    assert late.limit >= late.limit_explicit
    assert math.isnan(stated(1.01 * 5 / 16, 5.0, "logistic").limit_explicit)


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_flips_solve_their_linear_program(slope):
    net, data = standard(12, 3, seed=1, slope=slope), sparse_parity(3)
    theta = torch.randn(12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    grid = np.linspace(0.0, 3.0, 13)
    flips = Flips.of(net, data, theta, grid)
    for rho, value in zip(grid, flips.values, strict=True):
        best = 0.0
        for x in data.X:
            worth = (1 - slope) * (net.a.abs() * (theta @ x).abs()).numpy()
            cost = (net.V @ x).square().numpy()
            solved = linprog(-worth, A_ub=cost[None], b_ub=[rho**2], bounds=[(0, 1)] * 12)
            best = max(best, -solved.fun)
        assert value == pytest.approx(best, abs=1e-9)
    assert flips.cost(np.array([0.1]))[0] == flips.values[1]
    assert flips.cost(np.array([3.1]))[0] == math.inf
    assert flips.integral(np.array([0.5]))[0] == pytest.approx(0.25 * flips.values[1:3].sum())


@pytest.mark.parametrize("slope", [0.0, 0.4])
def test_the_rate_bounds_the_tangents_everywhere(slope):
    # At random points around W_0, and where the cheapest neurons have just been flipped.
    net, data = standard(40, 3, seed=2, slope=slope), sparse_parity(3)
    for block in ("outer", "both"):
        stated = near_init_flow(net, data, loss="exponential", layers=block)
        outer, inner = stated.start.outer, stated.start.inner
        g = torch.Generator().manual_seed(5)
        for trial in range(200):
            size = 10.0 ** (-3 + 3.5 * trial / 200)
            da = torch.randn(40, generator=g, dtype=torch.float64)
            dV = torch.randn(40, 3, generator=g, dtype=torch.float64)
            if trial % 2:
                x = data.X[trial % data.n]
                near = (net.V @ x).abs().argsort()[: trial % 9]
                dV[:], da[:], size = 0.0, 0.0, 1.0
                dV[near] = -1.0001 * (net.V[near] @ x)[:, None] * x
            moved = Network(net.a + size * da, net.V + size * dV, slope)
            rho = size * math.hypot(float(da.norm()), float(dV.norm()))
            assert float(moved.tangent(data, outer, inner).min()) >= stated.rate(rho) - 1e-12


def test_a_flip_costs_what_it_carries():
    # One neuron with a heavy output weight just inside its kink: a small move removes it.
    net = Network(torch.tensor([10.0]).double(), torch.tensor([[0.1, 0.0]]).double())
    stated = near_init_flow(net, POINT, loss="exponential", layers="both")
    assert stated.start.g == pytest.approx(math.hypot(10, 0.1))
    flipped = Network(net.a, -0.01 * net.V)
    lost = stated.start.g - float(flipped.tangent(POINT, stated.start.outer, stated.start.inner))
    assert lost == pytest.approx(stated.start.g)
    assert lost <= 0.101 + stated.phi(0.101)
    # A neuron on its kink costs all of its worth at any distance.
    on = Network(
        torch.tensor([10.0, 1.0]).double(), torch.tensor([[0.0, 1.0], [1.0, 0.0]]).double()
    )
    theta = torch.tensor([[0.5, 0.0], [0.0, 0.0]]).double()
    assert Flips.of(on, POINT, theta, np.array([0.0, 1.0])).values.tolist() == [5.0, 5.0]


def test_both_layers_without_inner_margin_agree_with_outer():
    # Zero output weights: the inner gradients vanish, and so do all flips.
    net = Network(torch.zeros(50).double(), standard(50, 2, seed=0).V)
    outer, both = (
        near_init_flow(net, XOR, loss="exponential", layers=b) for b in ("outer", "both")
    )
    assert both.reach == pytest.approx(outer.reach, rel=1e-9)
    assert both.phi(1.0) == 0.0
    assert both.limit == pytest.approx(outer.limit, rel=1e-6)
    assert both.reached(0.7) == pytest.approx(outer.reached(0.7), rel=2e-3)
    assert both.reached(0.7) <= outer.reached(0.7)


def test_what_does_not_fit_is_named():
    net = standard(64, 2, seed=0)
    with pytest.raises(ValueError, match="layers"):
        near_init_flow(net, XOR, layers="inner")
    with pytest.raises(ValueError, match="loss"):
        near_init_flow(net, XOR, loss="hinge")
    with pytest.raises(NotSeparable):
        near_init_flow(Network(net.a[:1], net.V[:1]), XOR)
    stated = near_init_flow(net, XOR)
    path = explicit_path(net, XOR, "exponential", 0.1, 10)
    for bad, words in [
        (Path({"tau": np.zeros(1)}), "no column P, rho"),
        (tampered(path, P=path["P"] + 1), "starts at P"),
        (tampered(path, rho=path["rho"] + 1), "rho = 0"),
        (Path(path.columns, meta={"loss": "logistic"}), "loss 'logistic'"),
    ]:
        with pytest.raises(ValueError, match=words):
            stated.check(bad)
    with pytest.raises(KeyError, match="no column or state 'a'"):
        stated.inequalities(Path(path.columns, meta=path.meta))
    for call in (stated.gain, stated.rate, stated.time, stated.ratio_floor):
        with pytest.raises(ValueError, match="distances"):
            call(-1.0)
    with pytest.raises(ValueError, match="tau"):
        stated.reached(-1.0)
