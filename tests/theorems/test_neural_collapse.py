"""The neural-collapse theorem: constants by hand, exact flows, and what must be noticed."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp, trapezoid
from scipy.special import expit, softmax

from lowrot import Dataset, Network, balanced, collapsed_groups, small, sparse_parity, standard
from lowrot.losses import dual_weights, soft_margin
from lowrot.optima import global_margin
from lowrot.path import Path
from lowrot.theorems import neural_collapse
from lowrot.theorems._norm_growth import early_growth

LOSSES = ["exponential", "logistic"]
GRID = np.concatenate([[0.0], np.geomspace(0.05, 10.0, 40)])


def path_of(nets, taus, data, loss):
    rows = []
    for net in nets:
        P = float(soft_margin(net.margins(data), loss))
        rows.append((P, max(P, 0.0) / net.norm_squared, net.norm_squared))
    P, margin, square = np.array(rows).T
    columns = {"tau": np.asarray(taus), "P": P, "margin": margin, "norm_squared": square}
    states = {"a": np.stack([n.a for n in nets]), "V": np.stack([n.V for n in nets])}
    return Path(columns, states, meta={"kind": "flow", "loss": loss})


def exact_flow(net, data, taus, loss):
    """The flow on orthonormal points when each neuron is good for one of them.

    ``|a_j|`` and ``v_j.x_k`` are hyperbolic functions of the clock z_k of that point alone, and
    ``dz/dtau = q(z)`` has as many unknowns as there are points.
    """
    X, y = data.X.numpy(), data.y.numpy()
    Z = X @ net.V.numpy().T
    point = (Z > 0).argmax(axis=0)
    assert ((Z > 0).sum(axis=0) == 1).all()
    assert (np.sign(net.a.numpy()) == y[point]).all()
    b0, c0 = net.a.abs().numpy(), Z.max(axis=0)

    def at(z):
        ch, sh = np.cosh(z[point]), np.sinh(z[point])
        return b0 * ch + c0 * sh, c0 * ch + b0 * sh

    def weights(z):
        """The weights q, and the derivative of each log slope by its own clock."""
        b, c = at(z)
        p, growth = (np.bincount(point, part, len(y)) for part in (b * c, b**2 + c**2))
        log_slope = -p if loss == "exponential" else -np.logaddexp(0, p)
        return softmax(log_slope), -growth * (1.0 if loss == "exponential" else expit(p))

    def jacobian(_, z):
        q, d = weights(z)
        return np.diag(q * d) - np.outer(q, q * d)

    solved = solve_ivp(
        lambda _, z: weights(z)[0],
        (0, taus[-1]),
        np.zeros(len(y)),
        "Radau",
        taus,
        jac=jacobian,
        rtol=1e-9,
        atol=1e-10,
    )
    nets = []
    for z in solved.y.T:
        b, c = at(z)
        V = net.V.numpy() + ((c - c0)[:, None] * X[point])
        nets.append(Network(y[point] * b, V))
    return path_of(nets, taus, data, loss)


def explicit_flow(net, data, taus, loss="exponential", step=5e-3):
    """Midpoint steps in tau, for starts and times at which these are accurate enough."""
    X, y = data.X.numpy(), data.y.numpy()

    def slope(a, V):
        z = X @ V.T
        margins = torch.as_tensor(y * (np.maximum(z, 0) @ a))
        weighted = y * dual_weights(margins, loss)[0].numpy()
        return weighted @ np.maximum(z, 0), ((z > 0) * a).T @ (weighted[:, None] * X)

    nets, a, V, tau = [], net.a.numpy(), net.V.numpy(), 0.0
    for target in taus:
        count = max(1, math.ceil((target - tau) / step))
        h = (target - tau) / count
        for _ in range(count):
            da, dV = slope(a, V)
            da, dV = slope(a + h / 2 * da, V + h / 2 * dV)
            a, V = a + h * da, V + h * dV
        tau = target
        nets.append(Network(a, V))
    return path_of(nets, taus, data, loss)


def orthonormal(r, d, labels=None):
    return collapsed_groups(r, d, sizes=1, spread=0.0, blocks=r, labels=labels)


def good_start(data, each, seed=0, balance=1.0):
    """Neurons good for the groups of orthonormal data in turn, with random sizes."""
    g = torch.Generator().manual_seed(seed)
    m = each * data.n
    V = -torch.rand(m, data.d, generator=g, dtype=torch.float64) - 0.05
    own = torch.arange(m) % data.n
    V[torch.arange(m), data.X.argmax(dim=1)[own]] *= -1
    a = balance * torch.rand(m, generator=g, dtype=torch.float64) + 0.1
    return Network(data.y[own] * a, V)


def test_constants_by_hand():
    # Two orthonormal points, one neuron each: v = (0.6, -0.8), a = 2, and v = (-1, 2), a = -1.
    data = orthonormal(2, 2)
    net = Network([2.0, -1.0], [[0.6, -0.8], [-1.0, 2.0]])
    theorem = neural_collapse(net, data)
    assert theorem.holds
    assert theorem.good.tolist() == [[True, False], [False, True]]
    assert theorem.gamma.tolist() == pytest.approx([1, 1])
    assert (theorem.S, theorem.limit) == pytest.approx((2, 0.25))
    assert theorem.margin_range == pytest.approx((0.5, 0.5))
    kappa = []
    for a, v, c in ((2.0, 1.0, 0.6), (1.0, math.sqrt(5), 2.0)):
        # mu = c here: the products and the balance bound |a|^2 by a^2 + 2c(C - c), C^2 + a^2 - v^2.
        cross = c + math.sqrt(v**2 - c**2)
        outer = math.sqrt(a**2 + 2 * c * (cross - c))
        assert outer**2 == pytest.approx(cross**2 + a**2 - v**2)
        kappa.append((cross + outer) * math.exp(-(outer - a) / c))
    ln_kappa = theorem.ln_kappa[theorem.good].tolist()
    assert ln_kappa == pytest.approx([math.log(k) for k in kappa], abs=1e-9)
    # w = (1/2, 1/2): G_0 = (1/2) exp(ln kappa_1 + ln kappa_2 + ln 2) = kappa_1 kappa_2.
    assert theorem.ln_G0 == pytest.approx(math.log(kappa[0] * kappa[1]), abs=1e-8)
    G0, c_n = kappa[0] * kappa[1], math.log(2)
    assert theorem.c_n == pytest.approx(c_n)
    assert theorem.J_limit == pytest.approx(2 * (1 + max(0, math.log(2 * c_n / G0))), abs=1e-7)
    norm = 4 + 1 + 1 + 5
    expected = 0.25 - (math.log(norm / G0) + 0.5) / 40
    assert float(theorem.bound(10.0, 0.5)) == pytest.approx(expected, abs=1e-8)
    assert float(theorem.bound(0.0, 0.0)) == -math.inf
    assert neural_collapse(net, data, loss="logistic").c_n == pytest.approx(math.log(4))


def test_several_good_neurons_of_a_group_add_up():
    data = orthonormal(2, 2)
    one = Network([1.0, -1.0], [[1.0, -0.1], [-0.1, 1.0]])
    two = Network(torch.cat([one.a, one.a]), torch.cat([one.V, one.V]))
    single, double = neural_collapse(one, data), neural_collapse(two, data)
    assert double.ln_G0 - single.ln_G0 == pytest.approx(math.log(2), abs=1e-9)
    # ... so that the bound does not suffer from width: ||W_0||^2 doubles as well.
    assert float(double.bound(3.0, 0.1)) == pytest.approx(float(single.bound(3.0, 0.1)), abs=1e-9)


def test_kappa_is_at_least_that_of_each_bound_alone():
    data = collapsed_groups(3, 3, spread=0.2)
    for net in (standard(400, 3, 1), balanced(400, 3, 1), Network(*_swapped(400))):
        theorem = neural_collapse(net, data)
        for k, j in theorem.good.nonzero().tolist():
            a, v = abs(float(net.a[j])), float(net.V[j].norm())
            c = float(net.V[j] @ theorem.beta[k])
            mu = float((data.X[data.groups == k] @ net.V[j]).min())
            if a < v:
                alone = math.log(v + a) - (math.sqrt(a**2 + 2 * mu * (v - c)) - a) / mu
            else:
                alone = math.log(c + math.sqrt(c**2 + a**2 - v**2))
            assert float(theorem.ln_kappa[k, j]) >= alone - 1e-12
            assert float(theorem.ln_kappa[k, j]) <= math.log(v + a) + 1e-12


def _swapped(m):
    net = standard(m, 3, 2)
    return math.sqrt(m) * net.a * net.V.norm(dim=1), net.V / 3


def test_the_upper_bound_of_the_global_margin_weighs_groups_by_their_width():
    # Own margins 1, 0.8, 0.6 and labels +, +, -: 1/T with T = |(1, 1/0.8)| + 1/0.6.
    rows = [[1.0, 0, 0, 0], [0, 0.8, 0.6, 0], [0, 0.8, -0.6, 0], [0, 0, 0, 0.6]]
    data = Dataset(rows, [1, 1, 1, -1], [0, 1, 1, 2])
    theorem = neural_collapse(standard(4, 4), data)
    assert theorem.gamma.tolist() == pytest.approx([1.0, 0.8, 0.6])
    low, high = theorem.margin_range
    assert (low, high) == pytest.approx(
        (1 / (1 + 1 / 0.8 + 1 / 0.6), 1 / (math.hypot(1, 1 / 0.8) + 1 / 0.6))
    )
    # Groups of one label are orthogonal here, and then the bound is the margin itself.
    assert global_margin(data).value == pytest.approx(high, rel=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("balance", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("labels", [None, [1, 1, 1], [1, 1, -1]])
def test_conclusion_and_proof_hold_along_exact_flows(loss, balance, labels):
    data = orthonormal(3, 4, labels)
    net = good_start(data, 3, balance=balance)
    theorem = neural_collapse(net, data, loss=loss)
    path = exact_flow(net, data, GRID, loss)
    assert theorem.holds
    check, proof = theorem.check(path), theorem.inequalities(path)
    assert check.holds, check.slack
    assert proof.holds, proof.slack


def test_every_constant_is_attained():
    # Balanced neurons of one size, aligned but for 1e-7: ||W||^2 = 2 r b^2 e^{2 tau/r}, and no
    # inequality loses anything.
    data, b = orthonormal(3, 3), 0.7
    net = Network(b * data.y, b * (1.0000001 * data.X - 1e-7))
    theorem = neural_collapse(net, data)
    path = exact_flow(net, data, GRID, "exponential")
    frame = theorem.inequalities(path).frame
    exact = math.log(6 * b**2) + 2 * frame.tau / 3
    for name in ("growth", "potential", "ln_norm"):
        assert np.allclose(frame[name], exact, atol=1e-8), name
    # p = b^2 e^{2 tau/3} and P = p - ln 3: the margin is 1/6 - ln 3/||W||^2.
    margin = np.maximum(0, 1 / 6 - math.log(3) * np.exp(-exact))
    assert np.allclose(path["margin"][1:], margin, atol=1e-9)
    bound = math.log(6 * b**2) + 4 * frame.tau * margin + theorem.J(path)[1][1:]
    assert np.allclose(frame.norm_bound, bound, atol=1e-6)
    assert theorem.limit == pytest.approx(1 / 6)


@pytest.mark.parametrize("loss", LOSSES)
def test_conclusion_and_proof_hold_from_standard_initialization(loss):
    data = collapsed_groups(3, 2, spread=0.2, seed=1)
    net = standard(40, 2, seed=3)
    theorem = neural_collapse(net, data, loss=loss)
    path = explicit_flow(net, data, GRID[GRID < 7], loss)
    assert theorem.holds
    check, proof = theorem.check(path), theorem.inequalities(path)
    assert check.holds, check.slack
    assert proof.holds, proof.slack


def four_points():
    return replace(sparse_parity(2), groups=torch.arange(4))


def test_opposite_labels_cover_xor():
    data, net = four_points(), balanced(30, 2, seed=4)
    theorem = neural_collapse(net, data, opposite=True)
    assert theorem.holds
    # Every neuron of a balanced start is good for exactly one of the four points.
    assert theorem.good.sum(dim=0).tolist() == [1] * 30
    assert theorem.limit == pytest.approx(1 / 8)
    assert theorem.limit == pytest.approx(global_margin(data).value / 2)
    c = (data.X @ net.V.T)[theorem.good]
    assert torch.allclose(theorem.ln_kappa[theorem.good], torch.log(2 * c), atol=1e-6)
    # Theory: G_0 = 2 exp(2 sum w ln c + H(w)), for one neuron a group.
    assert neural_collapse(net, data).holds is False
    path = explicit_flow(net, data, GRID[GRID < 7])
    check, proof = theorem.check(path), theorem.inequalities(path)
    assert check.holds, check.slack
    assert proof.holds, proof.slack


def test_opposite_labels_ask_for_balance_or_more():
    data, net = four_points(), balanced(30, 2, seed=4)
    thin = Network(0.9 * net.a, net.V)
    assert not neural_collapse(thin, data, opposite=True).holds
    # Good for the point with its label among the two it is active on.
    heavy = neural_collapse(Network(2 * net.a, net.V), data, opposite=True)
    assert heavy.holds
    v, z = net.V.norm(dim=1), data.X @ net.V.T
    c = z.where((data.y[:, None] == net.a.sign()) & (z > 0), 0.0).sum(dim=0)
    exact = torch.log(c + (c**2 + 3 * v**2).sqrt())
    found = heavy.ln_kappa.max(dim=0).values
    assert torch.allclose(found, exact, atol=1e-6)


def test_groups_are_inferred():
    net = balanced(30, 2, seed=4)
    assert neural_collapse(net, sparse_parity(2), opposite=True).limit == pytest.approx(1 / 8)


BASE = collapsed_groups(3, 2, spread=0.2)
WIDE = standard(120, 2, seed=3)
CASES = {
    "ReLU": (Network(WIDE.a, WIDE.V, 0.1), BASE, False),
    "one label": (WIDE, replace(BASE, y=BASE.y * (1 - 2.0 * (torch.arange(12) == 1))), False),
    "within": (WIDE, replace(BASE, groups=[0] * 12), False),
    "across": (WIDE, replace(BASE, groups=torch.arange(12)), False),
    "good neurons": (standard(2, 2, seed=3), BASE, False),
    "opposite labels": (
        balanced(60, 2),
        collapsed_groups(4, 2, spread=0.0, labels=[1, -1, 1, -1]),
        True,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_hypothesis_can_fail(name):
    net, data, opposite = CASES[name]
    theorem = neural_collapse(net, data, opposite=opposite)
    failed = [h.statement for h in theorem.hypotheses if not h.holds]
    assert any(statement.startswith(name) for statement in failed), failed
    assert not theorem.holds
    assert len(theorem.hypothesis_frame()) == 6 if opposite else 5


@pytest.mark.parametrize("unit", [1.0, 1e-4, 1e-8, 1e-12])
def test_products_are_compared_with_zero(unit):
    net = standard(30, 2, seed=3)
    for X, groups, name, holds in (
        ([[1.0, 0.0], [0.0, 1.0]], [0, 0], "within", False),
        ([[1.0, 0.0], [1e-6, 0.9]], [0, 0], "within", True),
        ([[1.0, 0.0], [0.0, 1.0]], [0, 1], "across", True),
        ([[1.0, 0.0], [1e-6, 0.9]], [0, 1], "across", False),
    ):
        data = Dataset(unit * torch.tensor(X, dtype=torch.float64), [1, 1], groups)
        theorem = neural_collapse(net, data)
        found = {h.statement.split()[0]: h.holds for h in theorem.hypotheses}
        assert found[name] == holds, (X, groups)


@pytest.mark.parametrize("unit", [1.0, 1e-4, 1e-8, 1e-12])
def test_overlaps_of_opposite_labels_have_no_unit(unit):
    net, data, _ = CASES["opposite labels"]
    small = replace(data, X=unit * data.X, known={})
    worst = [
        {h.statement.split(":")[0]: h.value for h in found.hypotheses}["opposite labels"]
        for found in (neural_collapse(net, case, opposite=True) for case in (data, small))
    ]
    assert worst[0] > 0.1
    assert worst[1] == pytest.approx(worst[0])


def test_J_uses_what_is_known_of_the_norm_where_the_theorem_holds():
    data = orthonormal(3, 4)
    net = small(good_start(data, 2), 0.1)
    theorem, path = neural_collapse(net, data), exact_flow(net, data, GRID[::8], "exponential")
    known = early_growth(path, theorem.c_n, (theorem.ln_G0, 2.0 / theorem.S))
    np.testing.assert_array_equal(theorem.J(path), known)
    check = theorem.check(path).frame
    np.testing.assert_array_equal(check.J, known[1][1:])
    np.testing.assert_array_equal(check.J_least, known[0][1:])
    np.testing.assert_array_equal(check.bound, theorem.bound(path["tau"], known[1])[1:])
    assert known[0][-1] < known[1][-1]
    leaky = neural_collapse(replace(net, slope=0.1), data)
    assert not leaky.holds
    np.testing.assert_array_equal(leaky.J(path), early_growth(path, theorem.c_n))


def test_goodness_is_kept_by_the_worst_neuron_at_the_worst_point():
    data, net = collapsed_groups(3, 2, spread=0.2, seed=1), standard(40, 2, seed=3)
    theorem = neural_collapse(net, data)
    path = explicit_flow(net, data, np.array([0.0, 0.5, 1.0]))
    path.states["V"][1] += 0.05  # so that some lose
    kept = []
    for V in path["V"]:
        gains = []
        for k, j in theorem.good.nonzero().tolist():
            for x, group in zip(data.X.numpy(), data.groups.tolist()):
                side = 1 if group == k else -1
                gains.append(side * (V[j] - path["V"][0, j]) @ x / np.linalg.norm(V[j]))
        kept.append(min(gains))
    frame = theorem.inequalities(path).frame
    np.testing.assert_allclose(frame.kept, kept[1:], rtol=1e-12, atol=1e-15)
    assert min(kept) < 0


def test_a_hopeless_group_has_no_limit():
    data = Dataset([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], [1, 1, -1], [0, 0, 1])
    theorem = neural_collapse(WIDE, data)
    assert (theorem.limit, theorem.S) == (0.0, math.inf)
    assert theorem.ln_G0 == -math.inf


def tampered(path, states=None, **columns):
    return Path({**path.columns, **columns}, {**path.states, **(states or {})}, meta=path.meta)


def test_a_false_conclusion_is_seen():
    data = orthonormal(2, 2)
    net = good_start(data, 2)
    theorem = neural_collapse(net, data)
    path = exact_flow(net, data, np.concatenate([[0.0], np.geomspace(0.1, 12, 30)]), "exponential")
    assert theorem.check(path).holds
    assert theorem.inequalities(path).holds
    slow, fast = 0.8 * path["margin"], 1.1 * path["margin"]
    late = path["tau"] > 1
    assert theorem.check(tampered(path, margin=slow)).slack["bound <= margin"] < -1e-3
    assert theorem.check(tampered(path, margin=fast)).slack["margin <= ceiling"] < -1e-3
    shrunk = np.where(late, 1e-3, 1.0) * path["norm_squared"]
    small = np.where(path["tau"] > 0, 1e-9, path["norm_squared"])
    still = tampered(path, norm_squared=small, P=np.where(path["tau"] > 0, 0.0, path["P"]))
    assert theorem.check(still).slack["J <= its limit"] < -1e-3
    proof = theorem.inequalities
    assert proof(tampered(path, norm_squared=shrunk)).slack["potential below the norm"] < -1e-3
    assert proof(tampered(path, margin=slow)).slack["growth of the norm"] < -1e-3
    slack = proof(tampered(path, {"a": np.repeat(path["a"][:1], 31, 0)})).slack
    assert slack["growth of the potential"] < -1e-3
    V = path["V"].copy()
    V[20] *= -1
    assert proof(tampered(path, {"V": V})).slack["goodness persists"] < -1e-3


@pytest.mark.parametrize("loss", LOSSES)
def test_the_integral_J_is_between_its_bounds(loss):
    data = orthonormal(2, 2)
    net = small(good_start(data, 2), 0.1)
    c_n = math.log(2 if loss == "exponential" else 4)
    taus = np.linspace(0, 12, 81)
    fine = exact_flow(net, data, np.linspace(0, 12, 1201), loss)
    height = np.minimum(2, 4 * c_n / fine["norm_squared"])
    integral = trapezoid(height, fine["tau"])
    wide = 0.0
    for grid in (taus, np.array([0.0, 1.0, 4.0, 12.0]), np.array([0.0, 12.0])):
        least, most = early_growth(exact_flow(net, data, grid, loss), c_n)
        assert least[-1] <= integral * (1 + 1e-5)
        assert integral * (1 - 1e-5) <= most[-1]
        assert (np.diff(least) >= 0).all()
        assert most[-1] - least[-1] > wide
        wide = most[-1] - least[-1]
    least, most = early_growth(fine, c_n)
    assert least[-1] == pytest.approx(integral, rel=1e-3)
    assert most[-1] == pytest.approx(integral, rel=1e-3)


@pytest.mark.parametrize("loss", LOSSES)
def test_J_stays_below_its_limit_on_any_grid(loss):
    data = orthonormal(3, 4)
    net = small(good_start(data, 2), 0.01)
    theorem = neural_collapse(net, data, loss=loss)
    for grid in (np.array([0.0, 14.0]), np.array([0.0, 3.0, 9.0, 14.0])):
        least, most = theorem.J(exact_flow(net, data, grid, loss))
        assert least[-1] <= most[-1] <= theorem.J_limit


def test_one_point_has_no_J():
    data = orthonormal(1, 1)
    net = Network([0.5], [[0.5]])
    theorem = neural_collapse(net, data)
    path = exact_flow(net, data, GRID, "exponential")
    assert theorem.J_limit == 0.0
    assert theorem.J(path)[1].max() == 0.0
    assert np.allclose(theorem.check(path).frame.bound, 0.5, atol=1e-8)


def test_paths_and_arguments_that_do_not_fit_are_named():
    data = orthonormal(2, 2)
    net = good_start(data, 2)
    theorem = neural_collapse(net, data)
    path = exact_flow(net, data, GRID, "exponential")
    with pytest.raises(ValueError, match="loss 'logistic'"):
        theorem.check(exact_flow(net, data, GRID, "logistic"))
    with pytest.raises(ValueError, match=r"expected \(4,\)"):
        theorem.check(exact_flow(good_start(data, 3), data, GRID, "exponential"))
    with pytest.raises(ValueError, match="away from a of this theorem"):
        theorem.check(exact_flow(good_start(data, 2, seed=1), data, GRID, "exponential"))
    later = Path({k: v[1:] for k, v in path.columns.items()}, {k: v[1:] for k, v in
                 path.states.items()}, meta=path.meta)  # fmt: skip
    with pytest.raises(ValueError, match="from tau = 0 on"):
        theorem.check(later)
    with pytest.raises(ValueError, match="net has d = 3"):
        neural_collapse(standard(4, 3), data)
    with pytest.raises(ValueError, match="only zero weights"):
        neural_collapse(Network([0.0], [[0.0, 0.0]]), data)
    with pytest.raises(ValueError, match="loss"):
        neural_collapse(net, data, loss="hinge")
    with pytest.raises(ValueError, match="tau"):
        theorem.bound(-1.0, 0.0)
