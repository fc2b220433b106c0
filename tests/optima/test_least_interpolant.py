"""The least network against a linear program over dense directions, and its dual function."""

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from lowrot.optima import largest_of_dual, least_interpolant


def draw(n, d, seed):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=g).double(), torch.randn(n, generator=g).double()


def directions(d, count, seed=0):
    if d == 2:
        angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    v = np.random.default_rng(seed).normal(size=(count, d))
    return v / np.linalg.norm(v, axis=1, keepdims=True)


@pytest.mark.parametrize(("n", "d", "count", "close"), [(2, 2, 20_000, 1e-6), (3, 3, 6000, 0.02)])
@pytest.mark.parametrize("seed", range(4))
def test_it_is_just_below_a_program_over_dense_directions(n, d, count, close, seed):
    X, y = draw(n, d, seed)
    v = directions(d, count)
    if d == 2:  # the kinks, too: what the spacing costs elsewhere is of second order
        kinks = X.numpy()[:, ::-1] * [1, -1] / X.norm(dim=1, keepdim=True).numpy()
        v = np.concatenate([v[: count - 2 * n], kinks, -kinks])
    features = np.maximum(X.numpy() @ v.T, 0)
    dense = linprog(np.ones(2 * count), A_eq=np.hstack([features, -features]), b_eq=y.numpy())
    found = least_interpolant(X, y)
    assert found.value <= dense.fun * (1 + 1e-9)
    assert found.value >= dense.fun * (1 - close)


@pytest.mark.parametrize(("n", "d"), [(1, 3), (2, 2), (3, 3), (3, 5), (5, 5)])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_network_and_dual_point_meet_in_any_unit(n, d, seed, unit):
    X, y = draw(n, d, seed)
    found = least_interpolant(X * unit, y / unit)
    scale = float(y.abs().max()) / unit
    assert torch.allclose(found.net(X * unit), y / unit, atol=1e-8 * scale)
    assert found.net.norm_squared / 2 == pytest.approx(found.value, rel=1e-12)
    assert abs(found.gap) <= 1e-7
    assert found.net.m <= n
    assert largest_of_dual(X * unit, found.q)[0] == pytest.approx(1.0, rel=1e-9)
    assert float(found.q @ y) / unit == pytest.approx(found.lower, rel=1e-9)


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_the_dual_function_is_above_all_directions_and_attained(n, seed):
    X, q = draw(n, n, seed)
    value, at = largest_of_dual(X, q)
    v = torch.tensor(directions(n, 20_000))
    h = (v @ X.T).clamp_min(0) @ q
    assert float(h.abs().max()) <= value * (1 + 1e-12)
    assert float(h.abs().max()) >= value * (0.999 if n < 4 else 0.98)
    assert abs(float((X @ at).clamp_min(0) @ q)) == pytest.approx(value, rel=1e-12)
    assert float(at.norm()) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([[1.0, 0.0], [2.0, 0.0]], "dependent rows"),
        ([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], "dependent rows"),
        (np.eye(9).tolist(), "X has 9 inputs; expected at most 8"),
    ],
)
def test_inputs_that_are_dependent_or_many_are_refused(X, words):
    X = torch.tensor(X).double()
    with pytest.raises(ValueError, match=words):
        least_interpolant(X, torch.ones(len(X)).double())


def test_zero_labels_and_weights_are_refused():
    X, zero = torch.eye(2).double(), torch.zeros(2).double()
    with pytest.raises(ValueError, match="y is zero"):
        least_interpolant(X, zero)
    with pytest.raises(ValueError, match="q is zero"):
        largest_of_dual(X, zero)
