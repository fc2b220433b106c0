"""Gradient flow against exact solutions, brute force, its theorems, and bugs planted in it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.special import softmax

from lowrot import (
    Dataset,
    Network,
    Path,
    _jit,
    balanced,
    coupled_flow,
    gradient_flow,
    small,
    sparse_parity,
    standard,
)
from lowrot.flow.neuron import _arc, _track
from lowrot.losses import LOSSES, as_loss, soft_margin
from lowrot.path import Outcome
from lowrot.testing import reference_flow


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def end(path, slope=0.0):
    return Network(tensor(path["a"][-1]), tensor(path["V"][-1]), slope)


def instance(seed, n=None, d=None, m=None):
    """A small random instance; sizes are drawn where they are not given."""
    generator = torch.Generator().manual_seed(1000 + seed)
    draw = [
        int(torch.randint(*span, (1,), generator=generator)) for span in ((3, 9), (2, 4), (3, 11))
    ]
    n, d, m = (given or drawn for given, drawn in zip((n, d, m), draw))
    X = torch.randn(n, d, generator=generator, dtype=torch.float64)
    y = 1.0 - 2.0 * torch.randint(2, (n,), generator=generator).double()
    slope, kind = (0.0, 0.3)[seed % 2], seed // 4 % 3
    net = (balanced if kind else standard)(m, d, seed=seed, slope=slope)
    net = small(net, 1e-2) if kind == 2 else net
    return net, Dataset(X / X.norm(dim=1).max(), y), tuple(LOSSES)[seed // 2 % 2]


# Exact solutions


@pytest.mark.parametrize("loss", LOSSES)
def test_one_neuron_on_one_point_grows_like_e_to_the_tau(loss):
    x, size = tensor([[0.6, 0.8]]), 1e-3
    net = Network(tensor([size]), size * x)
    path = gradient_flow(
        net, Dataset(x, tensor([1.0])), loss=loss, stop={"tau": 10.0}, save=[1, 4, 10]
    )
    assert path["tau"].tolist() == [0, 1, 4, 10]
    np.testing.assert_allclose(path["a"][:, 0], size * np.exp(path["tau"]), rtol=1e-12)
    np.testing.assert_allclose(path["V"][:, 0], path["a"] * x.numpy(), rtol=1e-12)
    np.testing.assert_allclose(path["normalized"], 0.5, rtol=1e-12)
    np.testing.assert_array_equal(path["q"], 1.0)
    assert path.ok, path.status


@pytest.mark.parametrize("loss", LOSSES)
def test_an_unbalanced_neuron_by_hand(loss):
    """``a' = v.x, v' = a x`` from any start: hyperbolic functions of tau."""
    x, a, v = np.array([0.6, 0.0]), 0.5, np.array([0.3, 0.7])
    net = Network(tensor([a]), tensor([v.tolist()]))
    data = Dataset(tensor([x.tolist()]), tensor([1.0]))
    path = gradient_flow(net, data, loss=loss, stop={"tau": 5.0}, save=[0.5, 5.0])
    s = 0.6 * path["tau"]
    np.testing.assert_allclose(path["a"][:, 0], a * np.cosh(s) + 0.3 * np.sinh(s), rtol=1e-12)
    np.testing.assert_allclose(path["V"][:, 0, 0], a * np.sinh(s) + 0.3 * np.cosh(s), rtol=1e-12)
    np.testing.assert_allclose(path["V"][:, 0, 1], 0.7, rtol=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_orthogonal_data_share_the_weights(loss):
    """Two balanced neurons, each on its own axis: ``ln u_k' = 2 c_k q_k`` in two unknowns."""
    c, u = np.array([1.0, 0.6]), np.array([0.01, 0.2])
    net = Network(tensor(np.sqrt(u).tolist()), torch.diag(tensor(np.sqrt(u).tolist())))
    data = Dataset(torch.diag(tensor(c.tolist())), tensor([1.0, 1.0]))
    ln = {"exponential": lambda p: -p, "logistic": lambda p: -np.logaddexp(0, p)}[loss]

    def slope(_, ln_u):
        return 2 * c * softmax(ln(c * np.exp(ln_u)))

    exact = solve_ivp(slope, (0, 6), np.log(u), "Radau", [1, 3, 6], rtol=1e-11, atol=1e-12).y.T
    for rtol, allowed in ((1e-3, 5e-3), (1e-6, 5e-6)):
        path = gradient_flow(net, data, loss=loss, stop={"tau": 6.0}, rtol=rtol, save=[1, 3, 6])
        np.testing.assert_allclose(2 * np.log(path["a"][1:]), exact, atol=allowed)


@pytest.mark.parametrize("loss", LOSSES)
def test_coupled_flow_where_directions_cannot_turn(loss):
    data = Dataset(tensor([[1, 0], [0, 0.8], [-0.7, 0], [0, -0.9]]), tensor([1, -1, 1, -1]))
    a = tensor([0.5, -0.4, 0.3, -0.6])
    axes = Network(a, a.abs()[:, None] * data.X / data.X.norm(dim=1, keepdim=True))
    line = Dataset(tensor([[1.0], [0.5], [-0.8]]), tensor([1.0, 1.0, -1.0]))
    for net, points in ((axes, data), (Network(a, a[:, None]), line)):
        arguments = {"loss": loss, "stop": {"tau": 8.0}, "save": [0.5, 2.0, 5.0, 8.0]}
        path = gradient_flow(net, points, rtol=1e-5, **arguments)
        other = coupled_flow(net, points, rtol=1e-6, **arguments)
        assert path.ok
        np.testing.assert_allclose(np.log(path["norm_squared"] / 2), other["ln_norm"], atol=3e-5)
        np.testing.assert_allclose(2 * path["margin"], other["margin"], atol=3e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_linear_nets_reach_the_support_vector_margin(loss):
    """Slope 1: the best ``min p/||W||^2`` is gamma_svm/2, and the limit."""
    X = tensor([[0.8, 0.6], [0.8, -0.6], [0.0, 1.0]])
    data = Dataset(X, tensor([1.0, 1.0, 1.0]))
    net = balanced(6, 2, seed=1, slope=1.0)
    path = gradient_flow(net, data, loss=loss, stop={"min_margin": 1e5})
    # The nearest point of the hull: half-way between (0.8, -0.6) and (0, 1).
    w = np.array([0.4, 0.2])
    assert np.all(X.numpy() @ w >= w @ w - 1e-15)
    assert path["normalized"][-1] == pytest.approx(np.linalg.norm(w) / 2, rel=1e-3)
    assert path["normalized"][-1] <= np.linalg.norm(w) / 2 * (1 + 1e-12)
    assert path.ok, path.status


@pytest.mark.parametrize("loss", LOSSES)
def test_a_sliding_neuron_by_hand(loss):
    """Two equal points of label -1 push it onto the axis, along which the third one pulls it."""
    X = tensor([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    data = Dataset(X, tensor([1.0, -1.0, -1.0]))
    net = Network(tensor([0.5]), tensor([[0.5, 0.0]]))
    path = gradient_flow(net, data, loss=loss, stop={"tau": 6.0}, rtol=1e-6, save=[1.0, 3.0, 6.0])
    assert path["sliding"].tolist() == [1, 1, 1, 1]
    np.testing.assert_array_equal(path["V"][:, 0, 1], 0.0)
    ln = {"exponential": lambda p: -p, "logistic": lambda p: -np.logaddexp(0, p)}[loss]

    def slope(_, z):  # a = v_1 = e^z, margins (e^{2z}, 0, 0)
        return softmax(ln(np.array([math.exp(2 * z[0]), 0.0, 0.0])))[:1]

    exact = solve_ivp(slope, (0, 6), [math.log(0.5)], "Radau", [1, 3, 6], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(np.log(path["a"][1:, 0]), exact.y[0], atol=3e-6)


# XOR


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(5))
def test_xor_slides_on_every_pair_of_opposite_labels(seed, loss):
    """Separated exactly if every point has a neuron of its sign active on it at the start."""
    data, net = sparse_parity(2), balanced(12, 2, seed=seed)
    active = net.V @ data.X.T > 0
    opposite = net.a[:, None].sign() * data.y < 0
    covered = bool((active & ~opposite).any(0).all())
    path = gradient_flow(net, data, loss=loss, stop={"min_margin": 1e4})
    assert path.ok, path.status
    V = tensor(path["V"][-1])
    on = (V @ data.X.T).abs() <= 1e-9 * V.norm(dim=1, keepdim=True)
    assert not (on & ~opposite).any()
    if covered:
        assert torch.equal(on, opposite)
        assert path["sliding"][-1] == net.m
        assert path.reason.startswith("reached min_margin")
        assert path["normalized"][-1] == pytest.approx(1 / 8, rel=1e-3)
        assert path["normalized"][-1] <= 1 / 8
    else:
        # Margins of covered points grow for ever, like ln tau: no rest, but an end in words.
        assert path.outcome == Outcome.ROUNDING
        assert "not separated" in path.reason
        assert path["min_margin"][-1] == pytest.approx(0.0, abs=1e-5)


# Random instances


def test_no_stall_on_a_hundred_random_instances():
    ends = {"reached": 0, "at rest": 0}
    for seed in range(100):
        net, data, loss = instance(seed)
        path = gradient_flow(net, data, loss=loss, stop={"min_margin": 20.0, "tau": 15.0})
        kind = next((kind for kind in ends if path.reason.startswith(kind)), path.reason)
        assert kind in ends, (seed, path.status)
        assert path.ok, (seed, path.status)
        assert path.stats["steps"] < 60
        ends[kind] += 1
    assert ends["reached"] >= 90


def brute_force(a, V, X, y, slope, logistic, tau, h):
    """Tiny Euler steps that chatter over kinks: batches (b, m), (b, m, d), (b, n, d), (b, n)."""
    XT = X.swapaxes(1, 2)
    for _ in range(round(tau / h)):
        z = V @ XT
        s = np.where(z > 0, 1.0, slope)
        p = y * (a[:, None] @ (s * z))[:, 0]
        q = softmax(np.where(logistic, -np.logaddexp(0.0, p), -p), axis=1)
        field = (s * (y * q)[:, None]) @ X
        a, V = a + h * (field * V).sum(2), V + h * a[:, :, None] * field
    z = V @ XT
    return y * (a[:, None] @ np.maximum(z, slope * z))[:, 0]


def test_twelve_instances_against_brute_force():
    """The least velocity is what chattering tends to; its own error is measured by halving h."""
    tau, size = 3.0, {"n": 5, "d": 3, "m": 6}
    problems = [instance(seed, **size) for seed in range(12)]
    stack = [
        np.stack([getattr(part, name).numpy() for part in parts])
        for parts, name in [
            ([net for net, _, _ in problems], "a"),
            ([net for net, _, _ in problems], "V"),
            ([data for _, data, _ in problems], "X"),
            ([data for _, data, _ in problems], "y"),
        ]
    ]
    slope = np.array([net.slope for net, _, _ in problems])[:, None, None]
    logistic = np.array([loss == "logistic" for *_, loss in problems])[:, None]
    rough, fine = (brute_force(*stack, slope, logistic, tau, h) for h in (8e-4, 4e-4))
    P, slid = [], 0
    for net, data, loss in problems:
        path = gradient_flow(net, data, loss=loss, stop={"tau": tau}, rtol=1e-4)
        P.append(path["P"][-1])
        slid += path["sliding"].max() > 0
    assert slid >= 4
    exact = []
    for (_, _, loss), pair in zip(problems, zip(rough, fine)):
        coarse, better = (float(soft_margin(tensor(p.tolist()), loss)) for p in pair)
        exact.append(2 * better - coarse)
    np.testing.assert_allclose(P, exact, rtol=3e-3, atol=3e-3)


def test_accuracy_follows_rtol():
    for seed in (0, 7, 14, 18):
        net, data, loss = instance(seed)
        exact = gradient_flow(net, data, loss=loss, stop={"tau": 4.0}, rtol=1e-7)["P"][-1]
        errors = [
            abs(gradient_flow(net, data, loss=loss, stop={"tau": 4.0}, rtol=rtol)["P"][-1] - exact)
            for rtol in (1e-2, 1e-3, 1e-4)
        ]
        for rtol, error in zip((1e-2, 1e-3, 1e-4), errors):
            assert error < 10 * rtol * max(1.0, abs(exact)), (seed, errors)


# Layers, loop, persistence


@pytest.mark.parametrize("train", ["outer", "inner"])
def test_one_layer_alone(train):
    data, net = sparse_parity(3), standard(30, 3, seed=1)
    path = gradient_flow(net, data, stop={"min_margin": 50.0}, layers=train)
    assert path.reason.startswith("reached min_margin")
    assert path.ok, path.status
    frozen, start = ("V", net.V) if train == "outer" else ("a", net.a)
    np.testing.assert_array_equal(path[frozen], np.broadcast_to(start, path[frozen].shape))
    if train == "outer":  # the limit is the l2 margin of the random features
        z = torch.relu(data.X @ net.V.T) * data.y[:, None]
        late = gradient_flow(net, data, stop={"min_margin": 1e5}, layers=train)
        grown = tensor(late["a"][-1])
        normal = z.T @ tensor(late["q"][-1])
        # Stationary: a is parallel to sum_i q_i G_i, up to the start, which is forgotten.
        cosine = float(grown @ normal / grown.norm() / normal.norm())
        assert cosine > 1 - 1e-3


def test_resume_continues_to_the_same_end(tmp_path):
    net, data = balanced(12, 2, seed=1), sparse_parity(2)
    for loss in LOSSES:
        whole = gradient_flow(net, data, loss=loss, stop={"tau": 12.0})
        first = gradient_flow(net, data, loss=loss, stop={"tau": 12.0}, max_steps=7)
        assert "max_steps = 7" in first.reason
        first.save(tmp_path / "first")
        again = gradient_flow(
            net, data, loss=loss, stop={"tau": 12.0}, resume=Path.load(tmp_path / "first")
        )
        kept = len(first) - 1  # the last try may have been refused
        np.testing.assert_allclose(again["P"][:kept], whole["P"][:kept], rtol=1e-14)
        # The prediction of the weights is lost: other steps, the same end within their tolerance.
        assert again["tau"][-1] == whole["tau"][-1] == 12.0
        assert again["P"][-1] == pytest.approx(whole["P"][-1], rel=2e-3)
        assert again.ok, again.status
        longer = gradient_flow(net, data, loss=loss, stop={"min_margin": 1e4}, resume=first)
        assert longer["normalized"][-1] == pytest.approx(1 / 8, rel=1e-3)
    with pytest.raises(ValueError, match="resume is a path"):
        gradient_flow(net, data, loss="exponential", resume=first)
    with pytest.raises(ValueError, match="resume is a path"):
        gradient_flow(balanced(13, 2), data, loss="logistic", resume=first)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"layers": "outer"}, r"resume is a path with .*rates"),
        ({"net": Network(*(getattr(balanced(12, 2, seed=1), w) for w in "aV"), 0.5)}, "slope"),
        ({"net": balanced(12, 2, seed=2)}, r"net\.a is up to .* from the start of resume"),
        ({"data": Dataset(sparse_parity(2).X, -sparse_parity(2).y)}, "data of the path"),
    ],
)
def test_resume_refuses_what_did_not_make_the_path(change, match):
    arguments = {"net": balanced(12, 2, seed=1), "data": sparse_parity(2), "stop": {"tau": 1.0}}
    first = gradient_flow(**arguments)
    with pytest.raises(ValueError, match=match):
        gradient_flow(**arguments | change, resume=first)


def test_an_interrupt_keeps_the_path():
    def interrupt(row):
        if row["tau"] > 1.0:
            raise KeyboardInterrupt
        return False

    path = gradient_flow(balanced(12, 2), sparse_parity(2), stop={"when": interrupt})
    assert path.reason.startswith("interrupted at tau")
    assert path["tau"][-1] > 1.0 >= path["tau"][-2]
    assert path.ok, path.status
    net = end(path)
    assert float(net.margins(sparse_parity(2)).min()) == pytest.approx(path["min_margin"][-1])


def test_save_times_are_exact_and_columns_belong_to_the_states():
    net, data, times = balanced(12, 2, seed=1), sparse_parity(2), [0.1, 1 / 3, 0.3334, 2.0]
    path = gradient_flow(net, data, loss="logistic", stop={"tau": 5.0}, save=times)
    assert path["tau"].tolist() == [0.0, *times]
    last = end(path)
    assert path["norm_squared"][-1] == pytest.approx(last.norm_squared, rel=1e-12)
    moved = (last.a - net.a).square().sum() + (last.V - net.V).square().sum()
    assert path["rho"][-1] == pytest.approx(math.sqrt(float(moved)), rel=1e-12)
    assert np.all(path["P"] <= path["min_margin"] + 1e-12)
    assert path.stats["kernels"] > 0
    assert path.stats["steps"] >= len(times)


RULES = {"ln_t": 30.0, "P": 30.0, "rho": 3.0, "margin": 0.1, "min_margin": 30.0}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_rule_ends_a_run_where_it_is_met(rule, loss):
    """From above, to a millionth; at the moment when a run with a fine tolerance meets it."""
    target, net, data = RULES[rule], balanced(12, 2, seed=1), sparse_parity(2)
    path = gradient_flow(net, data, loss=loss, stop={rule: target, "tau": 99})
    assert path.reason.startswith(f"reached {rule} = ")
    assert target <= path[rule][-1] <= target * (1 + 2e-6)
    assert path[rule][-2] < target
    assert path.ok, path.status
    fine = gradient_flow(net, data, loss=loss, stop={rule: target, "tau": 99}, rtol=1e-7)
    assert path["tau"][-1] == pytest.approx(fine["tau"][-1], rel=3e-3)
    last = end(path)
    assert float(last.margins(data).min()) == pytest.approx(path["min_margin"][-1], rel=1e-12)


@pytest.mark.parametrize("stop", [{"ln_t": -20.0}, {"rho": 1e-3}, {"P": -1.38}])
def test_a_rule_may_be_met_in_the_first_step(stop):
    path = gradient_flow(balanced(12, 2, seed=1), sparse_parity(2), stop=stop)
    (name, target), *_ = stop.items()
    assert path.stats["steps"] == 1
    assert target <= path[name][-1] <= target + 2e-6 * abs(target)


@pytest.mark.parametrize("ln_t", [-49.0, -80.0, -300.0, -690.0])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("layers", ["both", "outer"])
def test_the_earliest_times_are_landed_on(ln_t, loss, layers):
    """There t = tau / Lam(0) to all digits; and the run goes on from there."""
    net, data = balanced(12, 2, seed=1), sparse_parity(2)
    given = {"loss": loss, "layers": layers}
    path = gradient_flow(net, data, stop={"ln_t": ln_t}, **given)
    assert path.reason.startswith("reached ln_t = ")
    assert path.ok, path.status
    assert ln_t <= path["ln_t"][-1] <= ln_t + 2e-6 * abs(ln_t)
    ln_lam = float(as_loss(loss).dual_weights(net.margins(data))[1])
    assert path["tau"][-1] == pytest.approx(math.exp(path["ln_t"][-1] + ln_lam), rel=1e-9)
    last = gradient_flow(net, data, stop={"tau": 3.0}, resume=path, **given)
    whole = gradient_flow(net, data, stop={"tau": 3.0}, **given)
    assert last.ok, last.status
    assert last["ln_t"][-1] == pytest.approx(whole["ln_t"][-1], abs=3e-3)


def test_the_first_of_several_rules_is_met():
    net, data = balanced(12, 2, seed=1), sparse_parity(2)
    path = gradient_flow(net, data, stop={"P": 29.0, "min_margin": 30.0, "rho": 1e9})
    first = "P" if path.reason.startswith("reached P") else "min_margin"
    assert abs(path[first][-1] / {"P": 29.0, "min_margin": 30.0}[first] - 1.0) < 2e-6
    assert (path["P"][-1] > 29.0) + (path["min_margin"][-1] > 30.0) == 1


def test_what_has_landed_goes_on():
    """A landed state is one of the flow: continued, it ends where a run without a stop does."""
    net, data = standard(60, 4, seed=2), sparse_parity(4)
    whole = gradient_flow(net, data, stop={"min_margin": 1e4})
    for margin in (3.0, 40.0, 700.0):
        first = gradient_flow(net, data, stop={"min_margin": margin})
        again = gradient_flow(net, data, stop={"min_margin": 1e4}, resume=first)
        assert again.ok, again.status
        assert again["tau"][-1] == pytest.approx(whole["tau"][-1], rel=2e-3)
        assert again["normalized"][-1] == pytest.approx(whole["normalized"][-1], rel=2e-3)


def test_the_time_of_the_unnormalized_flow_converges():
    """``ln t`` at a coarse tolerance against a fine one, at times where Lam changes by e^1000."""
    net, data = balanced(12, 2, seed=1), sparse_parity(2)
    times = [1.0, 3.0, 9.0, 18.0]
    for loss in LOSSES:
        ln_t = [
            gradient_flow(net, data, loss=loss, stop={"tau": 18.0}, rtol=rtol, save=times)["ln_t"][
                1:
            ]
            for rtol in (1e-3, 1e-6)
        ]
        np.testing.assert_allclose(ln_t[0], ln_t[1], rtol=1e-3, atol=1e-3)


def test_contradictory_labels_come_to_rest():
    data = Dataset(tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), tensor([1.0, -1.0, 1.0]))
    path = gradient_flow(balanced(10, 2, seed=0), data)
    assert path.outcome == Outcome.ROUNDING  # the margin of the third point grows like ln tau
    assert "not separated" in path.reason
    path = gradient_flow(balanced(10, 2, seed=0), Dataset(data.X[:2], data.y[:2]))
    assert path.outcome == Outcome.STATIONARY
    assert path["min_margin"][-1] <= 0.0
    assert path.ok, path.status


# Planted bugs


def test_certificates_catch_planted_bugs(monkeypatch):
    net, data, _ = instance(7)
    rule = {"tau": 6.0}
    assert gradient_flow(net, data, stop=rule, max_steps=60).ok
    right = _arc.propagate

    def outer(a, v, h, t, rates, end):
        """The outer weights go down: a wrong sign in one block."""
        return 2 * a - right(a, v, h, t, rates, end)

    def inner(a, v, h, t, rates, end):
        new = right(a, v, h, t, rates, end)
        end[:] = 2 * v - end
        return new

    def euler(a, v, h, t, rates, end):
        end[:] = v + t * a * h[0]
        return a + t * float(h[0] @ v)

    for planted in (outer, inner, euler):
        with _jit.interpreted(), monkeypatch.context() as patch:
            patch.setattr(_arc, "propagate", planted)
            path = gradient_flow(net, data, stop=rule, max_steps=60)
            assert not path.certificates["balance"].ok, planted.__name__
            assert "NOT certified" in path.status


def test_no_sliding_is_seen(monkeypatch):
    """Kinks ignored: neurons go through where the flow would hold them."""
    net, data = balanced(12, 2, seed=1), sparse_parity(2)
    assert gradient_flow(net, data, stop={"tau": 6.0}).ok

    with _jit.interpreted(), monkeypatch.context() as patch:
        patch.setattr(_track, "first_crossed", lambda *given: (-1, 2.0))
        patch.setattr(_track, "visited", lambda *given: (-1, 0.0))
        path = gradient_flow(net, data, stop={"tau": 6.0}, max_steps=300)
    assert not path.ok, path.status


# Regression


# Bad input


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"net": balanced(10, 4)}, ValueError, "data has d = 2; expected 4, as net"),
        ({"net": Network(tensor([0.0]), tensor([[0.0, 0.0]]))}, ValueError, "net is zero"),
        ({"net": 3}, TypeError, "net is a int; expected a Network"),
        ({"data": balanced(10, 2)}, TypeError, "data is a Network; expected a Dataset"),
        ({"loss": "hinge"}, ValueError, "loss is 'hinge'"),
        ({"layers": "none"}, ValueError, "layers is 'none'"),
        ({"rtol": 0.0}, ValueError, "rtol"),
        ({"rtol": "small"}, TypeError, "rtol"),
        ({"max_steps": 0}, ValueError, "max_steps"),
        ({"stop": {}}, ValueError, "stop is empty"),
        ({"stop": {"gap": 3.0}}, ValueError, "stop key"),
        ({"stop": {"when": 3}}, TypeError, "when"),
        ({"save": [2.0, 1.0]}, ValueError, "increasing"),
        ({"resume": "path.npz"}, TypeError, "resume is of type str"),
    ],
)
def test_bad_arguments_are_named(change, error, match):
    arguments = {"net": balanced(10, 2), "data": sparse_parity(2), **change}
    with pytest.raises(error, match=match):
        gradient_flow(**arguments)


@pytest.mark.parametrize(("seed", "rtol"), [(33, 1e-5), (153, 1e-7)])
def test_small_networks_are_followed_as_well_as_large_ones(seed, rtol):
    """The error is measured against the outputs that the network has."""
    net, data, loss = instance(seed)
    assert net.norm_squared < 1e-3
    reference = reference_flow(net, data, tau=3.0, steps=60, loss=loss)
    end = gradient_flow(net, data, loss=loss, stop={"tau": 3.0}, rtol=rtol).network()
    moved = (end.a - reference.a).square().sum() + (end.V - reference.V).square().sum()
    assert math.sqrt(float(moved) / reference.norm_squared) <= 10.0 * rtol


# Kinks that are crossed, whatever is saved


def symmetric(angle, slope, first):
    """Four points at ``+-angle`` and their mirrors, and tiny balanced neurons, one at an angle.

    The two sums ``sum y x`` over active points are along the first axis: while all margins are
    tiny, that neuron turns by ``tan(theta/2)' = -nu tan(theta/2)``, with two kinks on the way.
    """
    c, s = math.cos(angle), math.sin(angle)
    data = Dataset(tensor([[c, s], [c, -s], [-c, -s], [-c, s]]), tensor([1.0, 1.0, -1.0, -1.0]))
    directions = [[math.cos(first), math.sin(first)], [-1.0, 0.3], [0.2, 1.0], [-0.3, 1.0]]
    V = tensor(directions)
    a = 1e-7 * tensor([1.0, -0.25, 1.0, -0.25])
    V = a.abs()[:, None] * V / V.norm(dim=1, keepdim=True)
    return Network(a, V, slope), data, 0.5 * (1.0 + slope) * c


@pytest.mark.parametrize("angle", [1.0, 1.2])
@pytest.mark.parametrize(
    ("slope", "first"), [(0.1, 165.0), (0.1, 176.0), (0.3, 168.0), (0.0, 170.0)]
)
@pytest.mark.parametrize("rtol", [1e-3, 1e-8])
def test_kinks_are_crossed_wherever_states_are_saved(angle, slope, first, rtol):
    """At random times, and just before and after each of the two kinks."""
    net, data, nu = symmetric(angle, slope, math.radians(first))
    start = math.tan(math.radians(first) / 2)
    kinks = [
        math.log(start / math.tan(kink / 2)) / nu for kink in (math.pi / 2 + angle, math.pi / 2)
    ]
    kinks = [kink for kink in kinks if kink > 0.01]
    near = [kink + off for kink in kinks for off in (-3e-3, -1e-4, 1e-6, 1e-3)]
    rng = np.random.default_rng(int(first))
    times = np.unique([*near, *rng.uniform(0.0, kinks[-1] + 1.0, 8)])
    path = gradient_flow(net, data, stop={"tau": times[-1]}, rtol=rtol, save=times.tolist())
    angles = np.arctan2(path["V"][:, 0, 1], path["V"][:, 0, 0])
    exact = start * np.exp(-nu * path["tau"])
    np.testing.assert_allclose(np.tan(angles / 2), exact, rtol=1e-9)
    assert path.ok, path.status


def test_what_is_saved_does_not_matter():
    """At a tight tolerance, over neurons that come, slide and go."""
    for seed in (5, 19):
        net, data, loss = instance(seed)
        rng = np.random.default_rng(seed)
        save = np.sort(rng.uniform(0.0, 4.0, 12)).tolist()
        whole = gradient_flow(net, data, loss=loss, stop={"tau": 4.0}, rtol=1e-8, save=[4.0])
        parts = gradient_flow(net, data, loss=loss, stop={"tau": 4.0}, rtol=1e-8, save=[*save, 4.0])
        np.testing.assert_allclose(parts["V"][-1], whole["V"][-1], atol=3e-7)


# Signs


@pytest.mark.parametrize("off", [-4e-16, 0.0, 4e-16])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_dying_neuron_keeps_its_sign(off, sign):
    """Aligned with a point of the other label: ``a = e^-tau``, never through zero."""
    x = tensor([[0.6, 0.8]])
    net = Network(
        tensor([sign * math.sqrt(1.0 + off), 0.3]), torch.cat([x, tensor([[0.24, -0.18]])])
    )
    data = Dataset(torch.cat([x, tensor([[0.8, -0.6]])]), tensor([-sign, 1.0]))
    path = gradient_flow(net, data, stop={"tau": 60.0}, save=np.arange(1.0, 60.0, 3.0).tolist())
    assert (sign * path["a"][:, 0] > 0.0).all()
    size = np.linalg.norm(path["V"][:, 0], axis=1)
    np.testing.assert_allclose(size, np.abs(path["a"][:, 0]), rtol=1e-15)
    assert path["a"][-1, 0] ** 2 < 0.1


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_neuron_that_dies_sliding_keeps_its_sign(sign):
    """On the axis, which two points hold it on, while others that fit them move for ever."""
    X = tensor([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    data = Dataset(X, -sign * tensor([1.0, 1.0, 1.0]))
    net = Network(tensor([sign, -sign, -sign]), tensor([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]))
    path = gradient_flow(net, data, stop={"tau": 90.0}, save=np.arange(1.0, 90.0, 3.0).tolist())
    assert (sign * path["a"][:, 0] > 0.0).all()
    assert (path["V"][:, 0, 0] > 0.0).all()
    np.testing.assert_array_equal(path["V"][:, 0, 1], 0.0)
    assert abs(path["a"][-1, 0]) < 1e-17


# Inner weights zero


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_inner_weights_zero_are_the_limit_of_small_ones(slope):
    c, s = math.cos(0.6), math.sin(0.6)
    data = Dataset(tensor([[c, s], [c, -s], [-c, -s], [-c, s]]), tensor([1.0, 1.0, -1.0, -1.0]))
    ends = {}
    for size in (0.0, 1e-9, 1e-6):
        net = Network(tensor([1.0]), tensor([[size, 0.0]]), slope)
        path = gradient_flow(net, data, stop={"tau": 6.0}, rtol=1e-7)
        assert path.reason == "reached tau = 6"
        assert path.ok, path.status
        ends[size] = path["V"][-1]
    assert ends[0.0][0, 0] > 1.0
    np.testing.assert_allclose(ends[1e-9], ends[0.0], atol=1e-7)
    np.testing.assert_allclose(ends[1e-6], ends[0.0], atol=1e-5)


@pytest.mark.parametrize("seed", [1, 2])
def test_pairs_with_inner_weights_zero(seed):
    """Neurons of both signs leave along their least velocities, as from 1e-9 along them.

    Until the first of them meets a plane: from there on errors are those of when it does.
    """
    rng = np.random.default_rng(0)
    for _ in range(seed + 1):
        X, y = rng.standard_normal((6, 2)), np.sign(rng.standard_normal(6))
    data = Dataset(X / np.linalg.norm(X, axis=1).max(), y)
    a, V = tensor([1.0, -1.0, 0.5, -0.5]), torch.zeros(4, 2, dtype=torch.float64)
    first = gradient_flow(Network(a, V, 0.1), data, stop={"tau": 1e-6}).network()
    V = 1e-9 * first.V / first.V.norm(dim=1, keepdim=True)
    small_V, zero = Network(a, V, 0.1), Network(a, 0.0 * V, 0.1)
    paths = [gradient_flow(net, data, stop={"tau": 0.6}, rtol=1e-6) for net in (zero, small_V)]
    assert all(path.ok and path.reason == "reached tau = 0.6" for path in paths)
    np.testing.assert_allclose(paths[0]["V"][-1], paths[1]["V"][-1], atol=1e-6)


# Planes that depend on each other


@pytest.mark.parametrize(("d", "k", "seed"), [(3, 2, 0), (3, 3, 1), (4, 3, 3), (4, 4, 4)])
def test_planes_through_one_line_hold_and_let_go_as_in_the_reference(d, k, seed):
    """Parity: a neuron from where several planes of the hypercube meet."""
    data, net = sparse_parity(d, k), small(balanced(6, d, seed=seed), 0.5)
    V = net.V.clone()
    V[:3] = 0.0
    for j, (p, q) in enumerate(((0, 1), (1, 2), (0, 2))):
        V[j, p], V[j, q] = 0.1 + 0.1 * j, -0.1 - 0.1 * j
    net = Network(torch.where(net.a > 0, 1.0, -1.0) * V.norm(dim=1), V)
    reference = reference_flow(net, data, tau=3.0, steps=60)
    found = gradient_flow(net, data, stop={"tau": 3.0}, rtol=1e-6).network()
    moved = (found.a - reference.a).square().sum() + (found.V - reference.V).square().sum()
    assert math.sqrt(float(moved) / reference.norm_squared) <= 2e-5
