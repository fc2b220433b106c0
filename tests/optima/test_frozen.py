"""The margin of frozen features: a general solver, a certificate by hand, and what is refused."""

import math

import cvxpy as cp
import pytest
import torch

from lowrot.data import sparse_parity, two_points
from lowrot.network import activation
from lowrot.optima import NotSeparable, frozen_margin


@pytest.mark.parametrize(("m", "slope"), [(8, 0.0), (40, 0.0), (40, 0.5)])
def test_frozen_against_a_general_solver(m, slope, instance, directions, check):
    data = instance(6, 3, 4)
    V, s = directions(m, 3, 1)
    u, t = cp.Variable(m), cp.Variable()
    F = (data.y[:, None] * activation(data.X @ V.T, slope)).numpy()
    sign = cp.multiply(s.numpy(), u) >= 0
    problem = cp.Problem(cp.Maximize(t), [F @ u >= t, cp.norm1(u) <= 1, sign])
    value = problem.solve(solver="CLARABEL")
    if value < 1e-7:
        with pytest.raises(NotSeparable):
            frozen_margin(V, s, data, slope=slope)
        return
    best = frozen_margin(V, s, data, slope=slope)
    check(best)
    assert best.value == pytest.approx(value, rel=1e-5)


def test_frozen_certificate_by_hand_with_column_generation(directions, check):
    data = sparse_parity(4, 2, n=12, seed=1)
    V, s = directions(20_000, 4)
    best = frozen_margin(V, s, data)
    check(best)
    F = data.y[:, None] * activation(data.X @ V.T)
    assert float((F @ best.primal).min()) == pytest.approx(best.value, rel=1e-12)
    assert float((s * (best.dual @ F)).max()) == pytest.approx(best.upper, rel=1e-12)
    assert float(best.primal.abs().sum()) <= 1 + 1e-12
    assert bool((best.primal * s >= 0).all())
    assert int((best.primal != 0).sum()) <= data.n + 1


def test_frozen_of_one_feature_is_its_smallest_effect():
    data = two_points(0.5)
    best = frozen_margin(torch.tensor([[1.0, 0.0]]).double(), torch.ones(1).double(), data)
    assert best.value == pytest.approx(math.cos(0.5))
    with pytest.raises(NotSeparable) as caught:
        frozen_margin(torch.tensor([[1.0, 0.0]]).double(), -torch.ones(1).double(), data)
    assert caught.value.upper < 0


def test_frozen_refuses(directions):
    data = two_points(0.5)
    V, s = directions(4, 2)
    with pytest.raises(ValueError, match=r"directions\[0\] has norm 2; expected unit rows"):
        frozen_margin(2 * V, s, data)
    with pytest.raises(ValueError, match=r"signs\[0\] is 0"):
        frozen_margin(V, 0 * s, data)
    with pytest.raises(ValueError, match="expected 4 along axis 0"):
        frozen_margin(V, s[:3], data)
    with pytest.raises(ValueError, match="expected 2 along axis 1"):
        frozen_margin(torch.eye(3).double(), torch.ones(3).double(), data)
    with pytest.raises(ValueError, match="at least one entry"):
        frozen_margin(V[:0], s[:0], data)
    with pytest.raises(ValueError, match="slope is 2"):
        frozen_margin(V, s, data, slope=2)
    with pytest.raises(TypeError, match="float32"):
        frozen_margin(V.float(), s, data)


def test_rows_are_unit_to_nine_digits(directions):
    data = two_points(0.5)
    V, s = directions(40, 2)
    V, s = torch.cat([V, V]), torch.cat([s, -s])
    with pytest.raises(ValueError, match="has norm 1; expected unit rows"):
        frozen_margin((1 + 1e-8) * V, s, data)
    exact = frozen_margin(V, s, data)
    assert frozen_margin((1 + 1e-11) * V, s, data).value == pytest.approx(exact.value, rel=1e-10)
