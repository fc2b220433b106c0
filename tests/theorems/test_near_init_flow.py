"""Near initialization, gradient flow: exact and small paths, broken paths."""

import functools
import math

import numpy as np
import pytest
import torch

from lowrot import Dataset, Network, NotSeparable, sparse_parity, standard
from lowrot.losses import dual_weights, soft_margin
from lowrot.path import Path
from lowrot.theorems import near_init_flow

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
        meta={"kind": "flow", "loss": loss},
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
    theorem = near_init_flow(start, POINT)
    # theta = 1, <G, theta> = s(v.x) = 2; n = 1, so ln n = 0 and P = p.
    assert theorem.start.g == pytest.approx(2.0, rel=1e-12)
    assert (theorem.P0, theorem.start.N, theorem.start.A) == (0.5, 0.0, 0.25)
    assert theorem.holds
    assert theorem.gain(1.0) == pytest.approx(1.5)
    assert theorem.gain(7.0) == theorem.gain(2.0) == pytest.approx(2.0)
    assert theorem.floor(1.0) == pytest.approx(2.0)
    assert theorem.time(1.0) == pytest.approx(1.0)
    assert theorem.time(2.0) == math.inf
    assert theorem.reached(1.0) == pytest.approx(1.0)
    assert theorem.bound(1.0) == pytest.approx(2.0)
    assert theorem.ratio_after(1.0) == pytest.approx(2.0 / (1.25 * 3.0))
    # The best D on the grid is the best D.
    dense = np.linspace(0, 2, 20001)
    assert theorem.limit == pytest.approx(theorem.ratio_after(dense).max() / 2, rel=1e-5)
    assert theorem.ratio_after(theorem.best_distance) == pytest.approx(2 * theorem.limit)
    check, proof = theorem.check(path), theorem.inequalities(path)
    assert check.holds, check.slack
    assert proof.holds, proof.slack
    # P/(||a|| ||V||) is 1 for ever here, P/||W||^2 tends to 1/2: above the floors, as it must.
    assert check.frame.ratio.min() == pytest.approx(1.0)
    assert check.frame.margin.iloc[-1] == pytest.approx(0.5, abs=1e-2)
    assert theorem.limit <= 0.5


@pytest.mark.parametrize("a", [0.25, -0.2])
def test_both_sides_of_each_line_by_hand(a):
    # One neuron on one point: W' = (c, a x) and theta = 1, so that every number is at hand.
    tau = np.linspace(0.0, 0.3, 7)
    start, path = hyperbola(a, 2.0, tau)
    theorem = near_init_flow(start, POINT)
    frame, rho = theorem.inequalities(path).frame, path["rho"]
    now = path["a"][:, 0], path["V"][:, 0, 0]
    N = max(0.0, -2.0 * a)
    speed = now[0] ** 2 + now[1] ** 2
    expected = {
        "along": now[1],
        "along_bound": 2.0 - rho,
        "speed": speed,
        "speed_bound": (2.0 - rho) * np.sqrt(speed),
        "moved": now[0] - a,
        "moved_bound": tau * (2.0 - rho),
        "outward": now[1] * (now[0] - a) + now[0] * (now[1] - 2.0),
        "outward_bound": N + rho**2 + abs(a) * rho,
    }
    negative = path["P"] < 0
    for name, values in expected.items():
        early = negative if name.startswith("outward") else slice(None)
        np.testing.assert_allclose(frame[name][early], values[early], rtol=1e-9, atol=1e-12)
    assert frame.outward[~negative].isna().all()
    assert negative.any() == (a < 0)


def test_the_largest_distance_so_far_counts():
    # A path that turns back: what was reached before still bounds P and the time.
    theorem = near_init_flow(*_turned()[:1], POINT)
    path = _turned()[1]
    frame = theorem.check(path).frame
    assert path["rho"][-1] < path["rho"][1]
    assert frame.floor.iloc[-1] == theorem.floor(path["rho"][1]) > theorem.floor(path["rho"][-1])
    assert frame.ratio_floor.iloc[-1] == theorem.ratio_floor(path["rho"][1])
    assert frame.margin_floor.iloc[-1] == pytest.approx(
        frame.ratio_floor.iloc[-1]
        * path["norm_a"][-1]
        * path["norm_V"][-1]
        / path["norm_squared"][-1]
    )
    proof = theorem.inequalities(path).frame
    assert proof.moved_bound.iloc[-1] == pytest.approx(path["tau"][-1] * (2 - path["rho"][1]))


def _turned():
    start, path = hyperbola(0.25, 2.0, np.array([0.0, 0.4, 0.2]))
    path.columns["tau"] = np.array([0.0, 0.4, 0.6])
    return start, path


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
    theorem = near_init_flow(net, XOR, loss=loss, layers=block)
    assert theorem.holds == (m > 16)
    path = path or explicit_path(net, XOR, loss, 1.2, steps, steps // 200)
    check, proof = theorem.check(path), theorem.inequalities(path)
    assert check.holds, check.slack
    assert proof.holds, proof.slack
    assert ("corollary: P >= g^2/4" in check.slack) == (theorem.holds and block == "outer")
    assert ("outward motion while P < 0" in proof.slack) == (path["P"][0] < 0)


def test_false_conclusions_are_seen():
    net, path = logistic_path()
    theorem = near_init_flow(net, XOR, loss="logistic")
    assert theorem.check(path).holds
    g, P, later = theorem.start.g, path["P"], path["tau"] > 0

    def slack(**changed):
        return theorem.check(tampered(path, **changed)).slack

    assert slack(P=np.where(later, P - 0.7 * P[-1], P))["P(0) + gain <= P"] < -1e-3
    assert slack(P=np.where(path["tau"] >= 1, g**2 / 5, P))["corollary: P >= g^2/4"] < 0
    assert slack(min_margin=P - 1.0)["P <= min p"] < -1e-3
    assert slack(rho=0.01 * path["rho"])["distance by tau <= rho"] < -1e-3
    assert slack(rho=0.01 * path["rho"])["corollary: rho >= g/2 by tau = 1"] < -1e-3
    assert slack(P=np.where(path["tau"] > 0.5, theorem.P0, P))["bound at tau <= P"] < -1e-3
    assert slack(norm_V=9 * path["norm_V"])["floor <= P/(||a|| ||V||)"] < -1e-3
    assert slack(margin=0 * path["margin"])["floor <= P/||W||^2"] < -1e-3
    frozen = {"a": np.repeat(path["a"][:1], len(path), 0), "V": path["V"] * ~later[:, None, None]}
    proof = theorem.inequalities(Path(path.columns, frozen, meta=path.meta))
    assert proof.slack["<W - W_0, theta> >= tau (g - rho - Phi)"] < 0


def test_a_path_saved_at_few_times_is_not_blamed():
    net, path = logistic_path()
    theorem, few = near_init_flow(net, XOR, loss="logistic"), [0, 20, len(path) - 1]
    coarse = Path(
        {name: values[few] for name, values in path.columns.items()},
        {name: values[few] for name, values in path.states.items()},
        meta=path.meta,
    )
    assert coarse["tau"][1] < 1 < coarse["tau"][2]
    assert coarse["rho"][1] < theorem.start.g / 2 < coarse["rho"][2]
    assert theorem.check(coarse).holds
    assert theorem.inequalities(coarse).holds
    early = Path({name: values[:2] for name, values in coarse.columns.items()}, meta=path.meta)
    assert not [line for line in theorem.check(early).slack if "corollary" in line]


def test_what_does_not_fit_is_named():
    net = standard(64, 2, seed=0)
    with pytest.raises(ValueError, match="layers"):
        near_init_flow(net, XOR, layers="inner")
    with pytest.raises(ValueError, match="loss"):
        near_init_flow(net, XOR, loss="hinge")
    with pytest.raises(NotSeparable):
        near_init_flow(Network(net.a[:1], net.V[:1]), XOR)
    theorem = near_init_flow(net, XOR)
    path = explicit_path(net, XOR, "exponential", 0.1, 10)
    for bad, words in [
        (Path({"tau": path["tau"]}, meta=path.meta), "no column or state P, rho, min_margin"),
        (tampered(path, P=path["P"] + 1), "starts at P"),
        (tampered(path, rho=path["rho"] + 1), "starts at rho = 1"),
    ]:
        with pytest.raises(ValueError, match=words):
            theorem.check(bad)
    with pytest.raises(ValueError, match="no column or state a, V"):
        theorem.inequalities(Path(path.columns, meta=path.meta))


@pytest.mark.parametrize("layers", ["outer", "both"])
def test_all_that_is_ever_reached_is_reached_at_infinity(layers):
    theorem = near_init_flow(standard(1800, 2, seed=0), sparse_parity(2), layers=layers)
    with np.errstate(all="raise", under="ignore"):
        end, late = theorem.reached([math.inf, 1e300])
        assert theorem.bound(math.inf) == theorem.floor(end) == theorem.bound(1e300)
    assert end == late
    if layers == "outer":
        assert end == theorem.reach == theorem.start.g
    else:
        assert 0 <= theorem.reach - end < 2 * theorem.reach / 1000
        assert math.isfinite(theorem.time(end))
