"""The closed form of a neuron against matrix exponentials and tight solves; its invariants."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from lowrot import balanced, sparse_parity
from lowrot.flow._planes import Planes
from lowrot.flow.neuron import Neurons
from lowrot.flow.neuron._propagate import (
    conserve,
    field,
    largest,
    propagate,
)
from lowrot.network import derivative

RATES = [(1.0, 1.0), (0.3, 2.0), (1.0, 0.0), (0.0, 1.0)]


def random_neurons(seed, m=6, d=3):
    generator = torch.Generator().manual_seed(seed)
    sizes = ((m,), (m, d), (m, d), (m, d))
    return [torch.randn(*size, generator=generator, dtype=torch.float64) for size in sizes]


def moved(a, V, h0, h1, t, rates):
    """Each neuron after its time t."""
    end, times = np.empty(V.shape), np.broadcast_to(t, a.shape)
    new = [
        propagate(float(a[j]), V[j].numpy(), np.stack([h0[j], h1[j]]), times[j], rates, end[j])
        for j in range(len(a))
    ]
    return torch.tensor(new, dtype=torch.float64), torch.as_tensor(end)


def signs(planes, V):
    return np.sign(np.asarray(V) @ planes.U.T).astype(np.int8)


def generator_of(h, rates):
    """The matrix M of ``(a, v)' = M (a, v)``."""
    d = len(h)
    M = np.zeros((d + 1, d + 1))
    M[0, 1:], M[1:, 0] = rates[0] * h, rates[1] * h
    return M


def tight(a, v, h0, h1, t, rates):
    def slope(s, w):
        return generator_of(h0 + s * h1, rates) @ w

    start = np.concatenate([[a], v])
    return solve_ivp(slope, (0.0, t), start, "DOP853", rtol=1e-13, atol=1e-14).y[:, -1]


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("t", [0.0, 1e-9, 0.3, 5.0])
def test_a_constant_field_is_solved_exactly(t, rates):
    a, V, h0, h1 = random_neurons(0)
    got_a, got_V = moved(a, V, h0, 0 * h1, t, rates)
    for j in range(len(a)):
        M = generator_of(h0[j].numpy(), rates)
        expected = expm(t * M) @ np.concatenate([[a[j]], V[j]])
        scale = np.abs(expected).max() + np.exp(t * np.linalg.norm(M, 2))
        np.testing.assert_allclose(got_a[j], expected[0], rtol=1e-12, atol=1e-13 * scale)
        np.testing.assert_allclose(got_V[j], expected[1:], rtol=1e-12, atol=1e-13 * scale)


@pytest.mark.parametrize("rates", RATES)
def test_a_linear_field_is_solved_to_fourth_order(rates):
    a, V, h0, h1 = random_neurons(1)
    times, errors = [0.4, 0.2, 0.1], []
    for t in times:
        got = torch.cat([x.reshape(len(a), -1) for x in moved(a, V, h0, h1, t, rates)], 1)
        exact = [
            tight(float(a[j]), V[j].numpy(), h0[j].numpy(), h1[j].numpy(), t, rates)
            for j in range(len(a))
        ]
        errors.append(np.abs(got.numpy() - np.array(exact)).max())
    if 0.0 in rates:  # one layer frozen: the equation is a quadrature, and exact
        assert max(errors) < 1e-12
    else:
        order = np.polyfit(np.log(times), np.log(errors), 1)[0]
        assert order > 4.7  # local error of a method of order 4
        assert errors[-1] > 1e-11


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("t", [0.1, 3.0])
def test_the_invariant_is_kept_to_rounding(t, rates):
    a, V, h0, h1 = random_neurons(2, m=50)
    now_a, now_V = moved(a, V, h0, h1, t, rates)
    before = rates[1] * a.square() - rates[0] * V.square().sum(1)
    after = rates[1] * now_a.square() - rates[0] * now_V.square().sum(1)
    size = rates[1] * now_a.square() + rates[0] * now_V.square().sum(1) + before.abs()
    assert float(((after - before).abs() / size).max()) < 1e-13


def test_one_time_a_neuron():
    a, V, h0, h1 = random_neurons(3)
    times = torch.linspace(0.1, 2.0, len(a), dtype=torch.float64)
    got_a, got_V = moved(a, V, h0, h1, times, (0.5, 1.5))
    for j, t in enumerate(times.tolist()):
        row = slice(j, j + 1)
        one_a, one_V = moved(a[row], V[row], h0[row], h1[row], t, (0.5, 1.5))
        torch.testing.assert_close(got_a[row], one_a, rtol=1e-13, atol=0.0)
        torch.testing.assert_close(got_V[row], one_V, rtol=1e-13, atol=1e-15)


def test_balanced_growth_along_the_field():
    """``a = ||v||`` along a unit h: both grow like e^t, over hundreds of orders of magnitude."""
    h = torch.tensor([[0.6, 0.8]], dtype=torch.float64)
    a, V = torch.tensor([1e-150], dtype=torch.float64), 1e-150 * h
    for t in (1.0, 30.0, 600.0):
        now_a, now_V = moved(a, V, h, 0 * h, t, (1.0, 1.0))
        np.testing.assert_allclose(now_a, 1e-150 * np.exp(t), rtol=1e-12)
        np.testing.assert_allclose(now_V[0], 1e-150 * np.exp(t) * h[0], rtol=1e-12)


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
def test_the_drive_is_the_field_of_the_weights(slope):
    data, net = sparse_parity(3), balanced(5, 3, seed=1, slope=slope)
    planes = Planes.of(data.X, slope)
    generator = torch.Generator().manual_seed(0)
    w, rate = torch.randn(2, data.n, generator=generator, dtype=torch.float64)
    drive, patterns = planes.drive(w, rate), signs(planes, net.V)
    active, both = derivative(net.V @ data.X.T, slope), np.empty((5, 2, 3))
    for j in range(net.m):
        field(drive.arrays, patterns[j], both[j])
    for k, weights in enumerate((w, rate)):
        want = ((active * weights) @ data.X).numpy()
        np.testing.assert_allclose(both[:, k], want, rtol=1e-12, atol=1e-13)
        jump = np.bincount(planes.index, planes.odd * np.abs(planes.c) * weights.numpy())
        np.testing.assert_allclose(drive.jump[k], jump, rtol=1e-14)


@pytest.mark.parametrize("rates", [(1.0, 1.0), (0.3, 2.0)])
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("sizes", [(1.0, 0.2), (0.2, 1.0), (0.5, 0.5)])
def test_rounding_of_the_invariant_is_restored(sizes, sign, rates):
    """What is larger follows from the other: a, with its sign, or the norm of v."""
    a, v = sign * sizes[0] / math.sqrt(rates[1]), np.array([0.6, -0.8]) * sizes[1]
    v /= math.sqrt(rates[0])
    invariant = sizes[0] ** 2 - sizes[1] ** 2
    off, moved = a + 3e-13, v * (1 + 2e-13)
    end = conserve(sign, invariant, rates, off, moved)
    assert end == pytest.approx(a, rel=1e-11)
    np.testing.assert_allclose(moved, v, rtol=1e-11)
    assert rates[1] * end**2 - rates[0] * moved @ moved == pytest.approx(invariant, abs=1e-15)
    if invariant >= 0.0:  # also from beyond zero
        small = 1e-9 * v
        tiny = conserve(sign, 0.0, rates, -sign * 1e-12, small)
        want = math.sqrt(rates[0] * small @ small / rates[1])
        assert tiny == pytest.approx(sign * want, rel=1e-14)


def test_more_than_rounding_is_not_restored():
    v = np.array([0.6, 0.8])
    assert conserve(1.0, 0.0, (1.0, 1.0), 1.0 - 1e-6, v) == 1.0 - 1e-6
    assert conserve(1.0, -0.1, (1.0, 1.0), 1.0, v) == 1.0
    assert v.tolist() == [0.6, 0.8]
    for rates in ((0.0, 1.0), (1.0, 0.0)):
        assert conserve(1.0, 0.0, rates, 1.0 - 1e-12, v) == 1.0 - 1e-12


def test_the_unit_of_a_neuron_is_a_power_of_two():
    for a, v in ((0.7, [0.1, 0.2]), (1e-200, [3e-200, 0.0]), (0.0, [0.0, -5.0])):
        most = max(abs(a), *np.abs(v))
        unit = largest(a, np.array(v))
        assert math.frexp(unit)[0] == 0.5
        assert 0.5 <= most / unit < 1.0
    assert largest(0.0, np.zeros(2)) == 1.0


@pytest.mark.parametrize("size", [1.0, 1e-200, 1e150])
def test_a_start_is_balanced_up_to_rounding(size):
    """Beyond rounding the difference is kept, at every size."""
    V = [[0.6, 0.8], [0.6, 0.8], [0.0, 1.0], [3.0, 4.0], [0.0, 0.0]]
    V = size * np.array(V)
    a = [1.0, -(1.0 - 4e-16), 1.0 + 1e-12, 3.0, 0.0]
    a = size * np.array(a)
    S = np.zeros((5, 1), dtype=np.int8)
    root = Neurons.of(a, V, S, (1.0, 1.0)).unbalance / size
    assert root[[0, 1, 4]].tolist() == [0.0, 0.0, 0.0]
    assert float(root[2]) == pytest.approx(math.sqrt(2e-12), rel=1e-3)
    assert float(root[3]) == pytest.approx(-4.0, rel=1e-15)
    root = Neurons.of(a, V, S, (2.0, 0.5)).unbalance / size
    assert float(root[3]) == pytest.approx(-math.sqrt(50.0 - 4.5), rel=1e-14)


@pytest.mark.parametrize("rates", [(1.0, 1.0), (0.5, 2.0), (1.0, 15.0)])
def test_the_drift_is_the_change_of_the_invariant(rates):
    """Of either sign; relative to the size of the neuron, by the worst of them."""
    a, squares = np.array([2.0, 0.1, -1.0]), np.array([0.25, 25.0, 1.0])
    V, S = np.sqrt(squares)[:, None], np.ones((3, 1), dtype=np.int8)
    start = Neurons.of(a, V, S, rates)
    assert start.drift(start, rates) < 1e-15
    moved = Neurons(a, 1.1 * V, S, start.unbalance)
    size = rates[1] * a**2 + 1.21 * rates[0] * squares
    want = float((0.21 * rates[0] * squares / size).max())
    assert moved.drift(start, rates) == pytest.approx(want, rel=1e-12)
