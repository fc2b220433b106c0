"""The cells of the global margin: facets, descent and the bound that pricing gives."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
import torch
from scipy import optimize
from scipy.optimize import nnls

from lowrot._hyperplanes import distinct_hyperplanes
from lowrot.network import activation
from lowrot.optima import _cell_problem


def test_facets_are_the_irredundant_hyperplanes_of_a_cell(instance):
    plane = instance(9, 2, 7)
    reduced = distinct_hyperplanes(plane.X.numpy())
    problem = _cell_problem.CellProblem(reduced, plane.y.numpy(), 0.0)
    assert [len(problem.facets(c)) for c in range(18)] == [2] * 18
    space = instance(7, 3, 7)
    problem = _cell_problem.CellProblem(distinct_hyperplanes(space.X.numpy()), space.y.numpy(), 0.0)
    # Each of the 7 great circles is cut into 12 arcs, each arc bounds two cells.
    assert sum(len(problem.facets(c)) for c in range(len(problem.orientation))) == 7 * 12 * 2


def test_a_descent_step_keeps_the_multipliers_feasible_and_never_lengthens(instance):
    data = instance(8, 3, 7)
    reduced = distinct_hyperplanes(data.X.numpy())
    problem = _cell_problem.CellProblem(reduced, data.y.numpy(), 0.0)
    cell = np.arange(len(problem.orientation))
    rng = np.random.default_rng(0)
    multipliers = rng.exponential(size=(len(cell), 8))
    g = problem.gradients(rng.dirichlet(np.ones(8)))

    def point():
        return g + (multipliers * problem.orientation) @ problem.normals

    pairs = _cell_problem.Pairs(cell, np.ones(len(cell)))
    left = _cell_problem._Open(pairs, point(), multipliers, np.full(len(cell), np.inf))
    for _ in range(20):
        before = np.linalg.norm(left.w, axis=1)
        problem._descend(left)
        assert multipliers.min() >= 0
        assert np.allclose(left.w, point(), atol=1e-12)
        assert (np.linalg.norm(left.w, axis=1) <= before + 1e-12).all()


@pytest.mark.parametrize("exact", [0, 3000])
def test_pricing_bounds_any_dual_point(exact, monkeypatch, instance, directions):
    # With exact = 0 every cell goes through the coarse descent first.
    monkeypatch.setattr(_cell_problem, "_EXACT", exact)
    data = instance(8, 3, 7)
    reduced = distinct_hyperplanes(data.X.numpy())
    problem = _cell_problem.CellProblem(reduced, data.y.numpy(), 0.1)
    V, _ = directions(200_000, 3, 2)
    for seed in range(5):
        q = np.random.default_rng(seed).dirichlet(np.full(8, 0.5))
        bound = problem.price(q, 1e-12).bound
        weight = torch.as_tensor(q) * data.y
        sampled = float((weight @ activation(data.X @ V.T, 0.1)).abs().max())
        assert sampled <= bound <= sampled * (1 + 1e-3)


def test_the_walls_of_the_master_are_the_facets(instance):
    data = instance(9, 2, 7)
    hyperplanes = distinct_hyperplanes(data.X.numpy())
    problem = _cell_problem.CellProblem(hyperplanes, data.y.numpy(), 0.0)
    walls = problem._walls(np.arange(18)).toarray()
    assert walls.shape == (2 * 18, 2 * 18 + 18 + 1)
    inside = np.append(problem.cells.inside.ravel(), np.zeros(19))
    assert (walls @ inside < 0).all()


def test_descent_ends_at_the_projection_wherever_it_starts(instance):
    data = instance(6, 3, 7)
    problem = _cell_problem.CellProblem(distinct_hyperplanes(data.X.numpy()), data.y.numpy(), 0.0)
    rng = np.random.default_rng(0)
    cell = np.arange(len(problem.orientation))
    multipliers = 0.05 * rng.exponential(size=(len(cell), 6))
    g = problem.gradients(rng.dirichlet(np.ones(6)))
    w = g + (multipliers * problem.orientation) @ problem.normals
    pairs = _cell_problem.Pairs(cell, np.ones(len(cell)))
    left = _cell_problem._Open(pairs, w, multipliers, np.full(len(cell), np.inf))
    for _ in range(2000):
        problem._descend(left)
    shortest = [
        nnls((row[:, None] * problem.normals).T, -v)[1] for row, v in zip(problem.orientation, g)
    ]
    assert np.linalg.norm(left.w, axis=1) == pytest.approx(np.array(shortest), abs=1e-6)


def widest(problem, q, shift):
    """The maximum over all cells, each with its walls moved outwards by the shift."""
    best = 0.0
    for row, g in zip(problem.orientation, problem.gradients(q)):
        v = cp.Variable(len(g))
        inside = [cp.norm(v) <= 1, row[:, None] * problem.normals @ v >= -shift]
        for sign in (1, -1):
            best = max(best, cp.Problem(cp.Maximize(sign * g @ v), inside).solve("CLARABEL"))
    return best


@pytest.mark.parametrize("exact", [0, 3000])
def test_the_bound_allows_for_what_is_known_of_walls_and_inputs(exact, monkeypatch, instance):
    # Normals are known up to a shift and inputs up to an error: both made large enough to see.
    # With exact = 0 and no projection the bound is that of the coarse descent.
    shift, original = 0.05, _cell_problem.enumerate_cells
    monkeypatch.setattr(_cell_problem, "_EXACT", exact)
    monkeypatch.setattr(
        _cell_problem, "enumerate_cells", lambda V: replace(original(V), shift=shift)
    )
    if exact == 0:
        monkeypatch.setattr(optimize, "nnls", raise_runtime_error)
    data = instance(5, 2, 3)
    error = np.array([0.01, 0.02, 0.0, 0.03, 0.01])
    hyperplanes = replace(distinct_hyperplanes(data.X.numpy()), error=error)
    problem = _cell_problem.CellProblem(hyperplanes, data.y.numpy(), 0.1)
    for seed in range(8):
        q = np.random.default_rng(seed).dirichlet(np.full(5, 0.7))
        bound = problem.price(q, 1e-12).bound
        allowed = q @ (error + shift * np.linalg.norm(data.X.numpy(), axis=1))
        least = widest(problem, q, shift) + allowed
        assert least * (1 - 1e-7) <= bound <= least + 0.2


def raise_runtime_error(*_):
    raise RuntimeError


@pytest.mark.parametrize("ended", ["at the first found", "without projections"])
def test_the_bound_holds_however_pricing_ends(ended, monkeypatch, instance, directions):
    if ended == "at the first found":
        monkeypatch.setattr(_cell_problem, "_WANTED", 1)
    else:
        monkeypatch.setattr(optimize, "nnls", raise_runtime_error)
    data = instance(8, 3, 7)
    hyperplanes = distinct_hyperplanes(data.X.numpy())
    problem = _cell_problem.CellProblem(hyperplanes, data.y.numpy(), 0.1)
    V, _ = directions(50_000, 3, 2)
    for seed in range(10):
        q = np.random.default_rng(seed).dirichlet(np.full(8, 0.5))
        scores = (torch.as_tensor(q) * data.y) @ activation(data.X @ V.T, 0.1)
        assert float(scores.abs().max()) <= problem.price(q, 1e-12).bound


def test_below_the_target_the_bound_is_the_target(instance):
    data = instance(6, 2, 7)
    hyperplanes = distinct_hyperplanes(data.X.numpy())
    problem = _cell_problem.CellProblem(hyperplanes, data.y.numpy(), 0.0)
    priced = problem.price(np.full(6, 1 / 6), 2.0)
    assert priced.bound == pytest.approx(2.0, abs=1e-14)
    assert len(priced.pairs.cell) == len(priced.directions) == 0
