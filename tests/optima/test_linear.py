"""The linear margin: exact values, a general solver, and the proof that there is none."""

import math

import cvxpy as cp
import pytest

from lowrot.data import sparse_parity, two_points
from lowrot.optima import NotSeparable, svm_margin


@pytest.mark.parametrize("phi", [0.1, 1.2, 1.57])
def test_svm_of_two_points(phi, check):
    best = svm_margin(two_points(phi))
    check(best)
    assert best.value == pytest.approx(math.cos(phi), rel=1e-9)
    assert best.primal.tolist() == pytest.approx([1.0, 0.0], abs=1e-9)
    assert best.dual.tolist() == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(("n", "d"), [(12, 3), (40, 5), (6, 30)])
def test_svm_against_a_general_solver(n, d, instance, check):
    data = instance(n, d, 1, teacher=n > d)
    best = svm_margin(data)
    check(best)
    w, t = cp.Variable(d), cp.Variable()
    signed = (data.y[:, None] * data.X).numpy()
    problem = cp.Problem(cp.Maximize(t), [signed @ w >= t, cp.norm(w) <= 1])
    assert best.value == pytest.approx(problem.solve(solver="CLARABEL"), rel=1e-5)
    assert float(best.primal.norm()) == pytest.approx(1)
    assert best.value == pytest.approx(float((signed @ best.primal.numpy()).min()), rel=1e-12)


def test_svm_of_many_points_uses_a_working_set(instance, check):
    data = instance(4000, 4, 2, teacher=True)
    check(svm_margin(data), promised=1e-4)


def test_svm_proves_that_parity_is_not_separable():
    data = sparse_parity(3)
    with pytest.raises(NotSeparable, match="not separable: at the dual point q") as caught:
        svm_margin(data)
    q = caught.value.dual
    assert float(((q * data.y) @ data.X).norm()) <= 1e-9
    assert caught.value.upper <= 1e-9
