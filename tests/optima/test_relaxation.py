"""The semidefinite bound: above every direction, sharp where it should be, right on spheres."""

import math

import cvxpy as cp
import numpy as np
import pytest
import torch
from scipy import optimize

from lowrot import sparse_parity
from lowrot.network import activation
from lowrot.optima import _relaxation, global_margin
from lowrot.optima._relaxation import on_sphere, relaxed_bound


@pytest.mark.parametrize("seed", range(4))
def test_quadratic_functions_on_the_sphere(seed):
    rng = np.random.default_rng(seed)
    Q = rng.standard_normal((3, 3))
    Q, b = (Q + Q.T) / 2, rng.standard_normal(3) * (seed > 0)
    angles = np.mgrid[0 : math.pi : 400j, 0 : 2 * math.pi : 800j].reshape(2, -1)
    u = np.array([np.cos(angles[0]), *(np.sin(angles[0]) * f(angles[1]) for f in (np.cos, np.sin))])
    seen = (b @ u + np.einsum("ik,ij,jk->k", u, Q, u)).max()
    assert seen <= on_sphere(b, Q) <= seen + 1e-3
    assert on_sphere(np.zeros(3), Q) == pytest.approx(np.linalg.eigvalsh(Q)[-1], rel=1e-12)
    assert on_sphere(b, np.zeros((3, 3))) == pytest.approx(np.linalg.norm(b), rel=1e-12)


@pytest.mark.parametrize("slope", [0.0, 0.4])
@pytest.mark.parametrize(("n", "d"), [(6, 2), (15, 3), (20, 6), (40, 10)])
def test_no_direction_is_above_the_bound(n, d, slope, instance, directions):
    data = instance(n, d, n)
    found = relaxed_bound(data.X.numpy(), data.y.numpy(), slope)
    assert found.q.min() >= 0
    assert found.q.sum() == pytest.approx(1)
    weights = torch.as_tensor(found.q) * data.y

    def height(v):
        v = torch.as_tensor(v / np.linalg.norm(v))
        return -abs(float(weights @ activation(data.X @ v, slope)))

    V, _ = directions(2000, d, 1)
    scores = (weights @ activation(data.X @ V.T, slope)).abs()
    tops = V[scores.argsort(descending=True)[:10]].numpy()
    highest = max(-optimize.minimize(height, v, method="Nelder-Mead").fun for v in tops)
    assert highest <= found.upper
    assert found.upper <= 2 * highest


@pytest.mark.parametrize("slope", [0.0, 0.4])
def test_it_is_the_least_of_its_kind(slope, instance):
    """The same program as cvxpy writes it."""
    data = instance(9, 3, 2)
    X, y = data.X.numpy(), data.y.numpy()
    n, d = X.shape
    q, t = cp.Variable(n, nonneg=True), cp.Variable()
    limits = [cp.sum(q) == 1]
    for sign in (1, -1):
        up, down = np.flatnonzero(sign * y > 0), np.flatnonzero(sign * y < 0)
        a, beta, kappa = (cp.Variable(k, nonneg=True) for k in (len(up), len(down), len(down)))
        corner = cp.Variable((d + 1, d + 1), PSD=True)
        b = slope * sign * X.T @ cp.multiply(y, q)
        b = b + (1 - slope) * (X[up].T @ q[up] / 2 - X[down].T @ beta)
        Q = X[up].T @ cp.diag(a) @ X[up] - X[down].T @ cp.diag(kappa) @ X[down]
        radius = cp.Variable()
        limits += [corner[:d, :d] == radius * np.eye(d) - (1 - slope) * Q, corner[:d, d] == -b / 2]
        limits += [kappa <= beta, kappa <= q[down] - beta]  # unit inputs
        rest = sum(cp.quad_over_lin(q[i], 16 * a[k]) for k, i in enumerate(up))
        limits += [radius + corner[d, d] + (1 - slope) * rest <= t]
    expected = cp.Problem(cp.Minimize(t), limits).solve(solver="CLARABEL")
    assert relaxed_bound(X, y, slope).upper == pytest.approx(expected, rel=1e-6)


def test_it_is_sharp_on_the_whole_cube_and_for_many_samples():
    for data in (sparse_parity(3), sparse_parity(6), sparse_parity(8, n=60, seed=1)):
        bound = relaxed_bound(data.X.numpy(), data.y.numpy(), 0.0).upper
        assert bound == pytest.approx(1 / math.sqrt(8 * data.d), rel=1e-8)


@pytest.mark.parametrize("block", ["square", "linear", "bend"])
@pytest.mark.parametrize(
    "change", [lambda x: x + 1, lambda x: x - 1, lambda x: 30 * x, np.zeros_like]
)
def test_the_bound_holds_whatever_the_solver_returns(block, change, instance, monkeypatch):
    """Coefficients that are not feasible would make a bound that is too low."""
    data = instance(10, 3, 4)
    X, y = data.X.numpy(), data.y.numpy()
    exact, solve = global_margin(data).value, _relaxation._Program.solve

    def spoilt(program):
        x = solve(program)
        for side in _relaxation._sides(y)[0]:
            x[getattr(side, block)] = change(x[getattr(side, block)])
        return x

    honest = relaxed_bound(X, y, 0.0).upper
    monkeypatch.setattr(_relaxation._Program, "solve", spoilt)
    assert relaxed_bound(X, y, 0.0).upper >= honest * (1 - 1e-9) >= exact * (1 - 1e-9)


def test_a_program_without_its_limits_changes_nothing_about_the_bound(instance, monkeypatch):
    """Without ``kappa r <= q - beta`` its solution promises less than directions attain."""
    data = instance(10, 3, 4)
    exact, ask, promised = global_margin(data).value, _relaxation._Program.at_most_zero, []
    solve = _relaxation._Program.solve
    monkeypatch.setattr(
        _relaxation._Program,
        "at_most_zero",
        lambda self, row: None if len(row) == 3 else ask(self, row),
    )

    def remembered(program):
        x = solve(program)
        promised.append(x[-1] / data.n)
        return x

    monkeypatch.setattr(_relaxation._Program, "solve", remembered)
    assert relaxed_bound(data.X.numpy(), data.y.numpy(), 0.0).upper >= exact
    assert promised[0] < 0.9 * exact


def test_every_choice_of_coefficients_bounds_the_plane():
    """Random coefficients, most of them infeasible, against all directions of the plane."""
    angle = np.linspace(0, 2 * math.pi, 721)
    V, rng = np.stack([np.cos(angle), np.sin(angle)]), np.random.default_rng(0)
    for _ in range(400):
        Z, y = rng.standard_normal((4, 2)), rng.choice([-1.0, 1.0], 4)
        Z /= np.linalg.norm(Z, axis=1, keepdims=True)
        q = rng.dirichlet(np.full(4, 0.7))
        sides, size = _relaxation._sides(y)
        x = np.zeros(size)
        for side in sides:
            x[side.square] = q[side.convex] / 4 * rng.uniform(0.8, 2, len(side.convex))
            x[side.linear] = q[side.concave] * rng.uniform(-0.5, 3, len(side.concave))
            x[side.bend] = q[side.concave] * rng.uniform(-0.2, 2, len(side.concave))
            height = (side.sign * q * y) @ np.maximum(Z @ V, 0)
            assert height.max() <= _relaxation._evaluated(Z, y, 0.0, side, q, x)
