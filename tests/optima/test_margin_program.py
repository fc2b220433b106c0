"""The linear program of margins, on its own."""

import numpy as np
import pytest
import torch
from scipy import optimize

from lowrot.data import sparse_parity, two_points
from lowrot.optima import _margin_program, frozen_margin


@pytest.mark.parametrize("unit", [1.0, 1e-5, 1e-8])
def test_small_margins_are_solved_in_their_own_unit(unit):
    # Column 0 favours row 0 strongly, column 1 row 1 weakly: the value is about unit.
    C = np.array([[1.0, -0.5 + unit], [-0.5, 0.25 + unit]])
    u, q, value = _margin_program.solve_margin_program(C)
    assert (C @ u).min() == pytest.approx(value, rel=1e-6)
    assert (q @ C).max() == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("batch", [2, 10, 1000])
def test_column_generation_equals_the_whole_program(batch):
    C = np.random.default_rng(1).standard_normal((6, 500))
    working, u, q = _margin_program.margin_program(
        lambda index: C[:, index], lambda q: q @ C, 6, 500, batch=batch
    )
    value = _margin_program.solve_margin_program(C).value
    assert (C[:, working] @ u).min() == pytest.approx(value, rel=1e-6)
    assert (q @ C).max() == pytest.approx(value, rel=1e-6)


def test_the_linear_program_survives_a_solver_that_fails(monkeypatch, directions, check):
    calls = []
    original = optimize.linprog

    def failing(*arguments, **options):
        calls.append(options["method"])
        result = original(*arguments, **options)
        if len(calls) == 1:
            result.x = None
        return result

    monkeypatch.setattr(optimize, "linprog", failing)
    V, s = directions(10, 2)
    V, s = torch.cat([V, V]), torch.cat([s, -s])
    check(frozen_margin(V, s, two_points(0.5)))
    assert len(calls) > 1


def by_columns(C, **options):
    n, m = C.shape
    return _margin_program.margin_program(lambda k: C[:, k], lambda q: q @ C, n, m, **options)


@pytest.mark.parametrize("tolerance", [1e-1, 1e-3, 1e-5])
def test_column_generation_closes_the_gap_asked_for(tolerance):
    for seed in range(5):
        C = np.random.default_rng(seed).standard_normal((12, 3000)) + 0.2
        solution = by_columns(C, batch=3, tolerance=tolerance)
        value = (C[:, solution.working] @ solution.u).min()
        assert (solution.q @ C).max() - value <= 1.01 * tolerance * (solution.q @ C).max()


def test_every_round_counts_even_the_last(monkeypatch):
    # The weights returned are those of the columns returned, whether rounds run out or not.
    C = np.random.default_rng(4).standard_normal((12, 3000))
    values, bounds = [], []
    for dropped in (20, 0):
        monkeypatch.setattr(_margin_program, "_DROPPED_BEYOND", dropped)
        for rounds in (1, 2, 4, 8):
            working, u, q = by_columns(C, batch=3, rounds=rounds)
            assert len(working) == len(u)
            assert u.min() >= 0
            assert u.sum() <= 1 + 1e-15
            values.append((C[:, working] @ u).min())
            bounds.append((q @ C).max())
            assert values[-1] <= bounds[-1] * (1 + 1e-12)
        assert values[-4:] == sorted(values[-4:])
        assert bounds[-4:] == sorted(bounds[-4:], reverse=True)


@pytest.mark.parametrize("batch", [2, 10, 100])
@pytest.mark.parametrize("zero_at_first", [False, True])
def test_columns_far_from_active_may_be_dropped(zero_at_first, batch, monkeypatch):
    # Columns of parity have no positive value until there are several.
    C = np.random.default_rng(1).standard_normal((6, 500))
    if zero_at_first:
        data = sparse_parity(4, 2, n=12, seed=1)
        V = np.random.default_rng(2).standard_normal((4000, 4))
        signs = np.where(np.arange(4000) % 2, 1.0, -1.0)
        C = data.y.numpy()[:, None] * np.maximum(data.X.numpy() @ V.T, 0) * signs
    best = _margin_program.solve_margin_program(C).value
    monkeypatch.setattr(_margin_program, "_DROPPED_BEYOND", 0)
    working, u, q = by_columns(C, batch=batch)
    assert (C[:, working] @ u).min() == pytest.approx(best, rel=1e-6)
    assert (q @ C).max() == pytest.approx(best, rel=1e-6)


def test_a_solution_is_feasible_even_if_the_solvers_is_not_quite(monkeypatch):
    original = optimize.linprog

    def loose(*arguments, **options):
        result = original(*arguments, **options)
        result.x[:-1] = (1 + 1e-6) * result.x[:-1] - 1e-9
        result.ineqlin.marginals[:] = 1.1 * result.ineqlin.marginals + 1e-9
        return result

    monkeypatch.setattr(optimize, "linprog", loose)
    u, q, _ = _margin_program.solve_margin_program(np.array([[1.0, 0.2, 0.1], [0.1, 0.9, 0.1]]))
    for point in (u, q):
        assert point.min() >= 0
    assert u.sum() <= 1 + 1e-15
    assert q.sum() == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("seed", range(20))
def test_a_refined_basis_is_never_worse(seed):
    rng = np.random.default_rng(seed)
    C = rng.standard_normal((5, 8)) + 0.5
    u = rng.dirichlet(np.full(8, 0.4)) * (rng.random(8) < 0.6)
    u = u / u.sum() if u.sum() > 0 else np.eye(8)[0]
    q = rng.dirichlet(np.full(5, 0.4)) * (rng.random(5) < 0.6)
    q = q / q.sum() if q.sum() > 0 else np.eye(5)[0]
    better, tighter = _margin_program._basic(C, u, q)
    for point in (better, tighter):
        assert point.min() >= 0
        assert point.sum() == pytest.approx(1, abs=1e-12)
    assert (C @ better).min() >= (C @ u).min() * (1 - 1e-12 * np.sign((C @ u).min()))
    assert (tighter @ C).max() <= (q @ C).max() * (1 + 1e-12)
