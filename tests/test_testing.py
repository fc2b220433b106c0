"""The reference flow against exact solutions, and `gradient_flow` against the reference flow."""

from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.optimize import lsq_linear
from scipy.special import log_expit, softmax

from lowrot import (
    Dataset,
    Network,
    balanced,
    gradient_flow,
    small,
    sparse_parity,
    standard,
    testing,
)
from lowrot.flow.neuron import _arc as arc
from lowrot.flow.neuron._propagate import propagate
from lowrot.losses import LOSSES, soft_margin
from lowrot.testing import (
    BUGS,
    PiecewiseFlow,
    fixed_steps,
    minimal_norm_element,
    planted,
    reference_flow,
)

EXACT = {"rtol": 1e-12, "atol": 1e-13}


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def weights(p, loss):
    return softmax(-p if loss == "exponential" else log_expit(-p))


def distance(net, other):
    """Of all weights, relative to ``||W||``."""
    square = (net.a - other.a).square().sum() + (net.V - other.V).square().sum()
    return math.sqrt(float(square) / other.norm_squared)


def slides(net, data):
    """The pairs of neuron and point that are on a kink, shape (m, n)."""
    return (net.V @ data.X.T).abs() <= 1e-9 * net.V.norm(dim=1, keepdim=True)


def order(errors):
    """Of errors at 1, 2, 4, .. times a number of steps: the slope of their logarithms."""
    return -np.polyfit(range(len(errors)), np.log2(errors), 1)[0]


def random_problem(seed, d):
    """Eight balanced neurons, leaky if the seed is odd, and six random points."""
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(6, d, generator=generator, dtype=torch.float64)
    y = 1.0 - 2.0 * torch.randint(2, (6,), generator=generator).double()
    net = balanced(8, d, seed, (0.0, 0.3)[seed % 2])
    return net, Dataset(X / X.norm(dim=1).max(), y), tuple(LOSSES)[seed // 2 % 2]


# Exact solutions


@pytest.mark.parametrize("loss", LOSSES)
def test_one_balanced_neuron_on_one_point(loss):
    """``a = a_0 e^tau``, so ``p = p_0 e^{2 tau}``; the error falls with the fourth power of h."""
    x = tensor([[0.6, 0.8]])
    net, data = Network(tensor([0.1]), 0.1 * x), Dataset(x, tensor([1.0]))
    errors = []
    for steps in (20, 40, 80):
        end = reference_flow(net, data, tau=3.0, steps=steps, loss=loss)
        errors.append(abs(float(end.margins(data)[0]) / (0.01 * math.exp(6.0)) - 1))
        assert float(end.a[0]) == pytest.approx(float(end.V[0].norm()), rel=1e-14)
    assert errors[-1] < 1e-7
    assert order(errors) == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_neuron_that_crosses_a_kink(loss, slope, sign):
    """``|a|' = -z, z' = -|a|`` until ``tanh tau = z_0/|a_0|``, then both times the slope."""
    net = Network(tensor([sign]), tensor([[0.5, 0.7]]), slope)
    data = Dataset(tensor([[1.0, 0.0]]), tensor([-sign]))
    met, size = math.atanh(0.5), math.sqrt(0.75)
    for tau in (0.3, 1.0, 3.0):
        if tau < met:
            a, z = np.array([[1.0, -0.5], [0.5, -1.0]]) @ [math.cosh(tau), math.sinh(tau)]
        else:
            s = slope * (tau - met)
            a, z = size * math.cosh(s), -size * math.sinh(s)
        end = reference_flow(net, data, tau=tau, steps=60, loss=loss)
        np.testing.assert_allclose(end.a, [sign * a], rtol=1e-6)
        np.testing.assert_allclose(end.V, [[z, 0.7]], rtol=1e-6, atol=1e-11)


@pytest.mark.parametrize("loss", LOSSES)
def test_orthogonal_data_share_the_weights(loss):
    """Two balanced neurons, each on its own axis: ``ln u_k' = 2 c_k q_k`` in two unknowns."""
    c, u = np.array([1.0, 0.6]), np.array([0.01, 0.2])
    net = Network(tensor(np.sqrt(u).tolist()), torch.diag(tensor(np.sqrt(u).tolist())))
    data = Dataset(torch.diag(tensor(c.tolist())), tensor([1.0, 1.0]))
    slope = lambda _, ln_u: 2 * c * weights(c * np.exp(ln_u), loss)  # noqa: E731
    exact = solve_ivp(slope, (0, 4), np.log(u), "DOP853", **EXACT).y[:, -1]
    ends = [reference_flow(net, data, tau=4.0, steps=n, loss=loss) for n in (40, 80, 160)]
    errors = [np.abs(2 * np.log(end.a.numpy()) - exact).max() for end in ends]
    assert errors[-1] < 1e-7
    assert order(errors) == pytest.approx(4.0, abs=0.3)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_sliding_neuron(loss):
    """Two equal points of label -1 push it onto the axis, along which the third one pulls it."""
    X = tensor([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    data = Dataset(X, tensor([1.0, -1.0, -1.0]))
    net = Network(tensor([0.5]), tensor([[0.5, 0.0]]))
    # a = v_1 = e^z, margins (e^{2 z}, 0, 0)
    slope = lambda _, z: weights(np.array([math.exp(2 * z[0]), 0, 0]), loss)[:1]  # noqa: E731
    exact = solve_ivp(slope, (0, 5), [math.log(0.5)], "DOP853", **EXACT).y[0, -1]
    ends = [reference_flow(net, data, tau=5.0, steps=n, loss=loss) for n in (20, 40, 80)]
    errors = [abs(math.log(end.a[0]) - exact) for end in ends]
    assert all(end.V[0, 1] == 0 for end in ends)
    assert errors[-1] < 1e-6
    assert order(errors) == pytest.approx(4.0, abs=0.3)


def test_a_flow_that_does_not_slide_does_not_arrive(monkeypatch):
    """With the mean slope at a kink neurons are thrown to and fro across it."""
    monkeypatch.setattr(testing, "minimal_norm_element", lambda points: points.mean(axis=0))
    net = Network(tensor([0.1, 0.1]), tensor([[0.1, 0.02], [0.1, 0.01]]))
    data = Dataset(tensor([[1.0, 0.0], [0.4, 0.8]]), tensor([1.0, -1.0]))
    with pytest.raises(RuntimeError, match=r"kinks pile up in a step of 0.5; expected more"):
        reference_flow(net, data, tau=8.0, steps=16)


def visit(loss, tau):
    """The end of a neuron that arrives at a hyperplane, slides along it, and leaves to beyond.

    Point 1 pushes it there, point 2 holds it back until another neuron has learnt that point, and
    has to itself. Unknowns: ``(a, v)`` of the first, and ``(-b, (-2, w))`` of the other.
    """

    def dual(y, slope):
        a, v1, v2, b, w = y
        return weights(np.array([a * (0.6 * v1 + 0.3 * v2), b * w - slope * a * v2]), loss)

    def rates(_, y, slope, held):
        (a, v1, v2, b, w), (q1, q2) = y, dual(y, slope)
        h1, h2 = 0.6 * q1, 0.0 if held else 0.3 * q1 - slope * q2
        return [h1 * v1 + h2 * v2, a * h1, a * h2, q2 * w, q2 * b]

    def arrives(_, y, slope, held):
        return y[2]

    def leaves(_, y, slope, held):
        """The slope that holds it, ``0.3 q_1/q_2``, is 1."""
        return dual(y, 0.0) @ [0.3, -1.0]

    arrives.terminal = leaves.terminal = True
    now, y = 0.0, np.array([0.1, 0.1, -0.03, 0.5, 0.3])
    for event, *piece in ((arrives, 0.0, False), (leaves, 0.0, True), (None, 1.0, False)):
        run = solve_ivp(rates, (now, tau), y, "DOP853", args=piece, events=event, **EXACT)
        now, y = run.t[-1], run.y[:, -1]
        if now == tau:
            return y, piece
    raise AssertionError


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("tau", "where"), [(1.0, "before"), (2.5, "on"), (7.0, "beyond")])
def test_a_neuron_that_arrives_slides_and_leaves(loss, tau, where):
    net = Network([0.1, -0.5], tensor([[0.1, -0.03], [-2.0, 0.3]]))
    data = Dataset(tensor([[0.6, 0.3], [0.0, 1.0]]), tensor([1.0, -1.0]))
    (a, v1, v2, b, w), piece = visit(loss, tau)
    assert piece == {"before": [0.0, False], "on": [0.0, True], "beyond": [1.0, False]}[where]
    exact = Network(tensor([a, -b]), tensor([[v1, 0.0 if where == "on" else v2], [-2.0, w]]))
    ends = [reference_flow(net, data, tau=tau, steps=n, loss=loss) for n in (20, 40, 80, 320)]
    errors = [distance(end, exact) for end in ends]
    assert all((end.V[0, 1] == 0) == (where == "on") for end in ends)
    assert errors[-1] < 5e-9
    assert order(errors[:3]) == pytest.approx(4.0, abs=0.5)


# Its order, over kinks


@pytest.mark.parametrize(
    ("net", "data", "loss", "tau"),
    [
        (standard(8, 2, seed=0, slope=1.0), sparse_parity(2), "exponential", 2.0),
        (balanced(12, 2, seed=1), sparse_parity(2), "exponential", 7.0),
        (balanced(12, 2, seed=3, slope=0.2), sparse_parity(2), "logistic", 6.0),
        (*random_problem(5, 2), 5.0),
        (balanced(12, 4, seed=1), sparse_parity(4), "logistic", 3.0),
    ],
    ids=["smooth", "xor", "leaky", "visits", "many-planes"],
)
def test_order_four(net, data, loss, tau):
    ends = [reference_flow(net, data, tau=tau, steps=n, loss=loss) for n in (20, 40, 80)]
    # By Richardson's rule the distance of the last two is 15 times the error of the last.
    first, second = distance(ends[0], ends[1]), distance(ends[1], ends[2])
    assert second < 1e-5
    assert order([first, second]) == pytest.approx(4.0, abs=0.5)


def test_it_goes_on_where_it_stopped():
    """Saved while some neurons slide, and others have just crossed."""
    net, data = balanced(12, 2, seed=1), sparse_parity(2)
    whole, part = reference_flow(net, data, tau=6.0, steps=60), net
    for _ in range(12):
        part = reference_flow(part, data, tau=0.5, steps=5)
    assert distance(part, whole) < 1e-9
    assert torch.equal(slides(part, data), slides(whole, data))
    assert slides(whole, data).any()


# The fast flow


def agrees(net, data, loss, tau, steps, allowed):
    """The flow at a tolerance of 1e-6 against the reference; returns the pairs that slide."""
    path = gradient_flow(net, data, loss=loss, stop={"tau": tau}, rtol=1e-6)
    end = reference_flow(net, data, tau=tau, steps=steps, loss=loss)
    assert path.ok, path.status
    assert distance(path.network(), end) < allowed
    P, exact = (float(soft_margin(one.margins(data), loss)) for one in (path.network(), end))
    assert abs(P - exact) < allowed * max(1.0, abs(exact))
    pairs = slides(end, data)
    assert torch.equal(slides(path.network(), data), pairs)
    return int(pairs.sum())


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(3))
def test_the_fast_flow_on_xor(seed, loss):
    """Every pair of opposite labels slides in the end: two points a hyperplane, 12 neurons."""
    net, data = balanced(12, 2, seed=seed), sparse_parity(2)
    assert agrees(net, data, loss, 8.0, 80, 2e-6) == 24


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(3))
def test_the_fast_flow_on_parity(seed, loss):
    assert agrees(balanced(12, 3, seed=seed), sparse_parity(3), loss, 4.0, 40, 1e-5) > 0
    agrees(standard(16, 3, seed=seed), sparse_parity(3), loss, 3.0, 40, 1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_the_fast_flow_of_leaky_neurons(seed):
    net = balanced(12, 3, seed=seed, slope=0.2)
    assert agrees(net, sparse_parity(3), tuple(LOSSES)[seed % 2], 4.0, 40, 1e-5) > 0


@pytest.mark.parametrize("seed", [5, 19, 45, 59])
def test_the_fast_flow_where_neurons_come_and_go(seed):
    net, data, loss = random_problem(seed, 2)
    now, on = net, [slides(net, data)]
    for _ in range(10):
        now = reference_flow(now, data, tau=0.5, steps=6, loss=loss)
        on.append(slides(now, data))
    ever = torch.stack(on).any(dim=0)
    assert (ever & ~on[0] & ~on[-1]).any()
    agrees(net, data, loss, 5.0, 60, 2e-5)


@pytest.mark.parametrize(
    ("d", "k", "m"), [(4, 2, 12), (3, 3, 16)], ids=["dependent-planes", "odd-labels"]
)
def test_the_fast_flow_where_points_share_hyperplanes(d, k, m):
    """Four planes through one line of dimension 4; or opposite points with opposite labels."""
    net, data = balanced(m, d, seed=1), sparse_parity(d, k)
    assert agrees(net, data, "exponential", 4.0, 40, 1e-5) > 0


@pytest.mark.parametrize("seed", range(6))
def test_the_fast_flow_on_random_points(seed):
    agrees(*random_problem(seed, 3), 3.0, 40, 2e-5)


def test_the_fast_flow_comes_closer_with_its_tolerance():
    net, data = balanced(12, 2, seed=1), sparse_parity(2)
    end = reference_flow(net, data, tau=6.0, steps=60)
    paths = [gradient_flow(net, data, stop={"tau": 6.0}, rtol=r) for r in (1e-3, 1e-5, 1e-7)]
    errors = [distance(path.network(), end) for path in paths]
    assert errors[2] < 0.1 * errors[1] < 0.01 * errors[0] < 1e-5


# The element of least norm


@pytest.mark.parametrize("seed", range(20))
def test_the_minimal_norm_element_of_a_zonotope(seed):
    """Against bounded least squares over ``h + sum_k S_k D_k``, whose corners are the points."""
    rng = np.random.default_rng(seed)
    count = 1 + seed % 4
    D, h = rng.standard_normal((count, 3)), rng.standard_normal(3) * 10.0 ** rng.uniform(-1, 1)
    corners = np.array(np.meshgrid(*[[-1, 1]] * count)).reshape(count, -1).T @ D + h
    S = lsq_linear(D.T, -h, (-1.0, 1.0), method="bvls", tol=1e-15).x
    scale = np.linalg.norm(corners, axis=1).max()
    np.testing.assert_allclose(minimal_norm_element(corners), h + S @ D, atol=1e-12 * scale)
    np.testing.assert_allclose(
        minimal_norm_element(1e-9 * corners), 1e-9 * (h + S @ D), atol=1e-21 * scale
    )


def test_the_minimal_norm_element_by_hand():
    np.testing.assert_allclose(
        minimal_norm_element(np.array([[1.0, 1.0], [1.0, -3.0]])), [1, 0], atol=1e-15
    )
    np.testing.assert_array_equal(minimal_norm_element(np.array([[3.0, 4.0]])), [3, 4])
    np.testing.assert_array_equal(minimal_norm_element(np.zeros((2, 2))), [0, 0])


# Points of one hyperplane


def test_parallel_points_share_a_hyperplane_and_know_their_side():
    X = np.array([[0.6, 0.8], [-0.3, -0.4], [0.0, 1.0], [0.0, -0.5], [0.06, 0.08]])
    flow = PiecewiseFlow(0.0, Dataset(X, [1, 1, 1, -1, -1]), "exponential")
    assert len(flow.normals) == 2
    rebuilt = flow.facing[:, None] * flow.normals[flow.plane]
    np.testing.assert_allclose(rebuilt * np.linalg.norm(X, axis=1)[:, None], X, atol=1e-16)
    W = np.array([[1.0, 1.0, -0.5], [1.0, -0.8, 0.6]])
    expected = np.where(W[:, 1:] @ X.T > 1e-12, 1.0, 0.0)
    expected[1, [0, 1, 4]] = 0.5
    np.testing.assert_array_equal(flow.slopes(flow.sides(W)), expected)


# Doors into the fast flow


def test_fixed_steps_are_of_order_three():
    net, data = standard(8, 2, seed=0, slope=1.0), sparse_parity(2)
    exact = reference_flow(net, data, tau=2.0, steps=200)
    counts = (8, 16, 32, 64)
    errors = [distance(fixed_steps(net, data, tau=2.0, steps=n), exact) for n in counts]
    assert order(errors) == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize("loss", LOSSES)
def test_fixed_steps_slide(loss):
    net, data = balanced(12, 2, seed=1), sparse_parity(2)
    exact = reference_flow(net, data, tau=6.0, steps=60, loss=loss)
    end = fixed_steps(net, data, tau=6.0, steps=100, loss=loss)
    assert distance(end, exact) < 1e-3
    assert torch.equal(slides(end, data), slides(exact, data))


def test_fixed_steps_that_are_too_long_are_refused():
    net, data = balanced(12, 2, seed=1), sparse_parity(2)
    with pytest.raises(RuntimeError, match=r"a step of 40 has no solution; expected more steps"):
        fixed_steps(net, data, tau=40.0, steps=1)


def test_planted_bugs_are_found_and_leave_nothing_behind():
    net, data, stop = balanced(12, 2, seed=1), sparse_parity(2), {"tau": 4.0}
    exact = reference_flow(net, data, tau=4.0, steps=80)
    right, paths = gradient_flow(net, data, stop=stop), {}
    for bug in BUGS:
        with planted(bug):
            paths[bug] = gradient_flow(net, data, stop=stop, max_steps=20)
    assert distance(right.network(), exact) < 1e-3
    slow = paths["slow inner layer"]
    assert not slow.ok
    assert distance(slow.network(), reference_flow(net, data, tau=slow["tau"][-1], steps=80)) > 0.01
    assert paths["no step control"].ok
    assert paths["no step control"]["error"][-1] < 0.5 * right["error"][-1]
    assert distance(paths["no step control"].network(), exact) < 1e-2
    assert paths["no sliding"]["tau"][-1] < 4.0
    again = gradient_flow(net, data, stop=stop)
    np.testing.assert_array_equal(again["V"][-1], right["V"][-1])


def test_a_planted_bug_goes_with_its_block_whatever_ends_it():
    with planted("slow inner layer"):
        assert arc.propagate is not propagate
    with contextlib.suppress(KeyboardInterrupt), planted("slow inner layer"):
        raise KeyboardInterrupt
    assert arc.propagate is propagate


# Arguments


@pytest.mark.parametrize("follow", [reference_flow, fixed_steps])
@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"tau": -1.0}, ValueError, "tau is -1.0"),
        ({"tau": math.inf}, ValueError, "tau is inf"),
        ({"steps": 0}, ValueError, "steps is 0"),
        ({"steps": 1.5}, TypeError, "steps is 1.5"),
        ({"loss": "hinge"}, ValueError, "loss is 'hinge'"),
        ({"net": balanced(3, 3)}, ValueError, "data has d = 2; expected 3, as net"),
        ({"net": None}, TypeError, "net is a NoneType"),
        ({"data": None}, TypeError, "data is a NoneType"),
    ],
)
def test_bad_arguments_are_named(follow, change, error, match):
    arguments = {"net": balanced(3, 2), "data": sparse_parity(2), "tau": 1.0, "steps": 2}
    with pytest.raises(error, match=match):
        follow(**{**arguments, **change})


def test_a_neuron_without_a_direction_is_refused():
    net = Network(tensor([1.0, 1.0]), tensor([[1.0, 0.0], [0.0, 0.0]]))
    with pytest.raises(ValueError, match=r"net.V\[1\] is zero"):
        reference_flow(net, sparse_parity(2), tau=1.0, steps=1)


def test_no_time_is_no_flow():
    net, data = small(balanced(4, 2), 0.1), sparse_parity(2)
    for follow in (reference_flow, fixed_steps):
        end = follow(net, data, tau=0.0, steps=3)
        assert torch.equal(end.a, net.a)
        assert torch.equal(end.V, net.V)


def test_an_unknown_bug_is_named():
    with pytest.raises(ValueError, match="bug is 'no kinks'"), planted("no kinks"):
        pass
